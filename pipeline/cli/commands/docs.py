"""`gengbao docs`: write the documents generated from tables, checks and map modules."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.command import Command

if TYPE_CHECKING:
    import argparse

log = logging.getLogger("gengbao")


def run(_args: argparse.Namespace) -> int:
    """Write them below the current folder."""
    from pipeline import storage
    from pipeline.quality import docs as checks
    from pipeline.render import catalogue as maps
    from pipeline.tables import docs as tables

    for name, text in (tables.documents() | checks.documents() | maps.documents()).items():
        storage.write_bytes(Path(name), text.encode())
        log.info("文档 %s", name)
    return 0


COMMANDS = (
    Command(
        name="docs",
        text="重新生成 docs/ 里由表格、检查、图件说明生成的文档",
        order=90,
        run=run,
        on_county=False,
    ),
)
