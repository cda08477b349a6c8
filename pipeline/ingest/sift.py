"""Accepted or set aside, row by row, and the account that proves that nothing went missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from pipeline import fields, measure
from pipeline.errors import Finding, GengbaoError
from pipeline.ingest.geometry import Fault
from pipeline.ingest.mending import INVALID, REPAIRED, SLIVER, ZERO, slivers
from pipeline.ingest.result import ERROR, WARNING, IngestResult, Problem, problem_frame
from pipeline.ingest.units import stated_area
from pipeline.model import AccountRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.ingest.drawn import Drawn
    from pipeline.ingest.layer import Rows
    from pipeline.model import County
    from pipeline.storage import Register

BSM, TBMJ = fields.BSM.name, fields.TBMJ.name
FILE, ROW = fields.SOURCE_FILE.name, fields.SOURCE_ROW.name
MEASURELESS = frozenset({INVALID, ZERO})
ADVICE = {
    REPAIRED: "已在容差内修复；最好在原数据中改正",
    "BSM_EMPTY": "在原数据中补填标识码",
    "BSM_DUPLICATE": "在原数据中改正标识码，或删去重复的图斑",
    SLIVER: "核对是否为误切的碎片，必要时并入相邻图斑",
}
GEOMETRY_ADVICE = "在原数据中修正该图形后重新导出"


class Sifted:
    """The rows of an export or role, each either accepted or set aside with one reason."""

    def __init__(self, county: County, rows: Rows, *, keyed: bool) -> None:
        """With `keyed`, set empty and repeated BSMs aside besides rows without usable shape."""
        self.county, self.rows = county, rows
        self.repaired = np.array(sorted(rows.repairs), dtype=np.int64)
        self.faults = dict(rows.faults)
        if keyed:
            self.faults |= _bsm_faults(rows.table, self._ok())
        ok = self._ok()
        self.kept, self.aside = np.flatnonzero(ok), np.flatnonzero(~ok)
        self.entering_cm2 = self._entering_cm2()
        self.rejects = self._rejects()

    def _ok(self) -> NDArray[np.bool_]:
        ok = np.ones(len(self.rows.table), dtype=np.bool_)
        ok[list(self.faults)] = False
        return ok

    def accepted(self) -> Register:
        """Return the accepted rows without their shapes, in the order of the files."""
        return self.rows.table.select(self.kept)

    def drawn(self) -> Drawn:
        """Return the mended shapes of the accepted rows, in the order of `accepted`."""
        return self.rows.drawn.select(self.kept)

    def _rejects(self) -> gpd.GeoDataFrame:
        """Return the rows set aside; area_m2 is what the account books, NA where unknown.

        attributes: the standard fields as JSON; wkb: the geometry as delivered, in hexadecimal,
        where it can't be read or is invalid.
        """
        table = self.rows.table.frame(self.aside)
        faults = [self.faults[at] for at in self.aside.tolist()]
        columns = {
            FILE: table[FILE],
            ROW: table[ROW],
            BSM: table[BSM] if BSM in table else pd.Series(pd.NA, index=table.index, dtype="str"),
            "rule": pd.Series([f.rule for f in faults], index=table.index, dtype="str"),
            "reason": pd.Series([f.found for f in faults], index=table.index, dtype="str"),
            "tbmj_text": table["tbmj_text"],
            "area_m2": pd.Series(self.entering_cm2[self.aside] / 100.0, index=table.index),
            "attributes": _attributes(table),
            "wkb": pd.Series(
                [self.rows.wkb.get(at, b"").hex().upper() or None for at in self.aside.tolist()],
                index=table.index,
                dtype="str",
            ),
        }
        frame = pd.DataFrame(columns)
        shapes = self.rows.drawn.before(self.aside)
        return gpd.GeoDataFrame(frame, geometry=shapes, crs=self.county.crs)

    def _entering_cm2(self) -> NDArray[np.float64]:
        """Return what each row brings in, in hundredths: official area of its own geometry.

        Rows set aside without measurable geometry count by TBMJ, NaN where that is missing too.
        """
        entering = self.rows.drawn.own_cm2.astype(np.float64)
        unmeasured = self.rows.drawn.unshaped()
        unmeasured[[at for at, f in self.faults.items() if f.rule in MEASURELESS]] = True
        rejected = ~self._ok() & unmeasured
        stated = stated_area(self.rows.table)
        given = ~np.isnan(stated)
        stated[given] = measure.to_cm2(stated[given])
        return np.where(rejected, stated, entering)

    def account(self, stage: str, export: str, area_m2: pd.Series) -> AccountRow:
        """Return the account; area_m2: official area of the accepted rows as they go on.

        Raises GengbaoError when a row or a hundredth of a m² is unaccounted for.
        """
        aside = self.rejects
        drawn = self.rows.drawn
        loss = (drawn.own_cm2 - drawn.area_cm2)[self.repaired]
        kept = np.isin(self.repaired, self.kept)
        row = AccountRow(
            stage=stage,
            export=export,
            read_plots=len(self.rows.table),
            accepted_plots=len(area_m2),
            rejected_plots=len(aside),
            in_cm2=int(np.nansum(self.entering_cm2)),
            out_cm2=int(measure.to_cm2(area_m2.to_numpy(dtype=np.float64)).sum()),
            aside_cm2=int(measure.to_cm2(aside["area_m2"].dropna().to_numpy(np.float64)).sum()),
            repaired_cm2=int(loss[kept].sum()),
            unknown_area_plots=int(aside["area_m2"].isna().sum()),
        )
        if row.residual_cm2 or row.residual_plots:
            found = f"差额 {row.residual_cm2 / 100:.2f} ㎡、{row.residual_plots} 个图斑"
            advice = "请保留现场文件并联系开发者"
            raise GengbaoError(Finding(f"账目 {stage} {export}", found, advice))
        return row

    def result(self, table: Register, drawn: Drawn, account: AccountRow) -> IngestResult:
        """Return everything read, with a problem per row set aside or repaired.

        table, drawn: of the accepted rows.
        """
        problems = self._problems(self.faults, ERROR)
        problems += self._problems(self.rows.repairs, WARNING)
        repairs = [
            {"bsm": p.bsm, "file": p.source_file, "row": p.source_row, "change": p.found}
            for p in problems
            if p.rule == REPAIRED
        ]
        return IngestResult(
            table=table,
            drawn=drawn,
            crs=self.county.crs,
            rejects=self.rejects,
            problems=self._located(problem_frame([*self.rows.problems, *problems])),
            account=account,
            log={**self.rows.log, "repairs": repairs},
            digests=self.rows.digests,
            remarks=self.rows.remarks,
        )

    def _problems(self, faults: dict[int, Fault], severity: str) -> list[Problem]:
        order = sorted(faults)
        names = [name for name in (FILE, ROW, BSM) if name in self.rows.table]
        columns = self.rows.table.frame(np.array(order, dtype=np.int64), names)
        keys = columns[BSM] if BSM in columns else pd.Series(pd.NA, index=columns.index)
        return [
            Problem(
                file,
                int(row),
                None if pd.isna(bsm) else str(bsm),
                faults[at].rule,
                severity,
                fields.BSM.national if faults[at].rule.startswith("BSM") else fields.GEOMETRY.label,
                faults[at].found,
                ADVICE.get(faults[at].rule, GEOMETRY_ADVICE),
                faults[at].x,
                faults[at].y,
            )
            for at, file, row, bsm in zip(order, columns[FILE], columns[ROW], keys, strict=True)
        ]

    def slivers(self) -> list[Problem]:
        """Return a warning per accepted row that is a sliver by the county's thresholds."""
        drawn = self.drawn()
        rows = self.kept[slivers(drawn.length_m, drawn.area_m2, self.county.thresholds)]
        area = self.rows.drawn.own_cm2 / 100.0
        faults = {
            at: Fault(SLIVER, f"图形是碎片（{area[at]:.2f} ㎡），照收") for at in rows.tolist()
        }
        return self._problems(faults, WARNING)

    def _located(self, problems: pd.DataFrame) -> pd.DataFrame:
        """Fill in x and y with the middle of the plot's extent, to look it up on a map."""
        told = np.flatnonzero(self.rows.table[ROW].isin(problems[ROW].dropna()))
        west, south, east, north = self.rows.drawn.boxes_before()[told].T
        middle = self.rows.table.frame(told, [FILE, ROW])
        middle = middle.assign(middle_x=(west + east) / 2, middle_y=(south + north) / 2)
        merged = problems.merge(middle.astype({ROW: "Int64"}), how="left", on=[FILE, ROW])
        for axis in ("x", "y"):
            merged[axis] = merged[axis].fillna(merged[f"middle_{axis}"])
        return merged[problems.columns]


def _attributes(table: pd.DataFrame) -> pd.Series:
    """Return each row's filled fields as one JSON text, under national names in their order."""
    own = table.drop(columns=[FILE, ROW, "tbmj_text"])
    own.columns = own.columns.str.upper()
    rows = [
        json.dumps(
            {key: value for key, value in row.items() if not pd.isna(value)},
            ensure_ascii=False,
            default=str,
        )
        for row in own.to_dict("records")
    ]
    return pd.Series(rows, index=table.index, dtype="str")


def _bsm_faults(table: Register, usable: NDArray[np.bool_]) -> dict[int, Fault]:
    """Return the usable rows whose BSM is empty, or was seen in an earlier usable row."""
    bsm = table[BSM]
    faults = {
        int(at): Fault("BSM_EMPTY", "标识码为空") for at in np.flatnonzero(bsm.isna() & usable)
    }
    ordered = bsm[usable & bsm.notna().to_numpy()].sort_values(kind="stable")
    # put in order, equal ones follow one another; a table of all of them would be far larger
    same = np.append(False, ordered.array[1:] == ordered.array[:-1])[: len(ordered)]
    place = ordered.index.to_numpy()
    first = place[np.maximum.accumulate(np.where(same, 0, np.arange(len(same))))][same]
    again = place[same]
    origin = table.frame(first, [FILE, ROW]).itertuples(index=False, name=None)
    here = table.frame(again, [BSM, ROW]).itertuples(index=False, name=None)
    for at, (file, its_row), (key, row) in zip(again.tolist(), origin, here, strict=True):
        found = f"标识码 {key} 与 {file} 第 {its_row} 行重复，本行是第 {row} 行"
        faults[at] = Fault("BSM_DUPLICATE", found)
    return faults
