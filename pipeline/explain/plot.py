"""Why a plot is what it is: evidence, rules tried, the one that won, in an inspector's words."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.errors import Finding, GengbaoError, UsageError
from pipeline.explain.reasons import judged, text_of
from pipeline.measure import mu_text, round_half_up, to_cm2
from pipeline.tables.vocabulary import MISSING, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.model import Category, County, Mode
    from pipeline.tables import RulePack

OVERLAPS = ("prev_cultivated_m2", "to_construction_m2", "approved_m2", "illegal_m2")
NEAREST = 3
_CLOSE = 40
_TOWN_ENDS = ("镇", "乡", "街道", "街办", "办事处")


def explain(
    bsm: str,
    *,
    pieces: pd.DataFrame,
    parcels: pd.DataFrame,
    pack: RulePack,
    classes: Iterable[Category],
    county: County,
) -> str:
    """Return in Chinese why a plot is what it is, one paragraph per piece, ready to print.

    pieces: `classify`'s result; parcels: the same export; pack: the rules that made the pieces
    (where they no longer give the same answer, the text says so). 亩 are of base_m2, shares of
    overlaps are of the piece's area_m2.
    Raises UsageError naming the nearest BSMs when no plot has this one.
    """
    plot = parcels.loc[parcels["bsm"] == bsm]
    if plot.empty:
        raise UsageError(_not_found(bsm, parcels["bsm"]))
    own = pieces.loc[pieces["bsm"] == bsm].sort_values("piece")
    if own.empty:
        found = f"图斑 {bsm} 在入库成果中，分类成果中却没有"
        raise GengbaoError(Finding("explain", found, "重新运行 gengbao all；仍如此则是程序问题"))
    labels = {category.name: category.label_long for category in classes}
    lines = _head(plot.iloc[0], own, pack, county)
    for number in range(len(own)):
        lines += ["", *_piece(own.iloc[[number]], plot.iloc[0], pack, labels, county.mode)]
    return "\n".join(lines) + "\n"


def _not_found(bsm: str, known: pd.Series) -> Finding:
    near = "、".join(nearest(bsm, known)) or "无"
    advice = f"最接近的标识码：{near}；入库时被剔除的图斑见该期的 rejects.gpkg 与 problems.csv"
    return Finding("explain", f"没有标识码为 {bsm or '（空）'} 的图斑", advice)


def nearest(bsm: str, known: pd.Series) -> list[str]:
    """Return up to three known ids most like `bsm`.

    Digits that agree counted from the left or from the right choose the candidates in one
    vectorised pass (difflib over 250,000 ids takes a minute); difflib orders those few.
    """
    ids = known.dropna().astype("str").to_numpy(dtype=str)
    if not len(ids) or not bsm:
        return []
    width = max(int(np.strings.str_len(ids).max()), len(bsm))
    agree = [
        (side(ids, width).view("U1").reshape(len(ids), width) == np.array(list(text))[None, :]).sum(
            axis=1
        )
        for side, text in (
            (np.strings.ljust, bsm.ljust(width)),
            (np.strings.rjust, bsm.rjust(width)),
        )
    ]
    likely = ids[np.argsort(-sum(agree), kind="stable")[:_CLOSE]]
    return difflib.get_close_matches(bsm, likely.tolist(), n=NEAREST, cutoff=0.5)


def village_name(county: County, town: str | None, village: str | None) -> str:
    """Return a village without the county's and the town's name before it, "" where it has none.

    ZLDWMC comes as 新坪村, 河口镇新坪村 or 某县河口镇新坪村. A town is cut off by its name or by an
    alias that says what it is: 小岭 alone may be the village 小岭村.
    """
    if not isinstance(village, str):
        return ""
    rest = village.partition(county.name)[2] if county.name in village else village
    names = [name for t in county.towns if t.name == town for name in (t.name, *t.aliases)]
    whole = [name for name in names if name.endswith(_TOWN_ENDS)]
    head = max((name for name in whole if rest.startswith(name)), key=len, default="")
    return rest.removeprefix(head)


def _head(plot: pd.Series, own: pd.DataFrame, pack: RulePack, county: County) -> list[str]:
    base = int(to_cm2(own["base_m2"]).sum())
    town = text_of(plot["town"])
    village = village_name(county, town, text_of(plot["village"]))
    place = " ".join(filter(None, (town or "镇办未定", village)))
    sample = "（示例数据）" if county.sample else ""
    reason = text_of(plot["base_reason"]) or "计算基数"
    lines = [
        f"图斑 {plot['bsm']}（图斑编号 {text_of(plot['tbbh']) or '空'}）{sample}",
        f"  位置：{county.name} {place}（坐落单位代码 {text_of(plot['zldwdm']) or '空'}）",
        f"  {standing(plot['dlbm'], plot['zzsxdm'])}",
        f"  面积：{mu_text(base)} 亩（{base / 100:.2f} ㎡）；{reason}",
    ]
    for column in ("in_pbf", "in_target"):
        inside = own.loc[own[column].astype("boolean").fillna(value=False), "base_m2"]
        lines.append(f"  {vocabulary()[column].label}：{_share(int(to_cm2(inside).sum()), base)}")
    lines.append(f"  分为 {len(own)} 块逐块判定；规则包 {pack.name}（版本 {pack.version}）")
    return lines


def _piece(
    piece: pd.DataFrame,
    plot: pd.Series,
    pack: RulePack,
    labels: Mapping[str, str],
    mode: Mode,
) -> list[str]:
    row = piece.iloc[0]
    base, whole = (int(to_cm2(area)) for area in (row["base_m2"], plot["base_m2"]))
    (why,) = judged(piece, pack, labels, mode)
    zones, previous, lists = why.evidence
    lines = [zones, previous, *_overlaps(row), lists, "逐条判定："]
    lines += [f"  {line}" for line in why.tried]
    lines += [*why.verdict, why.runner_up, "标记：" if why.flags else "标记：无"]
    lines += [f"  {line}" for line in why.flags]
    head = f"第 {row['piece']} 块：{_share(base, whole)}，{labels[row['category']]}"
    return [head, *(f"  {line}" for line in lines)]


def _overlaps(row: pd.Series) -> list[str]:
    area = int(to_cm2(row["area_m2"]))
    lines = []
    for column in (name for name in OVERLAPS if name in row):
        label = vocabulary()[column].label.split("（")[0]
        amount = row[column]
        share = "不明" if pd.isna(amount) else _share(int(to_cm2(amount)), area)
        source = text_of(row["approved_source"]) if column == "approved_m2" else None
        lines.append(f"{label}：{share}" + (f"；批准来源：{source}" if source else ""))
    return lines


def standing(dlbm: object, zzsxdm: object) -> str:
    """Return the line that says a plot's class and planting attribute."""
    land = vocabulary()["dlbm"].say(text_of(dlbm) or MISSING)
    return f"现状：{land}；种植属性：{_planting(zzsxdm)}"


def _planting(code: Any) -> str:  # noqa: ANN401 - one cell of a text column
    text = text_of(code)
    if text is None:
        return "未填"
    return f"{text} {vocabulary()['zzsxdm'].values.get(text, '（不在编码表内）')}"


def _share(part_cm2: int, whole_cm2: int) -> str:
    """Return hundredths of a m² as 亩 with the share of the whole in %."""
    if not whole_cm2:
        return f"{mu_text(part_cm2)} 亩"
    return f"{mu_text(part_cm2)} 亩（{float(round_half_up(100 * part_cm2 / whole_cm2, 1)):.1f}%）"
