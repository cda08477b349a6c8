"""Attributes of matched plots: what changed, and what only changed its form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline.compare.forms import BLANKS, CHANGE, text_kind
from pipeline.compare.plots import picked
from pipeline.compare.renames import mark_renamed
from pipeline.measure import round_half_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Objects = NDArray[np.object_]

_NOT_COMPARED = (F.BSM, F.YSDM, F.SJNF)
COMPARED = tuple(field for field in F.DLTB if field not in _NOT_COMPARED)
"""BSM is the relation's own matter, YSDM names the layer, SJNF the year of the whole export."""

UNDELIVERED_PLOTS = 20
"""A field all empty on one side only, but filled on the other on so many plots (or on half of
them, at least 2), was not delivered: survey staff fill in single plots, formats lose columns."""


def differing(old: pd.DataFrame, new: pd.DataFrame, rows_old: Ints, rows_new: Ints) -> pd.DataFrame:
    """Return every differing attribute of pairs of plots.

    rows_old, rows_new: row numbers of the pairs. Columns: pair (position), field (national name),
    old_value, new_value (text, missing where empty), kind ("change", "renamed" where a name
    followed its unchanged code, or a key of LOSSES), poorer ("old" or "new": the side whose form
    lost something, "" where neither). Sorted by pair, then in the order of the standard. Fields
    that one side did not deliver are left out.
    """
    found = [_none()]
    for field in delivered(old, new):
        compare = _numbers if field.dtype in ("real", "int") else _texts
        cells = compare(old[field.name], new[field.name], field, (rows_old, rows_new))
        found.append(cells.assign(field=field.national))
    cells = pd.concat([f for f in found if len(f)] or found, ignore_index=True)
    cells = cells.sort_values("pair", kind="stable", ignore_index=True)[list(_none().columns)]
    return mark_renamed(cells, old, new, rows_old, rows_new)


def delivered(old: pd.DataFrame, new: pd.DataFrame) -> tuple[F.Field, ...]:
    """Return the compared fields that both sides delivered."""
    lost = {field.name for field, _, _ in undelivered(old, new)}
    here = [f for f in COMPARED if f.name in old and f.name in new]
    return tuple(field for field in here if field.name not in lost)


def undelivered(old: pd.DataFrame, new: pd.DataFrame) -> list[tuple[F.Field, str, int]]:
    """Return fields that one side alone delivered: field, side without it, values on the other."""
    found = []
    for field in COMPARED:
        empty = [field.name not in f or _is_empty(f[field.name]) for f in (old, new)]
        if empty[0] == empty[1]:
            continue
        side, other = ("old", new) if empty[0] else ("new", old)
        plots = _filled(other[field.name])
        enough = plots >= min(UNDELIVERED_PLOTS, max(2, (len(other) + 1) // 2))
        absent = field.name not in old or field.name not in new
        if plots and (absent or enough):
            found.append((field, side, plots))
    return found


def _is_empty(column: pd.Series) -> bool:
    return not any(_means(value) for value in column.dropna().unique())


def _means(value: object) -> bool:
    return not isinstance(value, str) or value.rstrip(BLANKS) != ""


def _filled(column: pd.Series) -> int:
    """Return how many plots have a value that says something; 0 is what formats make of nothing."""
    counts = column.value_counts()
    return int(sum(n for value, n in counts.items() if _means(value) and value != 0))


def _none() -> pd.DataFrame:
    columns = ("pair", "field", "old_value", "new_value", "kind", "poorer")
    return pd.DataFrame({c: pd.Series(dtype="int64" if c == "pair" else "object") for c in columns})


def _numbers(
    old: pd.Series, new: pd.Series, field: F.Field, rows: tuple[Ints, Ints]
) -> pd.DataFrame:
    a, b = (
        pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)[row]
        for column, row in zip((old, new), rows, strict=True)
    )
    sign = (a == 0) & (b == 0) & (np.signbit(a) != np.signbit(b))
    pair = np.flatnonzero(~((a == b) & ~sign | np.isnan(a) & np.isnan(b)))
    a, b, sign = a[pair], b[pair], sign[pair]
    same, poorer_b = _same_decimals(a, b, field.decimals)
    zero = np.isnan(a) & (b == 0) | np.isnan(b) & (a == 0)
    kind = np.select([sign, zero, same], ["negative_zero", "null_as_zero", "decimals"], CHANGE)
    poorer = np.select(
        [kind == "null_as_zero", kind == "decimals"],
        [np.where(a == 0, "old", "new"), np.where(poorer_b, "new", "old")],
        "",
    )
    digits = np.where(kind == "decimals", field.decimals + 4, field.decimals)
    return pd.DataFrame(
        {
            "pair": pair,
            "old_value": _written(a, digits),
            "new_value": _written(b, digits),
            "kind": kind.astype(object),
            "poorer": poorer.astype(object),
        }
    )


def _same_decimals(
    a: Floats, b: Floats, decimals: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where one number is the other cut to the standard's decimals, and where b is the cut.

    Writers round halves either way, so that half a unit is allowed.
    """
    short_a, short_b = (
        np.abs(v - round_half_up(v, decimals)) <= 4 * np.spacing(np.abs(v)) for v in (a, b)
    )
    near = np.abs(a - b) <= 0.5 * 10.0**-decimals * (1 + 1e-6)
    noise = np.abs(a - b) <= 4 * np.spacing(np.maximum(np.abs(a), np.abs(b)))
    return near & (short_a != short_b) | noise, short_b & ~short_a


def _written(values: Floats, digits: Ints) -> Objects:
    texts = [f"{v:.{d}f}" for v, d in zip(values, digits, strict=True)]
    text = np.array(texts, dtype=object)
    text[np.isnan(values)] = None
    return text


def _texts(old: pd.Series, new: pd.Series, field: F.Field, rows: tuple[Ints, Ints]) -> pd.DataFrame:
    a, b = (
        column.to_numpy(dtype=object)[row] for column, row in zip((old, new), rows, strict=True)
    )
    none_a, none_b = pd.isna(a), pd.isna(b)
    unequal = none_a != none_b
    given = np.flatnonzero(~none_a & ~none_b)
    unequal[given] = a[given] != b[given]
    pair = np.flatnonzero(unequal)
    if len(pair) == 0:
        return _none()
    texts = _as_text(np.concatenate((a[pair], b[pair])))
    codes, values = pd.factorize(texts)  # a missing value has the code -1
    sides = codes.reshape(2, -1).T
    distinct, of = np.unique(sides, axis=0, return_inverse=True)
    spelled = np.asarray(values, dtype=object)
    left, right = picked(spelled, distinct[:, 0]), picked(spelled, distinct[:, 1])
    judged = [text_kind(x or "", y or "", field) for x, y in zip(left, right, strict=True)]
    table = np.array(judged, dtype=object).reshape(-1, 2)[of]
    return pd.DataFrame(
        {
            "pair": pair,
            "old_value": left[of],
            "new_value": right[of],
            "kind": table[:, 0],
            "poorer": table[:, 1],
        }
    )


def _as_text(values: Objects) -> Objects:
    none = pd.isna(values)
    text = np.array([str(value) for value in values], dtype=object)
    text[none] = None
    return text
