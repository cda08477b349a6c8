"""Layer styles for GIS staff: QML (QGIS) and SLD texts in our colours, pure text from the tables.

`storage.write_gpkg` puts them into the table layer_styles, which QGIS reads when it opens a layer.
QML as QGIS 3.22 writes it: every property twice, as Option and as prop, so that older and newer
versions read it. SLD: OGC Styled Layer Descriptor 1.1 (05-078r4) with Symbology Encoding 1.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from pipeline.model import LayerStyle
from pipeline.tables import classes, statuses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
QGIS = "3.22.0"
EDGE = "#3F464D"
EDGE_MM = 0.2
LINE_MM = 0.6
POINT_MM = 2.4
OTHER = "其他"
OTHER_COLOUR = "#E6E6E6"
PX_PER_MM = 90 / 25.4
"""SLD counts in pixels of 0.28 mm (OGC 05-077r4, 11.1.3), rounded to 90 per inch."""
NAMESPACES = {
    "xmlns": "http://www.opengis.net/sld",
    "xmlns:se": "http://www.opengis.net/se",
    "xmlns:ogc": "http://www.opengis.net/ogc",
    "version": "1.1.0",
}


class Shape(StrEnum):
    """What a layer's geometries are, in QGIS's words."""

    POLYGON = "fill"
    LINE = "line"
    POINT = "marker"


@dataclass(frozen=True, slots=True)
class Symbol:
    """How rows of one value look; value: as it stands in the column; fill, edge: #RRGGBB."""

    value: str
    label: str
    fill: str
    edge: str = EDGE


def ledger_styles(layer: str = "ledger") -> tuple[LayerStyle, ...]:
    """Return the ledger's styles: by category (default; colours of classes.csv), by status."""
    by_category = [Symbol(c.name, c.label_long, c.colour) for c in classes()]
    by_status = [Symbol(s.name, f"{s.mark} {s.label}", s.colour) for s in statuses()]
    return (
        categorised(layer, "category", by_category, name="按类别", default=True),
        categorised(layer, "status", by_status, name="按状态"),
    )


def categorised(
    layer: str,
    column: str,
    symbols: Sequence[Symbol],
    *,
    name: str,
    shape: Shape = Shape.POLYGON,
    default: bool = False,
) -> LayerStyle:
    """Return a style that colours a layer by the values of a text column.

    A last symbol shows what has another value, so that nothing is hidden. Raises ValueError for
    two symbols of one value.
    """
    values = [symbol.value for symbol in symbols]
    if len(set(values)) < len(values):
        raise ValueError(values)
    return LayerStyle(
        layer=layer,
        name=name,
        description=f"耕保：{name}着色（列 {column}）",
        qml=_qml(column, symbols, shape),
        sld=_sld(layer, column, symbols, shape),
        default=default,
    )


def _qml(column: str, symbols: Sequence[Symbol], shape: Shape) -> str:
    """Return the QGIS style: a categorised renderer."""
    root = ET.Element("qgis", version=QGIS, styleCategories="Symbology")
    renderer = ET.SubElement(
        root, "renderer-v2", type="categorizedSymbol", attr=column, symbollevels="0",
        enableorderby="0", forceraster="0",
    )  # fmt: skip
    categories = ET.SubElement(renderer, "categories")
    drawn = ET.SubElement(renderer, "symbols")
    # QGIS takes the category with an empty value for all that is in no other
    for number, item in enumerate([*symbols, Symbol("", OTHER, OTHER_COLOUR)]):
        ET.SubElement(
            categories, "category", value=item.value, label=item.label, symbol=str(number),
            render="true",
        )  # fmt: skip
        symbol = ET.SubElement(
            drawn, "symbol", type=shape.value, name=str(number), alpha="1", clip_to_extent="1",
            force_rhr="0",
        )  # fmt: skip
        kind, properties = _properties(item, shape)
        own = ET.SubElement(
            symbol, "layer", {"class": kind, "enabled": "1", "locked": "0", "pass": "0"}
        )
        options = ET.SubElement(own, "Option", type="Map")
        for key, value in properties.items():
            ET.SubElement(options, "Option", name=key, value=value, type="QString")
        for key, value in properties.items():
            ET.SubElement(own, "prop", k=key, v=value)
    ET.SubElement(renderer, "rotation")
    ET.SubElement(renderer, "sizescale")
    ET.indent(root)
    return DOCTYPE + ET.tostring(root, encoding="unicode") + "\n"


def _properties(item: Symbol, shape: Shape) -> tuple[str, Mapping[str, str]]:
    """Return a symbol layer's class and properties in QGIS's words."""
    fill, edge = _rgba(item.fill), _rgba(item.edge)
    if shape is Shape.LINE:
        return "SimpleLine", {
            "line_color": fill, "line_style": "solid", "line_width": f"{LINE_MM}",
            "line_width_unit": "MM", "capstyle": "round", "joinstyle": "round",
        }  # fmt: skip
    outline = {
        "color": fill, "outline_color": edge, "outline_style": "solid",
        "outline_width": f"{EDGE_MM}", "outline_width_unit": "MM",
    }  # fmt: skip
    if shape is Shape.POINT:
        marker = {"name": "circle", "size": f"{POINT_MM}", "size_unit": "MM"}
        return "SimpleMarker", outline | marker
    return "SimpleFill", outline | {"style": "solid", "joinstyle": "round"}


def _rgba(colour: str) -> str:
    """Return #RRGGBB as QGIS writes it."""
    return ",".join([*(str(int(colour[n : n + 2], 16)) for n in (1, 3, 5)), "255"])


def _sld(layer: str, column: str, symbols: Sequence[Symbol], shape: Shape) -> str:
    """Return the OGC style: one rule per value, and one for all others."""
    root = ET.Element("StyledLayerDescriptor", NAMESPACES)
    named = ET.SubElement(root, "NamedLayer")
    _text(named, "se:Name", layer)
    style = ET.SubElement(named, "UserStyle")
    _text(style, "se:Name", layer)
    rules = ET.SubElement(style, "se:FeatureTypeStyle")
    for item in [*symbols, Symbol("", OTHER, OTHER_COLOUR)]:
        rule = ET.SubElement(rules, "se:Rule")
        _text(rule, "se:Name", item.label)
        _text(ET.SubElement(rule, "se:Description"), "se:Title", item.label)
        if item.value:
            wanted = ET.SubElement(ET.SubElement(rule, "ogc:Filter"), "ogc:PropertyIsEqualTo")
            _text(wanted, "ogc:PropertyName", column)
            _text(wanted, "ogc:Literal", item.value)
        else:
            ET.SubElement(rule, "se:ElseFilter")
        _symboliser(rule, item, shape)
    ET.indent(root)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return head + ET.tostring(root, encoding="unicode") + "\n"


def _symboliser(rule: ET.Element, item: Symbol, shape: Shape) -> None:
    """Add what a rule draws."""
    fill, edge = {"fill": item.fill}, {"stroke": item.edge, "stroke-width": _px(EDGE_MM)}
    if shape is Shape.LINE:
        line = {"stroke": item.fill, "stroke-width": _px(LINE_MM)}
        _parameters(ET.SubElement(rule, "se:LineSymbolizer"), "se:Stroke", line)
    elif shape is Shape.POINT:
        graphic = ET.SubElement(ET.SubElement(rule, "se:PointSymbolizer"), "se:Graphic")
        mark = ET.SubElement(graphic, "se:Mark")
        _text(mark, "se:WellKnownName", "circle")
        _parameters(mark, "se:Fill", fill)
        _parameters(mark, "se:Stroke", edge)
        _text(graphic, "se:Size", _px(POINT_MM))
    else:
        area = ET.SubElement(rule, "se:PolygonSymbolizer")
        _parameters(area, "se:Fill", fill)
        _parameters(area, "se:Stroke", edge)


def _parameters(parent: ET.Element, tag: str, values: Mapping[str, str]) -> None:
    """Add a fill or stroke with its parameters."""
    element = ET.SubElement(parent, tag)
    for name, value in values.items():
        ET.SubElement(element, "se:SvgParameter", name=name).text = value


def _text(parent: ET.Element, tag: str, text: str) -> None:
    """Add an element that holds a text."""
    ET.SubElement(parent, tag).text = text


def _px(length_mm: float) -> str:
    """Return a length in SLD's pixels."""
    return f"{length_mm * PX_PER_MM:.2f}"
