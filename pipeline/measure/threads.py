"""Work that lets go of the GIL, in blocks on all cores; results in the order of the blocks."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

THREADS = "GENGBAO_THREADS"
"""Environment: how many threads a process may use, where several share the machine."""
_THREADS = int(os.environ.get(THREADS, "0")) or min(os.cpu_count() or 1, 8)
_ROWS_AT_ONCE = 4_000
_NAME = "block"

Item = TypeVar("Item")
Result = TypeVar("Result")


def for_each(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return the function's results for all items.

    A single one is done in this thread, and all are where this is such a thread already.
    """
    return list(one_by_one(function, items))


def one_by_one(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield the function's results in the order of the items while later ones are in work."""
    work = list(items)
    within = threading.current_thread().name.startswith(_NAME)
    if len(work) < 2 or _THREADS == 1 or within:  # noqa: PLR2004 - nothing to share out
        yield from map(function, work)
        return
    with ThreadPoolExecutor(_THREADS, thread_name_prefix=_NAME) as pool:
        results = pool.map(function, work)
        del items, work  # each is let go of when it is done
        yield from results


def in_threads(
    function: Callable[[NDArray[np.object_]], NDArray[Any]], shapes: NDArray[np.object_]
) -> NDArray[Any]:
    """Return an element-wise function of shapes (shapely's are such), computed block by block."""
    starts = range(0, max(len(shapes), 1), _ROWS_AT_ONCE)
    blocks = for_each(lambda at: function(shapes[at : at + _ROWS_AT_ONCE]), starts)
    return np.concatenate([np.asarray(block) for block in blocks])
