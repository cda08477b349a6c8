"""The province's maps: its counties as the places of one sheet, drawn again only when they change.

Counties lie in different 3° zones, so they are brought into one equal-area plane: what is compared
is areas. Each sheet says which plane it is.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.crs import ProjectedCRS
from pyproj.crs.coordinate_operation import AlbersEqualAreaConversion

from pipeline import storage
from pipeline.errors import GengbaoError
from pipeline.freshness import PACKAGE, Contents, code_files, key_of
from pipeline.ingest.read import read_role
from pipeline.model import WHOLE_PROVINCE, County, Mode, Thresholds, Town
from pipeline.render import MapData, discover, render
from pipeline.render.scope import province
from pipeline.stages import Desk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.province.run import CountyRun
    from pipeline.render import MapSpec

FOLDER = "maps"
OWN = "province"
"""Maps made for a province alone; with them those of gaps, which every county has too."""
DEGREES = "EPSG:4490"
DETAIL_M = 20.0
"""What is smaller is left out of outlines: less than 0.1 mm at 1:200 000."""
SHORT = 12


def specs() -> list[MapSpec]:
    """Return the maps a province gets."""
    return [s for s in discover() if s.command == OWN or s.name.endswith(("_gap", "_rate"))]


def write_maps(
    work: Path, stand: Path, data: MapData, before: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Write the maps below `work`; return id and files of each, by name.

    before: the manifest of the products that stand below `stand`: a map that shows the same and
    still has the bytes it had then is copied from there.
    """
    (work / FOLDER).mkdir()
    known: Mapping[str, Any] = before.get("maps", {})
    made = {}
    for spec in specs():
        number = key_of({"map": spec.name, "shown": data.product_id})[:SHORT]
        last = known.get(spec.name, {"id": "", "files": []})
        hashes = {name: before.get("outputs", {}).get(name) for name in last["files"]}
        if last["id"] == number and all(_stands(stand / n, h) for n, h in hashes.items()):
            for name in hashes:
                shutil.copyfile(stand / name, work / name)
            made[spec.name] = {"id": number, "files": list(hashes)}
        else:
            made[spec.name] = {"id": number, "files": _drawn(spec, work, data)}
    return made


def _drawn(spec: MapSpec, work: Path, data: MapData) -> list[str]:
    """Draw a map; return the names of its files. Small pictures are for a county's index only."""
    files = {f"{FOLDER}/{n}": made for n, made in render(spec, data).items() if "/" not in n}
    for name, content in files.items():
        storage.write_bytes(work / name, content)
    return sorted(files)


def _stands(file: Path, digest: str | None) -> bool:
    return digest is not None and file.is_file() and storage.sha256(file) == digest


def map_data(runs: Sequence[CountyRun], gaps: pd.DataFrame, name: str) -> MapData | None:
    """Return what the maps show: every county's shape, and its row of gaps (as province_gaps).

    A county that didn't finish stands without data, with its shape where its towns can be read.
    name: of the province, in titles. None where no county finished, or none has a shape.
    """
    counties = [run.county for run in runs if run.county]
    finished = [run.county for run in runs if run.county and not run.refused]
    shapes = outlines(runs)
    if not finished or not len(shapes):
        return None
    crs, deadlines = equal_area(shapes.total_bounds), {one.deadline for one in finished}
    county = _as_county(counties, finished, name, crs)
    rows, issue = _as_towns(gaps, county), f"各县最新一期（{_span(finished)}）"
    shown = {
        "code": Contents().of_all(code_files(("render",)), base=PACKAGE),
        "county": [name, crs, issue, *sorted(map(str, deadlines)), str(county.ledger)],
        "towns": [(town.code, town.name) for town in county.towns],
        "sample": county.sample,
        "shapes": shapely.to_wkb(shapes.geometry.to_numpy(), hex=True).tolist(),
        "gaps": rows.to_csv(index=False),
    }
    return MapData(
        county=county,
        towns=shapes.to_crs(crs),
        export=county.newest,
        product_id=key_of(shown)[:SHORT],
        gaps=rows,
        scope=province(issue, deadline=len(deadlines) == 1),
    )


def outlines(runs: Sequence[CountyRun]) -> gpd.GeoDataFrame:
    """Return town_code (the county's), town (its name), geometry in EPSG:4490, by code.

    From the towns as the county's last run took them, else from the user's file; a county whose
    towns can't be read isn't among them.
    """
    counties = {run.county.code: (run, run.county) for run in runs if run.county}
    rows = [
        (code, county.name, shape)
        for code, (run, county) in sorted(counties.items())
        if (shape := _outline(run, county)) is not None
    ]
    frame = pd.DataFrame(rows, columns=["town_code", "town", "geometry"])
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=DEGREES)


def _outline(run: CountyRun, county: County) -> shapely.Geometry | None:
    """Return a county's outline in EPSG:4490, None where its towns can't be read."""
    towns = _towns(run, county)
    if towns is None or towns.geometry.isna().all():
        return None
    shapes = np.asarray(towns.geometry.dropna(), dtype=object)
    whole = shapely.union_all(shapely.make_valid(shapely.coverage_simplify(shapes, DETAIL_M)))
    return gpd.GeoSeries([whole], crs=towns.crs).to_crs(DEGREES).iloc[0]


def _towns(run: CountyRun, county: County) -> gpd.GeoDataFrame | None:
    if run.out is not None:
        file = Desk(county, run.out).zone("towns", county.newest)
        if file.is_file():
            return storage.read_frame(file, ["geometry"])
    try:
        towns: gpd.GeoDataFrame = read_role(county, "towns", county.newest).frame
    except GengbaoError:  # what is wrong is told in the county's own findings
        return None
    return towns


def equal_area(bounds: np.ndarray) -> str:
    """Return the Albers equal-area CRS on CGCS2000 fit for some bounds in degrees, as WKT.

    Standard parallels a sixth of the height from either end (Snyder 1987, Map Projections: A
    Working Manual, USGS PP 1395, p. 99), all to half a degree, so that they can be read out.
    """
    west, south, east, north = bounds

    def half(degrees: float) -> float:
        return float(np.floor(degrees * 2 + 0.5)) / 2

    sixth = (north - south) / 6
    conversion = AlbersEqualAreaConversion(
        latitude_first_parallel=half(south + sixth),
        latitude_second_parallel=half(north - sixth),
        longitude_false_origin=half((west + east) / 2),
    )
    crs = ProjectedCRS(conversion=conversion, name="省图 Albers", geodetic_crs=CRS(DEGREES))
    return crs.to_wkt()


def _as_county(
    counties: Sequence[County], finished: Sequence[County], name: str, crs: str
) -> County:
    """Return the province as maps take it: a county whose towns are the counties."""
    newest = max(one.newest for one in finished)
    return County(
        root=counties[0].root,
        name=name,
        code="",
        crs=crs,
        previous=max(one.previous for one in finished),
        ledger=max(one.ledger for one in finished),
        deadline=max(one.deadline for one in finished),
        rules="",
        publisher="",
        mode=Mode.DERIVE,
        sample=any(one.sample for one in finished),
        layers={},
        phases={},
        thresholds=Thresholds(),
        towns=tuple(
            Town(code=one.code, name=one.name, aliases=(), group="", basin="")
            for one in sorted(counties, key=lambda one: one.code)
        ),
        targets=(),
        exports=(newest,),
    )


def _as_towns(gaps: pd.DataFrame, county: County) -> pd.DataFrame:
    """Return province_gaps as a county's gaps.csv of one export: counties as towns, the sums."""
    rows = gaps.rename(columns={"county_code": "town_code", "county": "town"})
    whole = rows["town"] == WHOLE_PROVINCE
    return rows.assign(
        town_code=rows["town_code"].where(~whole, None), export=county.newest.isoformat()
    )


def _span(counties: Sequence[County]) -> str:
    """Return the first and the last of the counties' newest exports."""
    days = sorted(one.newest.isoformat() for one in counties)
    return days[0] if days[0] == days[-1] else f"{days[0]} 至 {days[-1]}"
