"""The disk under our products: one run at a time, each file whole, the whole set old or new.

`replacing` writes one file, `replacing_folder` a set that belongs together; `locked` lets one run
at a time into a folder; `Work` is where a run makes its products; `exchange` puts them all in
their places, `settle` ends what a dead run began.
Standard library only, so that a run with nothing to do ends in a blink.
"""

from __future__ import annotations

from pipeline.disk.exchange import blocked, exchange, interrupted, settle
from pipeline.disk.folder import replacing_folder
from pipeline.disk.lock import Holder, locked
from pipeline.disk.names import file_name
from pipeline.disk.replace import alive, cannot_write, replacing, require_room
from pipeline.disk.work import Work

__all__ = [
    "Holder",
    "Work",
    "alive",
    "blocked",
    "cannot_write",
    "exchange",
    "file_name",
    "interrupted",
    "locked",
    "replacing",
    "replacing_folder",
    "require_room",
    "settle",
]
