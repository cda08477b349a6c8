"""Bad input by case number (docs/ingest-cases.md): shapes row by row."""

import itertools
import struct

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from ingest_cases import DAY
from ingest_county import CRS, X0, Y0, plots, square, write, write_shp
from ingest_layers import balanced, deliver, only, patched, ring, set_aside, with_shape


@pytest.mark.parametrize("shape", [None, shapely.Polygon()])
def test_case_35_null_geometry(case, shape):
    frame = with_shape(shape)
    deliver(case, frame)
    set_aside(case, frame, "GEOM_NULL", "图形为空")


def shp_record(number, rings):
    points = [point for one in rings for point in one]
    xs, ys = zip(*points, strict=True)
    starts = np.cumsum([0] + [len(one) for one in rings[:-1]])
    body = struct.pack("<i4d2i", 5, min(xs), min(ys), max(xs), max(ys), len(rings), len(points))
    body += struct.pack(f"<{len(rings)}i", *starts)
    body += b"".join(struct.pack("<2d", *point) for point in points)
    return struct.pack(">2i", number, len(body) // 2) + body


def write_rings(path, shapes):
    """Write .shp and .shx from rings as they stand, for what GDAL would never write."""
    records = [shp_record(number, rings) for number, rings in enumerate(shapes, 1)]
    points = np.array([point for rings in shapes for one in rings for point in one])
    low, high = points.min(axis=0), points.max(axis=0)

    def header(size):
        start = struct.pack(">7i", 9994, 0, 0, 0, 0, 0, (100 + size) // 2)
        return start + struct.pack("<2i8d", 1000, 5, *low, *high, 0, 0, 0, 0)

    body = b"".join(records)
    offsets = list(itertools.accumulate([100, *(len(r) for r in records)]))
    index = b"".join(
        struct.pack(">2i", at // 2, (len(record) - 8) // 2)
        for at, record in zip(offsets, records, strict=False)
    )
    path.write_bytes(header(len(body)) + body)
    path.with_suffix(".shx").write_bytes(header(len(index)) + index)


def clockwise(x, y, width, height):
    corners = [(x, y), (x, y + height), (x + width, y + height), (x + width, y), (x, y)]
    return [(X0 + a, Y0 + b) for a, b in corners]


def drawn(case, second, tbmj=None):
    """Write a shapefile whose second plot has these rings; return the attribute frame."""
    frame = plots()
    if tbmj is not None:
        frame.loc[1, "TBMJ"] = tbmj
    path = case.folder() / "DLTB.shp"
    write_shp(frame, path)
    write_rings(path, [[clockwise(n * 100, 0, 100, 100)] if n != 1 else second for n in range(4)])
    return frame


@pytest.mark.parametrize(
    "rings",
    [
        [[(X0 + 100, Y0), (X0 + 200, Y0)]],
        [clockwise(100, 0, 100, 100), [(X0 + 110, Y0 + 10), (X0 + 120, Y0 + 20)]],
    ],
)
def test_case_36_ring_of_two_points(case, rings):
    frame = drawn(case, rings)
    reject, _ = set_aside(case, frame, "GEOM_UNREADABLE", "图形无法解析（有的环")
    assert reject["wkb"].startswith("0103000000")


@pytest.mark.parametrize("value", [np.nan, 1e308, -1e308, 1e11])
def test_case_37_coordinates_that_are_none(case, value):
    with np.errstate(all="ignore"):
        shape = shapely.Polygon([(X0, Y0), (value, Y0), (X0 + 1, Y0 + 1)])
        frame = with_shape(shape)
        deliver(case, frame)
        reject, _ = set_aside(case, frame, "GEOM_COORD", "坐标不是有效数字")
    assert reject["wkb"]


def test_case_37_no_coordinate_is_any_good(case):
    shape = shapely.Polygon([(1e11, 0), (2e11, 0), (2e11, 1e11)])
    frame = plots().set_geometry(gpd.GeoSeries([shape] * 4, crs=CRS))
    deliver(case, frame)
    said = case.refused()
    assert f"exports/{DAY}/DLTB.gpkg" in said
    assert "全部 4 个图形都不能用（坐标不是有效数字）" in said
    assert "检查原数据后重新导出" in said


BOWTIE = ring((0, 0), (100, 100), (100, 0), (0, 100))
LOOP = ring((0, 0), (100, 0), (100, 100), (0.05, 100), (-0.05, 99.9), (0.05, 99.9), (0, 100))
NESTED = shapely.Polygon(
    ring((0, 0), (100, 0), (100, 100), (0, 100)).exterior.coords,
    [ring((10, 10), (90, 10), (90, 90), (10, 90)).exterior.coords,
     ring((20, 20), (30, 20), (30, 30), (20, 30)).exterior.coords],
)  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (BOWTIE, "图形有错（边界自相交，位于 x 36580150.00、y 3720050.00），未修复：修复前后面积"),
        (NESTED, "图形有错（洞中套洞，位于 x"),
    ],
)
def test_case_38_beyond_tolerance_is_set_aside_with_its_wkb(case, shape, reason):
    frame = with_shape(shape)
    deliver(case, frame)
    reject, problem = set_aside(case, frame, "GEOM_INVALID", reason)
    assert "超出容差" in reject["reason"]
    assert shapely.from_wkb(reject["wkb"]).normalize() == shape.normalize()
    assert reject.geometry.normalize().equals_exact(shape.normalize(), 1e-4)
    assert float(problem["x"]) == pytest.approx(X0 + 150, abs=51)


def test_case_38_within_tolerance_is_mended_and_on_record(case):
    frame = with_shape(LOOP)
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    assert parcels.geometry.is_valid.all()
    problem = only(problems, "GEOM_REPAIRED")
    assert problem["severity"] == "警告"
    assert "已在容差内修复：修复前后面积" in problem["found"]
    assert "修复后椭球面积" in problem["found"]
    assert f"图斑面积 {frame['TBMJ'][1]:.2f} ㎡" in problem["found"]
    assert problem["bsm"] == "999901200000000002"
    balanced(parcels, rejects, frame["TBMJ"])


def test_case_38_a_repair_that_tbmj_does_not_bear_out_is_none(case):
    frame = with_shape(LOOP)
    frame.loc[1, "TBMJ"] = 9000.0
    deliver(case, frame)
    reject, _ = set_aside(case, frame, "GEOM_INVALID", "图斑面积 9000.00 ㎡，与图斑面积不符")
    assert reject["area_m2"] == 9000.0


def hole_outside():
    return [clockwise(100, 0, 100, 100), clockwise(150, 120, 10, 10)[::-1]]


def test_case_39_hole_drawn_outside_its_shell(case):
    # as drawn 9900 m², as GDAL puts the rings together 10100 m²; TBMJ bears out neither
    frame = drawn(case, hole_outside(), tbmj=9500.0)
    reject, _ = set_aside(case, frame, "GEOM_RINGS", "环的方向与位置矛盾（如洞画在外环之外）")
    assert "按画法面积 9900.0000，按位置拼合 10100.0000" in reject["reason"]


def test_case_39_hole_outside_that_tbmj_takes_for_ground(case):
    frame = drawn(case, hole_outside(), tbmj=round(plots()["TBMJ"][1] * 1.01, 2))
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    assert "与后者相符，照收" in only(problems, "GEOM_RINGS")["found"]
    balanced(parcels, rejects, frame["TBMJ"])


@pytest.mark.parametrize(
    "rings",
    [
        [clockwise(100, 0, 100, 100)] * 2,
        [clockwise(100, 0, 100, 100), clockwise(120, 20, 10, 10)],
    ],
)
def test_case_39_part_drawn_twice_or_inside_another(case, rings):
    frame = drawn(case, rings)
    set_aside(case, frame, "GEOM_INVALID", "超出容差")


def test_case_39_rings_all_turned_the_wrong_way_are_turned_back(case):
    shell, hole = clockwise(100, 0, 100, 100)[::-1], clockwise(120, 20, 10, 10)
    frame = drawn(case, [shell, hole], tbmj=round(plots()["TBMJ"][1] * 0.99, 2))
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    assert parcels.geometry.iloc[1].area == pytest.approx(9900)
    assert parcels["tbmj_trusted"].all()
    assert "9900.0000 → 9900.0000" in only(problems, "GEOM_REPAIRED")["found"]
    balanced(parcels, rejects, frame["TBMJ"])


@pytest.mark.parametrize(
    "shape",
    [
        ring((0, 0), (50, 0), (100, 0)),
        ring((0, 0), (100, 0), (100, 0.00001), (0, 0.00001)),
    ],
)
def test_case_40_no_area(case, shape):
    frame = with_shape(shape)
    deliver(case, frame)
    parcels, rejects, _ = case.accepted()
    assert set(rejects["rule"]) <= {"GEOM_ZERO", "GEOM_INVALID"}
    assert len(rejects) == 1
    assert rejects["wkb"].notna().all()
    balanced(parcels, rejects, frame["TBMJ"])


def test_case_40_a_sliver_with_area_is_kept_and_told(case):
    frame = with_shape(ring((0, 0), (100, 0), (100, 0.3), (0, 0.3)))
    frame.loc[1, "TBMJ"] = 29.99
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    problem = only(problems, "GEOM_SLIVER")
    assert "图形是碎片（30.00 ㎡），照收" in problem["found"]
    assert problem["bsm"] == "999901200000000002"
    balanced(parcels, rejects, frame["TBMJ"])


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        (shapely.Point(X0 + 150, Y0 + 50), "点"),
        (shapely.LineString([(X0, Y0), (X0 + 9, Y0)]), "线"),
        (shapely.MultiPoint([(X0, Y0)]), "多点"),
        (shapely.GeometryCollection([square(1), shapely.Point(X0, Y0)]), "混合图形"),
    ],
)
def test_case_41_points_and_lines_among_polygons(case, shape, name):
    frame = with_shape(shape)
    deliver(case, frame, geometry_type="Unknown")
    set_aside(case, frame, "GEOM_TYPE", f"图形不是面，是{name}")


def test_case_41_a_layer_of_lines(case):
    frame = plots()
    deliver(case, frame.set_geometry(frame.boundary))
    said = case.refused()
    assert "全部 4 个图形都不能用（图形不是面，是线）" in said


def tin():
    triangle = struct.pack("<BIII", 1, 1017, 1, 4) + struct.pack(
        "<12d", X0, Y0, 0, X0 + 9, Y0, 0, X0, Y0 + 9, 0, X0, Y0, 0
    )
    return struct.pack("<BII", 1, 1016, 1) + triangle


def test_case_42_one_tin_among_polygons(case):
    patched(case, {2: tin()})
    set_aside(case, plots(), "GEOM_TYPE", "图形不是面，是三角网（TIN）")


def test_case_42_a_layer_of_tins(case):
    patched(case, dict.fromkeys((1, 2, 3, 4), tin()))
    said = case.refused()
    assert "全部 4 个图形都不能用（图形不是面，是三角网（TIN））" in said
    assert "多面体先转换为面" in said


def multipatch_gdb(case, *, beside):
    path = case.folder() / "DLTB.gdb"
    shape = shapely.GeometryCollection(
        [shapely.Polygon([(X0, Y0, 1), (X0 + 9, Y0, 1), (X0, Y0, 2)])]
    )
    names = ["BSM", "DLBM", "ZLDWDM", "TBMJ"]
    values = [np.array([v], dtype=object) for v in ("1", "0103", "9999010010010000000", "1")]
    pyogrio.raw.write(
        path, np.array([shapely.to_wkb(shape)]), values, names, layer="三维" if beside else "DLTB",
        driver="OpenFileGDB", geometry_type="GeometryCollection Z", crs=CRS,
    )  # fmt: skip
    if beside:
        write(plots(), path, layer="DLTB", driver="OpenFileGDB", append=True)
    return path


def test_case_42_multipatch_in_a_filegdb(case):
    multipatch_gdb(case, beside=False)
    said = case.refused()
    assert f"exports/{DAY}/DLTB.gdb" in said
    assert "图层 DLTB 的图形不是面，是多面体（multipatch）" in said
    assert "转换为面后重新导出" in said


def test_case_42_a_multipatch_layer_beside_the_plots_is_no_hindrance(case):
    multipatch_gdb(case, beside=True)
    parcels, rejects, _ = case.accepted()
    balanced(parcels, rejects, plots()["TBMJ"])


def test_case_42_multipatch_shapefile(case):
    path = case.folder() / "DLTB.shp"
    write_shp(plots(), path)
    for part in (path, path.with_suffix(".shx")):
        data = bytearray(part.read_bytes())
        data[32:36] = struct.pack("<i", 31)
        part.write_bytes(bytes(data))
    said = case.refused()
    assert "多面体" in said
    assert "先转换为面" in said
