"""From a seed to a county folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.errors import ConfigError, Finding
from pipeline.measure import official_area_cm2
from pipeline.sample import coverage, land, lists, outline, plan, progress, slicing
from pipeline.sample import valleys as rivers
from pipeline.sample import zones
from pipeline.sample.folder import MARK, write_folder
from pipeline.sample.figures import MU_M2, SCALES, Figures, Scale, load_figures

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = {"zhashui": ("611026", "柞水县"), "tiny": ("619901", "清石县")}
_GROSS = 1.2  # gross area of fields per 亩 of net target, with room for the flows


@dataclass(frozen=True, slots=True, kw_only=True)
class County:
    """A made county, before it is written.

    atoms: all that never changes (see plan.plan), with geometry, cm2, zldwdm, zldwmc, tbbh,
    bsm, order, xzqmc, supplement; control: official area of each town in 0.01 m²; shapes: town
    outlines; layers: zones and lists by role.
    """

    code: str
    name: str
    figures: Figures
    atoms: gpd.GeoDataFrame
    states: list[progress.State]
    shapes: gpd.GeoSeries
    control: pd.Series
    layers: dict[str, pd.DataFrame]


def make_sample(
    root: Path,
    *,
    scale: str = "small",
    exports: int = 2,
    code: str | None = None,
    name: str | None = None,
    seed: int = 611026,
) -> None:
    """Write a whole synthetic county folder to `root`.

    scale: tiny, small, county or stress; exports: number of exports after the ledger's (0–2);
    code, name: of the county, else the figures' own. The same arguments give the same bytes (but
    for .gdb, whose rows and WKB are equal). Raises ConfigError, before anything is written, for
    an unknown scale, a bad code or number of exports, and for a folder with a county.toml that
    wasn't made here.
    """
    _check(root, scale, exports, code)
    county = build(SCALES[scale], exports, (code, name), seed)
    temp = root.parent / f".{root.name}.sample-tmp"
    shutil.rmtree(temp, ignore_errors=True)
    temp.mkdir(parents=True)
    try:
        write_folder(county, temp)
        _replace(temp, root)
    finally:
        shutil.rmtree(temp, ignore_errors=True)


def _check(root: Path, scale: str, exports: int, code: str | None) -> None:
    findings = []
    if scale not in SCALES:
        findings.append(Finding("参数 scale", f"没有规模“{scale}”", f"可用:{'、'.join(SCALES)}"))
    if not 0 <= exports <= len(progress.LATER):
        findings.append(Finding("参数 exports", f"{exports}", f"取 0 至 {len(progress.LATER)}"))
    if code is not None and not (len(code) == 6 and code.isdigit()):  # noqa: PLR2004 - 6 digits
        findings.append(Finding("参数 code", f"“{code}”不是六位数字", "例如 611026"))
    toml = root / "county.toml"
    if toml.exists() and not toml.read_text(encoding="utf-8", errors="replace").startswith(MARK):
        findings.append(
            Finding(str(toml), "这个县文件夹不是 gengbao sample 生成的", "另选一个空文件夹")
        )
    elif root.exists() and not toml.exists() and _foreign(root):
        findings.append(Finding(str(root), "文件夹里已有别的文件", "另选一个空文件夹"))
    if findings:
        raise ConfigError(findings)


def _foreign(root: Path) -> list[str]:
    return sorted(p.name for p in root.iterdir() if p.name not in {"README.md", ".gitkeep"})


def _replace(temp: Path, root: Path) -> None:
    """Put the new folder in the place of the old; a README of the folder is kept."""
    readme = root / "README.md"
    if readme.exists():
        shutil.copy2(readme, temp / "README.md")
    old = root.parent / f".{root.name}.sample-old"
    shutil.rmtree(old, ignore_errors=True)
    if root.exists():
        root.rename(old)
    temp.rename(root)
    shutil.rmtree(old, ignore_errors=True)


def build(scale: Scale, exports: int, identity: tuple[str | None, str | None], seed: int) -> County:
    """Return the county in memory."""
    figures = load_figures(scale.set_name)
    own_code, own_name = _NAMES[scale.set_name]
    code, name = identity[0] or own_code, identity[1] or own_name
    rng = [np.random.default_rng([seed, k]) for k in range(8)]
    names = list(figures.towns["name"])
    ground = outline.lay_out(scale.layout, names, scale.radius_km, rng[0])
    valleys = rivers.carve(ground, scale.layout, _demand_m2(figures), scale.step_m, rng[1])
    axes = np.vstack([v.axis for v in valleys])
    net = outline.weave(ground, axes, scale.cells, rng[2])
    table, faces = _cover(figures, scale, valleys, net, rng)
    atoms = _dress(table, faces, valleys, (code, name, figures), rng[5])
    layers = _layers(atoms, rng[7])
    atoms["supplement"] = atoms["bsm"].isin(layers["supplement"]["BSM"])
    states = progress.states(atoms, progress.LATER[:exports], rng[6])
    shapes = coverage.town_shapes(faces)
    control = pd.Series(official_area_cm2(shapes.to_numpy(), slicing.CRS), index=shapes.index)
    return County(code=code, name=name, figures=figures, atoms=atoms, states=states,
                  shapes=shapes, control=control, layers=layers)  # fmt: skip


def _demand_m2(figures: Figures) -> np.ndarray:
    goal = figures.target_mu("cropland").to_numpy()
    cells = figures.cells
    swap = cells[cells["category"] == "in_out_balance"].set_index("town")["area_mu"]
    return np.asarray((goal * _GROSS + swap.loc[figures.towns["name"]].to_numpy() + 15) * MU_M2)


def _cover(
    figures: Figures, scale: Scale, valleys: list[rivers.Valley], net: outline.Net,
    rng: list[np.random.Generator],
) -> tuple[pd.DataFrame, gpd.GeoDataFrame]:  # fmt: skip
    """Return the planned cells and the coverage; `cell` of a face is a row of the first."""
    wanted = plan.plan(figures, scale, rng[3])
    lanes = slicing.lanes_of(valleys)
    free = slicing.slots(lanes, valleys)
    placed, left = slicing.place(wanted, free, scale.filler_mu, rng[4])
    rank = free.groupby("lane")["rank"].first()
    left["now"] = land.filler_classes(
        left, (left["end"] - left["start"]).to_numpy(), left["lane"].map(rank).to_numpy(), rng[5]
    )
    whole = {"low": 0.0, "high": 1.0, "group": "land"}
    cells = pd.concat(
        [
            slicing.cells(wanted, placed, lanes),
            left.assign(**whole),
            slicing.streams(lanes, valleys).assign(**whole),
            slicing.linear(lanes, rng[4]).assign(**whole),
        ],
        ignore_index=True,
    )
    cuts, inside = slicing.outline_of(cells, lanes)
    mouth = coverage.mouths(valleys)
    points = np.concatenate((shapely.points(inside), mouth.geometry.to_numpy()))
    cells = pd.concat([cells, pd.DataFrame(mouth.drop(columns="geometry")).assign(group="land")],
                      ignore_index=True)  # fmt: skip
    town = cells["town"].to_numpy(dtype=np.int64)
    return cells, coverage.assemble(valleys, cuts, points, town, net)


def _dress(
    cells: pd.DataFrame, faces: gpd.GeoDataFrame, valleys: list[rivers.Valley],
    identity: tuple[str, str, Figures], rng: np.random.Generator,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Return the atoms: plan columns for every face, classes of the rest, areas, places, codes."""
    columns = ["plot", "plot_then", "unit", "group", "now", "then", "slope", "pbf", "target",
               "story", "lot", "weight"]  # fmt: skip
    keep = cells[columns].reindex(faces["cell"]).reset_index(drop=True)
    atoms = gpd.GeoDataFrame(keep.assign(town=faces["town"].to_numpy()),
                             geometry=faces.geometry.to_numpy(), crs=slicing.CRS)  # fmt: skip
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
    atoms: gpd.GeoDataFrame, valleys: list[rivers.Valley], identity: tuple[str, str, Figures],
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


def _layers(atoms: gpd.GeoDataFrame, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Return zones and lists by role. Supplements keep clear of displaced zone polygons."""
    pbf = zones.zone(atoms, atoms["pbf"])
    off = zones.displaced(pbf, atoms)
    own = lists.self_submitted(atoms)
    fields = lists.plots_of(
        atoms,
        (atoms["group"] == "retained") & ~atoms["pbf"] & atoms["target"] & (atoms["story"] == ""),
    )
    _, near = shapely.STRtree(fields.geometry.to_numpy()).query(
        pbf.geometry.to_numpy()[off], predicate="intersects"
    )
    fields = fields.drop(index=np.unique(near)).reset_index(drop=True)
    return {
        "pbf": zones.shifted(pbf, off),
        "target": zones.zone(atoms, atoms["target"]),
        "monitoring": lists.monitoring(atoms, rng),
        "self_submitted": own,
        "relocation": lists.relocation(atoms),
        "supplement": lists.supplement(fields, lists.moved_out(atoms, own)),
        "balance": lists.balance(atoms),
        "approved": lists.approved(atoms),
    }
