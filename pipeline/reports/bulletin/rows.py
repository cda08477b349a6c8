"""Rows of our tables as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def text_rows(table: pd.DataFrame) -> list[dict[str, str]]:
    """Return the rows of a table, every cell as text, a missing one as ""."""
    rows: Sequence[Mapping[Any, Any]] = table.to_dict("records")
    return [
        {str(name): "" if pd.isna(value) else str(value) for name, value in row.items()}
        for row in rows
    ]
