"""Chinese text in a terminal: tables whose columns line up, wide letters counted as two."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WIDE = ("W", "F")


def aligned(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table for a terminal: first column left, the others right, Chinese two wide."""
    table = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(width(cell) for cell in column) for column in zip(*table, strict=True)]
    lines = []
    for row in table:
        gaps = [" " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)]
        cells = [
            row[0] + gaps[0],
            *(gap + cell for gap, cell in zip(gaps[1:], row[1:], strict=True)),
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(letter) in _WIDE else 1 for letter in text)
