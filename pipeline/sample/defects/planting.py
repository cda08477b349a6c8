"""Planting: the newest export, the zones and small faulty deliveries, and their truth.csv."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyogrio
import shapely

from pipeline.sample import deliver, zones
from pipeline.sample.defects import files, shapes, topology, values
from pipeline.sample.defects.bed import Bed
from pipeline.sample.defects.zones import ZONES
from pipeline.sample.folder import export_frame
from pipeline.sample.place import unprefixed

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

    from pipeline.sample.county import County
    from pipeline.sample.progress import State

TRUTH = "truth.csv"
DELIVERIES = "defects"
"""Folder of the small faulty deliveries, one folder each."""
KEPT = "KEPT"
"""Column, while planting: 1 for plots that are as they were at the export before."""
SOUND = ("sound", files.shapefile)
"""The same plots delivered without a fault, beside the faulty deliveries of each number."""
COLUMNS = (
    "id", "kind", "label", "layer", "file", "row", "bsm", "other_bsm", "x_min", "y_min", "x_max",
    "y_max", "area_m2", "company",
)  # fmt: skip


def kinds() -> dict[str, str]:
    """Return every kind of defect with its Chinese name, in the order they are planted."""
    drawn = {**topology.TOPOLOGY, **shapes.SHAPES, **ZONES, **files.FILES}
    return {wrong.kind: wrong.label for wrong in values.wrongs()} | {
        kind: label for kind, (label, _) in drawn.items()
    }


def plant(county: County, root: Path, *, seed: int, count: int) -> None:
    """Plant `count` of every kind in a county written to `root`; write root/truth.csv.

    The newest export becomes one GeoPackage with all faults of plots, 永农 and 耕地保护目标 get
    theirs, and defects/KIND_NN/ holds the deliveries whose fault is of the file. A kind of which
    the county has not enough plots is planted as often as they go. Half of what is planted in plots
    stands alone there, half in the company of another kind.
    """
    rng = np.random.default_rng([seed, 77])
    state = county.states[-1]
    frame = export_frame(county.atoms, state, county.code)
    frame[KEPT] = _kept(export_frame(county.atoms, county.states[-2], county.code), frame)
    truth = _export(frame, root / "exports" / state.day.isoformat(), count, rng)
    truth += _zones(county, root / "reference", count, rng)
    truth += _deliveries(frame.drop(columns=KEPT), root / DELIVERIES, state, count, rng)
    table = pd.DataFrame(truth)
    labels = kinds()
    table = table.assign(id=np.arange(1, len(table) + 1), label=table["kind"].map(labels))
    text = table.reindex(columns=list(COLUMNS)).to_csv(index=False, lineterminator="\n")
    (root / TRUTH).write_bytes(text.encode("utf-8-sig"))


def _kept(before: gpd.GeoDataFrame, now: gpd.GeoDataFrame) -> list[str]:
    """Return of each plot whether the export before has it with the same outline and class: 1."""
    both = now[["BSM"]].merge(before, on="BSM", how="left", validate="one_to_one")
    same = shapely.equals_identical(both["geometry"].to_numpy(), now.geometry.to_numpy())
    for name in ("DLBM", "GDPDJB"):
        same &= (both[name].fillna("") == now[name].fillna("")).to_numpy()
    return ["1" if one else "0" for one in same]


def _export(
    frame: gpd.GeoDataFrame, folder: Path, count: int, rng: np.random.Generator
) -> list[dict[str, object]]:
    bed = Bed(frame, "DLTB", rng)
    every = values.wrongs()
    for _, plant_kind in (*topology.TOPOLOGY.values(), *shapes.SHAPES.values()):
        plant_kind(bed, count)
    values.plant_beside(bed, every)
    values.plant(bed, every, count)
    shutil.rmtree(folder)
    folder.mkdir()
    file = folder / "DLTB.gpkg"
    _geopackage(bed.frame.drop(columns=["plot", KEPT]), file, "DLTB")
    return _told(bed, f"{folder.parent.name}/{folder.name}/{file.name}")


def _geopackage(frame: gpd.GeoDataFrame, file: Path, layer: str) -> None:
    """Write a layer with whatever shapes it has."""
    with deliver.fixed_clock():
        pyogrio.write_dataframe(
            frame, file, driver="GPKG", layer=layer, geometry_type="Unknown",
            promote_to_multi=False, layer_options={"SPATIAL_INDEX": "NO"},
        )  # fmt: skip


def _zones(
    county: County, folder: Path, count: int, rng: np.random.Generator
) -> list[dict[str, object]]:
    towns = county.figures.towns
    names = list(zip(county.code + towns["code"], towns["name"], strict=True))
    pbf = Bed(zones.pbf_layer(county.layers["pbf"], county.code, names), "YJJBNTBHTB", rng)
    target = Bed(zones.target_layer(county.layers["target"], county.code), "GDBHMB", rng)
    pbf.beside = target.outlines
    plant_beyond = ZONES["pbf_beyond_target"][1]
    plant_beyond(pbf, count)
    for _, plant_kind in (both for kind, both in ZONES.items() if kind != "pbf_beyond_target"):
        plant_kind(pbf, count - count // 2)
        plant_kind(target, count // 2)
    gdb = folder / "永久基本农田" / "YJJBNTBHTB.gdb"
    shutil.rmtree(gdb)
    with deliver.fixed_clock():
        deliver.file_gdb(pbf.frame.drop(columns="plot"), gdb, "YJJBNTBHTB")
    gpkg = folder / "耕地保护目标" / "GDBHMB.gpkg"
    gpkg.unlink()
    _geopackage(unprefixed(target.frame.drop(columns="plot")), gpkg, "GDBHMB")
    return _told(pbf, "reference/永久基本农田/YJJBNTBHTB.gdb") + _told(
        target, "reference/耕地保护目标/GDBHMB.gpkg"
    )


def _told(bed: Bed, file: str) -> list[dict[str, object]]:
    """Return a layer's truth with the rows and numbers its plots have in the end."""
    plots = bed.frame["plot"].to_numpy()
    row = {int(plot): at for at, plot in enumerate(plots, 1)}
    bsm = bed.gone | dict(zip(plots.tolist(), bed.frame["BSM"], strict=True))
    return [
        one
        | {
            "file": file,
            "row": row.get(one["plot"]),
            "bsm": bsm.get(one["plot"]),
            "other_bsm": bsm.get(one.get("other", -1)),
        }
        for one in bed.truth
    ]


def _deliveries(
    frame: gpd.GeoDataFrame, folder: Path, state: State, count: int, rng: np.random.Generator
) -> list[dict[str, object]]:
    order = {kind: place for place, kind in enumerate(files.FILES)}
    told: list[dict[str, object]] = []
    for number in range(1, count + 1):
        part = files.sections(frame, rng)
        west, south, east, north = shapely.total_bounds(part.geometry.to_numpy())
        place = {"x_min": west, "y_min": south, "x_max": east, "y_max": north}
        for kind, fault in (SOUND, *((kind, fault) for kind, (_, fault) in files.FILES.items())):
            path = folder / f"{kind}_{number:02d}" / "地类图斑.shp"
            path.parent.mkdir(parents=True)
            with deliver.fixed_clock():
                fault(part, path, state.day)
            file = f"{DELIVERIES}/{path.parent.name}/{path.name}"
            told.append({"kind": kind, "layer": "DLTB", "company": False, **place, "file": file})
    return sorted(
        (one for one in told if one["kind"] != SOUND[0]), key=lambda one: order[str(one["kind"])]
    )
