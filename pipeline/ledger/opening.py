"""The ledger: tasks, opened once from the classified pieces and never deleted from again.

A task is a plot × a task category: all pieces of the plot that fell into it. Its area is frozen
here; it is the sum of the pieces' base areas (TBMJ where trusted), in hundredths of a m².
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import shapely

from pipeline.errors import Finding, GengbaoError
from pipeline.measure import to_cm2

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from pipeline.model import Category

COLUMNS = (
    "task_id", "bsm", "town_code", "town", "village", "category", "area_m2", "area_mu", "rule_id",
    "basis", "case_no", "flags", "status", "restored_m2", "remaining_m2", "first_seen",
    "closed_on", "geometry",
)  # fmt: skip
OPEN = "open"


def _joined(values: Iterable[object]) -> str:
    """Join what the pieces of one task say, each saying once, in order."""
    parts = (part for value in values if isinstance(value, str) for part in value.split("|"))
    return "|".join(sorted({part for part in parts if part}))


def open_ledger(
    pieces: gpd.GeoDataFrame, *, classes: Sequence[Category], export: date
) -> gpd.GeoDataFrame:
    """Open the ledger at its export: one open task per plot and task category.

    pieces: classified pieces (docs/architecture.md) in the working CRS. Returns the ledger's
    columns of docs/architecture.md, sorted by town, category and BSM; areas in m², area_mu exact.
    suspected_change has nothing to restore by field work but stays open with its whole area until
    its item is closed. Raises GengbaoError when the tasks' areas aren't those of their pieces.
    """
    order = {c.name: c.order for c in classes if c.task}
    codes = {c.name: c.short for c in classes}
    tasks = pieces[pieces["category"].isin(list(order))]
    tasks = tasks.sort_values(["bsm", "category", "piece"])
    groups = tasks.assign(cm2=to_cm2(tasks["base_m2"])).groupby(["bsm", "category"], sort=True)
    first = groups.first()
    cm2 = groups["cm2"].sum()
    ledger = gpd.GeoDataFrame(
        {
            "town_code": first["town_code"],
            "town": first["town"],
            "village": first["village"],
            "area_m2": cm2 / 100,
            "area_mu": (cm2 * 15 / 1_000_000).round(6),
            "rule_id": groups["rule_id"].agg(_joined),
            "basis": first["basis"],
            "case_no": first["case_no"],
            "flags": groups["flags"].agg(_joined),
            "status": OPEN,
            "restored_m2": 0.0,
            "remaining_m2": cm2 / 100,
            "first_seen": export.isoformat(),
            "closed_on": pd.Series(None, index=first.index, dtype="str"),
        },
        geometry=gpd.GeoSeries(groups["geometry"].agg(_merged), crs=pieces.crs),
    ).reset_index()
    ledger["task_id"] = ledger["category"].map(codes) + "-" + ledger["bsm"]
    ledger["_order"] = ledger["category"].map(order)
    ledger = ledger.sort_values(["town_code", "_order", "bsm"], ignore_index=True)
    _account(int(to_cm2(tasks["base_m2"]).sum()), int(to_cm2(ledger["area_m2"]).sum()))
    return ledger[list(COLUMNS)]


def _merged(shapes: Sequence[shapely.Geometry]) -> shapely.Geometry:
    """Return one shape of a task's pieces."""
    return shapely.union_all(list(shapes)) if len(shapes) > 1 else next(iter(shapes))


def _account(pieces_cm2: int, tasks_cm2: int) -> None:
    """Fail loudly when a hundredth of a m² went missing between pieces and tasks."""
    if pieces_cm2 != tasks_cm2:
        raise GengbaoError(
            Finding(
                "台账开账",
                f"任务面积合计 {tasks_cm2 / 100:.2f} ㎡，分类图块合计 {pieces_cm2 / 100:.2f} ㎡",
                "请保留现场文件并联系开发者",
            )
        )
