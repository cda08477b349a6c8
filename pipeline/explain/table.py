"""The plots behind a figure as a table, each with the row it was delivered in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.errors import Finding, GengbaoError
from pipeline.explain import course, movement
from pipeline.explain.adding import LEDGER, printed
from pipeline.explain.cells import AGAIN
from pipeline.measure import mu_text
from pipeline.tables.statuses import load_statuses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.explain.figure import Trace
    from pipeline.model import Category

NO_TASK = "非任务"
SOURCE = ("bsm", "tbbh", "source_file", "source_row")
"""Columns of parcels that say where a plot comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The run that made the products, the rules it used.

    run_id: missing where there is no manifest; changed: products and rule files that aren't as the
    manifest lists them.
    """

    run_id: str | None
    pack: str
    version: str
    changed: tuple[str, ...] = ()


def plot_table(
    found: Trace,
    sources: Mapping[str, pd.DataFrame],
    classes: Sequence[Category],
    provenance: Provenance,
) -> pd.DataFrame:
    """Return the listed plots with their source, one row per task, ready to write.

    sources: per export (ISO date) the SOURCE columns of its parcels; a task's source is the plot
    of the export it was first seen in. `counted` is what the row adds to the figure, in its unit;
    of a step of the waterfall movement.SAID too. Areas are text with their exact decimals. Raises
    GengbaoError for a plot that has no source.
    """
    rows = found.listed
    known = pd.concat(
        [table.assign(first_seen=day) for day, table in sources.items()], ignore_index=True
    ).drop_duplicates(["first_seen", "bsm"])
    table = rows.merge(known, on=["first_seen", "bsm"], how="left", validate="many_to_one")
    lost = table[table["source_file"].isna()]
    if len(lost):
        raise GengbaoError(
            Finding(f"图斑 {bsm}", f"{day} 的入库成果中没有这个图斑", AGAIN)
            for bsm, day in zip(lost["bsm"], lost["first_seen"], strict=True)
        )
    asked, measure = found.asked, found.measure
    labels = {c.name: c.label_long for c in classes}
    states = {"": NO_TASK} | {s.name: s.label for s in load_statuses()}
    areas = ("area", "restored", "remaining")
    table = table.assign(
        export=found.case.export.isoformat(),
        place=asked.place.name,
        figure=asked.figure.name,
        measure=measure,
        counted=[format(printed(amount, unit_of(measure)), "f") for amount in table["counted"]],
        label=table["category"].map(labels),
        area_mu=[mu_text(cm2, 6) for cm2 in table["area_cm2"]],
        status_label=table["status"].map(states),
        run_id=provenance.run_id,
        **{f"{name}_m2": [f"{cm2 / 100:.2f}" for cm2 in table[f"{name}_cm2"]] for name in areas},
    )
    head = ("export", "place", "figure", "measure", "counted")
    named = ("label", "area_mu", "status_label", "tbbh", "source_file", "source_row", "run_id")
    said = [name for name in movement.SAID if name in table]
    return table[[*head, *said, *LEDGER, *named]]


def unit_of(measure: str) -> str:
    """Return the sum in whose unit a row's share of a measure is: 亩, ㎡ or plots."""
    return "area_mu" if measure in course.PACES else course.LISTED.get(measure, measure)
