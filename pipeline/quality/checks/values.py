"""Values one by one: filled in, in the dictionary, in range, no longer than the standard allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import tables
from pipeline.quality.check import (
    ALL_ROLES,
    ERROR,
    NOTHING,
    WARNING,
    Check,
    Example,
    Hits,
    where,
)  # fmt: skip
from pipeline.quality.sources import DICTIONARY, MANDATORY, RANGE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from numpy.typing import NDArray

    from pipeline.quality.subject import Subject

TITLE, ORDER = "取值", 3
YSDM = "2001010100"
REQUIRED = (
    F.YSDM, F.TBBH, F.DLMC, F.QSXZ, F.QSDWDM, F.QSDWMC, F.ZLDWDM, F.ZLDWMC, F.TBDLMJ, F.FRDBS,
    F.SJNF, F.MSSM,
)  # fmt: skip
"""Mandatory for every plot, besides BSM, DLBM and TBMJ, which have checks of their own."""
CODES = ("qsxz", "gdlx", "gdpdjb", "frdbs", "czcsxm", "mssm")
REFINED = ("tbxhdm", "zzsxdm")
GRADES = (1, 15)
YEARS = (2009, 2100)
EXACT = 1e-6


def each(
    subject: Subject,
    wanted: Iterable[F.Field],
    broken: Callable[[F.Field], NDArray[np.bool_]],
    said: Callable[[F.Field, object], str],
) -> Hits:
    """Return a hit per row and field that is broken, among the fields that were delivered."""
    rows, found, names = [], [], []
    for one in wanted:
        if not subject.has(one):
            continue
        at = where(broken(one))
        values = subject.table[one.name].iloc[at].tolist()
        rows.append(at)
        found += [said(one, value) for value in values]
        names += [one.national] * len(at)
    if not rows:
        return NOTHING
    return Hits(rows=np.concatenate(rows), found=found, field=names)


def required(subject: Subject) -> Hits:
    """Find empty mandatory fields."""
    return each(
        subject,
        REQUIRED,
        lambda one: subject.table[one.name].isna().to_numpy(dtype=bool),
        lambda one, _: f"{one.label}为空",
    )


def too_long(subject: Subject) -> Hits:
    """Find texts longer than the standard's field."""
    texts = [f for f in subject.standard if f.dtype == "text" and f.length and f not in _SIZED]
    return each(
        subject,
        texts,
        lambda one: (subject.text(one).str.len() > one.length).to_numpy(dtype=bool),
        lambda one, value: f"“{value}”有 {len(str(value))} 个字符，标准为 {one.length}",
    )


def decimals(subject: Subject) -> Hits:
    """Find numbers with more decimals than the standard's field."""

    def more(one: F.Field) -> NDArray[np.bool_]:
        scaled = subject.number(one) * 10.0**one.decimals
        with np.errstate(invalid="ignore"):
            return np.abs(scaled - np.rint(scaled)) > EXACT * np.maximum(1, np.abs(scaled) * EXACT)

    real = [f for f in subject.standard if f.dtype == "real" and f.length]
    return each(subject, real, more, lambda one, value: f"{value} 多于 {one.decimals} 位小数")


def untidy(subject: Subject) -> Hits:
    """Find codes with blanks, full-width or lower-case letters, or any other form of the code."""
    coded = [f for f in subject.standard if f.dtype == "text" and f.name in subject.raw]
    rows, found, names = [], [], []
    for one in coded:
        raw, tidy = subject.raw[one.name], subject.table[one.name]
        given = raw.notna() & (raw.str.strip() != "")
        changed = given & tidy.notna() & (raw.str.replace(r"\.0*$", "", regex=True) != tidy)
        at = where(changed.to_numpy(dtype=bool))
        rows.append(at)
        found += [
            f"写作“{was}”，规范写法是“{now}”"
            for was, now in zip(raw.iloc[at], tidy.iloc[at], strict=True)
        ]
        names += [one.national] * len(at)
    return Hits(rows=np.concatenate(rows), found=found, field=names) if rows else NOTHING


def domain(subject: Subject) -> Hits:
    """Find codes that are in no dictionary; an empty one is another check's matter."""
    allowed = _dictionaries(CODES) | {F.YSDM.name: {YSDM}, F.KCDLBM.name: {"1203"}}
    return _unlisted(subject, allowed, "")


def refined(subject: Subject) -> Hits:
    """Find refinement and planting codes of no dictionary: newer surveys bring new ones."""
    return _unlisted(subject, _dictionaries(REFINED), "，可能是新增编码")


def _dictionaries(names: Iterable[str]) -> dict[str, set[str]]:
    return {name: {code.code for code in tables.code_list(name)} for name in names}


def _unlisted(subject: Subject, allowed: Mapping[str, Collection[str]], more: str) -> Hits:
    """Return hits of codes that aren't among those allowed for their field."""

    def broken(one: F.Field) -> NDArray[np.bool_]:
        code = subject.table[one.name]
        return (code.notna() & ~code.isin(allowed[one.name])).to_numpy(dtype=bool)

    wanted = [f for f in F.DLTB if f.name in allowed]
    said = "“{}”不在{}的值域内" + more
    return each(subject, wanted, broken, lambda one, value: said.format(value, one.label))


def numbers(subject: Subject) -> Hits:
    """Find numbers out of range."""
    crop = subject.cropland

    def broken(one: F.Field) -> NDArray[np.bool_]:
        value = subject.number(one)
        with np.errstate(invalid="ignore"):
            if one == F.KCXS:
                return (value < 0) | (value >= 1)
            if one == F.GDDB:
                outside = (value < GRADES[0]) | (value > GRADES[1])
                return np.where(crop, outside, outside & (value != 0))
            if one == F.SJNF:
                return (value < YEARS[0]) | (value > YEARS[1])
            return np.asarray(value < 0)

    wanted = (F.KCXS, F.KCMJ, F.TBDLMJ, F.XZDWKD, F.GDDB, F.SJNF)
    return each(subject, wanted, broken, lambda one, value: f"{one.label} {value} 超出值域")


def year(subject: Subject) -> Hits:
    """Find plots whose SJNF isn't the year of the export (or, without one, of most plots)."""
    given = subject.table[F.SJNF.name].dropna()
    if not len(given):
        return NOTHING
    wanted = subject.export.year if subject.export else int(given.mode().iloc[0])
    value = subject.number(F.SJNF)
    rows = where(~np.isnan(value) & (value != wanted))
    found = [f"数据年份 {int(v)}，应为 {wanted}" for v in value[rows]]
    return Hits(rows=rows, found=found, field="SJNF")


_SIZED = (F.BSM, F.QSDWDM, F.ZLDWDM)
"""Codes of exact length have checks of their own."""


FILL = "在属性表中选出这些图斑，按调查底册补填"
_SOUND: tuple[dict[str, object], ...] = ({}, {})
CHECKS = (
    Check(
        code="VALUE_EMPTY", level=ERROR, text="必填字段不为空", source=MANDATORY, advice=FILL,
        example=Example(bad=({"qsxz": None},), good=_SOUND, said="QSXZ 为空"),
        find=required,
    ),
    Check(
        code="VALUE_LENGTH", level=ERROR, text="文字不超过标准规定的长度",
        source="TD/T 1057-2020 字段长度；国家质检规则 3102",
        advice="在属性表中缩短该值，长说明移到备注以外的资料中",
        example=Example(
            bad=({"dlmc": "旱" * 61},), good=_SOUND, said="DLMC 写了 61 个字"
        ),
        find=too_long, roles=ALL_ROLES,
    ),
    Check(
        code="VALUE_DECIMALS", level=WARNING,
        text="数值的小数位不多于标准：面积 2 位、系数 4 位、宽度 1 位",
        source="TD/T 1057-2020 小数位数", advice="用字段计算器四舍五入到规定位数",
        example=Example(
            bad=({"kcxs": 0.05805},), good=_SOUND, said="KCXS 写作 0.05805"
        ),
        find=decimals, roles=ALL_ROLES,
    ),
    Check(
        code="CODE_TIDIED", level=WARNING, text="编码和名称没有空格、全角字符、小写字母",
        source="国家质检规则 3104（代码一致性逐字比较）",
        advice="用字段计算器 upper(trim()) 去掉空格、改为半角大写",
        example=Example(
            bad=({"raw:dlbm": " 0103"},), good=_SOUND, said="DLBM 写作“ 0103”（前有空格）"
        ),
        find=untidy, roles=ALL_ROLES,
    ),
    Check(
        code="CODE_DOMAIN", level=ERROR, text="编码取值在标准的值域内", source=DICTIONARY,
        advice="在属性表中按值域改正；不清楚的查原调查底册",
        example=Example(bad=({"qsxz": "99"},), good=_SOUND, said="QSXZ 写作 99"),
        find=domain,
    ),
    Check(
        code="CODE_NEW", level=WARNING, text="图斑细化代码、种植属性代码在值域内",
        source=DICTIONARY + "；新年度方案会增补编码（如 JZTZ），故为警告",
        advice="对照当年变更调查方案：是新编码就确认，写错的改正",
        example=Example(bad=({"zzsxdm": "JZTZ"},), good=_SOUND, said="ZZSXDM 写作 JZTZ"),
        find=refined,
    ),
    Check(
        code="VALUE_RANGE", level=ERROR,
        text="数值在值域内：0≤KCXS<1，面积、宽度不为负，耕地等别 1–15，年份 4 位", source=RANGE,
        advice="在属性表中改正该值；面积用软件重新计算",
        example=Example(
            bad=({"kcxs": 1.2},), good=_SOUND, said="KCXS 写作 1.2"
        ),
        find=numbers,
    ),
    Check(
        code="SJNF_YEAR", level=WARNING, text="数据年份是本期的年份",
        source="TD/T 1057-2020 数据年份", advice="用字段计算器统一改为本期年份",
        example=Example(
            bad=({"sjnf": 2019}, {}, {}), good=_SOUND, said="2023 年的数据里 SJNF 写作 2019"
        ),
        find=year,
    ),
)  # fmt: skip
