"""What a change of format does to data: none of it is a change on the ground."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.fields import Field

CHANGE = "change"
LOSSES = {
    "undelivered": "一方全空（未提供该字段，或全部清空）",
    "time_dropped": "日期丢失时刻或换了写法",
    "text_cut": "文字按字段宽度截断",
    "blanks": "尾部空格",
    "null_as_zero": "空值写成 0",
    "decimals": "小数位超出标准",
    "negative_zero": "负零",
    "coordinates": "坐标被舍入",
}
"""What a change of format does to data, by our name; none of it is a change on the ground."""

DBF_WIDTHS = (80, 254)
"""GDAL's default width of a DBF text field, and the format's largest; besides the standard's."""

BLANKS = " \t\r\n\0\u3000\xa0"
_MOMENT = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}:\d{2}\S*))?")
_MIDNIGHT = re.compile(r"0{1,2}:00(:00(\.0+)?)?\S*")


def text_kind(old: str, new: str, field: Field) -> tuple[str, str]:
    """Return the kind of difference between two distinct texts, and the poorer side."""
    a, b = old.rstrip(BLANKS), new.rstrip(BLANKS)
    if a == b:
        return "blanks", ""
    poorer, short, long = ("old", a, b) if len(a) < len(b) else ("new", b, a)
    dropped = _time_dropped(a, b)
    if dropped is not None:
        return "time_dropped", dropped
    if short and long.startswith(short) and _fills_width(short, long, field.length):
        return "text_cut", poorer
    return CHANGE, ""


def _time_dropped(old: str, new: str) -> str | None:
    """Return the side that lost the time of a common day, None where these aren't such dates."""
    a, b = _MOMENT.fullmatch(old), _MOMENT.fullmatch(new)
    if (
        a is None
        or b is None
        or [int(p) for p in a.groups()[:3]] != [int(p) for p in b.groups()[:3]]
    ):
        return None
    bare = [not m[4] or _MIDNIGHT.fullmatch(m[4]) is not None for m in (a, b)]
    if bare == [False, False]:
        return None
    return "old" if bare == [True, False] or len(old) < len(new) else "new"


def _fills_width(short: str, long: str, length: int) -> bool:
    """Whether `short` is as much of `long` as a field of some usual width holds."""
    more = long[: len(short) + 1]
    sizes = [(len(short), len(more))]
    sizes += [
        (len(short.encode(code, "replace")), len(more.encode(code, "replace")))
        for code in ("gb18030", "utf-8")
    ]
    return any(least <= width < most for least, most in sizes for width in (length, *DBF_WIDTHS))
