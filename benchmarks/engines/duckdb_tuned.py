"""DuckDB spatial with the shortcuts that help it."""

from __future__ import annotations

from functools import partial

from duckdb_plain import run
from job import main

main(partial(run, tuned=True))
