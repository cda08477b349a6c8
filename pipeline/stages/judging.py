"""Stages that judge plots: evidence, classification, the ledger."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.freshness import PACKAGE, PACKS
from pipeline.model import Mode
from pipeline.stages import gathering
from pipeline.stages.accounts import TALLIED, opening_account, passed, tally, tracking_account
from pipeline.stages.desk import Desk, Job, Outcome
from pipeline.stages.grounds import Sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from pipeline.freshness import State
    from pipeline.model import County
    from pipeline.storage import Register

TASK = "task_"
"""Prefix of the roles that are task layers delivered from above."""
EVIDENCE = "evidence.parquet"


def jobs(desk: Desk) -> Iterator[Job]:
    """Yield evidence and classification of every judged export, then the ledger."""
    for day in desk.judged:
        yield from gathering.jobs(desk, day)
        yield _classify_job(desk, day)
    yield _ledger_job(desk)


def pack_files(desk: Desk) -> tuple[Path, ...]:
    """Return the CSV files of the county's rule pack; the loader says what is wrong with them."""
    name = desk.county.rules
    own = name.endswith(".csv")
    rules = desk.county.root / name if own else PACKAGE / "tables" / PACKS / f"{name}.csv"
    files = (rules, rules.with_name(f"{rules.stem}_flags.csv"))
    return tuple(file for file in files if file.is_file())


def _classify_job(desk: Desk, day: date) -> Job:
    """Return the job that puts every piece into one category.

    Where task layers were delivered it lists, in both modes, on what they and the rules differ.
    """
    county, sources = desk.county, Sources(desk, day)
    roles = [role for role in desk.delivered(day) if role.startswith(TASK)]
    layers = [role.removeprefix(TASK) for role in roles]
    evidence_file, product, listing = (
        desk.export(day, name) for name in (EVIDENCE, "pieces.parquet", "disagreements.csv")
    )

    def compute(_state: State) -> Outcome:
        from pipeline import classify, storage

        ruled, final = _judged(county, evidence_file, layers)
        came = tally(storage.read_blocks(evidence_file, TALLIED))
        judged = tally(pieces for _, pieces in final.blocks(TALLIED))
        named = (pieces["category"] for _, pieces in final.blocks(["category"]))
        review = sum(int((names == classify.REVIEW).sum()) for names in named)
        said = f"图块={len(final)} 待核={review}"
        tables = {listing: _differing(sources, roles, ruled, final)} if roles else {}
        said += "".join(f" 与下发图层不一致={len(table)}" for table in tables.values())

        def write() -> list[Path]:
            storage.write_carried(product, final.without(*classify.PIECES), evidence_file)
            for file, table in tables.items():
                storage.write_table(file, table)
            return [product, *tables]

        return Outcome(
            write=write,
            said=said,
            account=[passed("classify", day, came, judged)],
            facts={"delivered": layers},
        )

    listed = [*(desk.zone(role, day) for role in roles), *([sources.opened] * bool(roles))]
    return Job(
        name=f"分类 {day.isoformat()}",
        stage="classify",
        rooms=("classify", "evidence", "overlay"),
        inputs=(evidence_file, *pack_files(desk), *listed),
        makes=(product, *([listing] * bool(roles))),
        params={"mode": county.mode, "ledger": county.ledger},
        compute=compute,
    )


def _judged(
    county: County, evidence_file: Path, layers: Sequence[str]
) -> tuple[Register, Register]:
    """Return all pieces as the rules judge them, and as they stand, judged block by block.

    Of either `classify.PIECES`, and what is judged.
    """
    from pipeline import classify, storage
    from pipeline.tables import classes, load_pack

    pack = load_pack(county.rules, county.root)
    asked = [*dict.fromkeys([*classify.PIECES, "flags", *pack.columns])]
    kept = [*classify.PIECES, *classify.JUDGED]
    blocks = storage.read_blocks(evidence_file, asked)
    ruled = storage.Register.lay(classify.classify(pieces, pack)[kept] for pieces in blocks)
    if county.mode is not Mode.TRUST:
        return ruled, ruled
    known = tuple(classes())
    return ruled, storage.Register.lay(
        classify.apply_delivered(pieces, known, layers) for _, pieces in ruled.blocks()
    )


def _differing(
    sources: Sources, roles: Sequence[str], ruled: Register, final: Register
) -> pd.DataFrame:
    """Return on what the delivered task layers and the rules differ.

    Only the pieces that differ, or that a delivered row can meet by place or by name, are looked
    at together; of the latter the shapes are decoded.
    """
    import geopandas as gpd
    import numpy as np

    from pipeline import classify, evidence, storage
    from pipeline.tables import classes

    listed = {role.removeprefix(TASK): rows for role, rows in sources.lists(roles).items()}
    lying = storage.Lying(sources.desk.export(sources.day, EVIDENCE))
    places = storage.Places(np.concatenate([rows.bounds for rows in listed.values()]))
    named = {bsm for rows in listed.values() for bsm in evidence.named(rows)}
    met = places.meeting(lying.boxes())
    differ = np.zeros(len(ruled), dtype=bool)
    for rows, pieces in ruled.blocks():
        met[rows] |= pieces["bsm"].isin(named).to_numpy()
        differ[rows] = classify.differs(pieces, classes(), list(listed))
    chosen = met | differ
    shapes = lying.shapes(met)[chosen].reset_index(drop=True)
    pieces = gpd.GeoDataFrame(ruled.select(chosen).frame(), geometry=shapes)
    return classify.disagreements(
        pieces, final.select(chosen).frame(), listed, classes(), export=sources.day
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
        import pandas as pd

        from pipeline import ledger, storage, symbology, tables

        steps = ledger.track(
            _near_tasks(pieces_files), classes=tables.classes(), thresholds=county.thresholds
        )
        now = steps[-1].ledger[list(ledger.COLUMNS)]
        history = pd.concat([step.history for step in steps], ignore_index=True)
        opened = storage.read_blocks(pieces_files[county.ledger], [*TALLIED, "category"])
        rows = [opening_account(steps[0].export, storage.whole(opened), steps[0].ledger)]
        rows += [tracking_account(step.export, step.history) for step in steps[1:]]

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


def _near_tasks(files: Mapping[date, Path]) -> list[tuple[date, gpd.GeoDataFrame]]:
    """Return of each export the pieces that come near a task of any: no other can be one's."""
    import numpy as np

    from pipeline import storage, tables

    names = {category.name for category in tables.classes() if category.task}
    lying = [storage.Lying(file) for file in files.values()]
    places = [each.boxes(each.holding({"category": names})) for each in lying]
    near = np.concatenate(places)
    return [(day, storage.read_frame(file, near=near)) for day, file in files.items()]
