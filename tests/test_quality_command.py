"""`gengbao quality` as a clerk runs it."""

from __future__ import annotations

import shutil
import sqlite3

import geopandas as gpd
import numpy as np
import openpyxl
import pyogrio
import pypdf
import pytest
import shapely
from command_line import gengbao, hashes, read_csv

from pipeline.quality import INTAKE, discover

CORNER = np.array([500_000, 5_400_000])
OUT = "data/processed/quality"
CODES = {check.code for check in discover()} | {rule.code for rule in INTAKE}


def check(county, out, day, *more):
    return gengbao("quality", "--county", county, "--out", out, "--export", day, *more)


def products(out, name):
    return out / OUT / name


def rules(out, name):
    return [row["rule"] for row in read_csv(products(out, name) / "problems.csv")]


def newest(tiny):
    return max(path.name for path in (tiny / "exports").iterdir())


@pytest.fixture(scope="module")
def checked(tiny, tmp_path_factory):
    """The newest export of the tiny county with zones, against the one before."""
    out = tmp_path_factory.mktemp("checked")
    days = sorted(path.name for path in (tiny / "exports").iterdir())
    done = gengbao("quality", "--county", tiny, "--out", out, "--zones", "--against", days[-2])
    return done, products(out, f"{days[-1]}_zones_against-{days[-2]}"), days


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """Somebody's polygons: no field of ours, another CRS, one overlap, one bow-tie."""
    path = tmp_path_factory.mktemp("foreign") / "lots.shp"
    boxes = [shapely.box(n * 100, 0, (n + 1) * 100 + (20 if n == 1 else 0), 100) for n in range(4)]
    bow = shapely.Polygon([(900, 0), (1000, 100), (1000, 0), (900, 100)])
    shapes = shapely.transform(np.array([*boxes, bow]), lambda xy: xy + CORNER)
    lots = gpd.GeoDataFrame({"OWNER": list("abcde")}, geometry=list(shapes), crs="EPSG:32633")
    pyogrio.write_dataframe(lots, path)
    return path


@pytest.fixture(scope="module")
def broken(tiny, tmp_path_factory):
    """An export of the tiny county with rows that ingest sets aside, and cells with traps."""
    county = tmp_path_factory.mktemp("broken") / "raw"
    shutil.copytree(tiny, county)
    day = newest(tiny)
    folder = county / "exports" / day
    source = next(p for p in sorted(folder.iterdir()) if p.suffix in {".gpkg", ".gdb", ".shp"})
    encoding = "GBK" if source.suffix == ".shp" else None
    plots = gpd.GeoDataFrame(pyogrio.read_dataframe(source, encoding=encoding))
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    plots = plots.explode(ignore_index=True)
    plots.loc[1, "BSM"] = plots.loc[0, "BSM"]
    plots.loc[2, "BSM"] = None
    plots.loc[3, "ZLDWMC"] = "=cmd()"
    shapes = plots.geometry.to_numpy().copy()
    shapes[4] = None
    west, south, east, north = shapes[5].bounds
    shapes[5] = shapely.Polygon([(west, south), (east, north), (east, south), (west, north)])
    pyogrio.write_dataframe(
        plots.set_geometry(shapes, crs=plots.crs), folder / "DLTB.gpkg", layer="DLTB"
    )
    return county, day, plots


@pytest.fixture(scope="module")
def listed(broken, tmp_path_factory):
    """The broken export checked: what the command said, and where its products lie."""
    county, day, _ = broken
    out = tmp_path_factory.mktemp("listed")
    done = check(county, out, day)
    return done, products(out, day)


def test_the_sample_without_defects_has_no_error(checked):
    done, folder, _ = checked
    assert done.returncode == 0, done.stdout
    assert "错误 0 处" in done.stdout
    assert {row["severity"] for row in read_csv(folder / "problems.csv")} <= {"警告"}


def test_progress_and_result_are_told(checked):
    done, _, days = checked
    assert f"读入对照期 {days[-2]}" in done.stderr
    assert "检查 parcels" in done.stderr
    assert "run_id" in done.stdout


def test_the_same_check_gives_the_same_bytes(checked, tiny, tmp_path):
    _, folder, days = checked
    again = gengbao(
        "quality", "--county", tiny, "--out", tmp_path, "--zones", "--against", days[-2]
    )
    assert again.returncode == 0
    assert hashes(products(tmp_path, folder.name)) == hashes(folder)


def test_a_file_of_somebody_else_gives_schema_and_geometry_findings(foreign, tmp_path):
    done = gengbao("quality", foreign, "--county", tmp_path / "none", "--out", tmp_path)
    assert done.returncode == 4
    found = rules(tmp_path, "lots")
    assert found.count("FIELD_MISSING") == 30  # the fields of TD/T 1057-2020
    assert {"CRS_REFUSED", "GEOM_INVALID", "PLOT_OVERLAP"} <= set(found)
    overlap = next(
        row for row in read_csv(products(tmp_path, "lots") / "problems.csv")
        if row["rule"] == "PLOT_OVERLAP"
    )  # fmt: skip
    assert float(overlap["size"]) == pytest.approx(2000, rel=2e-3)  # 20 m x 100 m
    assert 500_200 < float(overlap["x"]) < 500_220  # in the file's own CRS
    assert 5_400_000 < float(overlap["y"]) < 5_400_100


def test_a_layer_of_points_or_without_rows_is_told_not_crashed(tmp_path):
    points = gpd.GeoDataFrame({"n": [1]}, geometry=gpd.points_from_xy([1], [2]), crs="EPSG:4326")
    pyogrio.write_dataframe(points, tmp_path / "points.gpkg")
    pyogrio.write_dataframe(points.iloc[:0], tmp_path / "empty.gpkg", geometry_type="Polygon")
    for name in ("points", "empty"):
        done = gengbao(
            "quality", tmp_path / f"{name}.gpkg", "--county", tmp_path, "--out", tmp_path
        )
        assert done.returncode == 4
        assert set(rules(tmp_path, name)) <= CODES


def test_what_reading_sets_aside_is_in_the_list_with_its_row(broken, listed):
    _, _, plots = broken
    done, folder = listed
    assert done.returncode == 4
    rows = read_csv(folder / "problems.csv")
    told = {(row["rule"], row["source_row"]) for row in rows}
    assert {
        ("BSM_DUPLICATE", "2"), ("BSM_EMPTY", "3"), ("GEOM_NULL", "5"), ("GEOM_INVALID", "6"),
    } <= told  # fmt: skip
    twin = next(row for row in rows if row["rule"] == "BSM_DUPLICATE")
    assert (twin["bsm"], twin["other_bsm"]) == (plots.loc[0, "BSM"], plots.loc[0, "BSM"])
    assert {row["rule"] for row in rows} <= CODES
    bare = {row["rule"] for row in rows} & {"PLOT_MISSING", "COVERAGE_GAP"}
    assert bare, "the ground of plots without usable shape is in no plot"


def test_every_finding_stands_in_the_layers_with_a_style(listed):
    _, folder = listed
    with sqlite3.connect(folder / "problems.gpkg") as db:
        counts = {
            layer: db.execute(f"SELECT count(*), count(geom) FROM {layer}").fetchone()  # noqa: S608
            for layer in ("areas", "lines", "points")
        }
        styled = {name for (name,) in db.execute("SELECT f_table_name FROM layer_styles")}
    assert sum(rows for rows, _ in counts.values()) == len(read_csv(folder / "problems.csv"))
    assert all(rows == placed for rows, placed in counts.values())
    assert styled == {"areas", "lines", "points"}


def test_every_town_with_findings_has_a_map_page(listed):
    _, folder = listed
    towns = {row["town"] for row in read_csv(folder / "problems.csv")} - {""}
    pages = pypdf.PdfReader(folder / "质量问题分布图.pdf").pages
    assert len(pages) == len(towns)
    told = [page.extract_text() for page in pages]
    assert all(any(f"{town}质量问题分布图" in text for text in told) for town in towns)


def test_the_workbook_links_each_rule_to_its_first_row_and_runs_nothing(listed):
    _, folder = listed
    book = openpyxl.load_workbook(folder / "检查汇总.xlsx")
    assert all(sheet.page_setup.fitToHeight == 0 and sheet.print_title_rows for sheet in book)
    page = book["问题清单"]
    heads = [cell.value for cell in page[1]]
    column = heads.index("编号") + 1
    linked = 0
    for row in book["按规则"].iter_rows():
        for cell in row:
            if cell.hyperlink is not None:
                at = int(cell.hyperlink.location.rsplit("A", 1)[1])
                assert page.cell(at, column).value == row[1].value
                assert at == 2 or page.cell(at - 1, column).value != row[1].value
                linked += 1
    assert linked == len({row["rule"] for row in read_csv(folder / "problems.csv")})
    assert not [c for sheet in book for row in sheet.iter_rows() for c in row if c.data_type == "f"]


def test_a_baseline_tells_known_findings_from_new_ones(broken, listed, tmp_path):
    county, day, _ = broken
    folder = products(tmp_path, day)
    draft = read_csv(listed[1] / "待认可.csv")
    lines = ["rule,bsm,other_bsm,source_file,x,y,reason"]
    for row in draft[1:]:
        lines.append(",".join([*(row[name] for name in lines[0].split(",")[:-1]), "已报市局备案"]))
    lines.append("PLOT_OVERLAP,990000000000000000,,,,,已不在")
    baseline = tmp_path / "基线.csv"
    baseline.write_bytes("\n".join(lines).encode("gbk"))
    done = gengbao(
        "quality", "--county", county, "--out", tmp_path, "--export", day, "--baseline", baseline
    )
    rows = read_csv(folder / "problems.csv")
    new = [row for row in rows if not row["known"]]
    assert [row["rule"] for row in new] == [draft[0]["rule"]]
    assert "基线中有 1 行已没有对应的问题" in done.stdout
    assert done.returncode == 4  # the one left is an error


def test_when_all_errors_are_acknowledged_the_exit_code_is_0(broken, listed, tmp_path):
    county, day, _ = broken
    draft = read_csv(listed[1] / "待认可.csv")
    names = list(draft[0])
    lines = [",".join(names), *(",".join([*(r[n] for n in names[:-1]), "备案"]) for r in draft)]
    baseline = tmp_path / "all.csv"
    baseline.write_text("\n".join(lines), encoding="utf-8")
    done = gengbao(
        "quality", "--county", county, "--out", tmp_path, "--export", day, "--baseline", baseline
    )
    assert done.returncode == 0, done.stdout
    assert "没有新的问题" in done.stdout


def test_a_wrong_baseline_names_every_line_and_changes_nothing(tiny, tmp_path):
    baseline = tmp_path / "b.csv"
    baseline.write_text(
        "rule,bsm,other_bsm,source_file,x,y,reason\n"
        "PLOT_OVERLAPS,1,,,,,某理由\nPLOT_OVERLAP,1,,,,,\nPLOT_OVERLAP,,,,1,,某理由\n"
        "PLOT_OVERLAP,,,,,,某理由\n",
        encoding="utf-8",
    )
    done = gengbao("quality", "--county", tiny, "--out", tmp_path, "--baseline", baseline)
    assert done.returncode == 3
    for line in (2, 3, 4, 5):
        assert f"b.csv 第 {line} 行" in done.stderr
    assert not (tmp_path / OUT).exists()


@pytest.mark.parametrize(
    "words",
    [("--export", "1999-01-01"), ("--against", "1999-01-01"), ("no-such-file.shp",)],
)
def test_what_is_not_there_is_a_matter_of_usage(tiny, tmp_path, words):
    done = gengbao("quality", "--county", tiny, "--out", tmp_path, *words)
    assert done.returncode == 2
    assert "处理办法" in done.stderr


def test_the_exit_codes_stand_in_the_help():
    assert "4 有未认可的错误" in gengbao("quality", "--help").stdout.replace("\n", "")


def test_a_file_of_ours_is_checked_with_zones_and_against_an_export(tiny, tmp_path):
    days = sorted(path.name for path in (tiny / "exports").iterdir())
    folder = tiny / "exports" / days[-1]
    words = ("--zones", "--against", days[-2])
    done = gengbao("quality", folder, "--county", tiny, "--out", tmp_path, *words)
    assert done.returncode == 0, done.stdout
    assert "错误 0 处" in done.stdout
