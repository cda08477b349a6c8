"""Names that follow a code: a village or a class renamed as a whole is no change of its plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline.compare.forms import CHANGE, text_kind
from pipeline.compare.plots import values_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.compare.plots import Ints

RENAMED = "renamed"
NAMED_BY = {
    F.ZLDWMC: F.ZLDWDM,
    F.QSDWMC: F.QSDWDM,
    F.DLMC: F.DLBM,
    F.TBXHMC: F.TBXHDM,
    F.ZZSXMC: F.ZZSXDM,
}
"""Name field → the code that says what is meant."""


def renames(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return the codes whose name is another one on every single plot of either export.

    Columns: field (national name of the name field), label, code, old_name, new_name, old_plots,
    new_plots; sorted in the order of NAMED_BY, then by code. A code that goes by several names in
    one export, or by none on some plot, isn't renamed: its plots are told one by one. A name cut by
    a format isn't either.
    """
    found = []
    for name, code in NAMED_BY.items():
        if not all(f.name in frame for f in (name, code) for frame in (old, new)):
            continue
        one, other = _single(old, name, code), _single(new, name, code)
        both = one.merge(other, left_index=True, right_index=True, suffixes=("_old", "_new"))
        both = both[_differs(both["name_old"], both["name_new"], name)].sort_index()
        found.append(
            pd.DataFrame(
                {
                    "field": name.national,
                    "label": name.label,
                    "code": both.index.to_numpy(dtype=object),
                    "old_name": both["name_old"].to_numpy(dtype=object),
                    "new_name": both["name_new"].to_numpy(dtype=object),
                    "old_plots": both["plots_old"].to_numpy(),
                    "new_plots": both["plots_new"].to_numpy(),
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def mark_renamed(
    cells: pd.DataFrame, old: pd.DataFrame, new: pd.DataFrame, rows_old: Ints, rows_new: Ints
) -> pd.DataFrame:
    """Return differing attributes with kind RENAMED where a name followed its unchanged code.

    cells: of `attributes.differing`; rows_old, rows_new: row numbers of the pairs.
    """
    codes = {name.national: code for name, code in NAMED_BY.items()}
    named = np.flatnonzero(cells["field"].isin(list(codes)) & (cells["kind"] == CHANGE))
    if len(named) == 0:
        return cells
    table = renames(old, new)
    known = set(zip(table["field"], table["code"], strict=True))
    pair, field = cells["pair"].to_numpy()[named], cells["field"].to_numpy()[named]
    kind = cells["kind"].to_numpy(dtype=object).copy()
    for national in dict.fromkeys(field):
        own = named[field == national]
        at = pair[field == national]
        before = values_at(old, codes[national].name, rows_old[at])
        after = values_at(new, codes[national].name, rows_new[at])
        follows = [a == b and (national, a) in known for a, b in zip(before, after, strict=True)]
        kind[own[follows]] = RENAMED
    return cells.assign(kind=kind)


def _differs(old: pd.Series, new: pd.Series, field: F.Field) -> NDArray[np.bool_]:
    differs = [
        a != b and text_kind(str(a), str(b), field)[0] == CHANGE
        for a, b in zip(old, new, strict=True)
    ]
    return np.array(differs, dtype=bool)


def _single(frame: pd.DataFrame, name: F.Field, code: F.Field) -> pd.DataFrame:
    """Return name and plots of each code that has one name, on every plot; indexed by code."""
    given = frame[[code.name, name.name]].astype(object)
    given = given[given[code.name].notna()]
    groups = given.groupby(code.name, sort=False)[name.name]
    table = pd.DataFrame(
        {"name": groups.first(), "plots": groups.size(), "names": groups.nunique(dropna=False)}
    )
    return table.loc[(table["names"] == 1) & table["name"].notna(), ["name", "plots"]]
