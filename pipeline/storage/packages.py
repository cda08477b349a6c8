"""Office files: the same bytes always, cells that any spreadsheet takes."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd
    from openpyxl import Workbook

BOOK_CLOCK = datetime(2000, 1, 1)  # noqa: DTZ001 - a file property, not a moment
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell begins with that a spreadsheet would run."""
CELL_LIMIT = 32_767
"""Characters a cell of a workbook holds."""
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def workbook_bytes(book: Workbook, stamp: datetime = BOOK_CLOCK) -> bytes:
    """Return a workbook's bytes, every date in it `stamp`: openpyxl writes the time of saving."""
    raw = io.BytesIO()
    book.properties.created = stamp
    book.save(raw)
    return package_bytes(raw.getvalue(), stamp)


def package_bytes(raw: bytes, stamp: datetime) -> bytes:
    """Return an Office file (a zip of parts) with every date in it `stamp`, parts sorted."""
    out = io.BytesIO()
    mark = stamp.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(io.BytesIO(raw)) as source, zipfile.ZipFile(out, "w") as target:
        for name in sorted(source.namelist()):
            data = source.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + mark, data)
            info = zipfile.ZipInfo(name, date_time=stamp.timetuple()[:6])
            target.writestr(info, data, compress_type=zipfile.ZIP_DEFLATED)
    return out.getvalue()


def cell_text(text: str) -> str:
    """Return text as a workbook's cell can hold it: no control characters, not too long."""
    plain = _FORBIDDEN.sub("", text)
    return plain if len(plain) <= CELL_LIMIT else f"{plain[: CELL_LIMIT - 1]}…"


def guarded(table: pd.DataFrame, numbers: Collection[str] = ()) -> pd.DataFrame:
    """Return the table with an apostrophe before text that a spreadsheet takes for a formula.

    numbers: columns of numbers written as text, where a minus is a minus.
    """
    return table.assign(
        **{
            name: [
                f"'{text}" if isinstance(text, str) and text.startswith(FORMULA_STARTS) else text
                for text in table[name]
            ]
            for name in table.columns.difference(list(numbers), sort=False)
        }
    )
