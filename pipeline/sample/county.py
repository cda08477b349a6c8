"""From a seed to a county in memory: land, plots, exports, zones and lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.measure import official_area_cm2
from pipeline.sample import course, coverage, land, lists, outline, plan, progress, slicing, zones
from pipeline.sample.carving import carve
from pipeline.sample.detail import detailed
from pipeline.sample.figures import MU_M2, Figures, Scale, load_figures
from pipeline.sample.lanes import CRS, lanes_of, linear, slots, streams
from pipeline.sample.place import Place, moved

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from pipeline.sample.valleys import Valley

_NAMES = {"zhashui": ("611026", "柞水县"), "tiny": ("619901", "清石县")}
_GROSS = 1.2  # gross area of fields per 亩 of net target, with room for the flows


@dataclass(frozen=True, slots=True, kw_only=True)
class County:
    """A made county, before it is written.

    atoms: all that never changes (see plan.plan), with geometry, cm2, zldwdm, zldwmc, tbbh,
    bsm, order, xzqmc, supplement; control: official area of each town in 0.01 m²; shapes: town
    outlines; layers: zones and lists with polygons by role; tables: lists without. All polygons are
    in the CRS of the county's zone.
    """

    code: str
    name: str
    figures: Figures
    atoms: gpd.GeoDataFrame
    states: list[progress.State]
    shapes: gpd.GeoSeries
    control: pd.Series
    layers: dict[str, gpd.GeoDataFrame]
    tables: dict[str, pd.DataFrame]


def build(
    scale: Scale,
    later: tuple[date, ...],
    identity: tuple[str | None, str | None],
    place: Place,
    seed: int,
) -> County:
    """Return the county in memory, with one export per date of `later` after the ledger's."""
    figures = load_figures(scale.set_name)
    own_code, own_name = _NAMES[scale.set_name]
    code, name = identity[0] or own_code, identity[1] or own_name
    rng = [np.random.default_rng([seed, k]) for k in range(9)]
    names = list(figures.towns["name"])
    ground = outline.lay_out(scale, names, np.array([place.east_m, place.north_m]), rng[0])
    valleys = carve(ground, scale.layout, _demand_m2(figures), scale.step_m, rng[1])
    axes = np.vstack([v.axis for v in valleys])
    net = outline.weave(ground, axes, scale.cells, rng[2])
    table, faces = _cover(figures, scale, valleys, net, rng)
    del net  # a million cells are a gigabyte
    if scale.vertex_m is not None:
        bends = np.random.default_rng([seed, len(rng)])
        faces = detailed(faces, scale.vertex_m, scale.clear_every, bends)
    atoms = _dress(table, faces, valleys, (code, name, figures), rng[5])
    atoms = course.with_course(atoms, rng[8])
    tables = {
        "monitoring": lists.monitoring(atoms, rng[7]),
        "self_submitted": lists.self_submitted(atoms),
    }
    layers = _layers(atoms)
    atoms["supplement"] = atoms["bsm"].isin(layers["supplement"]["BSM"])
    states = progress.states(course.with_losses(atoms), later, rng[6])
    newest = states[-1].day
    tables = {role: lists.known_by(table, newest) for role, table in tables.items()}
    layers |= {role: lists.known_by(layers[role], newest) for role in ("supplement", "approved")}
    shapes = coverage.town_shapes(faces)
    control = pd.Series(official_area_cm2(shapes.to_numpy(), CRS), index=shapes.index)
    county = County(code=code, name=name, figures=figures, atoms=atoms, states=states,
                    shapes=shapes, control=control, layers=layers, tables=tables)  # fmt: skip
    return moved(county, place.zone)


def _demand_m2(figures: Figures) -> NDArray[np.float64]:
    goal = figures.target_mu("cropland").to_numpy()
    cells = figures.cells
    swap = cells[cells["category"] == "in_out_balance"].set_index("town")["area_mu"]
    return np.asarray((goal * _GROSS + swap.loc[figures.towns["name"]].to_numpy() + 15) * MU_M2)


def _cover(
    figures: Figures, scale: Scale, valleys: list[Valley], net: outline.Net,
    rng: list[np.random.Generator],
) -> tuple[pd.DataFrame, gpd.GeoDataFrame]:  # fmt: skip
    """Return the planned cells and the coverage; `cell` of a face is a row of the first."""
    wanted = plan.plan(figures, scale, rng[3])
    lanes = lanes_of(valleys)
    free = slots(lanes, valleys)
    placed, left = slicing.place(wanted, free, scale.filler_mu, rng[4])
    rank = free.groupby("lane")["rank"].first()
    left["now"] = land.filler_classes(
        left, (left["end"] - left["start"]).to_numpy(), left["lane"].map(rank).to_numpy(), rng[5]
    )

    def whole(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(low=0.0, high=1.0, group="land")

    cells = pd.concat(
        [
            slicing.cells(wanted, placed, lanes),
            whole(left),
            whole(streams(lanes, valleys)),
            whole(linear(lanes, rng[4])),
        ],
        ignore_index=True,
    )
    cuts, inside = slicing.outline_of(cells, lanes)
    mouth = coverage.mouths(valleys)
    points = np.r_[np.asarray(shapely.points(inside), dtype=object), mouth.geometry.to_numpy()]
    cells = pd.concat([cells, pd.DataFrame(mouth.drop(columns="geometry")).assign(group="land")],
                      ignore_index=True)  # fmt: skip
    town = cells["town"].to_numpy(dtype=np.int64)
    return cells, coverage.assemble(valleys, cuts, points, town, net, scale.least_m2)


def _dress(
    cells: pd.DataFrame, faces: gpd.GeoDataFrame, valleys: list[Valley],
    identity: tuple[str, str, Figures], rng: np.random.Generator,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Return the atoms: plan columns for every face, classes of the rest, areas, places, codes."""
    columns = ["plot", "plot_then", "unit", "group", "now", "then", "slope", "pbf", "target",
               "story", "lot", "weight"]  # fmt: skip
    keep = cells[columns].reindex(faces["cell"]).reset_index(drop=True)
    atoms = gpd.GeoDataFrame(keep.assign(town=faces["town"].to_numpy()),
                             geometry=faces.geometry.to_numpy(), crs=CRS)  # fmt: skip
    forest = (faces["cell"] < 0).to_numpy()
    spots = faces.geometry.representative_point().to_numpy()
    atoms.loc[forest, "now"] = land.forest_classes(spots[forest], valleys, rng)
    atoms["then"] = atoms["then"].fillna(atoms["now"])
    atoms["group"] = atoms["group"].fillna("land")
    for column, value in (("story", ""), ("lot", ""), ("pbf", False), ("target", False),
                          ("slope", 0), ("unit", -1), ("weight", 1.0)):  # fmt: skip
        atoms[column] = atoms[column].fillna(value)
    new = atoms["plot"].isna().to_numpy()
    first = int(atoms["plot"].max()) + 1
    atoms.loc[new, "plot"] = first + np.arange(int(new.sum()))
    atoms["plot_then"] = atoms["plot_then"].fillna(atoms["plot"])
    atoms = atoms.astype({"plot": np.int64, "plot_then": np.int64, "slope": np.int64,
                          "unit": np.int64, "pbf": bool, "target": bool})  # fmt: skip
    atoms["cm2"], _ = coverage.closed_areas(faces)
    atoms["width"] = np.round(2 * atoms.area / atoms.length, 1)
    return _address(atoms, valleys, identity, rng)


def _address(
    atoms: gpd.GeoDataFrame, valleys: list[Valley], identity: tuple[str, str, Figures],
    rng: np.random.Generator,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Add village, codes, serials, numbers; sort by serial."""
    code, county, figures = identity
    towns = figures.towns
    number, names = land.villages(atoms, valleys, list(towns["name"]), rng)
    xy = shapely.get_coordinates(atoms.geometry.representative_point())
    out = atoms.assign(village=number, x=xy[:, 0], y=xy[:, 1])
    lead = out.drop_duplicates("plot").set_index("plot")
    out["village"] = out["plot"].map(lead["village"])
    lead = lead.sort_values(["town", "village", "y", "x"], ascending=[True, True, False, True])
    lead["order"] = np.arange(1, len(lead) + 1)
    lead["tbbh"] = lead.groupby(["town", "village"]).cumcount().add(1).astype(str).str.zfill(4)
    out["order"] = out["plot"].map(lead["order"])
    out["tbbh"] = out["plot"].map(lead["tbbh"])
    town_code = (code + towns["code"]).to_numpy(dtype=object)[out["town"]]
    out["zldwdm"] = town_code + out["village"].astype(str).str.zfill(3).to_numpy(object) + "0000000"
    spoken = names.set_index(["town", "village"])["name"]
    place = spoken.loc[pd.MultiIndex.from_frame(out[["town", "village"]])].to_numpy(dtype=object)
    out["xzqmc"] = towns["name"].to_numpy(dtype=object)[out["town"]]
    out["zldwmc"] = county + out["xzqmc"].astype(object) + place
    out["bsm"] = code + "2001" + out["order"].astype(str).str.zfill(8)
    return out.sort_values(["order", "x", "y"], ignore_index=True)


def _layers(atoms: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Return zones and lists with polygons by role.

    Supplements keep clear of displaced zone polygons.
    """
    pbf = zones.zone(atoms, atoms["pbf"])
    off = zones.displaced(pbf, atoms)
    fields = lists.plots_of(
        atoms,
        (atoms["group"] == "retained") & ~atoms["pbf"] & atoms["target"] & (atoms["story"] == ""),
    )
    _, near = shapely.STRtree(fields.geometry.to_numpy()).query(
        pbf.geometry.to_numpy()[off], predicate="intersects"
    )
    fields = fields[~np.isin(np.arange(len(fields)), near)].reset_index(drop=True)
    return {
        "pbf": zones.shifted(pbf, off),
        "target": zones.zone(atoms, atoms["target"]),
        "relocation": lists.relocation(atoms),
        "supplement": lists.supplement(fields, lists.moved_out(atoms)),
        "balance": lists.balance(atoms),
        "approved": lists.approved(atoms),
    }
