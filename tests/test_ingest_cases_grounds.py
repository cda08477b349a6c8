"""Bad input by case number (docs/ingest-cases.md): arcs, Z and M, the ground as a whole."""

import struct

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from gdb_arcs import OPTIONS as GDB_OPTIONS
from gdb_arcs import polygon as gdb_polygon
from gdb_arcs import put as put_geometry
from ingest_cases import DAY
from ingest_county import CRS, X0, Y0, plots, square, write
from ingest_layers import balanced, deliver, only, patched, with_shape, write_elsewhere

# a square of 100 m whose upper edge is an arc that rises 20 m: a segment of a circle of 72.5 m
ARC_TOP = (X0 + 150, Y0 + 120)
RADIUS = (50**2 + 20**2) / (2 * 20)
ARC_AREA = 10_000 + RADIUS**2 * np.arcsin(50 / RADIUS) - 50 * (RADIUS - 20)


def curve_polygon():
    line = [(100, 100), (100, 0), (200, 0), (200, 100)]

    def points(items):
        return b"".join(struct.pack("<2d", X0 + x, Y0 + y) for x, y in items)

    straight = struct.pack("<BII", 1, 2, 4) + points(line)
    arc = struct.pack("<BII", 1, 8, 3) + points([(200, 100), (150, 120), (100, 100)])
    compound = struct.pack("<BII", 1, 9, 2) + straight + arc
    return struct.pack("<BII", 1, 10, 1) + compound


def check_curve(case):
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    shape = parcels.geometry.iloc[1]
    assert shape.area == pytest.approx(ARC_AREA, rel=1e-6)
    note = only(problems, "GEOM_CURVE")
    assert (note["source_row"], note["severity"]) == ("2", "警告")
    assert f"曲线图形已化为折线，平面面积 {ARC_AREA:.3f}" in note["found"]
    change = float(note["found"].split("差 ")[1].rstrip("）"))
    assert -0.01 < change < 0
    assert len(shapely.get_coordinates(shape)) > 300
    balanced(parcels, rejects, plots()["TBMJ"])


def test_case_43_curves_in_a_geopackage(case):
    patched(case, {2: curve_polygon()})
    check_curve(case)


def test_case_43_curves_in_a_filegdb(case):
    path = case.folder() / "DLTB.gdb"
    write(plots().drop(columns="KCXS"), path, layer="DLTB", **GDB_OPTIONS)
    corners = [(100, 0), (100, 100), (200, 100), (200, 0), (100, 0)]
    blob = gdb_polygon([(X0 + x, Y0 + y) for x, y in corners], {1: ARC_TOP})
    put_geometry(path / "a00000009.gdbtable", 2, blob)
    check_curve(case)


def test_case_43_a_curve_inside_a_collection_is_set_aside(case):
    patched(case, {2: struct.pack("<BII", 1, 7, 1) + curve_polygon()})
    parcels, rejects, _ = case.accepted()
    assert list(rejects["rule"]) == ["GEOM_TYPE"]
    assert "图形不是面，是混合图形" in rejects["reason"].item()
    balanced(parcels, rejects, plots()["TBMJ"])


@pytest.mark.parametrize("kind", ["shp", "gpkg"])
def test_case_44_z_and_m(case, kind):
    high = shapely.force_3d(plots().geometry.to_numpy(), 500.0)
    if kind == "shp":
        deliver(case, plots().set_geometry(gpd.GeoSeries(high, crs=CRS)), "DLTB.shp")
    else:
        text = [w.replace(" Z ", " ZM ").replace(" 500", " 500 7") for w in shapely.to_wkt(high)]
        wkb = shapely.to_wkb(shapely.from_wkt(text), flavor="iso", output_dimension=4)
        patched(case, dict(enumerate(wkb, 1)))
    parcels, rejects, problems = case.accepted()
    assert not parcels.has_z.any()
    assert not shapely.has_m(parcels.geometry.to_numpy()).any()
    assert parcels.geometry.geom_equals(plots().geometry).all()
    note = only(problems, "GEOM_DIMENSION")
    assert "4 个图形带高程或量测值（Z/M），已去掉" in note["found"]
    balanced(parcels, rejects, plots()["TBMJ"])


# 45, 46: the ground as a whole


def ground(case, layer):
    return gpd.read_file(case.out / "data/processed/exports" / DAY / "coverage.gpkg", layer=layer)


def test_case_45_overlap_counts_once(case):
    shifted = shapely.box(X0 + 90, Y0, X0 + 190, Y0 + 100)
    frame = with_shape(shifted)
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    shared = ground(case, "overlaps")
    assert list(shared["bsm"]) == ["999901200000000001"]
    assert list(shared["other_bsm"]) == ["999901200000000002"]
    area = shared["area_m2"].item()
    assert area == pytest.approx(1000, rel=1e-3)
    first, second = parcels.iloc[0], parcels.iloc[1]
    assert first["base_m2"] == first["tbmj"]
    assert second["base_m2"] == pytest.approx(second["tbmj"] - area, abs=0.005)
    assert "不再计入" in second["base_reason"]
    assert first["flags"] == second["flags"] == "PLOT_OVERLAP"
    problem = only(problems, "PLOT_OVERLAP")
    assert f"与图斑 999901200000000001（exports/{DAY}/DLTB.gpkg 第 1 行）重叠" in problem["found"]
    assert problem["bsm"] == "999901200000000002"
    balanced(parcels, rejects, frame["TBMJ"])


def test_case_45_the_same_polygon_twice_counts_once(case):
    frame = pd.concat([plots(), plots().iloc[1:2].assign(BSM="999901200000000099")])
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    assert parcels["base_m2"].iloc[4] == 0
    assert parcels["base_m2"].sum() == pytest.approx(plots()["TBMJ"].sum(), abs=0.005)
    assert only(problems, "PLOT_OVERLAP")["bsm"] == "999901200000000099"
    balanced(parcels, rejects, frame["TBMJ"])


def test_case_46_a_missing_plot_is_a_gap_with_its_area(case):
    town = gpd.GeoDataFrame(
        {"XZQDM": ["999901001", "999901101"], "XZQMC": ["甲街办", "乙镇"]},
        geometry=[shapely.box(X0, Y0, X0 + 200, Y0 + 100),
                  shapely.box(X0 + 200, Y0, X0 + 600, Y0 + 100)],
        crs=CRS,
    )  # fmt: skip
    path = case.root / "reference/XZQ.gpkg"
    path.unlink()
    write(town, path, layer="XZQ")
    write_elsewhere(case, plots(6))
    frame = plots(6).drop(index=3)
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    gaps = ground(case, "gaps")
    assert gaps.geometry.iloc[0].equals(square(3))
    assert gaps["area_m2"].item() == plots(6)["TBMJ"][3]
    problem = only(problems, "COVERAGE_GAP")
    assert f"行政区范围内有 1 处没有图斑，共 {plots(6)['TBMJ'][3]:.2f} ㎡" in problem["found"]
    assert float(problem["x"]) == pytest.approx(X0 + 350)
    assert "核对是否漏交图斑" in problem["advice"]
    balanced(parcels, rejects, frame["TBMJ"])
