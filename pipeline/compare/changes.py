"""What changed from one export to the next, what only changed its form, and the sums by town."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline.compare.attributes import COMPARED, differing, undelivered
from pipeline.compare.classes import NO_TOWN
from pipeline.compare.forms import CHANGE, LOSSES
from pipeline.compare.ground import WITHIN_GRID_M
from pipeline.compare.lineage import RELATIONS
from pipeline.compare.plots import row_of, values_at
from pipeline.measure import to_cm2

if TYPE_CHECKING:
    from pipeline.compare.plots import Ints, Objects

WHOLE_COUNTY = "全县"
FOLLOWS_CUT = frozenset(f.national for f in (F.TBBH, F.TBYBH, F.TBMJ, F.KCMJ, F.TBDLMJ))
"""Numbers and areas follow when plots are cut or joined: not listed as changes of split, merged
and many."""
_CUT = ("split", "merged", "many")
_LABELS = {field.national: field.label for field in COMPARED}
_LINK = ("old_bsm", "new_bsm", "relation", "overlap_m2", "lineage_id", "label", "town_code", "town")


class Changes(NamedTuple):
    """What `changes` returns: links, one row each; fields, one row per changed attribute."""

    links: pd.DataFrame
    fields: pd.DataFrame


def changes(old: pd.DataFrame, new: pd.DataFrame, links: pd.DataFrame) -> Changes:
    """Return the rows of changes.csv, every link that isn't `same`, and of 属性变化.csv.

    links: old_bsm, new_bsm, relation, overlap_m2, lineage_id, label, town_code, town (of the new
    plot, of the old one where it is gone), old_dlbm, new_dlbm, fields (national names of changed
    attributes, joined by "|"). fields: old_bsm, new_bsm, relation, label, town_code, town, field,
    field_label, old_value, new_value (text, missing where empty). Losses of form and renames are no
    changes. Sorted as links, then as the standard's fields.
    """
    moved = links[links["relation"] != "same"].reset_index(drop=True)
    rows_old, rows_new = row_of(old, moved["old_bsm"]), row_of(new, moved["new_bsm"])
    moved = moved.assign(
        town_code=_newer(F.TOWN_CODE, (old, new), (rows_old, rows_new)),
        town=_newer(F.TOWN, (old, new), (rows_old, rows_new)),
    )[list(_LINK)]
    cells = _changed_cells(old, new, moved["relation"], (rows_old, rows_new))
    pair = cells["pair"].to_numpy(dtype=np.int64)
    named = cells.groupby("pair")["field"].agg("|".join).reindex(moved.index)
    fields = moved.iloc[pair].drop(columns=["overlap_m2", "lineage_id"])
    return Changes(
        moved.assign(
            old_dlbm=values_at(old, F.DLBM.name, rows_old),
            new_dlbm=values_at(new, F.DLBM.name, rows_new),
            fields=named.astype(object).where(named.notna(), None),
        ),
        fields.assign(
            field=cells["field"].to_numpy(),
            field_label=cells["field"].map(_LABELS).to_numpy(),
            old_value=cells["old_value"].to_numpy(),
            new_value=cells["new_value"].to_numpy(),
        ).reset_index(drop=True),
    )


def _changed_cells(
    old: pd.DataFrame, new: pd.DataFrame, relation: pd.Series, rows: tuple[Ints, Ints]
) -> pd.DataFrame:
    """Return the changed attributes of links; pair: the link's position."""
    both = np.flatnonzero((rows[0] >= 0) & (rows[1] >= 0))
    cells = differing(old, new, rows[0][both], rows[1][both])
    cells = cells.assign(pair=both[cells["pair"].to_numpy(dtype=np.int64)])
    cut = relation.isin(_CUT).to_numpy()[cells["pair"].to_numpy()]
    follows = cut & cells["field"].isin(FOLLOWS_CUT).to_numpy()
    changed: pd.DataFrame = cells[(cells["kind"] == CHANGE).to_numpy() & ~follows]
    return changed


def format_losses(old: pd.DataFrame, new: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Return what only changed its form between two exports, apart from any change.

    One row per kind, field and poorer side: loss (key of LOSSES), label, field, field_label,
    poorer (old, new, or missing where neither), plots, and one example: old_bsm, new_bsm,
    old_value, new_value.
    """
    both = links[links["old_bsm"].notna() & links["new_bsm"].notna()].reset_index(drop=True)
    cells = differing(old, new, row_of(old, both["old_bsm"]), row_of(new, both["new_bsm"]))
    cells = cells[cells["kind"].isin(list(LOSSES))].rename(columns={"kind": "loss"})
    rounded = both.index[both["shift_m"] > WITHIN_GRID_M]
    shifts = pd.DataFrame(
        {
            "pair": rounded,
            "loss": "coordinates",
            "field": F.GEOMETRY.name,
            "poorer": "",
            "old_value": None,
            "new_value": both["shift_m"][rounded].map("最大移动{:.4f}m".format),
        }
    )
    found = pd.concat([part for part in (cells, shifts) if len(part)] or [cells])
    found = found.assign(**{c: both[c].to_numpy()[found["pair"]] for c in ("old_bsm", "new_bsm")})
    groups = found.groupby(["loss", "field", "poorer"], sort=False)
    table = groups.first(skipna=False).reset_index()
    table["plots"] = groups["pair"].nunique().to_numpy()
    missing = [
        {"loss": "undelivered", "field": field.national, "poorer": side, "plots": plots}
        for field, side, plots in undelivered(old, new)
    ]
    if missing:
        table = pd.concat([table, pd.DataFrame(missing)], ignore_index=True)
    table["label"] = table["loss"].map(LOSSES)
    table["field_label"] = table["field"].map(_LABELS | {F.GEOMETRY.name: F.GEOMETRY.label})
    table["poorer"] = table["poorer"].where(table["poorer"] != "", None)
    columns = [
        "loss", "label", "field", "field_label", "poorer", "plots", "old_bsm", "new_bsm",
        "old_value", "new_value",
    ]  # fmt: skip
    order = {kind: place for place, kind in enumerate(LOSSES)}
    table = table.sort_values("loss", key=lambda c: c.map(order), kind="stable", ignore_index=True)
    return table[columns]


def summary_by_town(old: pd.DataFrame, new: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Return how many plots of each town have which relation, before and after.

    Columns: town_code, town, relation, label, old_plots, new_plots, old_cm2, new_cm2 (Σ base).
    Every town of either export, plots without a town as 未定, and 全县; all relations each. A plot
    counts in the town it had in its own export, once.
    """
    sides = [_plots(old, links, "old"), _plots(new, links, "new")]
    towns = pd.concat(sides).groupby("town_code", sort=True)["town"].last()
    keys = ["town_code", "relation"]
    counts = [
        part.groupby(keys).agg(**{f"{n}_plots": ("bsm", "size"), f"{n}_cm2": ("cm2", "sum")})
        for part, n in zip(sides, ("old", "new"), strict=True)
    ]
    whole = pd.MultiIndex.from_product([towns.index, list(RELATIONS)], names=keys)
    table = pd.concat([part.reindex(whole, fill_value=0) for part in counts], axis=1)
    county = table.groupby("relation", sort=False).sum().reset_index()
    table = pd.concat(
        [table.reset_index(), county.assign(town_code=WHOLE_COUNTY)], ignore_index=True
    )
    table["town"] = table["town_code"].map({**towns.to_dict(), WHOLE_COUNTY: WHOLE_COUNTY})
    table["label"] = table["relation"].map(RELATIONS)
    return table[[
        "town_code", "town", "relation", "label", "old_plots", "new_plots", "old_cm2", "new_cm2",
    ]]  # fmt: skip


def _plots(frame: pd.DataFrame, links: pd.DataFrame, side: str) -> pd.DataFrame:
    """Return bsm, town_code, town, cm2, relation of one side's plots, each once."""
    own = links.dropna(subset=[f"{side}_bsm"]).drop_duplicates(f"{side}_bsm")
    relation = pd.Series(own["relation"].to_numpy(), index=own[f"{side}_bsm"].to_numpy())
    return pd.DataFrame(
        {
            "bsm": frame[F.BSM.name].to_numpy(),
            "town_code": frame[F.TOWN_CODE.name].astype(object).fillna(NO_TOWN).to_numpy(),
            "town": frame[F.TOWN.name].astype(object).fillna(NO_TOWN).to_numpy(),
            "cm2": to_cm2(frame[F.BASE_M2.name].to_numpy()),
            "relation": frame[F.BSM.name].astype(object).map(relation).to_numpy(),
        }
    )


def _newer(
    field: F.Field, frames: tuple[pd.DataFrame, pd.DataFrame], rows: tuple[Ints, Ints]
) -> Objects:
    """Return a field of the new plot, of the old one where there is no new one."""
    old, new = (values_at(f, field.name, r) for f, r in zip(frames, rows, strict=True))
    return np.asarray(np.where(rows[1] >= 0, new, old), dtype=object)
