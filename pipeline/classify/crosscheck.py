"""Delivered task layers against our own rules: where they differ, plot by plot, in both modes.

Nothing is decided here. Pieces and delivered rows are both gone through, so that a delivered row
that holds for no piece is listed as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from pipeline.classify.by_rules import REVIEW
from pipeline.classify.delivered import check_delivered, layers_of, spoken
from pipeline.evidence.lists import join
from pipeline.measure import mu_text, official_area, to_cm2
from pipeline.tables.packs import DELIVERED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    import geopandas as gpd
    from numpy.typing import NDArray

    from pipeline.evidence.lists import Joined
    from pipeline.model import Category

    Bools = NDArray[np.bool_]

COLUMNS = (
    "bsm", "piece", "town_code", "town", "village", "kind", "delivered", "delivered_label",
    "rule_category", "rule_label", "rule_id", "category", "category_label", "decided_by",
    "area_m2", "area_mu", "basis", "reason", "source_file", "source_row",
)  # fmt: skip
SEVERAL, UNDECIDED, DIFFERENT = "several", "undecided", "different"
DELIVERED_ONLY, RULE_ONLY, UNHEARD = "delivered_only", "rule_only", "unheard"
HEARD_SHARE = 0.5
"""A delivered row that lies with less than half of itself in pieces of its category is unheard."""
BY_RULE, BY_LAYER, BY_NOBODY = "规则", "下发图层", "待核（尚无结论）"


def disagreements(
    ruled: gpd.GeoDataFrame,
    final: pd.DataFrame,
    listed: Mapping[str, gpd.GeoDataFrame],
    classes: Iterable[Category],
    *,
    export: date,
) -> pd.DataFrame:
    """Return COLUMNS: a row per piece on which the delivered layers and the rules differ.

    ruled: `classify`'s result, of which pieces may be left out that don't differ and that no
    delivered row can meet, and shapes of all that none can meet; final: the same pieces as they
    stand (mode derive: `ruled` itself, mode trust: `apply_delivered`'s result); listed: category →
    its delivered layer, as gathered. kind: several (in two layers or more), undecided (the rules
    can't tell), different (another task), delivered_only (no task by the rules), rule_only (a task
    by the rules in no layer, its layer being delivered); and unheard, a delivered row of which less
    than half lies in pieces of its category: bsm and town are of the piece it shares most ground
    with, else its own. area_m2, area_mu: base of the piece, of an unheard row its polygon's area;
    exact, as text. basis: the rule's.
    Raises GengbaoError when `delivered` names anything but a task category.
    """
    classes = tuple(classes)
    table = _differing(ruled, final, classes, list(listed))
    met = ruled[ruled.geometry.notna()].reset_index(drop=True)
    lost = _unheard(listed, met, classes, export)
    if len(lost):
        table = pd.concat([table, lost], ignore_index=True)
    return table


def differs(ruled: pd.DataFrame, classes: Iterable[Category], layers: Collection[str]) -> Bools:
    """Return on which pieces the delivered layers and the rules differ.

    ruled: `classify`'s result; layers: the categories whose layer was delivered. Raises as
    `disagreements`.
    """
    return np.asarray(_kinds(ruled, classes, layers) != "", dtype=np.bool_)


def _kinds(
    ruled: pd.DataFrame, classes: Iterable[Category], layers: Collection[str]
) -> NDArray[np.str_]:
    """Return how layers and rules differ on each piece, "" where they don't."""
    tasks = [category.name for category in classes if category.task]
    delivered, by_rule = ruled["delivered"].astype("str"), ruled["category"]
    check_delivered(delivered, set(tasks))
    count, is_task = layers_of(delivered), by_rule.isin(tasks)
    return np.select(
        [
            count > 1,
            (count == 1) & (by_rule == REVIEW),
            (count == 1) & is_task & (by_rule != delivered),
            (count == 1) & ~is_task,
            (count == 0) & by_rule.isin(layers),
        ],
        [SEVERAL, UNDECIDED, DIFFERENT, DELIVERED_ONLY, RULE_ONLY],
        default="",
    )


def _differing(
    ruled: gpd.GeoDataFrame,
    final: pd.DataFrame,
    classes: Sequence[Category],
    layers: Collection[str],
) -> pd.DataFrame:
    """Return the pieces on which layers and rules differ, sorted by bsm and piece."""
    labels = {category.name: category.label for category in classes}
    kind = _kinds(ruled, classes, layers)
    rows = ruled[kind != ""]
    final = final[kind != ""]
    cm2 = to_cm2(rows["base_m2"])
    table = pd.DataFrame(
        {
            **{name: rows[name] for name in ("bsm", "piece", "town_code", "town", "village")},
            "kind": kind[kind != ""],
            "delivered": rows["delivered"],
            "delivered_label": spoken(rows["delivered"].astype("str"), labels),
            "rule_category": rows["category"],
            "rule_label": rows["category"].map(labels),
            "rule_id": rows["rule_id"],
            "category": final["category"],
            "category_label": final["category"].map(labels),
            "decided_by": _decided_by(final),
            "area_m2": [f"{n / 100:.2f}" for n in cm2],
            "area_mu": [mu_text(int(n), 6) for n in cm2],
            "basis": rows["basis"],
            "source_file": None,
            "source_row": None,
        }
    )
    table["reason"] = _reasons(table, rows["cultivated"])
    return table[list(COLUMNS)].sort_values(["bsm", "piece"], ignore_index=True)


def _decided_by(final: pd.DataFrame) -> pd.Series:
    """Return who decided what stands now."""
    by_layer = final["rule_id"] == DELIVERED
    decided = pd.Series(BY_RULE, index=final.index).mask(by_layer, BY_LAYER)
    return decided.mask(final["category"] == REVIEW, BY_NOBODY)


def _reasons(rows: pd.DataFrame, cultivated: pd.Series) -> pd.Series:
    """Say in Chinese how layer and rules differ."""
    came = "下发为“" + rows["delivered_label"].astype("str") + "”"
    judged = "规则 " + rows["rule_id"] + " 判定为“" + rows["rule_label"] + "”"
    worked = cultivated.eq(other=True).map({True: "（本期现状为耕地）", False: ""})
    said = {
        SEVERAL: "同时" + came + "，" + judged,
        UNDECIDED: came + "，" + rows["basis"],
        DIFFERENT: came + "，" + judged,
        DELIVERED_ONLY: came + "，" + judged + "，不是任务" + worked,
        RULE_ONLY: judged + "，未列入下发的该类图层",
    }
    reason = pd.Series("", index=rows.index, dtype="str")
    for kind, text in said.items():
        reason = reason.mask(rows["kind"] == kind, text)
    return reason


def _unheard(
    listed: Mapping[str, gpd.GeoDataFrame],
    pieces: gpd.GeoDataFrame,
    classes: Sequence[Category],
    export: date,
) -> pd.DataFrame:
    """Return the delivered rows that hold for no piece, sorted by file and row."""
    labels = {category.name: category.label for category in classes}
    found = [
        row
        for name in sorted(listed)
        for row in _lost_rows(name, labels[name], join(pieces, listed[name], export), pieces)
    ]
    found.sort(key=lambda row: (str(row["source_file"]), int(str(row["source_row"]))))
    return pd.DataFrame(found, columns=list(COLUMNS))


def _lost_rows(
    name: str, label: str, joined: Joined, pieces: gpd.GeoDataFrame
) -> list[dict[str, object]]:
    """Return the rows of one layer that no piece answers to."""
    pairs, rows = joined.pairs, joined.rows
    area = np.asarray(shapely.area(pairs.shape))
    held = pieces["delivered"].str.split("|").map(set, na_action="ignore")
    answers = np.array([isinstance(names, set) and name in names for names in held], dtype=bool)
    heard = np.bincount(pairs.right, area * answers[pairs.left], len(rows))
    own = np.where(joined.shaped, np.nan_to_num(shapely.area(rows["geometry"].to_numpy())), 0.0)
    lost = np.flatnonzero((heard <= 0) | (heard < HEARD_SHARE * own))
    m2 = official_area(rows["geometry"].to_numpy()[lost[joined.shaped[lost]]], pieces.crs)
    cm2 = dict(zip(lost[joined.shaped[lost]], to_cm2(m2), strict=True))
    found = []
    for row in lost:  # few by nature: every other row has found its piece
        near = np.flatnonzero(pairs.right == row)
        plot = pieces.iloc[pairs.left[near[np.argmax(area[near])]]] if len(near) else None
        entry = dict.fromkeys(COLUMNS) | {"kind": UNHEARD, "bsm": rows["bsm"].iloc[row]}
        entry |= {column: rows[column].iloc[row] for column in ("source_file", "source_row")}
        entry |= {"delivered": name, "delivered_label": label}
        if row in cm2:
            entry |= {"area_m2": f"{cm2[row] / 100:.2f}", "area_mu": mu_text(int(cm2[row]), 6)}
        share = heard[row] / own[row] if own[row] else 0.0
        entry |= _where(plot, share, spatial=bool(joined.shaped[row]))
        entry["reason"] = f"下发的“{label}”{entry['reason']}，没有起作用"
        found.append(entry)
    return found


def _where(plot: pd.Series | None, share: float, *, spatial: bool) -> dict[str, object]:
    """Return the plot that a lost row lies on, and in Chinese why it holds for none."""
    if plot is None:
        return {"reason": "不在任何图斑上" if spatial else "所写标识码不在本期图斑中"}
    names = ("bsm", "piece", "town_code", "town", "village")
    said = f"只有 {100 * share:.1f}% 落在归入该类的图块上，未占到所在图块的一半"
    return {name: plot[name] for name in names} | {"reason": said}
