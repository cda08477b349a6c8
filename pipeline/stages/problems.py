"""The products of a quality check: list, layers, workbook, maps, a draft of acknowledgements."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline import __version__
from pipeline.disk import replacing_folder
from pipeline.freshness import PACKAGE, Contents, code_files, key_of
from pipeline.ingest.files import members, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    import geopandas as gpd

    from pipeline.ingest.baseline import Acknowledged
    from pipeline.model import County, LayerStyle

ROOMS = ("ingest", "overlay", "compare", "quality", "render")
FOLDER, MANIFEST = "quality", "manifest.json"
CSV, GPKG, BOOK, DRAFT = "problems.csv", "problems.gpkg", "检查汇总.xlsx", "待认可.csv"
WRITTEN = (
    "source_file", "source_row", "bsm", "rule", "severity", "field", "found", "advice", "x", "y",
    "other_bsm", "size", "unit", "town_code", "town", "located", "known",
)  # fmt: skip
KINDS = {"areas": (3, 6), "lines": (1, 2, 5), "points": (0, 4)}
NOWHERE = -1
ROLE_NAMES = {"parcels": "地类图斑", "pbf": "永久基本农田", "target": "耕地保护目标"}
ERROR_COLOUR, WARNING_COLOUR = "#C8102E", "#E8A33D"
SHORT = 12
NO_CRS = (
    'ENGCRS["Undefined Cartesian SRS",EDATUM["unknown"],CS[Cartesian,2],AXIS["easting",east],'
    'AXIS["northing",north],LENGTHUNIT["metre",1]]'
)
"""Of layers that lie in no CRS we know: GeoPackage's own name for it."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A finished check.

    name: of its folder; day: the export checked, None for files; findings: quality.COLUMNS, known,
    geometry; stale: acknowledgements that meet nothing; rows: checked rows by role; towns: the
    county's; inputs: the files it rests on; out: where products go.
    """

    county: County | None
    name: str
    day: date | None
    findings: gpd.GeoDataFrame
    stale: tuple[Acknowledged, ...]
    rows: Mapping[str, int]
    towns: gpd.GeoDataFrame | None
    inputs: tuple[Path, ...]
    out: Path

    @property
    def folder(self) -> Path:
        """Where its products lie."""
        return self.out / "data" / "processed" / FOLDER / self.name

    @cached_property
    def record(self) -> dict[str, object]:
        """The manifest: what was checked, from which files, by which code."""
        contents = Contents()
        root = self.county.root if self.county else self.inputs[0].parent
        files = sorted(set(members(self.inputs, root)))
        record: dict[str, object] = {
            "version": __version__,
            "name": self.name,
            "files": {shown(path, root): contents.of(path) for path in files},
            "rows": dict(self.rows),
        }
        code = contents.of_all(code_files(ROOMS), base=PACKAGE)
        return record | {"run_id": key_of({"code": code, **record})}

    @property
    def run_id(self) -> str:
        """What names this check: the hash over its files and the code."""
        return str(self.record["run_id"])


def write(done: Checked) -> None:
    """Write all products, or none. Raises OutputError."""
    from pipeline import storage
    from pipeline.ingest.baseline import COLUMNS
    from pipeline.quality.known import draft
    from pipeline.quality.workbook import workbook

    findings = done.findings
    lines = [(str(line.line), line.rule, line.bsm, line.reason) for line in done.stale]
    with replacing_folder(done.folder, _before(done.folder)) as fresh:
        storage.write_table(fresh / CSV, storage.guarded(findings[list(WRITTEN)]))
        storage.write_table(fresh / DRAFT, storage.guarded(draft(findings, COLUMNS)))
        storage.write_gpkg(fresh / GPKG, dict(_layers(findings)), _styles())
        storage.write_bytes(fresh / BOOK, workbook(findings, _head(done), lines))
        for name, content in _maps(done).items():
            storage.write_bytes(fresh / name, content)
        products = {file.name: storage.sha256(file) for file in sorted(fresh.iterdir())}
        storage.write_json(fresh / MANIFEST, {**done.record, "products": products})


def _head(done: Checked) -> list[str]:
    """Return the lines above the summary."""
    mark = "　示例数据" if done.county and done.county.sample else ""
    counted = "，".join(f"{ROLE_NAMES[role]} {count} 行" for role, count in done.rows.items())
    return [
        f"{done.county.name if done.county else ''}质量检查 {done.name}{mark}",
        f"检查了{counted}；产品编号 {done.run_id[:SHORT]}",
        f"问题全部列在 {CSV}，图形在 {GPKG}",
        f"认可某处问题：把 {DRAFT} 里该行写上理由，另存为基线，下次用 --baseline 给出",
    ]


def _layers(findings: gpd.GeoDataFrame) -> Iterator[tuple[str, gpd.GeoDataFrame]]:
    """Yield areas, lines and points; what has no place stands among the points."""
    import numpy as np
    import shapely

    kinds = shapely.get_type_id(findings.geometry.to_numpy())
    for name, own in KINDS.items():
        chosen = np.isin(kinds, (*own, NOWHERE) if name == "points" else own)
        yield name, findings[chosen].reset_index(drop=True)


def _styles() -> tuple[LayerStyle, ...]:
    from pipeline.quality import ERROR, WARNING
    from pipeline.symbology import Shape, Symbol, categorised

    symbols = [Symbol(ERROR, ERROR, ERROR_COLOUR), Symbol(WARNING, WARNING, WARNING_COLOUR)]
    shapes = {"areas": Shape.POLYGON, "lines": Shape.LINE, "points": Shape.POINT}
    return tuple(
        categorised(layer, "severity", symbols, name="按级别", shape=shape, default=True)
        for layer, shape in shapes.items()
    )


def _maps(done: Checked) -> dict[str, bytes]:
    """Return a map page per town with new findings, where there is a county to draw."""
    county, towns, findings = done.county, done.towns, done.findings
    if county is None or towns is None or findings.crs != towns.crs:
        return {}
    placed = findings["known"].isna() & findings["x"].notna()
    new = findings[placed.to_numpy(dtype=bool)]
    if not new["town_code"].isin(towns["town_code"]).any():
        return {}
    from pipeline import render
    from pipeline.quality.summary import rule_texts

    spec = next(spec for spec in render.discover() if spec.command == FOLDER)
    data = render.MapData(
        county=county,
        towns=towns,
        export=done.day or county.newest,
        product_id=done.run_id[:SHORT],
        findings=new.assign(text=new["rule"].map(rule_texts())),
    )
    files = render.render(spec, data)
    return {name: content for name, content in files.items() if name.endswith(".pdf")}


def _before(folder: Path) -> set[str]:
    """Return the products of an earlier check, by its manifest."""
    from pipeline import storage

    manifest = folder / MANIFEST
    if not manifest.is_file():
        return set()
    return {MANIFEST, *storage.read_json(manifest).get("products", {})}
