"""Stages that turn the ledger into figures: town tables, gaps, the check of printed figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.model import AccountRow
from pipeline.stages import assessing
from pipeline.stages.desk import Desk, Job, Outcome, settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date
    from pathlib import Path

    import pandas as pd

    from pipeline.freshness import State

SUMMARISED = ("bsm", "town_code", "category", "base_m2")
"""What the town tables read of the pieces."""


def jobs(desk: Desk) -> Iterator[Job]:
    """Yield the town tables, plan and pace, the indicators, then the check of what is printed."""
    yield _aggregate_job(desk)
    yield _waterfall_job(desk)
    yield _progress_job(desk)
    yield from assessing.jobs(desk)
    yield _reconcile_job(desk)


def _aggregate_job(desk: Desk) -> Job:
    """Return the job that counts and measures per town and holds gaps against targets."""
    county = desk.county
    files = {
        day: (desk.export(day, "ledger.parquet"), desk.export(day, "pieces.parquet"))
        for day in desk.judged
    }
    products = [desk.processed / "summary.csv", desk.processed / "gaps.csv"]

    def compute(_state: State) -> Outcome:
        import pandas as pd

        from pipeline import storage, tables
        from pipeline.aggregate import gaps, summarise

        classes = tables.classes()
        parts, rows = [], []
        for day, (ledger_file, pieces_file) in files.items():
            ledger = storage.read_columns(ledger_file)
            pieces = storage.whole(storage.read_blocks(pieces_file, SUMMARISED))
            part = summarise(ledger, pieces, county=county, classes=classes, export=day)
            pieces = storage.whole(storage.read_blocks(pieces_file, SUMMARISED))
            rows.append(_aggregate_account(day, ledger, pieces, part))
            parts.append(part)
        summary = pd.concat(parts, ignore_index=True)
        table = gaps(summary, county=county, classes=classes)

        def write() -> list[Path]:
            storage.write_table(products[0], summary)
            storage.write_table(products[1], table)
            return products

        return Outcome(write=write, said=f"期数={len(files)} 行={len(summary)}", account=rows)

    return Job(
        name="汇总",
        stage="aggregate",
        rooms=("aggregate",),
        inputs=tuple(file for pair in files.values() for file in pair),
        makes=tuple(products),
        params={"county": settings(desk)},
        compute=compute,
    )


def _aggregate_account(
    day: date, ledger: pd.DataFrame, pieces: Iterable[pd.DataFrame], summary: pd.DataFrame
) -> AccountRow:
    """Return the account of the town tables: tasks, and pieces that are none, each in one leaf."""
    from pipeline.aggregate import SUBTOTALS
    from pipeline.measure import to_cm2
    from pipeline.tables import classes

    leaves = ~summary["category"].isin(list(SUBTOTALS))
    county = summary[(summary["level"] == "county") & leaves]
    tasks = ledger[ledger["status"] != "withdrawn"]
    tasks_of = [c.name for c in classes() if c.task]
    plots, cm2 = len(tasks), int(to_cm2(tasks["area_m2"]).sum())
    for block in pieces:
        others = block[~block["category"].isin(tasks_of)]
        plots += len(others.drop_duplicates(["bsm", "category"]))
        cm2 += int(to_cm2(others["base_m2"]).sum())
    return AccountRow(
        stage="aggregate",
        export=day.isoformat(),
        read_plots=plots,
        accepted_plots=int(county["plots"].sum()),
        rejected_plots=0,
        in_cm2=cm2,
        out_cm2=int(to_cm2(county["area_m2"].astype(float)).sum()),
        aside_cm2=0,
    )


def _progress_job(desk: Desk) -> Job:
    """Return the job that holds the gaps of all exports against plan and deadline."""
    county = desk.county
    gaps_file, story = desk.processed / "gaps.csv", desk.processed / "history.csv"
    product = desk.processed / "progress.csv"

    def compute(_state: State) -> Outcome:
        from pipeline import storage, tables
        from pipeline.aggregate import phase_of, progress

        table = progress(
            storage.read_table(gaps_file), storage.read_table(story),
            county=county, classes=tables.classes(),
        )  # fmt: skip

        def write() -> list[Path]:
            storage.write_table(product, table)
            return [product]

        now = table[(table["export"] == county.newest.isoformat()) & (table["level"] == "town")]
        phase = phase_of(county, county.newest)
        said = {
            "阶段": phase or ("不在任何阶段" if county.phases else "未设"),
            "低于计划": int((now["behind_mu"].dropna() > 0).sum()),
            "预警": int((now["outlook"] == "will_miss").sum()),
            "反弹": int(now["reopened_plots"].sum()),
        }
        return Outcome(write=write, said=" ".join(f"{k}={v}" for k, v in said.items()))

    return Job(
        name="进度",
        stage="aggregate",
        rooms=("aggregate",),
        inputs=(gaps_file, story),
        makes=(product,),
        params={"county": settings(desk)},
        compute=compute,
    )


def _waterfall_job(desk: Desk) -> Job:
    """Return the job that says why each gap moved, step by step and task by task."""
    history_file, ledger_file = (
        desk.processed / name for name in ("history.csv", "ledger.parquet")
    )
    products = [desk.processed / "waterfall.csv", desk.processed / "waterfall_tasks.csv"]

    def compute(_state: State) -> Outcome:
        from pipeline import storage, tables
        from pipeline.aggregate import movements, printed_movements, waterfall

        history, tasks = storage.read_table(history_file), storage.read_frame(ledger_file)
        moves = movements(history, tasks, tables.classes())
        table = waterfall(moves, history, desk.county, tables.classes())

        def write() -> list[Path]:
            storage.write_table(products[0], table)
            storage.write_table(products[1], printed_movements(moves))
            return products

        counts = moves["step"].value_counts()
        said = " ".join(f"{name}={counts[name]}" for name in sorted(counts.index))
        return Outcome(write=write, said=said or "首期，没有变动")

    return Job(
        name="缺口变动",
        stage="aggregate",
        rooms=("aggregate", "overlay"),
        inputs=(history_file, ledger_file),
        makes=tuple(products),
        params={"county": settings(desk)},
        compute=compute,
    )


def _reconcile_job(desk: Desk) -> Job:
    """Return the job that checks the published figures against themselves and against ours."""
    county = desk.county
    summary_file, product = desk.processed / "summary.csv", desk.processed / "reconcile.csv"

    def compute(_state: State) -> Outcome:
        from pipeline import storage
        from pipeline.reconcile import reconcile
        from pipeline.tables.figures import figure_labels
        from pipeline.tables.published import load_published_items

        summary = storage.read_table(summary_file)
        at_ledger = summary[summary["export"] == county.ledger.isoformat()]
        table = reconcile(county.published, at_ledger, load_published_items(), figure_labels())

        def write() -> list[Path]:
            storage.write_table(product, table)
            return [product]

        verdicts = table["verdict"].value_counts()
        said = " ".join(f"{name}={count}" for name, count in sorted(verdicts.items()))
        return Outcome(write=write, said=said or "没有 published.csv")

    return Job(
        name="核对",
        stage="aggregate",
        rooms=("reconcile",),
        inputs=(summary_file,),
        makes=(product,),
        params={"published": [asdict(row) for row in county.published]},
        compute=compute,
    )
