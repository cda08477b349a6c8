"""Areas: each against the others, against the geometry, and their sums against control areas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline.measure import base_area, round_half_up, to_cm2
from pipeline.quality.check import (
    ALL_ROLES,
    ERROR,
    M2,
    NOTHING,
    WARNING,
    Check,
    Example,
    Hits,
    where,
)  # fmt: skip
from pipeline.quality.subject import PBF, PLOTS, TARGET, Subject

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

TITLE, ORDER = "面积", 4
CENT = 0.0051  # half of 0.01 m² and what floats add to it: more than rounding
UNITS = (("公顷", 1e-4), ("亩", 1.5e-3), ("平方公里", 1e-6))
UNIT_OFF = 0.02
FEW = 5
PLANAR_OFF = 2e-6
CONTROL_PPM = 1e-6
_MOST = 0.5


def _off(left: Floats, right: Floats) -> Bools:
    """Return where two areas differ by more than 0.01 m², as their two decimals say."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(round_half_up(left) - round_half_up(right)) > 0.01 + CENT)


def deducted(subject: Subject) -> Hits:
    """Find KCMJs that aren't TBMJ × KCXS."""
    area, rate, given = (subject.number(f) for f in (F.TBMJ, F.KCXS, F.KCMJ))
    wanted = round_half_up(area * np.nan_to_num(rate))
    rows = where(_off(np.nan_to_num(given), wanted) & subject.has(F.KCMJ, F.KCXS))
    found = [
        f"扣除地类面积 {np.nan_to_num(given[r]):.2f}，应为 {area[r]:.2f}×"
        f"{np.nan_to_num(rate[r]):g}＝{wanted[r]:.2f}"
        for r in rows
    ]
    size = np.abs(np.nan_to_num(given) - wanted)[rows]
    return Hits(rows=rows, found=found, field="KCMJ", size=round_half_up(size))


def net(subject: Subject) -> Hits:
    """Find net areas that aren't the gross area less the deduction."""
    gross, net_, loss = {
        PLOTS: (F.TBMJ, F.TBDLMJ, F.KCMJ),
        TARGET: (F.TBMJ, F.TBDLMJ, None),
        PBF: (F.YJJBNTTBMJ, F.YJJBNTMJ, None),
    }[subject.role]
    if not subject.has(gross, net_):
        return NOTHING
    area, given = subject.number(gross), subject.number(net_)
    off = subject.number(F.KCXS) * area if loss is None else subject.number(loss)
    wanted = round_half_up(area - round_half_up(np.nan_to_num(off)))
    rows = where(_off(given, wanted))
    found = [f"{net_.label} {given[r]:.2f}，扣除后应为 {wanted[r]:.2f}" for r in rows]
    size = round_half_up(np.abs(given - wanted)[rows])
    return Hits(rows=rows, found=found, field=net_.national, size=size)


def _ratios(subject: Subject) -> pd.DataFrame:
    """Return per row with TBMJ and shape: file, TBMJ, area, planar area."""
    frame = pd.DataFrame(
        {
            "file": subject.table[F.SOURCE_FILE.name],
            "tbmj": subject.number(F.TBMJ),
            "area": subject.area_m2,
            "planar": subject.planar_m2,
        }
    )
    return frame[(frame["tbmj"] > 0) & (frame["area"] > 0)]


def _unit_of(part: pd.DataFrame) -> str:
    """Return the unit most areas of a file are given in, "" for m²."""
    ratio = part["tbmj"] / part["area"]
    for unit, factor in UNITS:
        if len(part) >= FEW and ((ratio / factor - 1).abs() < UNIT_OFF).mean() > _MOST:
            return unit
    return ""


def _planar(part: pd.DataFrame) -> bool:
    """Return whether most areas of a file are those on the projection plane."""
    large = part[part["area"] >= part["area"].median()]
    off = (large["tbmj"] / large["planar"] - 1).abs() <= PLANAR_OFF
    apart = (large["planar"] / large["area"] - 1).abs() > 10 * PLANAR_OFF
    return len(part) >= FEW and bool((off & apart).mean() > _MOST)


def _of_files(found: dict[str, str], field: str) -> Hits:
    rows = np.full(len(found), -1, dtype=np.int64)
    return Hits(rows=rows, found=list(found.values()), field=field, file=list(found))


def unit(subject: Subject) -> Hits:
    """Find files whose TBMJ is in another unit than m²."""
    units = {str(file): _unit_of(part) for file, part in _ratios(subject).groupby("file")}
    found = {file: f"图斑面积像是以{name}填写，应为平方米" for file, name in units.items() if name}
    return _of_files(found, "TBMJ")


def planar(subject: Subject) -> Hits:
    """Find files whose TBMJ is the planar area."""
    parts = _ratios(subject).groupby("file")
    text = "图斑面积与投影平面面积相符，不是椭球面积"
    return _of_files({str(file): text for file, part in parts if _planar(part)}, "TBMJ")


def differs(subject: Subject) -> Hits:
    """Find TBMJs that aren't the official area, in files whose unit is right."""
    ratios = _ratios(subject)
    sound = [part for _, part in ratios.groupby("file") if not (_unit_of(part) or _planar(part))]
    if not sound:
        return NOTHING
    part = pd.concat(sound).sort_index()
    base = base_area(part["tbmj"], part["area"], subject.limits)
    wrong = part[~base.trusted]
    rows = wrong.index.to_numpy(dtype=np.int64)
    found = [
        f"图斑面积 {t:.2f}，按图形计算的椭球面积 {a:.2f}，相差 {t - a:+.2f} ㎡"
        for t, a in zip(wrong["tbmj"], wrong["area"], strict=True)
    ]
    size = round_half_up((wrong["tbmj"] - wrong["area"]).abs())
    return Hits(rows=rows, found=found, field="TBMJ", size=size)


def control(subject: Subject) -> Hits:
    """Find towns whose plots don't add up to the control area, by ΣTBMJ of their code."""
    if subject.towns is None or "dcmj" not in subject.towns:
        return NOTHING
    towns = subject.towns.dropna(subset=["dcmj"])
    code = subject.text(F.ZLDWDM).str[:9]
    hundredths = to_cm2(np.nan_to_num(subject.number(F.TBMJ)))
    sums = pd.Series(hundredths).groupby(code.to_numpy()).sum()
    have = towns["town_code"].map(sums).fillna(0).to_numpy() / 100
    wanted = towns["dcmj"].to_numpy(dtype=np.float64)
    at = where(_off(have, wanted))
    found = [
        f"{towns['town'].iloc[n]}图斑面积合计 {have[n]:.2f}，控制面积（调查面积）{wanted[n]:.2f}，"
        f"相差 {have[n] - wanted[n]:+.2f} ㎡"
        for n in at
    ]
    shape = towns.geometry.to_numpy()[at]
    file = [subject.first_file] * len(at)
    rows = np.full(len(at), -1, dtype=np.int64)
    size = round_half_up(np.abs(have - wanted)[at])
    return Hits(rows=rows, found=found, field="TBMJ", shape=shape, size=size, file=file)


def control_area(subject: Subject) -> Hits:
    """Find control areas that aren't the official area of the town's outline, beyond 1 ppm."""
    if subject.towns is None or "dcmj" not in subject.towns:
        return NOTHING
    towns = subject.towns.dropna(subset=["dcmj"])
    area = subject.official(np.asarray(towns.geometry.to_numpy(), dtype=object))
    given = towns["dcmj"].to_numpy(dtype=np.float64)
    at = where(np.abs(given - area) > np.maximum(1.0, CONTROL_PPM * area))
    found = [
        f"{towns['town'].iloc[n]}控制面积 {given[n]:.2f}，按界线计算 {area[n]:.2f}，"
        f"相差 {given[n] - area[n]:+.2f} ㎡"
        for n in at
    ]
    return Hits(
        rows=np.full(len(at), -1, dtype=np.int64), found=found, field="DCMJ",
        shape=towns.geometry.to_numpy()[at], size=round_half_up(np.abs(given - area)[at]),
        file=["行政区图层"] * len(at),
    )  # fmt: skip


_MU, _PLANE = ({"tbmj_factor": 0.0015},) * FEW, ({"tbmj_factor": "planar"},) * FEW
_SOUND: tuple[dict[str, object], ...] = ({},) * FEW
RECOMPUTE = "用软件的“椭球面积计算”重算图斑面积，再做面积平差"
CHECKS = (
    Check(
        code="KCMJ_SUM", level=ERROR, text="扣除地类面积＝图斑面积×扣除系数（保留两位）",
        source="TD/T 1055-2019；TDDC3D TbdlmjCalForm；容差 0.01 ㎡",
        advice="用软件的“图斑地类面积计算”重算扣除面积和地类面积",
        example=Example(bad=({"kcmj_plus": 0.5},), good=({},), said="KCMJ 比 TBMJ×KCXS 多 0.50"),
        find=deducted, unit=M2,
    ),
    Check(
        code="TBDLMJ_SUM", level=ERROR,
        text="图斑地类面积＝图斑面积−扣除地类面积（永农：图斑面积×（1−扣除系数））",
        source="TD/T 1055-2019；TDDC3D TbdlmjCalForm；容差 0.01 ㎡",
        advice="用软件的“图斑地类面积计算”重算",
        example=Example(bad=({"tbdlmj_plus": 0.5},), good=({},), said="TBDLMJ 多 0.50"),
        find=net, roles=ALL_ROLES, unit=M2,
    ),
    Check(
        code="TBMJ_UNIT", level=ERROR, text="图斑面积以平方米计",
        source="TD/T 1057-2020 TBMJ 单位 ㎡；一个文件里多数图斑的面积比相差不到 2% 即是",
        advice="用字段计算器换算为平方米（1 亩＝10000/15 ㎡，1 公顷＝10000 ㎡），或重算椭球面积",
        example=Example(bad=_MU, good=_SOUND, said="TBMJ 按亩填写"),
        find=unit,
    ),
    Check(
        code="TBMJ_PLANAR", level=ERROR, text="图斑面积是椭球面积，不是平面面积",
        source="国土调查办发〔2008〕32号", advice=RECOMPUTE,
        example=Example(bad=_PLANE, good=_SOUND, said="TBMJ 由 SHAPE_Area 复制而来"),
        find=planar,
    ),
    Check(
        code="TBMJ_DIFFERS", level=ERROR,
        text="图斑面积与图形一致：差不超过 max(1 ㎡, 0.05 %)（county.toml 可改）",
        source="国土调查办发〔2008〕32号；门槛为本项目所定，容许平差", advice=RECOMPUTE,
        example=Example(bad=({"tbmj_plus": 50.0},), good=({},), said="图形改了，TBMJ 没有重算"),
        find=differs, unit=M2,
    ),
    Check(
        code="CONTROL_SUM", level=ERROR, text="各镇图斑面积合计等于控制面积（XZQ 的 DCMJ）",
        source="汇总规定：县、镇、村控制面积＝图斑面积之和",
        advice="先补漏交、去重复、消除重叠，再用软件做“面积平差”",
        example=Example(
            bad=({}, {}), good=({}, {}), said="少交一个图斑，合计少了它的面积",
            world={"dcmj_plus": 100.0}, good_world={},
        ),
        find=control, unit=M2,
    ),
    Check(
        code="CONTROL_AREA", level=WARNING, text="控制面积与镇界的椭球面积一致（百万分之一）",
        source="国土调查办发〔2008〕32号", advice="核对行政区图层：界线改过就重算 DCMJ",
        example=Example(
            bad=({}, {}), good=({}, {}), said="镇界改了，DCMJ 没有重算",
            world={"dcmj_plus": 100.0}, good_world={},
        ),
        find=control_area, unit=M2,
    ),
)  # fmt: skip
