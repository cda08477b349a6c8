"""Two exports held against each other, as far as their rows can be: by `compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np

from pipeline import compare
from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from pipeline.quality.subject import Subject

    Ints = NDArray[np.int64]


class Change(NamedTuple):
    """Links and flows of `compare.match`, with rows of both subjects (-1 none)."""

    links: pd.DataFrame
    flows: gpd.GeoDataFrame


def changed(old: Subject, new: Subject) -> Change:
    """Return what became of the plots, old_row and new_row added to links and flows."""
    sides = _comparable(old), _comparable(new)
    found = compare.match(*sides, crs=new.crs)
    links = found.links.assign(**_rows(found.links, *sides))
    return Change(links, found.flows.assign(**_rows(found.flows, *sides)))


def _comparable(subject: Subject) -> gpd.GeoDataFrame:
    """Return the rows with a shape and a BSM that no earlier one has; row: their number."""
    rows = subject.usable
    bsm = subject.table[F.BSM.name].iloc[rows]
    rows = rows[(bsm.notna() & ~bsm.duplicated()).to_numpy(dtype=bool)]
    area = subject.area_m2[rows]
    table = subject.table.iloc[rows].reset_index(drop=True)
    extra = {F.AREA_M2.name: area, F.BASE_M2.name: area, "row": rows}
    frame = gpd.GeoDataFrame(table.assign(**extra), geometry=subject.shapes[rows], crs=subject.crs)
    return frame[~np.isnan(area) & (area > 0)].reset_index(drop=True)


def _rows(
    found: pd.DataFrame, old: gpd.GeoDataFrame, new: gpd.GeoDataFrame
) -> dict[str, pd.Series]:
    """Return old_row and new_row of links or flows."""
    return {
        f"{side}_row": found[f"{side}_bsm"]
        .map(dict(zip(frame[F.BSM.name], frame["row"], strict=True)))
        .fillna(-1)
        .astype("int64")
        for side, frame in (("old", old), ("new", new))
    }
