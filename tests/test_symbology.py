"""Layer styles: what QGIS and other readers find in a GeoPackage of ours."""

import csv
import sqlite3
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import pyogrio
import pytest
import shapely

from pipeline import storage, tables
from pipeline.errors import ConfigError
from pipeline.symbology import Shape, Symbol, categorised, ledger_styles
from pipeline.tables.statuses import read_statuses

TABLES = Path(tables.__file__).parent
SE, OGC = "{http://www.opengis.net/se}", "{http://www.opengis.net/ogc}"


def written(name):
    with (TABLES / name).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    path = tmp_path_factory.mktemp("styles") / "ledger.gpkg"
    storage.write_gpkg(path, {"ledger": ledger()}, ledger_styles())
    return path


def ledger():
    return gpd.GeoDataFrame(
        {"category": ["pbf_relocate", "in_out_balance"], "status": ["open", "closed"]},
        geometry=[shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 1)],
        crs="EPSG:4524",
    )


def stored(path):
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return {row["styleName"]: dict(row) for row in db.execute("SELECT * FROM layer_styles")}


def parsed(text):
    return ET.fromstring(text.encode())  # noqa: S314 - our own text


def qml_colours(text):
    """Value → fill (#RRGGBB) of a categorised QML, by Option and by prop."""
    root = parsed(text)
    symbols = {
        symbol.get("name"): (
            symbol.find("layer/Option/Option[@name='color']").get("value"),
            symbol.find("layer/prop[@k='color']").get("v"),
        )
        for symbol in root.findall("renderer-v2/symbols/symbol")
    }
    found = {}
    for category in root.findall("renderer-v2/categories/category"):
        option, prop = symbols[category.get("symbol")]
        assert option == prop
        red, green, blue, alpha = map(int, option.split(","))
        assert alpha == 255
        found[category.get("value")] = f"#{red:02X}{green:02X}{blue:02X}"
    return found


def sld_colours(text):
    """Value → fill of an SLD; "" for its else rule."""
    found = {}
    for rule in parsed(text).iter(f"{SE}Rule"):
        fill = rule.find(f"{SE}PolygonSymbolizer/{SE}Fill/{SE}SvgParameter[@name='fill']").text
        literal = rule.find(f"{OGC}Filter/{OGC}PropertyIsEqualTo/{OGC}Literal")
        assert (literal is None) == (rule.find(f"{SE}ElseFilter") is not None)
        found["" if literal is None else literal.text] = fill
    return found


@pytest.mark.parametrize(
    ("style", "column", "table"),
    [("按类别", "category", "classes.csv"), ("按状态", "status", "statuses.csv")],
)
def test_every_value_of_the_table_has_a_rule_in_its_colour(package, style, column, table):
    row = stored(package)[style]
    wanted = {line["name"]: line["colour"] for line in written(table)}
    for found in (qml_colours(row["styleQML"]), sld_colours(row["styleSLD"])):
        assert found.pop("") == "#E6E6E6"  # whatever is in no row is shown, too
        assert found == wanted
    assert parsed(row["styleQML"]).find("renderer-v2").get("attr") == column
    assert f"<ogc:PropertyName>{column}</ogc:PropertyName>" in row["styleSLD"]


def test_a_gis_finds_the_styles_where_qgis_looks_for_them(package):
    rows = stored(package)
    with closing(sqlite3.connect(package)) as db:
        (geometry,) = db.execute("SELECT column_name FROM gpkg_geometry_columns").fetchone()
        types = dict(db.execute("SELECT table_name, data_type FROM gpkg_contents").fetchall())
        names = [row[1] for row in db.execute("PRAGMA table_info(layer_styles)")]
    # columns of QGIS 3.22, qgsogrprovider
    assert names == [
        "id", "f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column",
        "styleName", "styleQML", "styleSLD", "useAsDefault", "description", "owner", "ui",
        "update_time",
    ]  # fmt: skip
    assert types == {"ledger": "features", "layer_styles": "attributes"}
    for row in rows.values():
        place = (row["f_table_catalog"], row["f_table_schema"], row["f_table_name"])
        assert (*place, row["f_geometry_column"]) == ("", "", "ledger", geometry)
    assert {name: row["useAsDefault"] for name, row in rows.items()} == {"按类别": 1, "按状态": 0}


def test_gdal_reads_layer_and_styles(package):
    assert [name for name, _ in pyogrio.list_layers(package)] == ["ledger", "layer_styles"]
    assert len(pyogrio.read_dataframe(package, layer="ledger")) == 2
    read = pyogrio.read_dataframe(package, layer="layer_styles")
    assert read["styleName"].tolist() == ["按类别", "按状态"]


def test_the_bytes_are_the_same_twice(package, tmp_path):
    storage.write_gpkg(tmp_path / "again.gpkg", {"ledger": ledger()}, ledger_styles())
    assert (tmp_path / "again.gpkg").read_bytes() == package.read_bytes()


def test_a_package_without_styles_has_no_table_of_them(tmp_path):
    storage.write_gpkg(tmp_path / "plain.gpkg", {"ledger": ledger()})
    assert [name for name, _ in pyogrio.list_layers(tmp_path / "plain.gpkg")] == ["ledger"]


@pytest.mark.parametrize(
    ("shape", "kind", "symboliser", "colour"),
    [
        (Shape.POINT, "SimpleMarker", "PointSymbolizer", "color"),
        (Shape.LINE, "SimpleLine", "LineSymbolizer", "line_color"),
        (Shape.POLYGON, "SimpleFill", "PolygonSymbolizer", "color"),
    ],
)
def test_points_and_lines_have_symbols_of_their_own(shape, kind, symboliser, colour):
    hostile = Symbol('<"&>', "错误 & <提示>", "#97131F")
    style = categorised("problems", "severity", [hostile], name="按程度", shape=shape)
    root = parsed(style.qml)
    assert root.find("renderer-v2/categories/category").get("value") == '<"&>'
    layer = root.find("renderer-v2/symbols/symbol/layer")
    assert layer.get("class") == kind
    assert layer.find(f"prop[@k='{colour}']").get("v") == "151,19,31,255"
    rule = next(parsed(style.sld).iter(f"{SE}Rule"))
    assert rule.find(f"{SE}{symboliser}") is not None
    assert rule.find(f"{SE}Name").text == "错误 & <提示>"


def test_two_symbols_of_one_value_are_refused():
    with pytest.raises(ValueError, match="错误"):
        categorised("x", "y", [Symbol("错误", a, "#000000") for a in "ab"], name="按程度")


def test_each_fault_of_the_status_table_is_named(tmp_path):
    table = tmp_path / "statuses.csv"
    table.write_text(
        "name,label,short,order,colour,mark\nopen,待整改,未完,2,red,●\ndone,完,完,1,#000000,○\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        read_statuses(table)
    text = str(caught.value)
    for fault in ("red 不是颜色", "done 不是允许的值", "2 不是允许的值", "缺少状态 closed"):
        assert fault in text
