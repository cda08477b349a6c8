"""Delivered text made comparable: half-width, without blanks, marks of ruin found. Pure functions.

Only what is unambiguous is changed: full-width forms of ASCII, blanks, invisible characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.ingest.names import DAMAGED

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

EMPTY = frozenset({"NULL", "<NULL>", "<空>", "(NULL)", "NONE", "NAN"})
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
HALF_WIDTH = str.maketrans(
    "".join(chr(0xFF01 + n) for n in range(0x5E)) + "\u3000\xa0",
    "".join(chr(0x21 + n) for n in range(0x5E)) + "  ",
    INVISIBLE,
)
HANZI = ("\u3400", "\u9fff")
NUMBER_PATTERN = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
DATE_PATTERN = (
    r"([0-9]{4})(?:[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?|([0-9]{2})([0-9]{2}))"
    r"(?:[ T](?:00:00(?::00(?:\.0*)?)?(?:Z|[+-]00:?00|\+08:?00)?|[0-9]{1,2}:[0-9:.]*))?"
)
"""Year, month and day in full: 2023115 could be two days, and a time with a zone another day."""


def code(value: str) -> str | None:
    """Return a code or id: half-width, upper case, no blanks inside; None where nothing is left."""
    if value.strip().upper() in EMPTY:
        return None
    text = "".join(value.translate(HALF_WIDTH).split()).upper()
    return None if not text or text in EMPTY else text


def figure(value: str) -> str | None:
    """Return a number or date for parsing: half-width, no blanks around; None where empty."""
    text = value.translate(HALF_WIDTH).strip()
    return None if not text or text.upper() in EMPTY else text


def each(values: pd.Series, change: Callable[[str], str | None], plain: str) -> pd.Series:
    """Return `values` with `change` applied to those that don't match `plain`, each once."""
    odd = values.notna() & ~values.str.fullmatch(plain)
    changed = {value: change(value) for value in values[odd].unique()}
    tidy = values.where(~odd, values.map(changed)) if changed else values
    return tidy.mask(tidy == "").astype("str")


def damage(text: str) -> str:
    """Return in Chinese how a text was ruined before it was delivered, "" if it looks sound."""
    if text.isascii():
        return ""
    if any(mark in text for mark in DAMAGED):
        return "含替代符或“锟斤拷”，原文已丢失"
    if any("\x80" <= c <= "\x9f" for c in text) or _misread(text):
        return "像是按错误编码读过的乱码"
    if any("\ue000" <= c <= "\uf8ff" for c in text):
        return "含自造字（Unicode 专用区），各软件显示不一"
    return ""


def _misread(text: str) -> bool:
    """Return whether UTF-8 or GBK was read as Latin-1, or UTF-8 as GBK, and saved that way."""
    odd = [c for c in text if ord(c) > 0x7F]  # noqa: PLR2004 - ASCII
    if all(c <= "\xff" for c in odd):
        return len(odd) > 1 and any(
            _hanzi(_back(text, "latin-1", encoding)) for encoding in ("utf-8", "gb18030")
        )
    return _hanzi(_back(text, "gb18030", "utf-8"))


def _back(text: str, wrong: str, right: str) -> str:
    try:
        return text.encode(wrong).decode(right)
    except UnicodeError:
        return ""


def _hanzi(text: str) -> bool:
    odd = [c for c in text if ord(c) > 0x7F]  # noqa: PLR2004 - ASCII
    return bool(odd) and all(HANZI[0] <= c <= HANZI[1] for c in odd)
