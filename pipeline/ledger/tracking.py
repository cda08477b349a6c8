"""The ledger over the exports: each task judged anew by what was known on each date.

Task area and outline are frozen when a task is first seen. What a later export says about that
ground decides restored_m2 and status; nothing is ever deleted. Every movement of remaining_m2 is
booked, so per task, and so per town and category, exactly in hundredths of a m²:
closing = opening + new + relapsed − restored − withdrawn + adjusted. Source: design, "What closes
a task" (docs/architecture.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from pipeline import measure, overlay
from pipeline.compare import of_smaller
from pipeline.errors import Finding, GengbaoError
from pipeline.ledger.opening import open_ledger
from pipeline.measure import to_cm2

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from pipeline.model import Category, Thresholds

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

SAME_TASK_SHARE = 0.5
"""Same task = same category and at least this share of the smaller one in common."""
_SAME_TASK_PART = round(1 / SAME_TASK_SHARE)
PARTIAL_CM2 = 1000
"""Less than 10 m² restored is a shifted border, not a restored part."""
SUSPECTED, SELF_SUBMITTED, RELOCATE = "suspected_change", "pbf_self_submitted", "pbf_relocate"
MOVES = ("new", "relapsed", "restored", "withdrawn", "adjusted")
_SIGNS = np.array([1, 1, -1, -1, 1])


class Tracked(NamedTuple):
    """One export's ledger (all tasks known by then) and its history rows."""

    export: date
    ledger: gpd.GeoDataFrame
    history: pd.DataFrame


class _Seen(NamedTuple):
    """What an export says about each task's ground."""

    restored_cm2: Ints
    met: Bools
    present: Bools
    now: Sequence[str]
    redrawn: Bools


def track(
    exports: Sequence[tuple[date, gpd.GeoDataFrame]],
    *,
    classes: Sequence[Category],
    thresholds: Thresholds,
) -> list[Tracked]:
    """Follow every task through the exports, in the order of their dates.

    exports: (date, classified pieces), the ledger's export among them as the earliest. Returns one
    Tracked per export. Nothing closes at the first. Raises GengbaoError if a balance isn't exact.
    """
    ordered = sorted(exports, key=lambda item: item[0])
    first, pieces = ordered[0]
    ledger = open_ledger(pieces, classes=classes, export=first)
    ledger = ledger.assign(ever_closed=False)
    steps = [Tracked(first, ledger, _opening_history(ledger, first))]
    for day, now in ordered[1:]:
        candidates = open_ledger(now, classes=classes, export=day)
        before = steps[-1].ledger
        seen = _look(before, now, candidates, thresholds)
        judged, history = _judge(before, seen, classes, day)
        fresh = _new_tasks(before, candidates, pieces)
        ledger = _joined(judged, fresh)
        rows = pd.concat([history, _opening_history(fresh, day)], ignore_index=True)
        _check_balance(rows)
        steps.append(Tracked(day, ledger, rows))
        pieces = now
    return steps


def printed(history: pd.DataFrame) -> pd.DataFrame:
    """Return history rows as history.csv prints them: every area with two decimals."""
    areas = {name for name in history.columns if name.endswith("_m2")}
    return history.assign(**{name: history[name].map("{:.2f}".format) for name in sorted(areas)})


def _opening_history(tasks: gpd.GeoDataFrame, day: date) -> pd.DataFrame:
    """Return the history rows of tasks that enter the ledger."""
    area = to_cm2(tasks["area_m2"])
    moves = np.zeros((len(tasks), len(MOVES)), np.int64)
    moves[:, MOVES.index("new")] = area
    reason = tasks.get("reason", pd.Series("", index=tasks.index))
    return _history(tasks, day, np.zeros(len(tasks), np.int64), moves, reason.to_numpy())


def _look(
    tasks: gpd.GeoDataFrame,
    pieces: gpd.GeoDataFrame,
    candidates: gpd.GeoDataFrame,
    thresholds: Thresholds,
) -> _Seen:
    """Ask an export about every task: restored, closing condition met, still in its category."""
    pairs = overlay.overlap_area(tasks.geometry, pieces.geometry, tasks.crs)
    task, piece, area = (pairs[name].to_numpy() for name in ("left", "right", "area_m2"))
    count = len(tasks)
    whole = np.bincount(task, area, count)

    def share(column: Bools) -> Floats:
        got = np.bincount(task, area * column[piece], count)
        return np.divide(got, whole, out=np.zeros(count), where=whole > 0)

    def has(name: str, value: object) -> Bools:
        return (pieces[name] == value).fillna(value=False).to_numpy(dtype=bool)

    base = to_cm2(tasks["area_m2"])
    kind = tasks["category"].to_numpy()
    cultivated = share(has("cultivated", True))
    cleared = share(has("monitoring", "closed")) >= thresholds.mask_share
    cleared &= share(has("monitoring", "open")) < thresholds.mask_share
    stands = share(has("supplement", True)) >= thresholds.mask_share
    moved = share(has("moved_out", True)) >= thresholds.mask_share
    own = pieces["area_m2"].to_numpy()[piece]
    credit = pieces["supplement_m2"].to_numpy()[piece] * area / np.maximum(own, area)
    supplied = to_cm2(np.bincount(task, credit, count))
    restored = np.floor(base * cultivated + 0.5).astype(np.int64)
    restored = np.where(kind == SUSPECTED, 0, restored)
    restored = np.where(kind == SELF_SUBMITTED, np.where(moved & stands, base, 0), restored)
    restored = np.where(kind == RELOCATE, np.minimum(base, supplied), restored)
    met = cultivated >= thresholds.close_share - 1e-9
    met = np.where(kind == SUSPECTED, cleared, met)
    met = np.where(kind == SELF_SUBMITTED, moved & stands, met)
    met = np.where(kind == RELOCATE, stands, met)
    links = _same_tasks(tasks, candidates)
    present = np.isin(np.arange(count), links["left"])
    held = np.bincount(links["left"], to_cm2(candidates["area_m2"])[links["right"]], count)
    tolerance = np.maximum(thresholds.tbmj_abs_m2 * 100, thresholds.tbmj_rel * base)
    redrawn = present & (restored < PARTIAL_CM2) & (np.abs(held - base) > tolerance)
    return _Seen(
        restored, met.astype(bool), present, _largest(task, piece, area, pieces, count), redrawn
    )


def _largest(
    task: Ints, piece: Ints, area: Floats, pieces: gpd.GeoDataFrame, count: int
) -> list[str]:
    """Return the category that now holds most of each task's ground; "" where nothing does."""
    names = pieces["category"].to_numpy()[piece]
    shares = pd.DataFrame({"task": task, "name": names, "area": area})
    held = shares.groupby(["task", "name"])["area"].sum().reset_index()
    held = held.sort_values(["task", "area", "name"], ascending=[True, False, True])
    top = held.drop_duplicates("task").set_index("task")["name"]
    return [str(name) for name in top.reindex(range(count)).fillna("")]


def _same_tasks(tasks: gpd.GeoDataFrame, candidates: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return pairs (left task, right candidate) that are the same task."""
    pairs = overlay.overlap_area(tasks.geometry, candidates.geometry, tasks.crs)
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    same = tasks["category"].to_numpy()[left] == candidates["category"].to_numpy()[right]
    areas = (measure.official_area(side.geometry, tasks.crs) for side in (tasks, candidates))
    one, other = (area[rows] for area, rows in zip(areas, (left, right), strict=True))
    same &= of_smaller(pairs["area_m2"].to_numpy(), one, other, _SAME_TASK_PART)
    enough: pd.DataFrame = pairs[same]
    return enough


def _judge(
    tasks: gpd.GeoDataFrame, seen: _Seen, classes: Sequence[Category], day: date
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return the tasks with their new status and areas, and their history rows."""
    was = tasks["status"].to_numpy()
    restored, kind = seen.restored_cm2, tasks["category"].to_numpy()
    left = ~seen.met & ~seen.present & (restored < PARTIAL_CM2)
    in_place = np.isin(kind, [SELF_SUBMITTED, RELOCATE]) & ~seen.present & ~seen.met
    left |= in_place
    before = tasks["ever_closed"].to_numpy() | (was == "withdrawn")
    status = np.select(
        [seen.met, left, before, restored >= PARTIAL_CM2],
        ["closed", "withdrawn", "reopened", "partial"],
        default="open",
    )
    base = to_cm2(tasks["area_m2"])
    gone = (status == "withdrawn") | ((kind == SUSPECTED) & (status == "closed"))
    remaining = np.where(gone, 0, base - restored)
    since = tasks["closed_on"].where(was == "closed", day.isoformat())
    judged = tasks.assign(
        status=status,
        restored_m2=np.where(status == "withdrawn", 0, restored) / 100,
        remaining_m2=remaining / 100,
        closed_on=since.where(status == "closed", None),
        ever_closed=tasks["ever_closed"].to_numpy() | (status == "closed"),
    )
    opening = to_cm2(tasks["remaining_m2"])
    moves = _moves(opening, remaining, status, was, kind)
    reason = _reasons(status, was, kind, seen, {c.name: c.label for c in classes})
    return judged, _history(judged, day, opening, moves, reason)


def _moves(opening: Ints, closing: Ints, status: object, was: object, kind: object) -> Ints:
    """Book the change of every task's remaining area under exactly one movement."""
    change = closing - opening
    moves = np.zeros((len(change), len(MOVES)), np.int64)
    cleared = (np.asarray(kind) == SUSPECTED) & (np.asarray(status) != "withdrawn")
    cleared &= np.asarray(was) != "withdrawn"
    book = np.select(
        [cleared, np.asarray(status) == "withdrawn", change > 0],
        [MOVES.index("adjusted"), MOVES.index("withdrawn"), MOVES.index("relapsed")],
        default=MOVES.index("restored"),
    )
    moves[np.arange(len(change)), book] = change * _SIGNS[book]
    return moves


def _reasons(
    status: object, was: object, kind: object, seen: _Seen, labels: dict[str, str]
) -> NDArray[np.object_]:
    """Say in Chinese why a status changed; "" where nothing did."""
    now = [labels.get(name, "不在本期图斑范围内") for name in seen.now]
    status, was, kind = (np.asarray(values, dtype=object) for values in (status, was, kind))
    idle = np.isin(np.asarray(seen.now, dtype=object), ["none", "inflow"])
    in_place = np.isin(kind, [SELF_SUBMITTED, RELOCATE]) & idle
    elsewhere = np.array([f"现为：{name}" for name in now], dtype=object)
    why = np.where(in_place, "调出地块已就地恢复耕种", elsewhere)
    return np.select(
        [
            (status == "withdrawn") & (was != "withdrawn"),
            (status == "closed") & (was != "closed") & (kind == SUSPECTED),
            (status == "closed") & (was != "closed"),
            (status == "reopened") & (was != "reopened"),
            seen.redrawn & (status == was),
        ],
        [why, "监测图斑已销号", "达到销号标准", "销号后反弹", "图斑界线变化，任务面积不变"],
        default="",
    ).astype(object)


def _history(
    tasks: gpd.GeoDataFrame, day: date, opening: Ints, moves: Ints, reason: object
) -> pd.DataFrame:
    """Return history rows: status and areas of every task, and how the rest moved, in m²."""
    table = pd.DataFrame(
        {
            "export": day.isoformat(),
            "task_id": tasks["task_id"].to_numpy(),
            "bsm": tasks["bsm"].to_numpy(),
            "town_code": tasks["town_code"].to_numpy(),
            "town": tasks["town"].to_numpy(),
            "category": tasks["category"].to_numpy(),
            "status": tasks["status"].to_numpy(),
            "restored_m2": tasks["restored_m2"].to_numpy(),
            "remaining_m2": tasks["remaining_m2"].to_numpy(),
            "reason": np.asarray(reason, dtype=object),
            "opening_m2": opening / 100,
        }
    )
    for number, name in enumerate(MOVES):
        table[f"{name}_step_m2"] = moves[:, number] / 100
    booked = np.where((moves != 0).any(axis=1), np.abs(moves).argmax(axis=1), -1)
    entry = np.array([*MOVES, ""], dtype=object)[booked]
    redrawn = (table["reason"] == "图斑界线变化，任务面积不变").to_numpy()
    table.insert(9, "entry", np.where((entry == "") & redrawn, "adjusted", entry))
    return table


def _new_tasks(
    tasks: gpd.GeoDataFrame, candidates: gpd.GeoDataFrame, before: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return the candidates that are no task yet, with ids of their own."""
    known = _same_tasks(tasks, candidates)["right"]
    fresh = candidates.iloc[np.setdiff1d(np.arange(len(candidates)), known)]
    covered = overlay.covered_area(fresh.geometry, before.geometry, tasks.crs)
    first = covered < SAME_TASK_SHARE * measure.official_area(fresh.geometry, tasks.crs)
    taken = fresh["task_id"].isin(tasks["task_id"])
    return fresh.assign(
        task_id=fresh["task_id"].where(~taken, fresh["task_id"] + "@" + fresh["first_seen"]),
        ever_closed=False,
        reason=np.where(first, "首次入库", "新出现"),
    )


def _joined(judged: gpd.GeoDataFrame, fresh: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return old and new tasks as one ledger."""
    if fresh.empty:
        return judged
    joined = pd.concat([judged, fresh[judged.columns]], ignore_index=True)
    return gpd.GeoDataFrame(joined, geometry="geometry", crs=judged.crs)


def _check_balance(rows: pd.DataFrame) -> None:
    """Fail loudly unless every task's movements add up to its remaining area."""
    moved = sum(
        (to_cm2(rows[f"{name}_step_m2"]) * sign for name, sign in zip(MOVES, _SIGNS, strict=True)),
        to_cm2(rows["opening_m2"]),
    )
    wrong = rows[moved != to_cm2(rows["remaining_m2"])]
    if len(wrong):
        raise GengbaoError(
            Finding(f"任务 {task}", "期初、变动、期末不等", "请保留现场文件并联系开发者")
            for task in wrong["task_id"]
        )
