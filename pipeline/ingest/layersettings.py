"""[layers] of county.toml: where each role's files lie and what is stated of them. Stdlib only."""

from __future__ import annotations

import csv
import re
from importlib.resources import files
from typing import TYPE_CHECKING

from pipeline.fields import ROLE_FIELDS
from pipeline.ingest.text import nearest
from pipeline.model import LayerSource, Mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.ingest.settings import Settings

PARCELS = "parcels"
REQUIRED_ROLES = ("towns", "pbf", "target")
LAYER_KEYS = ("path", "layer", "encoding", "crs")
ENCODINGS = {"UTF-8": "utf-8", "GB18030": "gb18030", "GBK": "gb18030", "BIG5": "big5"}
PROJECTED = range(4513, 4555)  # CGCS2000 3° Gauss-Krüger: 4513-4533 zone-prefixed, 4534-4554 not
DELIVERED = (4490, *range(4491, 4502))  # what only a delivery may be in: degrees, 6° with prefix
CRS_ADVICE = "填写 CGCS2000 3 度带的 EPSG 代码（EPSG:4513 至 EPSG:4554），如 EPSG:4524 或 EPSG:4545"
DATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def check_crs(crs: str, where: str, settings: Settings, *, delivered: bool) -> None:
    """Note a finding for a CRS that can't be the county's, or a delivery's if `delivered`."""
    match = re.fullmatch(r"EPSG:([0-9]+)", crs, flags=re.IGNORECASE)
    number = int(match[1]) if match else 0
    if number in PROJECTED or (delivered and number in DELIVERED):
        return
    extra = "；经纬度数据为 EPSG:4490，带 6 度带号的为 EPSG:4491 至 EPSG:4501" if delivered else ""
    settings.wrong(where, f"“{crs}”不是可用的坐标系", CRS_ADVICE + extra)


def _task_roles() -> list[str]:
    text = files("pipeline").joinpath("tables", "classes.csv").read_text(encoding="utf-8")
    return [
        f"task_{row['name']}" for row in csv.DictReader(text.splitlines()) if row["task"] == "yes"
    ]


def read_layers(table: Mapping[str, object], settings: Settings) -> None:
    """Read the section into `settings`; every problem is a finding there."""
    roles = [*ROLE_FIELDS, *_task_roles()]
    for role, value in table.items():
        where = f"[layers] {role}"
        if role == PARCELS:
            _read_parcels(value, settings)
        elif role not in roles:
            settings.wrong(where, f"不认识的图层，值为 {value!r}", nearest(role, [*roles, PARCELS]))
        else:
            stated = {"path": value} if isinstance(value, str) else value
            source = _layer(role, where, stated, settings)
            if source is not None:
                settings.layers[role] = source
    for role in REQUIRED_ROLES:
        if role not in table:
            advice = f'在 [layers] 一节补写 {role} = "reference/……"'
            settings.wrong(f"[layers] {role}", "缺少这个必需的图层", advice)
    if settings.mode is Mode.TRUST and not any(role.startswith("task_") for role in table):
        advice = '在 [layers] 中写明上级下发的 task_ 图层，或改为 mode = "derive"'
        settings.wrong("mode", "mode 为 trust，但没有任何 task_ 图层", advice)


def _read_parcels(value: object, settings: Settings) -> None:
    """Read what is stated of all exports' plots, and under a date of that export's alone."""
    where = f"[layers] {PARCELS}"
    table = value if isinstance(value, dict) else {}
    dated = {key: part for key, part in table.items() if DATED.fullmatch(key)}
    others = {key: part for key, part in table.items() if key not in dated}
    stated = {f"{where}.{key}": (key, part) for key, part in dated.items()}
    if others or not dated:
        stated[where] = ("", others or value)
    for place, (key, part) in stated.items():
        source = _layer(PARCELS, place, part, settings)
        if source is not None:
            settings.parcels[key] = source


def _layer(role: str, where: str, value: object, settings: Settings) -> LayerSource | None:
    if not isinstance(value, dict):
        advice = f'写成 {role} = "路径"，或 {role} = {{path = "路径", layer = "图层名"}}'
        settings.wrong(where, f"应为路径或一组键值，实为 {value!r}", advice)
        return None
    before = len(settings.findings)
    texts: dict[str, str] = {}
    allowed = tuple(k for k in LAYER_KEYS if role != PARCELS or k != "path")
    for key, text in value.items():
        if key not in allowed:
            settings.wrong(f"{where}.{key}", f"不认识的键，值为 {text!r}", nearest(key, allowed))
        elif not isinstance(text, str) or not text.strip():
            settings.wrong(f"{where}.{key}", f"应为非空文字，实为 {text!r}", "用英文双引号括起")
        else:
            texts[key] = text.strip()
    if "path" not in value and role != PARCELS:
        settings.wrong(where, "没有写 path", f'写成 {role} = {{path = "reference/……"}}')
    _check_layer(texts, where, settings)
    if len(settings.findings) > before:
        return None
    encoding = texts.get("encoding")
    return LayerSource(
        role=role,
        path=texts.get("path", "").replace("\\", "/"),
        layer=texts.get("layer"),
        encoding=ENCODINGS[encoding.upper()] if encoding else None,
        crs=texts["crs"].upper() if "crs" in texts else None,
    )


def _check_layer(texts: dict[str, str], where: str, settings: Settings) -> None:
    path = texts.get("path", "").replace("\\", "/")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path) or ".." in path.split("/"):
        advice = "把文件放进县文件夹（如 reference/），写相对于县文件夹的路径"
        settings.wrong(f"{where}.path", f"“{path}”不在县文件夹之内", advice)
    marks = re.findall(r"\{[^}]*\}?", path)
    if any(mark != "{date}" for mark in marks) or len(marks) > 1:
        advice = "路径中只能出现一次 {date}，代表文件名或文件夹名里的日期"
        settings.wrong(f"{where}.path", f"“{path}”中的花括号不认识", advice)
    encoding = texts.get("encoding", "UTF-8")
    if encoding.upper() not in ENCODINGS:
        advice = nearest(encoding, ENCODINGS)
        settings.wrong(f"{where}.encoding", f"值“{encoding}”不认识", advice)
    if "crs" in texts:
        check_crs(texts["crs"], f"{where}.crs", settings, delivered=True)
