"""Keys and what no plot can do without: BSM, TBBH, DLBM, TBMJ, the codes of units."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import tables
from pipeline.quality.check import ALL_ROLES, ERROR, NOTHING, Check, Example, Hits, where
from pipeline.quality.sources import DICTIONARY, MANDATORY, RANGE
from pipeline.quality.subject import PLOTS, Subject

TITLE, ORDER = "标识与必填", 2
FILL = "在属性表中选出这些图斑，按调查底册补填"
_SOUND: tuple[dict[str, object], ...] = ({}, {})


def bsm_empty(subject: Subject) -> Hits:
    """Find rows without BSM."""
    if not subject.has(F.BSM):
        return NOTHING
    rows = where(subject.table[F.BSM.name].isna().to_numpy(dtype=bool))
    return Hits(rows=rows, found=["标识码为空"] * len(rows), field="BSM")


def bsm_duplicate(subject: Subject) -> Hits:
    """Find every row whose BSM an earlier row has; the other is the first of them."""
    if not subject.has(F.BSM):
        return NOTHING
    bsm = subject.table[F.BSM.name]
    rows = where((bsm.notna() & bsm.duplicated()).to_numpy(dtype=bool))
    first = pd.Series(np.arange(len(bsm)), index=bsm.index).groupby(bsm).transform("first")
    other = first.iloc[rows].to_numpy(dtype=np.int64)
    return Hits(
        rows=rows,
        other=other,
        field="BSM",
        found=[
            f"标识码 {bsm.iloc[row]} 与 {subject.table[F.SOURCE_FILE.name].iloc[one]} "
            f"第 {subject.table[F.SOURCE_ROW.name].iloc[one]} 行重复"
            for row, one in zip(rows, other, strict=True)
        ],
    )


def bsm_form(subject: Subject) -> Hits:
    """Find BSMs that aren't 18 digits beginning with the county's code."""
    code = subject.county.code if subject.county and subject.role == PLOTS else ""
    form = rf"{code}[0-9]{{{F.BSM.length - len(code)}}}"
    bsm = subject.table[F.BSM.name]
    rows = where((bsm.notna() & ~bsm.str.fullmatch(form)).to_numpy(dtype=bool))
    wanted = f"以 {code} 开头的 18 位数字" if code else "18 位数字"
    found = [f"标识码“{value}”不是{wanted}" for value in bsm.iloc[rows]]
    return Hits(rows=rows, found=found, field="BSM")


def tbbh_duplicate(subject: Subject) -> Hits:
    """Find plots whose TBBH another plot of their village has."""
    number, village = subject.table[F.TBBH.name], subject.text(F.ZLDWDM).str[:12]
    key = village + "/" + number.fillna("")
    known = number.notna() & (village != "")
    rows = where((known & key.where(known).duplicated()).to_numpy(dtype=bool))
    first = pd.Series(np.arange(len(key)), index=key.index).groupby(key).transform("first")
    other = first.iloc[rows].to_numpy(dtype=np.int64)
    found = [
        f"图斑编号 {n} 在村 {v} 内重复"
        for n, v in zip(number.iloc[rows], village.iloc[rows], strict=True)
    ]
    return Hits(rows=rows, found=found, field="TBBH", other=other)


def dlbm_empty(subject: Subject) -> Hits:
    """Find plots without DLBM."""
    if not subject.has(F.DLBM):
        return NOTHING
    rows = where(subject.table[F.DLBM.name].isna().to_numpy(dtype=bool))
    return Hits(rows=rows, found=["地类编码为空"] * len(rows), field="DLBM")


def dlbm_unknown(subject: Subject) -> Hits:
    """Find DLBMs that are no leaf class of 三调工作分类."""
    dlbm = subject.table[F.DLBM.name]
    rows = where((dlbm.notna() & ~dlbm.isin(tables.land_codes()["code"])).to_numpy(dtype=bool))
    found = [f"地类编码“{value}”不在三调地类表中" for value in dlbm.iloc[rows]]
    return Hits(rows=rows, found=found, field="DLBM")


def tbmj_missing(subject: Subject) -> Hits:
    """Find plots without TBMJ."""
    if not subject.has(F.TBMJ):
        return NOTHING
    rows = where(np.isnan(subject.number(F.TBMJ)))
    return Hits(rows=rows, found=["图斑面积为空或不是数字"] * len(rows), field="TBMJ")


def tbmj_bad(subject: Subject) -> Hits:
    """Find TBMJs that aren't positive."""
    tbmj = subject.number(F.TBMJ)
    with np.errstate(invalid="ignore"):
        rows = where(tbmj <= 0)
    return Hits(rows=rows, found=[f"图斑面积 {v:g} 不大于零" for v in tbmj[rows]], field="TBMJ")


def _unit_length(wanted: F.Field, subject: Subject) -> Hits:
    """Find unit codes that aren't 19 digits."""
    code = subject.table[wanted.name]
    rows = where((code.notna() & ~code.str.fullmatch(r"[0-9]{19}")).to_numpy(dtype=bool))
    found = [f"{wanted.label}“{v}”不是 19 位数字" for v in code.iloc[rows]]
    return Hits(rows=rows, found=found, field=wanted.national)


CHECKS = (
    Check(
        code="BSM_EMPTY", level=ERROR, text="标识码不为空", source=MANDATORY,
        advice="用“标识码重排”工具为这些图斑补上未用过的 18 位标识码",
        example=Example(bad=({"bsm": None},), good=_SOUND, said="BSM 为空"),
        find=bsm_empty, roles=ALL_ROLES,
    ),
    Check(
        code="BSM_DUPLICATE", level=ERROR, text="标识码全县唯一",
        source="TD/T 1057-2020 标识码唯一；国家质检规则“编号唯一性”",
        advice="查看两处图形：是重复的图斑就删去一个，是分割留下的就重编一个标识码",
        example=Example(
            bad=({"bsm": "990001200100000007"}, {"bsm": "990001200100000007"}), good=_SOUND,
            said="分割图斑后两块沿用同一 BSM",
        ),
        find=bsm_duplicate, roles=ALL_ROLES,
    ),
    Check(
        code="BSM_FORM", level=ERROR,
        text="标识码为 18 位数字：县代码 6 位 + 层码 4 位 + 序号 8 位",
        source="TD/T 1057-2020 标识码编码规则（据三调建库软件 BSMRebuildForm）",
        advice="用“标识码重排”工具重编；不要在 Excel 中另存",
        example=Example(
            bad=({"bsm": "12"}, {"bsm": "610000200100000001"}), good=_SOUND,
            said="BSM 写作“12”，或以别县代码开头",
        ),
        find=bsm_form, roles=ALL_ROLES,
    ),
    Check(
        code="TBBH_DUPLICATE", level=ERROR, text="图斑编号在同一村级调查区内唯一",
        source="TD/T 1055-2019 图斑编号以村级调查区为单位；国家质检规则“编号唯一性”",
        advice="按村级调查区用“图斑编号”工具重新编号",
        example=Example(
            bad=({"tbbh": "0009"}, {"tbbh": "0009"}),
            good=({"tbbh": "0009"}, {"tbbh": "0009", "village": "002"}),
            said="同村两个图斑都编 0009",
        ),
        find=tbbh_duplicate,
    ),
    Check(
        code="DLBM_EMPTY", level=ERROR, text="地类编码不为空", source=MANDATORY, advice=FILL,
        example=Example(bad=({"dlbm": None},), good=_SOUND, said="DLBM 为空"),
        find=dlbm_empty, roles=ALL_ROLES,
    ),
    Check(
        code="DLBM_UNKNOWN", level=ERROR, text="地类编码是三调工作分类的末级编码",
        source=DICTIONARY, advice="改为末级编码，如 01 改为 0101、0102 或 0103",
        example=Example(bad=({"dlbm": "0199"},), good=_SOUND, said="DLBM 写作 0199"),
        find=dlbm_unknown, roles=ALL_ROLES,
    ),
    Check(
        code="TBMJ_MISSING", level=ERROR, text="图斑面积不为空", source=MANDATORY,
        advice="用软件的“椭球面积计算”重新计算图斑面积",
        example=Example(bad=({"tbmj": None},), good=_SOUND, said="TBMJ 为空"),
        find=tbmj_missing,
    ),
    Check(
        code="TBMJ_BAD", level=ERROR, text="图斑面积大于零", source=RANGE,
        advice="用软件的“椭球面积计算”重新计算图斑面积",
        example=Example(bad=({"tbmj": 0.0},), good=_SOUND, said="TBMJ 为 0"),
        find=tbmj_bad,
    ),
    Check(
        code="ZLDWDM_LENGTH", level=ERROR, text="坐落单位代码 19 位：村级 12 位 + 7 个 0",
        source="TD/T 1057-2020；国家质检规则 5102（代码 19 位）",
        advice="用字段计算器 rpad(ZLDWDM, 19, '0') 补足",
        example=Example(
            bad=({"zldwdm": "990001001001"},), good=_SOUND, said="ZLDWDM 只有 12 位"
        ),
        find=partial(_unit_length, F.ZLDWDM),
    ),
    Check(
        code="QSDWDM_LENGTH", level=ERROR, text="权属单位代码 19 位",
        source="TD/T 1057-2020；三调建库软件的长度检查",
        advice="用字段计算器 rpad(QSDWDM, 19, '0') 补足",
        example=Example(
            bad=({"qsdwdm": "990001001001"},), good=_SOUND, said="QSDWDM 只有 12 位"
        ),
        find=partial(_unit_length, F.QSDWDM),
    ),
)  # fmt: skip
