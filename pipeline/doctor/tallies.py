"""Rows with the same remark counted, the first of them shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from pipeline.doctor.seen import Tally
from pipeline.ingest.result import ERROR

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeline.ingest.raw import RawLayer
    from pipeline.ingest.result import IngestResult


def of_rejects(result: IngestResult) -> list[Tally]:
    """Return a tally per rule that rows were set aside by."""
    problems = result.problems[result.problems["severity"] == ERROR]
    advice = problems.drop_duplicates("rule").set_index("rule")["advice"]
    return [
        Tally(
            rule=str(rule),
            count=len(rows),
            row=int(rows["source_row"].iloc[0]),
            bsm=_text(rows["bsm"].iloc[0]),
            field="",
            found=str(rows["reason"].iloc[0]),
            advice=str(advice.get(rule, "")),
        )
        for rule, rows in result.rejects.groupby("rule", sort=True)
    ]


def of_problems(result: IngestResult, without: Collection[str] = ()) -> list[Tally]:
    """Return a tally per rule and field of what was noticed in rows that go on, or in the file.

    without: rules that say nothing here.
    """
    told = {*result.rejects["rule"], *without}
    rest = result.problems[~result.problems["rule"].isin(told)]
    by_rule = rest.assign(field=rest["field"].fillna("")).groupby(["rule", "field"], sort=True)
    return [
        Tally(
            rule=str(rule),
            count=len(rows),
            row=None if pd.isna(rows["source_row"].iloc[0]) else int(rows["source_row"].iloc[0]),
            bsm=_text(rows["bsm"].iloc[0]),
            field=str(field),
            found=str(rows["found"].iloc[0]),
            advice=_text(rows["advice"].iloc[0]) or "",
        )
        for (rule, field), rows in by_rule
    ]


def of_losses(raw: RawLayer) -> list[Tally]:
    """Return what reading a layer that no role asks for lost or had to infer."""
    said = [("FORMAT_LOSS", loss) for loss in raw.losses]
    if raw.encoding_warning:
        said.append(("ENCODING_INFERRED", raw.encoding_warning))
    return [
        Tally(rule=rule, count=1, row=None, bsm=None, field="", found=found, advice="核对原数据")
        for rule, found in said
    ]


def _text(value: object) -> str | None:
    return None if pd.isna(value) else str(value)  # type: ignore[call-overload]
