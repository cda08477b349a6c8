"""Which delivered column is which national field, and which layer is the one asked for."""

from __future__ import annotations

import csv
import unicodedata
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pipeline import fields, tables
from pipeline.errors import Finding, InputError
from pipeline.ingest.text import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.fields import Field
    from pipeline.ingest.raw import LayerInfo
    from pipeline.model import County

PARCELS = "parcels"
ZONES = ("towns", "pbf", "target")
OTHER = "other"
PERSONAL = (
    "ZRR", "LXDH", "LXR", "LXFS", "JZDZ", "ZJHM", "SFZ", "CBFMC", "CBFZJ", "QLRMC", "HZXM", "YDDH",
    "SJHM", "身份证", "证件号", "电话", "手机", "姓名", "联系人", "联系方式", "责任人", "承包方",
    "权利人", "户主", "住址",
)  # fmt: skip
"""Columns about persons: never read, whatever else happens to them."""
STATUSES = ("未销号", "已销号", "通过", "待审", "未调出", "已调出")
DAMAGED = ("\ufffd", "锟斤拷", "烫烫烫")
"""What is left of text that was decoded wrongly and saved again."""
UNDATED = (
    f"清单没有日期：缺少 {fields.SXRQ.national}（{fields.SXRQ.label}）一列，"
    "无法判断各期当时已知什么"
)
UNDATED_ADVICE = (
    f"补上 {fields.SXRQ.national} 列，逐行填写生效日期（一直有效的留空）；或按日期分文件存放，"
    "在 county.toml 的路径中用 {date} 代替日期"
)
CUT_BYTES = 10  # a DBF keeps ten bytes of a name: five Chinese characters in GBK


def role_fields(role: str) -> tuple[Field, ...]:
    """Return the fields a role brings."""
    if role == PARCELS:
        return fields.DLTB
    return fields.ROLE_FIELDS.get(role, (fields.BSM, fields.SXRQ))


def required_fields(role: str, *, spatial: bool) -> tuple[Field, ...]:
    """Return the fields a role can't do without; a list without polygons is joined by BSM."""
    if role == PARCELS:
        return tuple(field for field in fields.DLTB if field.required)
    needed = fields.REQUIRED_ROLE_FIELDS.get(role, ())
    return needed if spatial else tuple(dict.fromkeys((fields.BSM, *needed)))


def tidy(name: str) -> str:
    """Return a name for comparison: half-width, no blanks, upper case."""
    return "".join(unicodedata.normalize("NFKC", name).split()).upper().lstrip("\ufeff")


def untidy(layer: LayerInfo, found: Mapping[Field, str]) -> list[str]:
    """Return the names that were recognised only after tidying: columns taken, a known layer."""
    names = [f"字段“{column}”" for column in found.values() if tidy(column) != column.upper()]
    if tidy(layer.name) in _layer_names() and tidy(layer.name) != layer.name.upper():
        names.append(f"图层“{layer.name}”")
    return names


@cache
def _layer_names() -> dict[str, str]:
    """Return layer name → role ("other": a known layer that no role asks for)."""
    text = files("pipeline.tables").joinpath("layer_names.csv").read_text(encoding="utf-8")
    return {tidy(row["name"]): row["role"] for row in csv.DictReader(text.splitlines())}


@cache
def _aliases(role: str) -> dict[str, Field]:
    """Return alias → field of a role, Chinese ones also as a DBF cuts them."""
    national = {field.national: field for field in role_fields(role)}
    mine = {tidy(alias): national[name] for alias, name in tables.aliases(role).items()}
    return mine | _cut_names(mine)


def match(role: str, columns: Sequence[str]) -> tuple[dict[Field, str], list[tuple[Field, str]]]:
    """Return field → delivered column, and the columns that claim a field already taken.

    The national name wins over an alias; a longer Chinese name cut to ten bytes counts as well.
    """
    wanted = {field.national: field for field in role_fields(role)}
    found: dict[Field, str] = {}
    doubled = []
    for table in (wanted, _aliases(role)):
        for column in columns:
            field = table.get(tidy(column))
            if field is None or column in found.values():
                continue
            if field not in found:
                found[field] = column
            elif table is wanted or tidy(found[field]) not in wanted:
                doubled.append((field, column))
    return found, doubled


def _cut_names(mine: dict[str, Field]) -> dict[str, Field]:
    """Return Chinese aliases as a DBF cuts them, where the rest still tells one field."""
    cut: dict[str, set[Field]] = {}
    for alias, field in mine.items():
        for encoding in ("gb18030", "utf-8"):
            data = alias.encode(encoding)
            if len(data) > CUT_BYTES and not alias.isascii():
                cut.setdefault(data[:CUT_BYTES].decode(encoding, "ignore"), set()).add(field)
    return {name: f.pop() for name, f in cut.items() if len(f) == 1 and name not in mine}


def resolve(role: str, layer: LayerInfo, where: str, *, dated: bool = False) -> dict[Field, str]:
    """Return field → delivered column. Raises InputError naming all that miss or are doubled.

    dated: the file's own path says from when it counts; a list that says it nowhere is refused,
    because it would rewrite what was known on earlier dates.
    """
    found, doubled = match(role, layer.columns)
    findings = [
        Finding(where, f"字段 {column} 与 {found[field]} 都像是{field.label}", "删去或改名其中一个")
        for field, column in doubled
    ]
    for field in required_fields(role, spatial=layer.spatial):
        if field not in found:
            advice = "补上该字段；" + nearest(field.national, layer.columns)
            lacking = f"缺少必填字段 {field.national}（{field.label}）"
            findings.append(Finding(where, lacking, advice))
    if role in fields.DATED_ROLES and not dated and fields.SXRQ not in found:
        findings.append(Finding(where, UNDATED, UNDATED_ADVICE))
    if findings:
        raise InputError(findings)
    return found


def vocabulary(county: County) -> frozenset[str]:
    """Return words that a delivery of this county is likely to hold, and marks of ruined text."""
    towns = (name for town in county.towns for name in (town.name, *town.aliases))
    words = {county.name, *towns, *tables.land_codes()["name"], *STATUSES, *DAMAGED}
    labels = {field.label for field in (*fields.DLTB, *sum(fields.ROLE_FIELDS.values(), ()))}
    return frozenset(word for word in words | labels if len(word) > 1 or word in DAMAGED)


def personal(columns: Sequence[str]) -> list[str]:
    """Return the columns about persons, which are left unread."""
    return [c for c in columns if any(mark in tidy(c) for mark in PERSONAL)]


def choose_layer(
    role: str, layers: Sequence[LayerInfo], stated: str | None, where: str
) -> LayerInfo | None:
    """Return the layer of a container that holds the role; None where all are known other layers.

    The county's own word (for plots, in the files that have such a layer), then the name, then the
    fields. Raises InputError when none or several fit, listing the layers.
    """
    names = [layer.name for layer in layers]
    if stated is not None:
        named = [layer for layer in layers if tidy(layer.name) == tidy(stated)]
        if len(named) == 1:
            return named[0]
        if role != PARCELS:  # what is stated for plots holds for all exports, named as they are
            raise InputError(Finding(where, f"没有图层“{stated}”", nearest(stated, names)))
    hints = _layer_names()
    by_name = [layer for layer in layers if hints.get(tidy(layer.name)) == role]
    rest = [layer for layer in layers if hints.get(tidy(layer.name)) in {None, role}]
    if role == PARCELS and layers and not by_name and not rest:
        return None
    if role != PARCELS and len(layers) == 1:
        return layers[0]
    fitting = by_name or [layer for layer in rest if _fits(role, layer)]
    if not fitting and len(rest) == 1:
        return rest[0]  # its missing fields will be named one by one
    if len(fitting) == 1:
        return fitting[0]
    found = f"有多个图层都可能是所需数据：{'、'.join(layer.name for layer in fitting)}"
    if not fitting:
        found = f"找不到所需的图层，现有图层：{'、'.join(names) or '无'}"
    advice = f'在 county.toml 的 [layers] 为 {role} 写明 layer = "图层名"'
    raise InputError(Finding(where, found, advice))


def role_of(layer: LayerInfo) -> str | None:
    """Return the role a layer seems made for, by its name, else by the fields of plots."""
    hint = _layer_names().get(tidy(layer.name))
    if hint is not None:
        return None if hint == OTHER else hint
    return PARCELS if layer.spatial and _fits(PARCELS, layer) else None


def _fits(role: str, layer: LayerInfo) -> bool:
    found, _ = match(role, layer.columns)
    needed = required_fields(role, spatial=layer.spatial)
    return all(field in found for field in needed) and (layer.spatial or role not in ZONES)
