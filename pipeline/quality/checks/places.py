"""Plots against towns, zones against the county and each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import overlay
from pipeline.measure import round_half_up
from pipeline.quality.check import (
    ERROR,
    M2,
    NOTHING,
    PLOTS_ONLY,
    WARNING,
    ZONES_ONLY,
    Check,
    Example,
    Hits,
    where,
)  # fmt: skip
from pipeline.quality.examples import box
from pipeline.quality.subject import PBF, TARGET

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.quality.subject import Subject

TITLE, ORDER = "镇界与范围", 9
LEAST_M2 = 1.0
INSIDE = "国家质检规则 4101、4201（报为 4301）：DLTB 在 XZQ、CJDCQ 内"


def _town_code(subject: Subject) -> pd.Series:
    code = subject.text(F.ZLDWDM)
    return code.where(code.str.len() >= 9, "").str[:9]  # noqa: PLR2004 - digits of a town's code


def _known(subject: Subject) -> list[str]:
    return [town.code for town in subject.county.towns] if subject.county else []


def town_unknown(subject: Subject) -> Hits:
    """Find plots whose ZLDWDM is of another county."""
    if not _known(subject):
        return NOTHING
    given, code = subject.text(F.ZLDWDM), _town_code(subject)
    ours = code.str.startswith(subject.county.code if subject.county else "")
    rows = where(((given != "") & ~ours).to_numpy(dtype=bool))
    found = [f"坐落单位代码“{c}”不属于本县" for c in given.iloc[rows]]
    return Hits(rows=rows, found=found, field="ZLDWDM")


def town_dissolved(subject: Subject) -> Hits:
    """Find plots whose ZLDWDM is of no town that the county has today."""
    known = _known(subject)
    if not known or subject.county is None:
        return NOTHING
    code = _town_code(subject)
    old = code.str.startswith(subject.county.code) & ~code.isin(known)
    rows = where(old.to_numpy(dtype=bool))
    found = [f"坐落单位代码的镇级“{c}”不是现有镇办" for c in code.iloc[rows]]
    return Hits(rows=rows, found=found, field="ZLDWDM")


def town_mismatch(subject: Subject) -> Hits:
    """Find plots of which more than half lies in another town than their code's."""
    around, towns = subject.around, subject.towns
    if around is None or towns is None:
        return NOTHING
    codes = towns["town_code"].to_numpy(dtype=object)
    own = _town_code(subject).to_numpy(dtype=object)
    placed = np.where(around.town >= 0, codes[around.town], "")
    rows = where(np.isin(own, codes) & (placed != "") & (placed != own))
    names = towns["town"].to_numpy(dtype=object)
    found = [
        f"坐落单位代码属 {own[r]}，图形一半以上在{names[around.town[r]]}（{placed[r]}）"
        for r in rows
    ]
    return Hits(rows=rows, found=found, field="ZLDWDM", size=subject.area_m2[rows])


def town_crosses(subject: Subject) -> Hits:
    """Find plots that reach into a second town."""
    around, towns = subject.around, subject.towns
    if around is None or towns is None:
        return NOTHING
    rows = where(around.second_m2 >= LEAST_M2)
    names = towns["town"].to_numpy(dtype=object)
    found = [f"跨镇界，在{names[around.second[r]]}有 {around.second_m2[r]:.2f} ㎡" for r in rows]
    return Hits(rows=rows, found=found, field="图形", size=round_half_up(around.second_m2[rows]))


def outside(subject: Subject) -> Hits:
    """Find polygons that reach out of the county by 1 m² or more."""
    around = subject.around
    if around is None or not around.beyond:
        return NOTHING
    rows = np.array(list(around.beyond), dtype=np.int64)
    shapes = np.array(list(around.beyond.values()), dtype=object)
    area = subject.official(shapes)
    big = area >= LEAST_M2
    found = [f"有 {m2:.2f} ㎡ 在本县行政区范围以外" for m2 in area[big]]
    return Hits(rows=rows[big], found=found, field="图形", shape=shapes[big], size=area[big])


def outside_target(subject: Subject) -> Hits:
    """Find 永农 outside the 耕地保护目标 layer by 1 m² or more."""
    target = subject.zones.get(TARGET)
    if target is None:
        return NOTHING
    own, other = subject.shapes[subject.usable], target.shapes[target.usable]
    pairs = overlay.intersections(own, other, settle=True)
    inside = overlay.merged(pairs, len(own))
    left = overlay.difference(own, inside)
    area = subject.official(left)
    at = where(area >= LEAST_M2)
    found = [f"有 {m2:.2f} ㎡ 不在耕地保护目标范围内" for m2 in area[at]]
    return Hits(rows=subject.usable[at], found=found, field="图形", shape=left[at], size=area[at])


_HALVES = {"halves": 50.0}
"""Two towns, 甲镇 west of x = 50 and 乙镇 east of it to x = 100."""
_EAST = box(50, 100, town="002")
MOVE = "核对镇界：界线没动的改坐落单位代码，图斑画过界的按镇界分割"
CHECKS = (
    Check(
        code="TOWN_UNKNOWN", level=ERROR, text="坐落单位代码以本县代码开头",
        source="TD/T 1057-2020 坐落单位代码；" + INSIDE,
        advice="核对是否混入邻县数据；本县的改正坐落单位代码",
        example=Example(
            bad=({"zldwdm": "9911110010010000000"},), good=({}, {}), said="代码是邻县的"
        ),
        find=town_unknown,
    ),
    Check(
        code="TOWN_BY_PLACE", level=WARNING, text="坐落单位代码的镇级是现有镇办",
        source="民政统计用区划代码；撤并镇的旧代码可能留在老数据里",
        advice="按所在位置改为现行镇办的代码",
        example=Example(
            bad=({"zldwdm": "9900019990010000000"},), good=({}, {}), said="代码是已撤并的镇"
        ),
        find=town_dissolved,
    ),
    Check(
        code="TOWN_MISMATCH", level=ERROR, text="坐落单位代码的镇就是图形所在的镇", source=INSIDE,
        advice=MOVE,
        example=Example(
            bad=(box(0, 50), {**_EAST, "town": "001"}), good=(box(0, 50), _EAST),
            said="图形在乙镇，代码是甲镇的", world=_HALVES,
        ),
        find=town_mismatch, unit=M2,
    ),
    Check(
        code="TOWN_CROSSES", level=WARNING, text="图斑不跨镇界（另一镇内不到 1 ㎡）", source=INSIDE,
        advice="按镇界分割图斑，重编标识码和编号，重算面积",
        example=Example(
            bad=(box(0, 60), box(60, 100, town="002")), good=(box(0, 50), _EAST),
            said="图斑越过镇界 10 米", world=_HALVES,
        ),
        find=town_crosses, unit=M2,
    ),
    Check(
        code="OUTSIDE_COUNTY", level=ERROR, text="图斑在本县行政区范围以内", source=INSIDE,
        advice="用县界裁剪；界线有变动的以批准的行政区界线为准",
        example=Example(
            bad=(box(0, 50), box(50, 110, town="002")), good=(box(0, 50), _EAST),
            said="图斑伸出县界 10 米", world=_HALVES,
        ),
        find=outside, roles=PLOTS_ONLY, unit=M2,
    ),
    Check(
        code="ZONE_OUTSIDE", level=ERROR, text="永农、耕地保护目标在本县行政区范围以内",
        source="三区三线数据库质检：不超出行政区", advice="用县界裁剪后重算面积",
        example=Example(
            bad=(box(0, 110),), good=(box(0, 100),), said="永农伸出县界 10 米",
            world={"role": PBF, **_HALVES},
        ),
        find=outside, roles=ZONES_ONLY, unit=M2,
    ),
    Check(
        code="PBF_OUTSIDE_TARGET", level=WARNING, text="永农都在耕地保护目标之内",
        source="三区三线划定规则：永久基本农田从耕地保护目标中划定；两层都由上级下发，县里不能改，"
        "只列出（判定仍按永农，见 docs/architecture.md），故为警告",
        advice="与上级下发的两个图层核对：误差造成的对齐界线，确实在外的列表上报",
        example=Example(
            bad=(box(0, 100),), good=(box(0, 80),), said="永农有 20 米宽在目标图层以外",
            world={"role": PBF, "target": (box(0, 80),)},
        ),
        find=outside_target, roles=(PBF,), unit=M2,
    ),
)  # fmt: skip
