"""GeoJSON: parsed as JSON, so that whole numbers keep every digit."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from pipeline.errors import Finding, InputError
from pipeline.ingest.raw import FLOAT, NUMBER, TEXT, Delivery, LayerInfo, RawLayer
from pipeline.storage import Register, Shelf

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SUFFIXES = (".geojson", ".json")
MARKS: tuple[bytes, ...] = ()
CRS_CODE = re.compile(r"(urn:ogc:def:crs:|https?://www\.opengis\.net/|EPSG:|OGC:).*", re.IGNORECASE)
ADVICE = "重新导出为 GeoJSON（FeatureCollection，UTF-8），或改用 GPKG"


def layers(delivery: Delivery) -> tuple[LayerInfo, ...]:
    """Return the one layer. Raises InputError when it isn't a whole FeatureCollection."""
    features = _load(delivery)["features"]
    names = dict.fromkeys(name for feature in features for name in feature["properties"] or {})
    return (LayerInfo(name=delivery.name, columns=tuple(names)),)


def read(delivery: Delivery, layer: str, columns: Sequence[str]) -> RawLayer:
    """Read all features. Raises InputError when it isn't a whole FeatureCollection."""
    del layer  # a FeatureCollection is the only one
    document = _load(delivery)
    features = document["features"]
    values = {c: [(f["properties"] or {}).get(c) for f in features] for c in columns}
    texts = {c: pd.Series([_text(v) for v in cells], dtype="str") for c, cells in values.items()}
    shapes = [json.dumps(f["geometry"]) if f.get("geometry") else None for f in features]
    geometry = shapely.from_geojson(np.array(shapes, dtype=object), on_invalid="ignore")
    lost = np.array([s is not None for s in shapes], dtype=bool) & shapely.is_missing(geometry)
    wkb = np.asarray(shapely.to_wkb(geometry), dtype=object)
    wkb[lost] = b"\0"  # there was a shape, and it can't be read: not the same as no shape
    return RawLayer(
        table=Register.by_column(len(features), texts.items()),
        rows=np.arange(1, len(features) + 1, dtype=np.int64),
        wkb=Shelf.lay([wkb]),
        claimed=len(features),
        crs_wkt=_crs(document, delivery),
        kinds={column: _kind(cells) for column, cells in values.items()},
        encoding="UTF-8:GeoJSON 标准规定",
    )


def _load(delivery: Delivery) -> dict[str, Any]:
    try:
        document = json.loads(delivery.copy.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        found = "不是 UTF-8 编码"
        raise InputError(Finding(delivery.where, found, ADVICE)) from error
    except json.JSONDecodeError as error:
        found = f"JSON 不完整或有误（第 {error.lineno} 行第 {error.colno} 列：{error.msg}）"
        raise InputError(Finding(delivery.where, found, ADVICE)) from error
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        raise InputError(Finding(delivery.where, "不是 GeoJSON FeatureCollection", ADVICE))
    features = document["features"]
    bad = next((n for n, f in enumerate(features, 1) if not _is_feature(f)), None)
    if bad is not None:
        where = f"{delivery.where} 第 {bad} 个要素"
        raise InputError(Finding(where, "不是完整的 Feature", ADVICE))
    return document


def _is_feature(feature: object) -> bool:
    return isinstance(feature, dict) and isinstance(feature.get("properties", 0), dict | None)


def _crs(document: dict[str, Any], delivery: Delivery) -> str | None:
    """Return the declared CRS; none declared stays unknown, for its numbers to say."""
    declared = document.get("crs")
    if declared is None:
        return None
    try:
        name = CRS_CODE.fullmatch(declared["properties"]["name"])
        if name is not None:
            return str(CRS.from_user_input(name[0]).to_wkt())
        error: Exception | None = None  # a bare name is no evidence
    except (CRSError, KeyError, TypeError) as caught:
        error = caught
    found = f"crs 成员 {json.dumps(declared, ensure_ascii=False)} 不认识"
    advice = "改为 urn:ogc:def:crs:EPSG::4490 之类的代码，或删去 crs 并在 county.toml 写明"
    raise InputError(Finding(delivery.where, found, advice)) from error


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _kind(cells: Iterable[object]) -> str:
    types = {type(value) for value in cells}
    if float in types:
        return FLOAT
    return NUMBER if int in types else TEXT
