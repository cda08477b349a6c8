"""The flow matrix of land classes: 年初 − 减少 + 增加 = 年末, exact in hundredths of a m²."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import measure, tables
from pipeline.compare.plots import picked, row_of
from pipeline.errors import Finding, GengbaoError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Objects = NDArray[np.object_]

GROUPS = {
    "cropland": "耕地",
    "other_agri": "其他农用地",
    "construction": "建设用地",
    "unused": "未利用地",
    "unknown": "地类待核",
}
NO_CODE = "（空）"
NO_TOWN = "未定"
NEW, GONE, REVISED = "new", "gone", "revised"
EDGES = {NEW: "原无图斑", GONE: "灭失", REVISED: "面积修正"}
"""Where ground comes from or goes to besides the classes; revised: 平差 and other changes of the
base (TBMJ) of ground that stayed."""
LEVELS = ("dlbm", "group", "town")
"""By land class, by group, by town and group ("990001001 cropland")."""

_COLUMNS = ("level", "class", "opening_cm2", "decrease_cm2", "increase_cm2", "closing_cm2")


def class_flow(old: pd.DataFrame, new: pd.DataFrame, flows: pd.DataFrame) -> pd.DataFrame:
    """Return how much ground passed from class to class, at each of LEVELS.

    old, new: parcels frames; flows: of `match`. Columns: level, source (class, new or revised),
    target (class, gone or revised), area_cm2 (> 0); source = target: ground that kept its class.
    Sorted by level, source, target.
    """
    rows = [
        row_of(frame, flows[name])
        for frame, name in ((old, "old_bsm"), (new, "new_bsm"))
    ]  # fmt: skip
    parts = [
        _movements(
            [
                picked(_classes(frame, level), row)
                for frame, row in zip((old, new), rows, strict=True)
            ],
            flows,
        ).assign(level=level)
        for level in LEVELS
    ]
    moves = pd.concat(parts, ignore_index=True)
    keys = ["level", "source", "target"]
    matrix = moves[moves["area_cm2"] > 0].groupby(keys)[["area_cm2"]].sum().reset_index()
    order = matrix["level"].map(LEVELS.index)
    return matrix.iloc[order.argsort(kind="stable")].reset_index(drop=True)


def class_account(old: pd.DataFrame, new: pd.DataFrame, matrix: pd.DataFrame) -> pd.DataFrame:
    """Return 年初, 减少, 增加, 年末 of every class and check them against the plots themselves.

    old, new: parcels frames; matrix: of `class_flow`. Columns: level, class, opening_cm2,
    decrease_cm2, increase_cm2, closing_cm2, revised_cm2 (net revision within the two before).
    Raises GengbaoError naming every class whose account does not close in 0.01 m².
    """
    levels = [
        _account(_sums(old, level), _sums(new, level), matrix[matrix["level"] == level], level)
        for level in LEVELS
    ]
    account = pd.concat(levels, ignore_index=True)
    residual = (
        account["opening_cm2"] - account["decrease_cm2"] + account["increase_cm2"]
        - account["closing_cm2"]
    )  # fmt: skip
    kept = account["kept_cm2"] + account["decrease_cm2"] - account["opening_cm2"]
    wrong = account[(residual != 0) | (kept != 0)]
    if len(wrong):
        raise GengbaoError(
            Finding(
                f"地类流量 {row['class']}",
                f"年初{row['opening_cm2'] / 100:.2f} − 减少{row['decrease_cm2'] / 100:.2f} + "
                f"增加{row['increase_cm2'] / 100:.2f} ≠ 年末{row['closing_cm2'] / 100:.2f}(㎡)",
                "这是程序问题，请把本条信息连同两期成果交给维护人员",
            )
            for row in wrong.to_dict("records")
        )
    return account[[*_COLUMNS, "revised_cm2"]]


def class_label(level: str, name: str) -> str:
    """Return the Chinese name of a land class, of a group (level "group") or of an edge."""
    if name in EDGES:
        return EDGES[name]
    if level == "group":
        return GROUPS[name]
    land = tables.land_codes()
    return str(dict(zip(land["code"], land["name"], strict=True)).get(name, GROUPS["unknown"]))


def groups_of(dlbm: pd.Series) -> pd.Series:
    """Return cropland, other_agri, construction, unused or unknown for each DLBM."""
    land = tables.land_codes()
    known = dict(zip(land["code"], land["group"], strict=True))
    return dlbm.map(known).astype(object).fillna("unknown")


def _classes(frame: pd.DataFrame, level: str) -> Objects:
    dlbm = frame[F.DLBM.name]
    if level == "dlbm":
        return dlbm.astype(object).fillna(NO_CODE).to_numpy(dtype=object)
    group = groups_of(dlbm)
    if level == "town":
        group = frame[F.TOWN_CODE.name].astype(object).fillna(NO_TOWN) + " " + group
    return group.to_numpy(dtype=object)


def _movements(sides: list[Objects], flows: pd.DataFrame) -> pd.DataFrame:
    """Return what passed over, went, came and was revised; one row per movement of a flow."""
    source, target = sides
    before, after, passed = (flows[c].to_numpy() for c in ("old_cm2", "new_cm2", "flow_cm2"))
    lost = np.where(flows["new_bsm"].isna(), GONE, REVISED).astype(object)
    won = np.where(flows["old_bsm"].isna(), NEW, REVISED).astype(object)
    return pd.DataFrame(
        {
            "source": np.concatenate((source, source, won)),
            "target": np.concatenate((target, lost, target)),
            "area_cm2": np.concatenate((passed, before - passed, after - passed)),
        }
    )


def _sums(frame: pd.DataFrame, level: str) -> pd.Series:
    base = measure.to_cm2(frame[F.BASE_M2.name].to_numpy())
    return pd.Series(base).groupby(_classes(frame, level)).sum()


def _account(
    opening: pd.Series, closing: pd.Series, matrix: pd.DataFrame, level: str
) -> pd.DataFrame:
    stays = matrix["source"] == matrix["target"]
    revised = {side: matrix[matrix[side] == REVISED] for side in ("source", "target")}
    parts = {
        "opening_cm2": opening,
        "decrease_cm2": _total(matrix[~stays], "source"),
        "increase_cm2": _total(matrix[~stays], "target"),
        "closing_cm2": closing,
        "kept_cm2": _total(matrix[stays], "source"),
        "revised_in": _total(revised["source"], "target"),
        "revised_out": _total(revised["target"], "source"),
    }
    table = pd.DataFrame(parts).drop(index=list(EDGES), errors="ignore").fillna(0).astype("int64")
    table["revised_cm2"] = table["revised_in"] - table["revised_out"]
    return table.rename_axis("class").sort_index().reset_index().assign(level=level)


def _total(matrix: pd.DataFrame, by: str) -> pd.Series:
    return matrix.groupby(by)["area_cm2"].sum()
