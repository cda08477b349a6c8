"""What stands where in the map book: every task plot in exactly one frame, numbered, on one page.

Pure: from the ledger's polygons to frames, pages and an index. Every process that draws a part of
the book makes the same plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.errors import Finding, GengbaoError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from pipeline.model import Town

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

SCALES = (1000, 2000, 5000, 10_000)
LARGER = (25_000, 50_000, 100_000, 250_000, 500_000)
"""For plots that are too large for any of SCALES."""
WINDOW_MM = (126.0, 100.0)
"""Ground that a frame shows, on paper; a rim outside of it stays free of the frame's own plots."""
RIM_MM = 4.0
MEDIAN_MM = 8.0
"""The median plot of a town is at least so wide on its sheets."""
MOST_PLOTS = 30
"""Plots a frame holds: as many as its list has lines."""
FRAMES_PER_PAGE = 4
INDEX_ROWS, INDEX_COLUMNS = 66, 6
FRONT_PAGES = 2
"""Cover with contents, county overview."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A window on the ground: number within the book, scale, centre, rows of the ledger in it."""

    number: int
    scale: int
    east_m: float
    north_m: float
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A town's part: its overview page and the pages of its frames; page numbers from 1."""

    town_code: str
    town: str
    page: int
    frames: tuple[Frame, ...]

    @property
    def detail_pages(self) -> tuple[tuple[int, tuple[Frame, ...]], ...]:
        """Page number and frames of each detail page; no page has far fewer than another."""
        pages = -(-len(self.frames) // FRAMES_PER_PAGE)
        ends = [round(len(self.frames) * n / pages) for n in range(pages + 1)] if pages else [0]
        return tuple(
            (self.page + 1 + n, self.frames[first:end])
            for n, (first, end) in enumerate(pairwise(ends))
        )

    @property
    def last_page(self) -> int:
        """The section's last page."""
        return self.page + len(self.detail_pages)


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole book.

    index: one row per task, sorted by BSM and category: row (of the ledger), bsm, category, number
    (within its town), frame, page; index_page: first page of the printed index; pages: of the book.
    """

    sections: tuple[Section, ...]
    index: pd.DataFrame
    index_page: int
    pages: int


def plan_book(tasks: gpd.GeoDataFrame, towns: Sequence[Town]) -> Plan:
    """Plan the book of all tasks with a polygon, withdrawn ones too, town by town.

    tasks: ledger (bsm, category, town_code, geometry) in the working CRS. Towns without tasks have
    a section with an overview only; tasks of no known town stand in a last section 未定. Raises
    GengbaoError when a task would stand on no sheet or on two.
    """
    known = {town.code: town.name for town in towns}
    code = tasks["town_code"].where(tasks["town_code"].isin(list(known)), "")
    if (code == "").any():
        known |= {"": "未定"}
    bounds = tasks.geometry.bounds.to_numpy()
    drawable = np.isfinite(bounds).all(axis=1)
    frames = list(_numbered(bounds, drawable, code.to_numpy(), list(known)))
    per_town = [[frame for town, frame in frames if town == own] for own in known]
    lengths = [1 + -(-len(own) // FRAMES_PER_PAGE) for own in per_town]
    starts = [FRONT_PAGES + 1 + before for before in accumulate(lengths, initial=0)]
    sections = tuple(
        Section(town, name, page, tuple(own))
        for (town, name), page, own in zip(known.items(), starts, per_town, strict=False)
    )
    index = _index(tasks, sections)
    if sorted(index["row"]) != np.flatnonzero(drawable).tolist():
        raise GengbaoError(
            Finding("图册", "有任务图斑不在任何图幅上，或在两幅上", "请保留现场文件并联系开发者")
        )
    index_page = starts[-1]
    index_pages = max(1, -(-len(index) // (INDEX_ROWS * INDEX_COLUMNS)))
    return Plan(sections, index, index_page, index_page + index_pages - 1)


def _numbered(
    bounds: Floats, drawable: Bools, code: NDArray[np.object_], order: Sequence[str]
) -> Iterator[tuple[str, Frame]]:
    """Yield every town's frames, numbered through the book."""
    number = 0
    for town in order:
        rows = np.flatnonzero(drawable & (code == town))
        for scale, members in cover(bounds[rows]):
            number += 1
            west, south = bounds[rows[members], :2].min(axis=0)
            east, north = bounds[rows[members], 2:].max(axis=0)
            chosen = rows[members]
            chosen = chosen[np.lexsort((bounds[chosen, 0], -bounds[chosen, 3]))]
            yield (
                town,
                Frame(
                    number, scale, float(west + east) / 2, float(south + north) / 2,
                    tuple(int(row) for row in chosen),
                ),
            )  # fmt: skip


def cover(bounds: Floats) -> list[tuple[int, Ints]]:
    """Cover boxes (n, 4) with few frames: (scale, members) from north to south.

    Greedy: the northernmost box left opens a frame at the town's scale; of all windows with their
    upper edge there, the one that takes most boxes is taken; then the frame's scale is made as
    large as its members allow. Boxes too large for the town's scale have frames of their own.
    """
    if not len(bounds):
        return []
    base = _town_scale(bounds)
    left = np.ones(len(bounds), dtype=bool)
    order = np.lexsort((bounds[:, 0], -bounds[:, 3]))
    found: list[tuple[int, Ints]] = []
    for first in order:
        if not left[first]:
            continue
        members = _fullest(bounds, left, first, base)
        left[members] = False
        found.append((_fitting(bounds[members]), members))
    return found


def _town_scale(bounds: Floats) -> int:
    """Return the smallest of SCALES at which the median plot is MEDIAN_MM wide."""
    widths = np.maximum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1])
    most = float(np.median(widths)) * 1000 / MEDIAN_MM
    return max((scale for scale in SCALES if scale <= most), default=SCALES[0])


def _room_m(scale: int) -> Floats:
    """Return width and height in m of what a frame's own plots may fill."""
    return (np.array(WINDOW_MM) - 2 * RIM_MM) * scale / 1000


def _fullest(bounds: Floats, left: Bools, first: int, scale: int) -> Ints:
    """Return the members of the best window whose upper edge is the first box's."""
    width, height = _room_m(scale)
    west, south, east, north = bounds.T
    top = north[first]
    near = np.flatnonzero(left & (north <= top) & (south >= top - height))
    lefts = np.unique(west[near][(west[near] <= west[first]) & (west[near] + width >= east[first])])
    if top - south[first] > height or not len(lefts):
        return np.array([first])
    inside = (west[near] >= lefts[:, None]) & (east[near] <= lefts[:, None] + width)
    members = near[inside[int(np.argmax(inside.sum(axis=1)))]]
    if len(members) > MOST_PLOTS:  # the nearest to the first one
        away = np.hypot(west[members] - west[first], north[members] - top)
        members = members[np.argsort(away, kind="stable")[:MOST_PLOTS]]
    return np.asarray(members, dtype=np.int64)


def _fitting(bounds: Floats) -> int:
    """Return the largest scale that shows all boxes."""
    size = bounds[:, 2:].max(axis=0) - bounds[:, :2].min(axis=0)
    fits = (scale for scale in (*SCALES, *LARGER) if (size <= _room_m(scale)).all())
    scale = next(fits, None)
    if scale is None:
        raise GengbaoError(
            Finding("图册", f"图斑范围 {size.max() / 1000:.0f} 公里，画不下", "请检查该图斑坐标")
        )
    return scale


def _index(tasks: gpd.GeoDataFrame, sections: Sequence[Section]) -> pd.DataFrame:
    """Return the index, sorted by BSM and category."""
    rows = [
        (row, number, frame.number, page)
        for section in sections
        for number, (row, frame, page) in enumerate(
            (
                (row, frame, page)
                for page, frames in section.detail_pages
                for frame in frames
                for row in frame.rows
            ),
            1,
        )
    ]
    index = pd.DataFrame(rows, columns=["row", "number", "frame", "page"])
    for name in ("bsm", "category"):
        index[name] = tasks[name].to_numpy()[index["row"]]
    return index.sort_values(["bsm", "category"], ignore_index=True)
