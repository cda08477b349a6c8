"""The accepted plots over the ground: which share it, where there is none, counted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline import fields, measure, overlay
from pipeline.ingest.result import WARNING, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.ingest.drawn import Drawn
    from pipeline.ingest.place import TownShapes
    from pipeline.model import County
    from pipeline.overlay import Pairs
    from pipeline.storage import Register

BSM, BASE, REASON = fields.BSM.name, fields.BASE_M2.name, fields.BASE_REASON.name
FLAGS, TRUSTED = fields.FLAGS.name, fields.TBMJ_TRUSTED.name
OVERLAP, GAP = "PLOT_OVERLAP", "COVERAGE_GAP"


def count_once(
    county: County, plots: Register, drawn: Drawn, extent: tuple[TownShapes, str]
) -> tuple[Register, dict[str, gpd.GeoDataFrame], list[Problem]]:
    """Return the plots with ground they share counted once, the layers that show it, warnings.

    plots: sorted by BSM; drawn: their shapes; extent: the towns they should cover, and what to call
    the delivery. The smaller BSM keeps shared ground, the other's base_m2 loses it; both are
    flagged PLOT_OVERLAP. Layers: overlaps (bsm, other_bsm, area_m2), gaps (area_m2).
    """
    towns, where = extent
    pairs, gaps = overlay.coverage(drawn, towns.polygons, county.thresholds.grid_m)
    shared = measure.official_area(pairs.shape, county.crs)
    left, right = (
        plots.frame(rows, [BSM])[BSM].to_numpy(dtype=object) for rows in (pairs.left, pairs.right)
    )
    overlaps = gpd.GeoDataFrame(
        {"bsm": left, "other_bsm": right, "area_m2": shared},
        geometry=pairs.shape,
        crs=county.crs,
    ).astype({"bsm": "str", "other_bsm": "str"})
    bare = gpd.GeoDataFrame(
        {"area_m2": measure.official_area(gaps, county.crs)}, geometry=gaps, crs=county.crs
    )
    problems = [*_overlap_problems(plots, pairs, shared), *_gap_problems(bare, where)]
    if len(shared):
        plots = _without_shared(county, plots, pairs)
    return plots, {"overlaps": overlaps, "gaps": bare}, problems


def _without_shared(county: County, plots: Register, pairs: Pairs) -> Register:
    rows, united = overlay.union_by(pairs.shape, pairs.right)
    lost = np.zeros(len(plots), dtype=np.int64)
    lost[rows] = measure.official_area_cm2(united, county.crs)
    flagged = np.zeros(len(plots), dtype=np.bool_)
    flagged[[*pairs.left, *pairs.right]] = True
    return plots.assign(
        _reduced(block, lost[at], flagged[at])
        for at, block in plots.blocks([BASE, REASON, TRUSTED, FLAGS])
    )


def _reduced(
    plots: pd.DataFrame, lost: NDArray[np.int64], flagged: NDArray[np.bool_]
) -> pd.DataFrame:
    """Return plots with what each loses taken from its base, and what was done said.

    lost: hundredths of a m².
    """
    base = measure.to_cm2(plots[BASE].to_numpy(dtype=np.float64))
    left = np.maximum(base - lost, 0)
    reason = plots[REASON].to_numpy(dtype=object).copy()
    for row in np.flatnonzero(lost).tolist():
        less = (base - left)[row] / 100
        reason[row] = f"{reason[row]}；与标识码较小的图斑重叠的 {less:.2f} ㎡不再计入"
    return pd.DataFrame(
        {
            BASE: left / 100.0,
            REASON: pd.Series(reason, dtype="str"),
            TRUSTED: plots[TRUSTED].to_numpy() & (lost == 0),
            FLAGS: _flagged(plots[FLAGS], flagged),
        }
    )


def _flagged(flags: pd.Series, rows: NDArray[np.bool_]) -> pd.Series:
    both = OVERLAP + "|" + flags  # in alphabetical order: P before T
    return flags.mask(rows, both.fillna(OVERLAP)).astype("str")


def _overlap_problems(plots: Register, pairs: Pairs, shared: NDArray[np.float64]) -> list[Problem]:
    """Return a warning per overlapping pair, at the plot that doesn't keep the ground."""
    names = [fields.SOURCE_FILE.name, fields.SOURCE_ROW.name, BSM]
    keeping, losing = (
        plots.frame(rows, names).itertuples(index=False, name=None)
        for rows in (pairs.left, pairs.right)
    )
    place = shapely.point_on_surface(pairs.shape)
    advice = "在原数据中消除重叠；重叠部分本次只计入标识码较小的图斑"
    return [
        Problem(
            file, int(row), bsm, OVERLAP, WARNING, fields.GEOMETRY.label,
            f"与图斑 {kept}（{its_file} 第 {its_row} 行）重叠 {area:.2f} ㎡", advice, x, y,
        )
        for (its_file, its_row, kept), (file, row, bsm), area, x, y in zip(
            keeping, losing, shared, shapely.get_x(place), shapely.get_y(place), strict=True
        )
    ]  # fmt: skip


def _gap_problems(bare: gpd.GeoDataFrame, where: str) -> list[Problem]:
    if not len(bare):
        return []
    area = bare["area_m2"].to_numpy()
    largest = int(np.argmax(area))
    point = bare.geometry.iloc[largest].representative_point()
    found = (
        f"行政区范围内有 {len(bare)} 处没有图斑，共 {area.sum():.2f} ㎡，"
        f"最大一处 {area[largest]:.2f} ㎡"
    )
    advice = "核对是否漏交图斑；各处见该期 coverage.gpkg 的 gaps 图层"
    problem = Problem(where, None, None, GAP, WARNING, "", found, advice, point.x, point.y)
    return [problem]
