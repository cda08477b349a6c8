"""Two exports: what can't have happened in between, ground that moved without a trace."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import tables
from pipeline.measure import round_half_up
from pipeline.quality.check import ERROR, M2, NOTHING, WARNING, Check, Example, Hits, where
from pipeline.quality.examples import box

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from pipeline.quality.subject import Subject

    Bools = NDArray[np.bool_]

TITLE, ORDER = "两期之间", 10
JUMP_M2 = 10.0
MOVED_M2 = 200.0
GONE_M2 = 1.0
SAME = ("same", "recoded", "renumbered")
OWN = "没有可查的国家条文；据两期图形比对（docs/compare.md）"


@cache
def _jump_table(level: str) -> tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...]:
    return tuple(
        (tuple(row.sources), tuple(row.targets), row.why)
        for row in tables.class_jumps()
        if row.level == level
    )


def _starts(codes: pd.Series, beginnings: tuple[str, ...]) -> Bools:
    if "*" in beginnings:
        return (codes != "").to_numpy(dtype=bool)
    return codes.str.startswith(beginnings).to_numpy(dtype=bool)


def _jumps(subject: Subject, level: str) -> Hits:
    """Find ground of at least 10 m² whose class went where it can't within a year."""
    if subject.earlier is None or subject.change is None:
        return NOTHING
    flows = subject.change.flows
    both = flows[(flows["old_row"] >= 0) & (flows["new_row"] >= 0)]
    both = both[both["overlap_m2"] >= JUMP_M2].reset_index(drop=True)
    was = subject.earlier.text(F.DLBM).iloc[both["old_row"]].reset_index(drop=True)
    now = subject.text(F.DLBM).iloc[both["new_row"]].reset_index(drop=True)
    why = np.full(len(both), "", dtype=object)
    for sources, targets, text in reversed(_jump_table(level)):
        hit = _starts(was, sources) & _starts(now, targets) & (was != now).to_numpy(dtype=bool)
        why[hit] = text
    at = where(why != "")
    part = both.iloc[at]
    found = [
        f"地类由 {a} 变为 {b}（{m2:.2f} ㎡）：{text}"
        for a, b, m2, text in zip(
            was.iloc[at], now.iloc[at], part["overlap_m2"], why[at], strict=True
        )
    ]
    return Hits(
        rows=part["new_row"].to_numpy(), other_bsm=part["old_bsm"].tolist(), found=found,
        field="DLBM", shape=part.geometry.to_numpy(), size=part["overlap_m2"].to_numpy(),
    )  # fmt: skip


def jump(subject: Subject) -> Hits:
    """Find jumps that can't be."""
    return _jumps(subject, ERROR)


def doubtful_jump(subject: Subject) -> Hits:
    """Find jumps that need a document."""
    return _jumps(subject, WARNING)


def slope_changed(subject: Subject) -> Hits:
    """Find cropland on the same ground whose slope grade changed: the ground didn't."""
    if subject.earlier is None or subject.change is None:
        return NOTHING
    links = subject.change.links
    same = links[links["relation"].isin(SAME)]
    was = subject.earlier.text(F.GDPDJB).iloc[same["old_row"]].to_numpy(dtype=object)
    now = subject.text(F.GDPDJB).iloc[same["new_row"]].to_numpy(dtype=object)
    at = where((was != "") & (now != "") & (was != now))
    part = same.iloc[at]
    found = [f"图形没变，坡度级别由 {a} 变为 {b}" for a, b in zip(was[at], now[at], strict=True)]
    return Hits(
        rows=part["new_row"].to_numpy(), other_bsm=part["old_bsm"].tolist(), found=found,
        field="GDPDJB",
    )  # fmt: skip


def bsm_moved(subject: Subject) -> Hits:
    """Find BSMs that stand on other ground than before."""
    if subject.earlier is None or subject.change is None:
        return NOTHING
    links = subject.change.links
    kept = set(links.loc[links["old_bsm"] == links["new_bsm"], "new_bsm"])
    before = set(subject.earlier.table[F.BSM.name].iloc[subject.earlier.usable].dropna())
    bsm = subject.table[F.BSM.name].iloc[subject.usable]
    moved = (bsm.isin(before) & ~bsm.isin(kept) & ~bsm.duplicated()).to_numpy(dtype=bool)
    rows = subject.usable[moved]
    found = [f"标识码 {b} 上一期在别处，与现在的图形没有承接关系" for b in bsm[moved]]
    return Hits(rows=rows, found=found, field="BSM", other_bsm=bsm[moved].tolist())


def _of_flows(subject: Subject, lacking: str, said: str) -> Hits:
    """Return hits of ground that only one export has a plot for."""
    if subject.change is None:
        return NOTHING
    flows = subject.change.flows
    part = flows[flows[f"{lacking}_row"] < 0]
    area = subject.official(part.geometry.to_numpy())
    part, area = part[area >= GONE_M2], area[area >= GONE_M2]
    other = "old" if lacking == "new" else "new"
    found = [
        said.format(f"{bsm}", f"{m2:.2f}")
        for bsm, m2 in zip(part[f"{other}_bsm"], area, strict=True)
    ]
    gone = lacking == "new"
    rows = np.full(len(part), -1, dtype=np.int64) if gone else part["new_row"].to_numpy()
    return Hits(
        rows=rows, found=found, field="图形", shape=part.geometry.to_numpy(), size=area,
        other_bsm=part["old_bsm"].tolist() if gone else (),
        file=[subject.first_file] * len(part),
    )  # fmt: skip


def ground_gone(subject: Subject) -> Hits:
    """Find ground of an earlier plot that no plot has now."""
    return _of_flows(subject, "new", "上一期图斑 {} 有 {} ㎡ 现在没有图斑承接")


def ground_new(subject: Subject) -> Hits:
    """Find ground that no plot had before."""
    return _of_flows(subject, "old", "图斑 {} 有 {} ㎡ 上一期不在任何图斑内")


def moved_silently(subject: Subject) -> Hits:
    """Find ground from 200 m² that changed hands between plots without being a link."""
    if subject.change is None:
        return NOTHING
    flows = subject.change.flows
    part = flows[(flows["old_row"] >= 0) & (flows["new_row"] >= 0) & ~flows["linked"]]
    part = part[part["overlap_m2"] >= MOVED_M2]
    found = [
        f"上一期图斑 {bsm} 的 {m2:.2f} ㎡ 划入本图斑，不到较小图斑的十分之一，没有承接关系"
        for bsm, m2 in zip(part["old_bsm"], part["overlap_m2"], strict=True)
    ]
    return Hits(
        rows=part["new_row"].to_numpy(), other_bsm=part["old_bsm"].tolist(), found=found,
        field="图形", shape=part.geometry.to_numpy(), size=round_half_up(part["overlap_m2"]),
    )  # fmt: skip


_A, _B = "990001200100000001", "990001200100000002"
_BEFORE = (box(0, 50, bsm=_A), box(50, 100, bsm=_B))
_TWO = {"earlier": _BEFORE}
EVIDENCE = "核对两期影像和举证；判错的改正地类，属实的附上批准、验收材料"
CHECKS = (
    Check(
        code="CLASS_JUMP", level=ERROR, text="地类变化是一年内可能发生的",
        source="tables/class_jumps.csv（level 错误），逐条写明理由；推定", advice=EVIDENCE,
        example=Example(
            bad=(box(0, 50, bsm=_A, dlbm="0301"), _BEFORE[1]), good=_BEFORE,
            said="公路用地一年后成了乔木林地",
            world={"earlier": (box(0, 50, bsm=_A, dlbm="1003"), _BEFORE[1])}, good_world=_TWO,
        ),
        find=jump, unit=M2,
    ),
    Check(
        code="CLASS_DOUBTFUL", level=WARNING, text="少见的地类变化有材料可证",
        source="tables/class_jumps.csv（level 警告），逐条写明理由；推定", advice=EVIDENCE,
        example=Example(
            bad=_BEFORE, good=_BEFORE, said="农村宅基地一年后成了旱地",
            world={"earlier": (box(0, 50, bsm=_A, dlbm="0702"), _BEFORE[1])}, good_world=_TWO,
        ),
        find=doubtful_jump, unit=M2,
    ),
    Check(
        code="SLOPE_CHANGED", level=WARNING, text="图形没变的耕地，坡度级别不变",
        source="坡度级别由统一坡度图计算，不随年度变更；" + OWN,
        advice="按坡度图核对，改回原坡度级别；做过坡改梯的附验收材料",
        example=Example(
            bad=(box(0, 50, bsm=_A, gdpdjb="4"), _BEFORE[1]), good=_BEFORE,
            said="同一块地的坡度级别由 3 变为 4", world=_TWO,
        ),
        find=slope_changed,
    ),
    Check(
        code="BSM_MOVED", level=ERROR, text="沿用的标识码还在原来的地块上", source=OWN,
        advice="变更图斑应编新标识码；误用旧码的重编",
        example=Example(
            bad=(box(0, 50, bsm=_B), box(50, 100, bsm="990001200100000009")), good=_BEFORE,
            said="旧标识码出现在另一块地上", world=_TWO,
        ),
        find=bsm_moved,
    ),
    Check(
        code="GROUND_GONE", level=ERROR, text="上一期的土地本期都有图斑承接（1 ㎡ 及以上）",
        source=OWN, advice="从上一期数据补回漏掉的部分，或核对县界变动的批文",
        example=Example(
            bad=(_BEFORE[0],), good=_BEFORE, said="少了一个图斑", world=_TWO
        ),
        find=ground_gone, unit=M2,
    ),
    Check(
        code="GROUND_NEW", level=ERROR, text="本期的土地上一期都在图斑内（1 ㎡ 及以上）",
        source=OWN, advice="核对是否混入邻县图斑，或上一期漏交",
        example=Example(
            bad=(*_BEFORE, box(100, 150, bsm="990001200100000003")), good=_BEFORE,
            said="多出上一期没有的土地", world=_TWO,
        ),
        find=ground_new, unit=M2,
    ),
    Check(
        code="MOVED_SILENTLY", level=WARNING,
        text="没有成片土地（200 ㎡ 及以上）在没有承接关系的图斑之间挪动", source=OWN,
        advice="核对公共边为何移动：误动的恢复，属实的按变更流程分割、编号",
        example=Example(
            bad=(box(0, 505, bsm=_A), box(505, 1000, bsm=_B)),
            good=(box(0, 500, bsm=_A), box(500, 1000, bsm=_B)),
            said="两个大图斑的公共边移了 5 米",
            world={"earlier": (box(0, 500, bsm=_A), box(500, 1000, bsm=_B))},
        ),
        find=moved_silently, unit=M2,
    ),
)  # fmt: skip
