"""From sifted rows to plots: measured, held against TBMJ and the ground, put into their towns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import fields, measure, overlay
from pipeline.errors import Finding, InputError
from pipeline.ingest import units
from pipeline.ingest.ground import count_once
from pipeline.ingest.place import BY_PLACE, MISMATCH, TownShapes, assign, majority
from pipeline.ingest.result import WARNING, Problem
from pipeline.storage import give_back

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd
    from numpy.typing import NDArray

    from pipeline.ingest.drawn import Drawn
    from pipeline.ingest.sift import Sifted
    from pipeline.model import County
    from pipeline.storage import Register

BSM = fields.BSM.name
FILE, ROW = fields.SOURCE_FILE.name, fields.SOURCE_ROW.name
ZONE_AREAS = {"target": fields.TBMJ, "pbf": fields.YJJBNTTBMJ}
UNIT_ADVICE = "请原单位核对坐标系和图斑面积（㎡，椭球面积），改正后重新导出"
TOWN_NOTES = {
    "TOWN_UNKNOWN": ("坐落单位代码不属于本县镇办", "核对坐落单位代码；不能确定的列入待核"),
    BY_PLACE: ("坐落单位代码不是现有镇办（可能已撤并），按位置归入{}", "核对镇办归属"),
    MISMATCH: ("坐落单位代码属{}，图斑却有一半以上在其他镇办范围内", "核对坐落单位代码或镇办界线"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plots:
    """The plots of an export, layers about their ground, warnings.

    table: fields.PARCELS but the geometry, by BSM; drawn: in its order, their shapes.
    """

    table: Register
    drawn: Drawn
    ground: dict[str, gpd.GeoDataFrame]
    problems: list[Problem]


def finished(county: County, sifted: Sifted, towns: TownShapes, where: str) -> Plots:
    """Return the accepted rows as plots. Raises InputError when a file's TBMJ contradicts it."""
    table, drawn = sifted.accepted(), sifted.drawn()
    table = table.assign(_measured(county, table, drawn, towns))
    problems = [*_areas(county, table, sifted), *_town_problems(table), *sifted.slivers()]
    order = table[BSM].sort_values(kind="stable").index.to_numpy()
    columns = [field.name for field in fields.PARCELS if field != fields.GEOMETRY]
    table, drawn = table.only(columns).select(order), drawn.select(order)
    give_back()
    table, ground, found = count_once(county, table, drawn, (towns, where))
    return Plots(table=table, drawn=drawn, ground=ground, problems=[*problems, *found])


def zone_areas(county: County, sifted: Sifted, role: str) -> list[Problem]:
    """Return a warning per file of a zone whose stated areas are in another unit or frame."""
    field = ZONE_AREAS.get(role)
    if field is None:
        return []
    table, drawn = sifted.accepted(), sifted.drawn()
    area, planar = drawn.area_m2, drawn.planar_m2
    stated = table[field.name].to_numpy(dtype=np.float64)
    problems = []
    for file, rows in _by_file(table):
        verdict = units.compare(stated[rows], area[rows], planar[rows], county.thresholds)
        _log_area(sifted, file, verdict.evidence)
        if verdict.rule:
            advice = "面积一律按图形计算，不受影响；最好请原单位改正"
            problems.append(
                Problem(
                    file, None, None, verdict.rule, WARNING, field.national, verdict.found,
                    advice,
                )
            )  # fmt: skip
    return problems


def _log_area(sifted: Sifted, file: str, evidence: str) -> None:
    for log in sifted.rows.log["files"]:
        if log["file"] == file:
            log["area"] = evidence


def _measured(
    county: County, plots: Register, drawn: Drawn, towns: TownShapes
) -> Iterator[pd.DataFrame]:
    """Yield for each block of accepted plots its areas, the base of the sums and the town."""
    layer = overlay.layer(towns.polygons)
    for rows, block in plots.blocks([fields.TBMJ.name, fields.ZLDWDM.name, fields.ZLDWMC.name]):
        area = drawn.area_cm2[rows] / 100.0
        base = measure.base_area(block[fields.TBMJ.name], area, county.thresholds)
        measured = {
            fields.AREA_M2.name: area,
            fields.PLANAR_M2.name: drawn.planar_m2[rows],
            fields.BASE_M2.name: base.base_m2,
            fields.TBMJ_TRUSTED.name: base.trusted,
            fields.BASE_REASON.name: pd.Series(base.reason, dtype="str"),
        }
        place = majority(drawn.geometry(rows), drawn.planar_m2[rows], towns, layer)
        yield pd.DataFrame(measured).join(assign(county, block, place))


def _areas(county: County, table: Register, sifted: Sifted) -> list[Problem]:
    """Hold each file's TBMJ against its geometry; return what is odd about it or its plots."""
    problems: list[Problem] = []
    findings = []
    figures = table[[fields.TBMJ.name, fields.AREA_M2.name, fields.PLANAR_M2.name]]
    tbmj, area, planar = figures.to_numpy(dtype=np.float64).T
    national = fields.TBMJ.national
    for file, rows in _by_file(table):
        verdict = units.compare(tbmj[rows], area[rows], planar[rows], county.thresholds)
        _log_area(sifted, file, verdict.evidence)
        if verdict.rule in {units.UNIT, units.SCALE}:
            findings.append(Finding(f"{file} 字段 {national}", verdict.found, UNIT_ADVICE))
        elif verdict.rule:
            advice = "本次改用椭球面积；请原单位按椭球面积重算图斑面积"
            found = (file, None, None, verdict.rule, WARNING, national, verdict.found, advice)
            problems.append(Problem(*found))
        else:
            problems += _differing(table, rows[verdict.differs])
    if findings:
        raise InputError(findings)
    return problems


def _by_file(table: Register) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield the files by name, each with its rows."""
    number, names = pd.factorize(table[FILE], sort=True)
    for at, name in enumerate(names):
        yield str(name), np.flatnonzero(number == at)


def _differing(table: Register, rows: NDArray[np.int64]) -> list[Problem]:
    """Return a warning per plot (of these rows) whose TBMJ is not its area."""
    advice = "核对图形与图斑面积哪个是旧的，在原数据中改正"
    plots = table.frame(rows, [FILE, ROW, BSM, fields.BASE_REASON.name])
    columns = (plots[name] for name in (FILE, ROW, BSM, fields.BASE_REASON.name))
    return [
        Problem(file, int(row), bsm, units.SINGLE, WARNING, fields.TBMJ.national, why, advice)
        for file, row, bsm, why in zip(*columns, strict=True)
    ]


def _town_problems(plots: Register) -> list[Problem]:
    """Return a warning per plot whose town is by place, contradicted by place, or unknown."""
    doubtful = plots[fields.FLAGS.name].notna() | plots[fields.TOWN_CODE.name].isna()
    columns = (
        fields.SOURCE_FILE,
        fields.SOURCE_ROW,
        fields.BSM,
        fields.FLAGS,
        fields.TOWN,
        fields.ZLDWDM,
    )
    odd = plots.frame(np.flatnonzero(doubtful), [field.name for field in columns])
    found = []
    for file, row, bsm, flag, town, code in odd.itertuples(index=False, name=None):
        rule = "TOWN_UNKNOWN" if pd.isna(flag) else flag
        note, advice = TOWN_NOTES[rule]
        said = note.format(town) + ("" if pd.isna(code) else f"（{code}）")
        national = fields.ZLDWDM.national
        found.append(Problem(file, int(row), bsm, rule, WARNING, national, said, advice))
    return found
