"""Stages that judge plots: evidence, classification, the ledger."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.freshness import PACKAGE, PACKS
from pipeline.model import AccountRow, Mode
from pipeline.stages.desk import Desk, Job, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from pipeline.freshness import State

TASK = "task_"
"""Prefix of the roles that are task layers delivered from above."""


def jobs(desk: Desk) -> Iterator[Job]:
    """Yield evidence and classification of every judged export, then the ledger."""
    for day in desk.judged:
        yield _evidence_job(desk, day)
        yield _classify_job(desk, day)
    yield _ledger_job(desk)


def pack_files(desk: Desk) -> tuple[Path, ...]:
    """Return the CSV files of the county's rule pack; the loader says what is wrong with them."""
    name = desk.county.rules
    own = name.endswith(".csv")
    rules = desk.county.root / name if own else PACKAGE / "tables" / PACKS / f"{name}.csv"
    files = (rules, rules.with_name(f"{rules.stem}_flags.csv"))
    return tuple(file for file in files if file.is_file())


def _evidence_job(desk: Desk, day: date) -> Job:
    """Return the job that gathers what the rules may ask, piece by piece."""
    county = desk.county
    roles = [role for role in desk.delivered(day) if role != "towns"]
    parcels_file = desk.export(day, "parcels.parquet")
    previous_file = desk.export(county.previous, "parcels.parquet")
    ledger_file = desk.export(county.ledger, "parcels.parquet")
    zone_files = {role: desk.zone(role, day) for role in roles}
    product, notes = (desk.export(day, name) for name in ("evidence.parquet", "list_problems.csv"))

    def compute(_state: State) -> Outcome:
        import pandas as pd

        from pipeline import evidence, storage, tables

        parcels, before = storage.read_frame(parcels_file), storage.read_frame(previous_file)
        opened = storage.read_frame(ledger_file, ["bsm", "geometry"])
        zones = {role: storage.read_frame(file) for role, file in zone_files.items()}
        known = pd.concat([parcels["bsm"], before["bsm"], opened["bsm"]])
        problems = evidence.list_problems(zones, known)
        pieces = evidence.gather(
            parcels,
            zones=evidence.follow_lists(zones, opened) if day > county.ledger else zones,
            previous=before,
            county=county,
            export=day,
            codes=tables.land_codes(),
        )
        row = account("evidence", day, parcels, pieces)

        def write() -> list[Path]:
            storage.write_frame(product, pieces, bbox=True)
            storage.write_table(notes, problems)
            return [product, notes]

        said = f"图斑={row.read_plots} 图块={len(pieces)} 名单提示={len(problems)}"
        return Outcome(write=write, said=said, account=[row])

    return Job(
        name=f"取证 {day.isoformat()}",
        stage="classify",
        rooms=("overlay", "evidence"),
        inputs=(parcels_file, previous_file, ledger_file, *zone_files.values()),
        makes=(product, notes),
        params={"thresholds": asdict(county.thresholds), "crs": county.crs, "mode": county.mode},
        compute=compute,
    )


def _classify_job(desk: Desk, day: date) -> Job:
    """Return the job that puts every piece into one category.

    Where task layers were delivered it lists, in both modes, on what they and the rules differ.
    """
    county = desk.county
    evidence_file = desk.export(day, "evidence.parquet")
    layers = {
        role.removeprefix(TASK): desk.zone(role, day)
        for role in desk.delivered(day)
        if role.startswith(TASK)
    }
    opened_file = desk.export(county.ledger, "parcels.parquet")
    product, listing = (desk.export(day, name) for name in ("pieces.parquet", "disagreements.csv"))

    def compute(_state: State) -> Outcome:
        from pipeline import evidence, storage
        from pipeline.classify import apply_delivered, classify, disagreements
        from pipeline.tables import classes, load_pack

        pieces = storage.read_columns(evidence_file)
        final = ruled = classify(pieces, load_pack(county.rules, county.root))
        if county.mode is Mode.TRUST:
            final = apply_delivered(ruled, classes(), list(layers))
        counts = final["category"].value_counts()
        said = f"图块={len(final)} 待核={int(counts.get('review', 0))}"
        tables: dict[Path, pd.DataFrame] = {}
        if layers:
            listed = {name: storage.read_frame(file) for name, file in layers.items()}
            if day > county.ledger:
                opened = storage.read_frame(opened_file, ["bsm", "geometry"])
                listed = evidence.follow_lists(listed, opened)
            placed = storage.read_frame(evidence_file, ["geometry"]).join(ruled)
            table = disagreements(placed, final, listed, classes(), export=day)
            tables[listing] = table
            said += f" 与下发图层不一致={len(table)}"

        def write() -> list[Path]:
            storage.write_onto(product, final, storage.read_shapes([evidence_file]))
            for file, table in tables.items():
                storage.write_table(file, table)
            return [product, *tables]

        return Outcome(
            write=write,
            said=said,
            account=[account("classify", day, pieces, final)],
            facts={"delivered": sorted(layers)},
        )

    return Job(
        name=f"分类 {day.isoformat()}",
        stage="classify",
        rooms=("classify", "evidence", "overlay"),
        inputs=(
            evidence_file,
            *pack_files(desk),
            *layers.values(),
            *([opened_file] * bool(layers)),
        ),
        makes=(product, *([listing] * bool(layers))),
        params={"mode": county.mode, "ledger": county.ledger},
        compute=compute,
    )


def _ledger_job(desk: Desk) -> Job:
    """Return the job that opens the ledger and follows its tasks through the later exports."""
    county = desk.county
    pieces_files = {day: desk.export(day, "pieces.parquet") for day in desk.judged}
    layer, table, story = (
        desk.processed / name for name in ("ledger.gpkg", "ledger.parquet", "history.csv")
    )
    states = {day: desk.export(day, "ledger.parquet") for day in desk.judged}

    def compute(_state: State) -> Outcome:
        import numpy as np
        import pandas as pd

        from pipeline import ledger, storage, symbology, tables

        names = {c.name for c in tables.classes() if c.task}
        files = pieces_files.values()
        tasks = [storage.read_frame(file, ["geometry"], only={"category": names}) for file in files]
        places = np.concatenate([frame.bounds.to_numpy() for frame in tasks])
        pieces = {day: storage.read_frame(file, near=places) for day, file in pieces_files.items()}
        steps = ledger.track(
            list(pieces.items()), classes=tables.classes(), thresholds=county.thresholds
        )
        now = steps[-1].ledger[list(ledger.COLUMNS)]
        history = pd.concat([step.history for step in steps], ignore_index=True)
        opened = storage.read_columns(pieces_files[county.ledger], ["bsm", "category", "base_m2"])
        rows = [_opening_account(steps[0].export, opened, steps[0].ledger)]
        rows += [_tracking_account(step.export, step.history) for step in steps[1:]]

        def write() -> list[Path]:
            storage.write_frame(table, now)
            storage.write_gpkg(layer, {"ledger": now}, symbology.ledger_styles("ledger"))
            storage.write_table(story, ledger.printed(history))
            for step in steps:
                storage.write_frame(states[step.export], step.ledger[list(ledger.COLUMNS)])
            return [table, layer, story, *states.values()]

        counts = now["status"].value_counts()
        said = " ".join(f"{name}={counts[name]}" for name in sorted(counts.index))
        return Outcome(write=write, said=f"任务={len(now)} {said}", account=rows)

    return Job(
        name="台账",
        stage="ledger",
        rooms=("ledger", "compare", "overlay", "symbology"),
        inputs=tuple(pieces_files.values()),
        makes=(table, layer, story, *states.values()),
        params={"exports": list(pieces_files), "thresholds": asdict(county.thresholds)},
        compute=compute,
    )


def account(stage: str, day: date, before: pd.DataFrame, after: pd.DataFrame) -> AccountRow:
    """Return the account of a stage that passes every plot on: base areas, plots by BSM."""
    from pipeline.measure import to_cm2

    return AccountRow(
        stage=stage,
        export=day.isoformat(),
        read_plots=int(before["bsm"].nunique()),
        accepted_plots=int(after["bsm"].nunique()),
        rejected_plots=0,
        in_cm2=int(to_cm2(before["base_m2"]).sum()),
        out_cm2=int(to_cm2(after["base_m2"]).sum()),
        aside_cm2=0,
    )


def _opening_account(day: date, pieces: pd.DataFrame, ledger: gpd.GeoDataFrame) -> AccountRow:
    """Return the opening's account: pieces that are no task stand aside (none, inflow, 待核 …)."""
    import pandas as pd

    from pipeline.measure import to_cm2

    aside = pieces[~pieces["category"].isin(ledger["category"].unique())]
    plots, with_task = pieces["bsm"].unique(), ledger["bsm"].unique()
    return AccountRow(
        stage="ledger",
        export=day.isoformat(),
        read_plots=len(plots),
        accepted_plots=len(with_task),
        rejected_plots=int((~pd.Index(plots).isin(with_task)).sum()),
        in_cm2=int(to_cm2(pieces["base_m2"]).sum()),
        out_cm2=int(to_cm2(ledger["area_m2"]).sum()),
        aside_cm2=int(to_cm2(aside["base_m2"]).sum()),
    )


def _tracking_account(day: date, history: pd.DataFrame) -> AccountRow:
    """Return a later export's account, in tasks and remaining area.

    in = opening + new + relapsed + adjusted; out = closing; aside = restored + withdrawn.
    """
    from pipeline.measure import to_cm2

    def total(column: str) -> int:
        return int(to_cm2(history[column]).sum())

    return AccountRow(
        stage="ledger",
        export=day.isoformat(),
        read_plots=len(history),
        accepted_plots=int(history["task_id"].nunique()),
        rejected_plots=0,
        in_cm2=sum(
            total(name)
            for name in ("opening_m2", "new_step_m2", "relapsed_step_m2", "adjusted_step_m2")
        ),
        out_cm2=total("remaining_m2"),
        aside_cm2=total("restored_step_m2") + total("withdrawn_step_m2"),
    )
