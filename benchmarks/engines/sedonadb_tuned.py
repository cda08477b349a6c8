"""SedonaDB with the shortcut that helps it."""

from __future__ import annotations

from functools import partial

from job import main
from sedonadb_plain import run

main(partial(run, tuned=True))
