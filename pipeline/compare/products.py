"""What the comparison of two exports hands out: tables, layers for GIS, nothing written here."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline.compare.changes import changes, format_losses, summary_by_town
from pipeline.compare.classes import GROUPS, LEVELS, class_account, class_flow, class_label
from pipeline.compare.lineage import match
from pipeline.compare.plots import row_of, values_at
from pipeline.compare.renames import renames
from pipeline.errors import Finding, InputError
from pipeline.measure import mu_text, to_cm2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.compare.plots import Ints

_COUNTY_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything two exports say about each other.

    links, flows: of `match`; changes, fields: of `changes`; losses: of `format_losses`; renames: of
    `renames`; towns: of `summary_by_town`; matrix, account: of `class_flow`, `class_account`;
    layers: for changes.gpkg.
    """

    links: pd.DataFrame
    flows: gpd.GeoDataFrame
    changes: pd.DataFrame
    fields: pd.DataFrame
    losses: pd.DataFrame
    renames: pd.DataFrame
    towns: pd.DataFrame
    matrix: pd.DataFrame
    account: pd.DataFrame
    layers: Mapping[str, gpd.GeoDataFrame]

    @property
    def empty(self) -> bool:
        """Whether nothing changed (forms may have)."""
        return self.changes.empty


def compare_products(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, *, crs: Any) -> Comparison:  # noqa: ANN401 - whatever pyproj takes
    """Compare two exports of one county (parcels frames) and check every account.

    Raises InputError for an empty export, exports of different counties, and as `match` does;
    GengbaoError if an account of land classes does not close.
    """
    _require_one_county(old, new)
    found = match(old, new, crs=crs)
    matrix = class_flow(old, new, found.flows)
    changed = changes(old, new, found.links)
    return Comparison(
        links=found.links,
        flows=found.flows,
        changes=changed.links,
        fields=changed.fields,
        losses=format_losses(old, new, found.links),
        renames=renames(old, new),
        towns=summary_by_town(old, new, found.links),
        matrix=matrix,
        account=class_account(old, new, matrix),
        layers=_layers(old, new, found.links, found.flows),
    )


def csv_tables(comparison: Comparison) -> dict[str, pd.DataFrame]:
    """Return the CSV products by file name; areas as text: m² with two decimals and exact 亩."""
    matrix = comparison.matrix
    return {
        "changes.csv": comparison.changes.assign(
            overlap_m2=lambda c: _m2(to_cm2(c["overlap_m2"].to_numpy(dtype="float64")))
        ),
        "属性变化.csv": comparison.fields,
        "格式损失.csv": comparison.losses,
        "更名.csv": comparison.renames,
        "分镇变化.csv": _printed(comparison.towns),
        "地类流量.csv": pd.concat(
            [_wide(comparison.account, matrix, level) for level in LEVELS if level != "town"],
            ignore_index=True,
        ),
        "分镇地类流量.csv": _printed(_town_account(comparison.account, comparison.towns)),
    }


def _wide(account: pd.DataFrame, matrix: pd.DataFrame, level: str) -> pd.DataFrame:
    """Return one level's account with a column per target, and the rows of its edges."""
    own = matrix[matrix["level"] == level]
    cells = own.pivot_table(
        index="source", columns="target", values="area_cm2", aggfunc="sum", fill_value=0
    ).add_prefix("to_").add_suffix("_cm2")  # fmt: skip
    head = _labelled(account[account["level"] == level])
    edges = [name for name in cells.index if name not in set(head["class"])]
    cells = cells.reindex([*head["class"], *edges], fill_value=0)
    more = pd.DataFrame({"level": level, "class": edges})
    more["label"] = [class_label(level, name) for name in edges]
    table = pd.concat([head, more], ignore_index=True) if edges else head
    return _printed(
        table.join(cells, on="class"), mu=("opening", "decrease", "increase", "closing")
    )


def _labelled(account: pd.DataFrame) -> pd.DataFrame:
    labels = [
        class_label(level, name)
        for level, name in zip(account["level"], account["class"], strict=True)
    ]
    table = account.reset_index(drop=True)
    table.insert(2, "label", labels)
    return table


def _town_account(account: pd.DataFrame, towns: pd.DataFrame) -> pd.DataFrame:
    """Return the account by town and group with the town's name in a column of its own."""
    own = account[account["level"] == "town"].reset_index(drop=True)
    parts = own["class"].str.split(" ", expand=True).reindex(columns=[0, 1])
    names = dict(zip(towns["town_code"], towns["town"], strict=True))
    table = own.drop(columns=["level", "class"])
    table.insert(0, "town_code", parts[0])
    table.insert(1, "town", parts[0].map(names))
    table.insert(2, "group", parts[1])
    table.insert(3, "label", parts[1].map(GROUPS))
    return table


def _printed(table: pd.DataFrame, mu: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Return the table with areas as text: NAME_cm2 becomes NAME_m2, and NAME_mu where asked."""
    columns: dict[str, Any] = {}
    for name in table.columns:
        stem = str(name).removesuffix("_cm2")
        if stem == name:
            columns[stem] = table[name]
            continue
        columns[f"{stem}_m2"] = _m2(table[name])
        if mu is None or stem in mu:
            columns[f"{stem}_mu"] = [
                None if pd.isna(v) else mu_text(int(v), 6) for v in table[name]
            ]
    return pd.DataFrame(columns)


def _m2(cm2: pd.Series | Ints) -> pd.Series:
    return pd.Series(
        [None if pd.isna(v) else str(Decimal(int(v)).scaleb(-2)) for v in cm2], dtype=object
    )


def _layers(
    old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, links: pd.DataFrame, flows: gpd.GeoDataFrame
) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of changes.gpkg: changed plots before and after, ground that changed."""
    moved = links[links["relation"] != "same"]
    found = {}
    for name, frame, side in (("变化前图斑", old, "old"), ("变化后图斑", new, "new")):
        own = moved.dropna(subset=[f"{side}_bsm"]).drop_duplicates(f"{side}_bsm")
        row = row_of(frame, own[f"{side}_bsm"])
        found[name] = gpd.GeoDataFrame(
            {
                "bsm": own[f"{side}_bsm"].to_numpy(),
                **{c: own[c].to_numpy() for c in ("relation", "label", "lineage_id")},
                **{f.name: values_at(frame, f.name, row) for f in (F.DLBM, F.DLMC, F.TOWN)},
                F.BASE_M2.name: frame[F.BASE_M2.name].to_numpy()[row],
            },
            geometry=frame.geometry.to_numpy()[row],
            crs=frame.crs,
        )
    dlbm = [
        values_at(frame, F.DLBM.name, row_of(frame, flows[side]))
        for frame, side in ((old, "old_bsm"), (new, "new_bsm"))
    ]
    ground = flows.assign(old_dlbm=dlbm[0], new_dlbm=dlbm[1])
    found["地类变化地块"] = ground[dlbm[0] != dlbm[1]].assign(
        old_m2=lambda g: g["old_cm2"] / 100, new_m2=lambda g: g["new_cm2"] / 100
    )[["old_bsm", "new_bsm", "old_dlbm", "new_dlbm", "overlap_m2", "old_m2", "new_m2", "geometry"]]
    return {name: frame.reset_index(drop=True) for name, frame in found.items()}


def _require_one_county(old: pd.DataFrame, new: pd.DataFrame) -> None:
    """Refuse an empty side, and sides whose plots or towns have no county code in common.

    The plots' own codes count too: a town of another county is no town of ours and left empty.
    """
    findings = [
        Finding(where, "没有一个图斑", "检查该期成果是否为空文件，或全部图斑被剔除")
        for where, frame in (("前期成果", old), ("后期成果", new))
        if len(frame) == 0
    ]
    for field in (F.TOWN_CODE, F.ZLDWDM):
        before, after = (set(f[field.name].dropna().str[:_COUNTY_DIGITS]) for f in (old, new))
        if before and after and not before & after:
            found = f"前期属 {'、'.join(sorted(before))}，后期属 {'、'.join(sorted(after))}"
            advice = f"选同一个县的两期成果；依据是{field.label}的前 {_COUNTY_DIGITS} 位"
            findings.append(Finding("两期成果", f"不是同一个县：{found}", advice))
            break
    if findings:
        raise InputError(findings)
