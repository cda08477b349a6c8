"""The maps stage: which products are stale, drawn in two processes, the others kept.

A product has an id of its own: the hash over all that it shows and over the drawing code. It is
printed on it and stands in the manifest; while it stays the same, the product isn't drawn again.
"""

from __future__ import annotations

import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.freshness import PACKAGE, code_files, key_of
from pipeline.stages.desk import Job, Outcome, settings
from pipeline.stages.pictured import LAYERS, TABLES, map_data, rows_until
from pipeline.stages.workers import die_with_parent, most_workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from pipeline.freshness import State
    from pipeline.render import MapSpec, Pages
    from pipeline.stages.desk import Desk

log = logging.getLogger("gengbao")

MAPS = "制图"
SHOWN = (
    "name", "code", "crs", "ledger", "deadline", "publisher", "sample", "phases", "towns",
)  # fmt: skip
"""Settings of the county that stand on products; figures come through the tables."""
SHORT = 12
"""Digits of an id that products print."""


@dataclass(frozen=True, slots=True)
class Order:
    """A product to draw: of which map, of which export, under which id, into which folder."""

    name: str
    day: date
    product_id: str
    folder: Path


Task = tuple[Order, str | None]
"""A product, and the part of it where it is a book."""


def job(desk: Desk, only: Sequence[str] = ()) -> Job:
    """Return the job that draws every product found in render/maps (or only those named)."""

    def compute(state: State) -> Outcome:
        before = state.stages.get(MAPS, {})
        known: Mapping[str, Any] = before.get("facts", {}).get("products", {})
        orders = list(_orders(desk, state, only))
        kept = {
            order: known[_where(desk, order)]["files"]
            for order in orders
            if _stands(desk, state, order, known, before)
        }
        drawn = dict(_drawn(desk, [order for order in orders if order not in kept]))
        files = {
            _where(desk, order): kept[order]
            if order in kept
            else [_path(desk, order.folder / name) for name in sorted(drawn[order])]
            for order in orders
        }
        ids = {_where(desk, order): order.product_id for order in orders}
        for name in known.keys() - ids if only else ():  # the others stay as they are, if they do
            if all((desk.out / file).is_file() for file in known[name]["files"]):
                files[name], ids[name] = known[name]["files"], known[name]["id"]

        def write() -> list[Path]:
            from pipeline import storage

            for order, pages in drawn.items():
                for name, content in pages.items():
                    storage.write_bytes(order.folder / name, content)
            return [desk.out / name for names in files.values() for name in names]

        facts = {name: {"id": ids[name], "files": files[name]} for name in sorted(files)}
        said = f"图件={len(orders)} 重绘={len(drawn)} 文件={sum(map(len, files.values()))}"
        return Outcome(write=write, said=said, facts={"products": facts})

    return Job(
        name=MAPS,
        stage="maps",
        rooms=("render",),
        inputs=tuple(path for path in _inputs(desk) if path.exists()),
        params={"county": settings(desk), "only": list(only)},
        compute=compute,
    )


def drawn(state: State) -> Mapping[str, tuple[str, Sequence[str]]]:
    """Return id and files of every product there is, by its path without ending."""
    record = state.stages.get(MAPS, {"facts": {"products": {}}})
    facts: Mapping[str, Any] = record["facts"]["products"]
    return {name: (made["id"], made["files"]) for name, made in facts.items()}


def _inputs(desk: Desk) -> Iterator[Path]:
    """Yield every file a product may be drawn from."""
    yield desk.zone("towns", desk.county.newest)
    for name in TABLES:
        yield desk.processed / f"{name}.csv"
    for day in desk.judged:
        for file in LAYERS.values():
            yield desk.export(day, file)


def _orders(desk: Desk, state: State, only: Sequence[str]) -> Iterator[Order]:
    """Yield the products of this run, the newest export's first."""
    from pipeline import render

    for day in reversed(desk.judged):
        newest = day == desk.county.newest
        folder = desk.maps if newest else desk.maps / day.isoformat()
        for spec in render.discover():
            if spec.command != "maps":
                continue
            if (newest or not spec.newest_only) and (not only or spec.name in only):
                key = key_of(_shown(desk, state, spec, day))
                yield Order(spec.name, day, key[:SHORT], folder)


def _shown(desk: Desk, state: State, spec: MapSpec, day: date) -> dict[str, object]:
    """Return everything that decides what a product shows; later exports have no say."""
    county = {name: value for name, value in settings(desk).items() if name in SHOWN}
    county["exports"] = [known for known in desk.county.exports if known <= day]
    files = [desk.zone("towns", desk.county.newest)]
    files += [desk.export(day, file) for name, file in LAYERS.items() if name in spec.needs]
    tables = {name: rows_until(desk, name, day) for name in TABLES if name in spec.needs}
    return {
        "code": state.contents.of_all(code_files(("render",)), base=PACKAGE),
        "map": spec.name,
        "county": county,
        "layers": state.contents.of_all(files, base=desk.out),
        "tables": {k: v.to_csv(index=False) for k, v in tables.items() if v is not None},
    }


def _stands(
    desk: Desk, state: State, order: Order, known: Mapping[str, Any], before: Mapping[str, Any]
) -> bool:
    """Tell whether a product of an earlier run shows the same and has the bytes it had then."""
    record = known.get(_where(desk, order))
    if record is None or record["id"] != order.product_id:
        return False
    hashes = before["products"]
    return all(
        (desk.out / name).is_file() and state.contents.of(desk.out / name) == hashes.get(name)
        for name in record["files"]
    )


def _where(desk: Desk, order: Order) -> str:
    """Return the name a product goes by in the records."""
    return _path(desk, order.folder / order.name)


def _path(desk: Desk, file: Path) -> str:
    """Return a path as the records hold it."""
    return file.relative_to(desk.out).as_posix()


def _drawn(desk: Desk, orders: Sequence[Order]) -> Iterator[tuple[Order, dict[str, bytes]]]:
    """Yield the products as they are drawn, with one line of progress for each part."""
    from pipeline import render

    with _hands(orders) as pool:
        parts = {order: _parts(desk, order) for order in orders}
        pieces: dict[Task, dict[str, bytes] | Pages] = {}
        tasks = [(order, part) for order in orders for part in parts[order]]
        for (order, part), piece in _results(desk, tasks, pool):
            pieces[order, part] = piece
            if isinstance(piece, dict):
                yield order, piece
            elif all((order, name) in pieces for name in parts[order]):
                spec, own = _spec(order), [pieces.pop((order, name)) for name in parts[order]]
                pages = [part for part in own if not isinstance(part, dict)]
                yield (
                    order,
                    render.join(spec, map_data(desk, spec, order.day, order.product_id), pages),
                )


@contextmanager
def _hands(orders: Sequence[Order]) -> Iterator[ProcessPoolExecutor | None]:
    """Yield processes that are loading what they draw with; None where there is little to do."""
    workers = most_workers()
    if workers <= 1 or not orders or (len(orders) == 1 and not _spec(orders[0]).book):
        yield None
        return
    # spawn: the same on every system, and safe beside the threads of numpy and Arrow
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, die_with_parent) as pool:
        for _ in range(workers):
            pool.submit(_load)
        try:
            yield pool
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _load() -> None:
    """Load what drawing takes, while the parts of books are still being counted."""
    from pipeline import render

    render.discover()


def _results(
    desk: Desk, tasks: Sequence[Task], pool: ProcessPoolExecutor | None
) -> Iterator[tuple[Task, dict[str, bytes] | Pages]]:
    """Yield what is drawn, as it is ready."""
    if pool is None:
        for number, task in enumerate(tasks, 1):
            _say(number, tasks, *task)
            yield task, draw(desk, *task)
        return
    # what takes longest first: books, large sheets; the last ones shouldn't be alone
    waiting = {pool.submit(draw, desk, *task): task for task in sorted(tasks, key=_quickness)}
    for number, future in enumerate(as_completed(waiting), 1):
        yield waiting[future], future.result()
        _say(number, tasks, *waiting[future])


def _quickness(task: Task) -> tuple[bool, float]:
    """Return what sorts parts of books before sheets, and large sheets before small ones."""
    order, part = task
    return part is None, -_spec(order).size.width_mm


def _say(number: int, tasks: Sequence[Task], order: Order, part: str | None) -> None:
    log.info("  制图 %d/%d %s %s %s", number, len(tasks), order.day, order.name, part or "")


def _parts(desk: Desk, order: Order) -> Sequence[str | None]:
    """Return the parts a product is drawn in: itself alone, unless it is a book."""
    spec = _spec(order)
    return (
        spec.book.parts(map_data(desk, spec, order.day, order.product_id)) if spec.book else (None,)
    )


def _spec(order: Order) -> MapSpec:
    from pipeline import render

    return next(spec for spec in render.discover() if spec.name == order.name)


def draw(desk: Desk, order: Order, part: str | None) -> dict[str, bytes] | Pages:
    """Draw a product or a part of one in whatever process this is; return files or pages."""
    from pipeline import render

    spec = _spec(order)
    data = map_data(desk, spec, order.day, order.product_id)
    return render.render(spec, data) if part is None else render.render_part(spec, data, part)
