"""What cropland must say of itself, and what no other class may say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline.quality.check import ERROR, NOTHING, Check, Example, Hits, where
from pipeline.quality.checks.values import each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.quality.subject import Subject

TITLE, ORDER = "耕地属性逻辑", 5
SOURCE = "TD/T 1057-2020 耕地属性；公开质检软件 shp_checker_DLTB、TDDC3D 的属性逻辑"
CROP_ONLY = (F.KCDLBM, F.GDLX, F.GDPDJB, F.KCXS, F.KCMJ)
SLOPED = ("2", "3", "4", "5")
TERRACE, SLOPE = "TT", "PD"
RIDGE = "1203"


def _filled(subject: Subject, wanted: F.Field) -> NDArray[np.bool_]:
    """Return rows with something in a field; a number 0 is nothing."""
    if wanted.dtype == "real":
        value = subject.number(wanted)
        return np.asarray(~np.isnan(value) & (value != 0))
    return (subject.text(wanted) != "").to_numpy(dtype=bool)


def slope_empty(subject: Subject) -> Hits:
    """Find cropland without GDPDJB."""
    if not subject.has(F.GDPDJB):
        return NOTHING
    rows = where(subject.cropland & ~_filled(subject, F.GDPDJB))
    return Hits(rows=rows, found=["耕地没有坡度级别"] * len(rows), field="GDPDJB")


def planting_empty(subject: Subject) -> Hits:
    """Find cropland without ZZSXDM."""
    if not subject.has(F.ZZSXDM):
        return NOTHING
    rows = where(subject.cropland & ~_filled(subject, F.ZZSXDM))
    return Hits(rows=rows, found=["耕地没有种植属性代码"] * len(rows), field="ZZSXDM")


def type_empty(subject: Subject) -> Hits:
    """Find sloped cropland that is neither TT nor PD."""
    grade, kind = subject.text(F.GDPDJB), subject.text(F.GDLX)
    sloped = subject.cropland & grade.isin(SLOPED).to_numpy()
    rows = where(sloped & ~kind.isin((TERRACE, SLOPE)).to_numpy() & subject.has(F.GDLX))
    found = [
        f"坡度级别 {g}，耕地类型却是“{k}”" for g, k in zip(grade[rows], kind[rows], strict=True)
    ]
    return Hits(rows=rows, found=found, field="GDLX")


def flat(subject: Subject) -> Hits:
    """Find flat cropland (grade 1) with a type or a deduction."""
    level = subject.cropland & (subject.text(F.GDPDJB) == "1").to_numpy()
    kind, rate = subject.text(F.GDLX), subject.number(F.KCXS)
    rows = where(level & (_filled(subject, F.GDLX) | _filled(subject, F.KCXS)))
    found = [
        f"坡度级别 1，耕地类型却是“{kind.iloc[row]}”、扣除系数 {np.nan_to_num(rate[row]):g}"
        for row in rows
    ]
    return Hits(rows=rows, found=found, field="GDLX")


def terrace_rate(subject: Subject) -> Hits:
    """Find terraces on slopes without a deduction rate."""
    if not subject.has(F.KCXS):
        return NOTHING
    grade = subject.text(F.GDPDJB)
    terraced = subject.cropland & (subject.text(F.GDLX) == TERRACE).to_numpy()
    rows = where(terraced & grade.isin(SLOPED).to_numpy() & ~_filled(subject, F.KCXS))
    found = [f"坡度级别 {g} 的梯田扣除系数为 0" for g in grade[rows]]
    return Hits(rows=rows, found=found, field="KCXS")


def rate_class(subject: Subject) -> Hits:
    """Find cropland whose KCDLBM isn't 1203 exactly where a rate is deducted."""
    code = subject.text(F.KCDLBM)
    deducted = _filled(subject, F.KCXS)
    wrong = (deducted & (code != RIDGE).to_numpy()) | (~deducted & _filled(subject, F.KCDLBM))
    known = subject.has(F.KCDLBM, F.KCXS)
    rows = where(subject.cropland & wrong & known)
    rate = np.nan_to_num(subject.number(F.KCXS))
    found = [f"扣除系数 {rate[row]:g}，扣除地类编码却是“{code.iloc[row]}”" for row in rows]
    return Hits(rows=rows, found=found, field="KCDLBM")


def others(subject: Subject) -> Hits:
    """Find plots that aren't cropland with what only cropland has."""
    known = (subject.text(F.DLBM) != "").to_numpy()
    return each(
        subject,
        CROP_ONLY,
        lambda one: known & ~subject.cropland & _filled(subject, one),
        lambda one, value: f"不是耕地，{one.label}却填了 {value}",
    )


_FOREST = {"dlbm": "0301"}
ATTRIBUTES = "在属性表中改正；坡度级别按坡度图叠加，耕地类型按影像判读"
CHECKS = (
    Check(
        code="CROP_SLOPE_EMPTY", level=ERROR, text="耕地（01）必有坡度级别", source=SOURCE,
        advice=ATTRIBUTES,
        example=Example(bad=({"gdpdjb": None},), good=({}, _FOREST), said="旱地的 GDPDJB 为空"),
        find=slope_empty,
    ),
    Check(
        code="CROP_PLANTING_EMPTY", level=ERROR, text="耕地（01）必有种植属性代码",
        source=SOURCE + "；国家质检规则 6101",
        advice="按当年种植情况填 LS、FLS、LYFL、XG、LLJZ 或 WG",
        example=Example(bad=({"zzsxdm": None},), good=({}, _FOREST), said="旱地的 ZZSXDM 为空"),
        find=planting_empty,
    ),
    Check(
        code="CROP_TYPE", level=ERROR, text="坡度级别 2–5 的耕地，耕地类型为 TT 或 PD",
        source=SOURCE, advice=ATTRIBUTES,
        example=Example(
            bad=({"gdpdjb": "3", "gdlx": None},), good=({}, {"gdlx": "PD"}),
            said="坡度级别 3，GDLX 为空",
        ),
        find=type_empty,
    ),
    Check(
        code="CROP_FLAT", level=ERROR, text="坡度级别 1 的耕地，耕地类型为空、扣除系数为 0",
        source=SOURCE, advice="在属性表中清空耕地类型，扣除系数、扣除面积改为 0",
        example=Example(
            bad=({"gdpdjb": "1", "gdlx": "TT"},),
            good=({"gdpdjb": "1", "gdlx": None, "kcxs": 0.0, "kcdlbm": None},),
            said="坡度级别 1，GDLX 却是 TT",
        ),
        find=flat,
    ),
    Check(
        code="CROP_TERRACE_RATE", level=ERROR, text="坡度级别 2–5 的梯田，扣除系数不为 0",
        source=SOURCE + "；扣除系数按省定“耕地类型 + 坡度级别”",
        advice="按省定田坎系数表（如 TT3）填写扣除系数，重算扣除面积和地类面积",
        example=Example(
            bad=({"kcxs": 0.0, "kcdlbm": None},), good=({},), said="TT、坡度级别 3，KCXS 为 0"
        ),
        find=terrace_rate,
    ),
    Check(
        code="CROP_RATE_CLASS", level=ERROR,
        text="扣除系数大于 0 时扣除地类编码为 1203，为 0 时为空", source=SOURCE,
        advice="用字段计算器：扣除系数大于 0 的填 1203，其余清空",
        example=Example(bad=({"kcdlbm": None},), good=({}, _FOREST),
        said="KCXS 0.058，KCDLBM 为空"),
        find=rate_class,
    ),
    Check(
        code="NONCROP_FIELDS", level=ERROR,
        text="不是耕地的图斑，扣除地类编码、耕地类型、坡度级别、扣除系数、扣除面积为空或 0",
        source=SOURCE, advice="选出非 01 开头的图斑，用字段计算器清空这些字段",
        example=Example(
            bad=({"dlbm": "0301", "gdpdjb": "3"},), good=({}, _FOREST),
            said="乔木林地的 GDPDJB 填了 3",
        ),
        find=others,
    ),
)  # fmt: skip
