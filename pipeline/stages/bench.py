"""The bench of one run: products are made on it and carried over all together, or not at all.

What stands where people look changes only after the last stage is done and its account closes.
"""

from __future__ import annotations

import logging
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.disk import Work, blocked, exchange, interrupted, locked, settle
from pipeline.errors import OutputError
from pipeline.freshness import State
from pipeline.stages.desk import STATE, Desk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.disk import Holder

log = logging.getLogger("gengbao")

SETTLED = {
    "prepare": "还没开始替换，原有成果未动",
    "swap": "已接着换完",
    "back": "已恢复原有成果",
}


@contextmanager
def bench(desk: Desk) -> Iterator[tuple[Desk, State]]:
    """Yield a desk that looks like `desk` and its state; carry over what was made on success.

    Holds the folder's lock. On failure nothing changes: what was finished stays for the next run
    to go on from, unless the disk refused. Raises OutputError.
    """
    with locked(desk.out) as died:
        _tell(died, settle(desk.out))
        stands = State.load(desk.out / STATE)
        shutil.rmtree(desk.refused, ignore_errors=True)
        work = Work(desk.out)
        state = _lay_out(work, stands)
        try:
            yield Desk(desk.county, work.folder, home=desk.out), state
            _carry_over(work, stands, state)
        except OutputError as error:
            work.clear()
            raise work.outward(error) from error
        except BaseException:
            if (work.folder / STATE).is_file():
                log.info("成果没有改动；已做完的步骤留着，改正后重新运行会接着做")
            else:
                work.clear()
            raise
        work.clear()


def finish_exchange(desk: Desk) -> None:
    """End an exchange that a killed run left half done, before products are read."""
    if interrupted(desk.out):
        with locked(desk.out) as died:
            _tell(died, settle(desk.out))


def _tell(died: Holder | None, phase: str | None) -> None:
    if died is not None:
        log.warning("上一次运行没有正常结束（%s），已接管并清理", died)
    if phase is not None:
        log.warning("上一次运行在替换成果时中断：%s", SETTLED[phase])


def _lay_out(work: Work, stands: State) -> State:
    """Make the image of what stands, with what an interrupted run had finished; its state."""
    products = _products(stands)
    findings = blocked(work.out, products)
    if findings:
        raise OutputError(findings)
    begun = State.load(work.folder / STATE)
    if begun.stages:
        log.info("接着上一次没有做完的运行")
        work.image({**products, **_products(begun)}, keep={*_products(begun), STATE})
    else:
        begun = State(work.folder / STATE, dict(stands.stages), stands.contents)
        work.image(products)
    return begun


def _products(state: State) -> Mapping[str, str]:
    """Return the hash of every product by name."""
    return {k: v for record in state.stages.values() for k, v in record["products"].items()}


def _carry_over(work: Work, stands: State, state: State) -> None:
    """Put the products in their places, remove those no longer made, then remember the state."""
    before, after = _products(stands), _products(state)
    made = work.made(after)
    gone = [name for name in before if name not in after and (work.out / name).exists()]
    if made or gone:
        state.save()
        exchange(work.out, {**made, STATE: work.folder / STATE}, gone)
        for name in made:
            state.contents.moved(work.folder / name, work.out / name)
    State(work.out / STATE, state.stages, state.contents).save()
