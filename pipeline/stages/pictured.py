"""What a product is drawn from, read from the county's files; of the land only what it shows."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pipeline.freshness import marks

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from pipeline.render import MapData, MapSpec
    from pipeline.stages.desk import Desk

TABLES = ("gaps", "summary", "history", "waterfall", "progress")
LAYERS = {"land": "parcels.parquet", "tasks": "ledger.parquet"}


def map_data(desk: Desk, spec: MapSpec, day: date, product_id: str) -> MapData:
    """Read what a product needs."""
    from pipeline import render

    towns = _layer(desk.zone("towns", desk.county.newest))
    members: dict[str, Any] = {
        name: rows_until(desk, name, day) for name in TABLES if name in spec.needs
    }
    if "tasks" in spec.needs:
        members["tasks"] = _layer(desk.export(day, LAYERS["tasks"]))
    data = render.MapData(
        county=desk.county,
        towns=render.town_shapes(towns, desk.county),
        export=day,
        product_id=product_id,
        **members,
    )
    if "land" not in spec.needs:
        return data
    windows = spec.windows(data).tobytes() if spec.windows else b""
    return replace(data, land=land_of(desk.export(day, LAYERS["land"]), spec.land, windows))


def land_of(file: Path, starts: tuple[str, ...], windows: bytes = b"") -> gpd.GeoDataFrame:
    """Return all plots' DLBM, and the shapes of those of some classes or within some windows.

    starts: first digits of the classes; windows: boxes (n, 4) as bytes. Kept for the next product.
    """
    return _land(file, starts, windows, marks(file))


def _layer(file: Path) -> gpd.GeoDataFrame:
    """Read a layer, kept for the next product that this process draws."""
    return _read(file, marks(file))


@lru_cache(maxsize=4)
def _read(file: Path, _marks: tuple[int, ...]) -> gpd.GeoDataFrame:
    from pipeline import storage

    return storage.read_frame(file)


@lru_cache(maxsize=1)  # who shows the same land is drawn one after the other
def _land(
    file: Path, starts: tuple[str, ...], windows: bytes, _marks: tuple[int, ...]
) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import numpy as np

    from pipeline import storage

    lying, land = storage.Lying(file), storage.read_columns(file, ["dlbm"])
    known = land["dlbm"].fillna("").str.startswith(starts).to_numpy(dtype=bool)
    shown = known | storage.Places(np.frombuffer(windows).reshape(-1, 4)).near(lying.boxes())
    return gpd.GeoDataFrame(land, geometry=lying.shapes(shown))


def rows_until(desk: Desk, name: str, day: date) -> pd.DataFrame | None:
    """Return a table's rows up to an export; None where it isn't made for this county."""
    from pipeline import storage

    file = desk.processed / f"{name}.csv"
    if not file.is_file():
        return None
    table = storage.read_table(file)
    return table[table["export"] <= day.isoformat()].reset_index(drop=True)
