"""The synthetic county, read back from its files with pyogrio alone."""

from __future__ import annotations

import argparse
import hashlib
import shutil
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import measure
from pipeline.cli.commands import sample as command
from pipeline.errors import ConfigError, UsageError
from pipeline.ingest.county import load_county
from pipeline.sample import detail, make_sample
from pipeline.sample.coverage import assemble
from pipeline.sample.dates import DEADLINE, later_days, rhythm
from pipeline.sample.detail import detailed
from pipeline.sample.figures import SCALES, load_figures
from pipeline.sample.lanes import Lane, areal_scale
from pipeline.sample.outline import Net

CRS = "EPSG:4524"
DATES = ("2022-12-31", "2023-09-30", "2023-10-31", "2023-11-30")
MU = 0.0015
TEXT_COLUMNS = ("BSM", "DLBM", "ZLDWDM", "ZZSXDM", "GDLX", "GDPDJB", "KCDLBM", "CZCSXM", "QSXZ")


def read(path, **options):
    frame = gpd.read_file(path, **options)
    for column in frame.columns.intersection(TEXT_COLUMNS):
        frame[column] = frame[column].fillna("").astype(str)
    return frame


def read_export(folder, day):
    """All of one export in EPSG:4524 on the 0.0001 m grid; shapefiles are GBK without saying so.

    Formats turn rings round and some add float noise, so outlines are rounded and normalized.
    """
    root = folder / "exports" / day
    shapes = sorted(root.glob("*.shp"))
    (first, *_) = shapes or root.iterdir()
    if shapes:
        frame = pd.concat([read(p, encoding="GBK") for p in shapes], ignore_index=True)
    elif first.suffix == ".parquet":
        frame = gpd.read_parquet(first)
    elif first.suffix == ".geojson":
        frame = read(first).to_crs(CRS)
    else:
        frame = read(first, layer="DLTB")
    shapes = frame.geometry.to_numpy()
    assert (shapely.get_num_geometries(shapes) == 1).all(), "a plot has more than one part"
    shift = 36_000_000 if frame.crs.to_epsg() == 4545 else 0
    moved = shapely.transform(
        shapely.get_geometry(shapes, 0), lambda xy: np.round(xy + np.array([shift, 0]), 4)
    )
    return frame.set_geometry(gpd.GeoSeries(shapely.normalize(moved)), crs=None).set_crs(
        CRS, allow_override=True
    )


@dataclass(frozen=True)
class Made:
    folder: object
    exports: dict[str, gpd.GeoDataFrame]
    set_name: str

    @property
    def ledger(self):
        return self.exports["2023-09-30"]


def made(folder, set_name):
    return Made(folder, {day: read_export(folder, day) for day in DATES}, set_name)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny") / "raw"
    make_sample(folder, scale="tiny")
    return made(folder, "tiny")


@pytest.fixture(scope="module")
def small(small):
    return made(small, "zhashui")


SIZES = ["tiny", pytest.param("small", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def county(request):
    return request.getfixturevalue(request.param)


by_size = pytest.mark.parametrize("county", SIZES, indirect=True)
on_every_date = pytest.mark.parametrize("day", DATES)


def digests(folder):
    """sha256 of every file outside a FileGDB."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and ".gdb" not in str(p.parent))
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_county(tiny, tmp_path):
    make_sample(tmp_path / "again", scale="tiny")
    assert digests(tmp_path / "again") == digests(tiny.folder)
    gdbs = sorted(tiny.folder.rglob("*.gdb"))
    assert len(gdbs) == 2
    for path in gdbs:
        one, two = (gpd.read_file(p) for p in (path, tmp_path / "again" / path.relative_to(
            tiny.folder)))  # fmt: skip
        assert list(one.geometry.to_wkb()) == list(two.geometry.to_wkb())
        pd.testing.assert_frame_equal(
            pd.DataFrame(one.drop(columns="geometry")), pd.DataFrame(two.drop(columns="geometry"))
        )
    make_sample(tmp_path / "other", scale="tiny", seed=7)
    xzq = "reference/行政区/XZQ.shp"
    assert digests(tmp_path / "other")[xzq] != digests(tiny.folder)[xzq]


@by_size
@on_every_date
def test_plots_cover_the_county_without_gap_or_overlap(county, day):
    plots = county.exports[day].geometry.to_numpy()
    assert shapely.is_valid(plots).all()
    assert shapely.coverage_is_valid(plots, gap_width=0.01)
    whole = shapely.coverage_union_all(plots)
    assert whole.geom_type == "Polygon"
    assert len(whole.interiors) == 0
    towns = read(county.folder / "reference/行政区/XZQ.shp", encoding="GBK")
    outline = shapely.coverage_union_all(towns.geometry.to_numpy())
    assert shapely.equals(shapely.normalize(whole), shapely.normalize(outline))


@by_size
@on_every_date
def test_the_plots_of_a_town_add_up_to_its_control_area_exactly(county, day):
    plots = county.exports[day]
    towns = read(county.folder / "reference/行政区/XZQ.shp", encoding="GBK").set_index("XZQDM")
    cm2 = np.rint(plots["TBMJ"] * 100).astype(np.int64).groupby(plots["ZLDWDM"].str[:9]).sum()
    assert cm2.to_dict() == np.rint(towns["DCMJ"] * 100).astype(np.int64).to_dict()


@by_size
def test_stated_areas_agree_with_the_geometry_to_a_few_hundredths(county):
    area = measure.official_area(county.ledger.geometry.to_numpy(), CRS)
    assert np.abs(area - county.ledger["TBMJ"]).max() <= 0.051


@by_size
@on_every_date
def test_plots_are_plots_and_not_slivers(county, day):
    plots = county.exports[day]
    assert plots.area.min() > 75
    narrow = 2 * plots.area / plots.length
    assert narrow[plots["XZDWKD"] == 0].min() > 3


RULES = {  # domain rules of the DLTB standard: rows that break them
    "BSM: 县码+图层码+顺序号": lambda p: ~p["BSM"].str.fullmatch(r"\d{6}2001\d{8}"),
    "坐落单位 19 位": lambda p: ~p["ZLDWDM"].str.fullmatch(r"\d{12}0{7}"),
    "权属单位 19 位": lambda p: p["QSDWDM"].str.len() != 19,
    "耕地必有坡度级别": lambda p: p["DLBM"].str.startswith("01") != p["GDPDJB"].isin(list("12345")),
    "2–5 级必有耕地类型": lambda p: p["GDPDJB"].isin(list("2345")) != p["GDLX"].isin(["TT", "PD"]),
    "1 级无扣除": lambda p: (p["GDPDJB"] == "1") & (p["KCXS"] != 0),
    "梯田必有扣除": lambda p: (p["GDLX"] == "TT") & (p["KCXS"] == 0),
    "扣除地类": lambda p: (p["KCXS"] > 0) != (p["KCDLBM"] == "1203"),
    "扣除面积": lambda p: (p["KCMJ"] - p["TBMJ"] * p["KCXS"]).abs() > 0.00501,
    "地类面积": lambda p: (p["TBMJ"] - p["KCMJ"] - p["TBDLMJ"]).abs() > 0.001,
    "耕地种植属性": lambda p: p["DLBM"].str.startswith("01")
    & ~p["ZZSXDM"].isin(["LS", "FLS", "LYFL", "XG", "WG"]),
    "恢复属性只在可恢复地类": lambda p: (p["ZZSXDM"] == "JKHF")
    & ~p["DLBM"].isin(["0201", "0202", "0204", "0301", "0305", "0307", "1104"]),
    "工程恢复": lambda p: (p["ZZSXDM"] == "GCHF")
    & ~p["DLBM"].isin(["0201", "0202", "0204", "0301", "0305", "0307", "0404", "1104"]),
    "宽度只在线状地物": lambda p: (p["XZDWKD"] > 0)
    != p["DLBM"].isin(["1003", "1006", "1101", "1107"]),
    "农村道路不超过 8 米": lambda p: (p["DLBM"] == "1006") & (p["XZDWKD"] > 8),
    "城镇村属性": lambda p: p["DLBM"].str[:2].isin(["05", "06", "07", "08", "09"])
    != (p["CZCSXM"] != ""),
    "飞入地": lambda p: (p["FRDBS"] == "1")
    != ((p["QSDWDM"].str[:12] != p["ZLDWDM"].str[:12]) & p["QSXZ"].str[0].isin(["3", "4"])),
    "描述说明": lambda p: p["MSSM"] != "00",
    "要素代码": lambda p: p["YSDM"] != "2001010100",
}  # fmt: skip


@by_size
@on_every_date
def test_attributes_follow_the_rules_of_the_standard(county, day):
    plots = county.exports[day]
    broken = {name: int(rule(plots).sum()) for name, rule in RULES.items() if rule(plots).any()}
    assert broken == {}
    assert plots["BSM"].is_unique
    assert not plots.duplicated(["ZLDWDM", "TBBH"]).any()
    assert set(plots["SJNF"].astype(int)) == {int(day[:4])}
    names = plots.groupby("DLBM")["DLMC"].nunique()
    assert (names == 1).all()
    assert (plots["FRDBS"] == "1").any()


def targets(made_county):
    table = pd.read_csv(made_county.folder / "targets.csv", dtype=str)
    rows = table[(table["kind"] == "target") & (table["town"] != "全县")]
    return rows.pivot_table(index="town", columns="indicator", values="value", aggfunc="first")


def town_names(made_county):
    towns = pd.read_csv(made_county.folder / "towns.csv", dtype=str)
    return towns.set_index("code")["name"]


@by_size
def test_zones_add_up_to_each_towns_task_within_one_mu(county):
    pbf = read(county.folder / "reference/永久基本农田/YJJBNTBHTB.gdb")
    target = read(county.folder / "reference/耕地保护目标/GDBHMB.gpkg")
    goal = targets(county).astype(float)
    name = town_names(county)
    for layer, net, column in ((pbf, "YJJBNTMJ", "pbf"), (target, "TBDLMJ", "cropland")):
        town = layer["ZLDWDM"].str[:9].map(name)
        off = layer[net].groupby(town).sum() * MU - goal[column]
        assert off.abs().max() < 1, off
    area = measure.official_area(pbf.geometry.to_numpy(), CRS)
    assert np.abs(area - pbf["YJJBNTTBMJ"]).max() < 0.05
    assert (pbf[["ZRRZJHM", "ZRRMC", "LXDH", "JZDZ"]].fillna("") == "").all().all()


@by_size
def test_cultivated_land_is_the_target_less_the_gross_gap(county):
    """小: 104665 − 4100 亩 （柞政函〔2023〕120号正文）; tiny: 1710 − 100."""
    plots = county.ledger
    crop = plots[plots["DLBM"].str.startswith("01")]
    wanted = {"tiny": 1710 - 100, "zhashui": 104_665 - 4_100}[county.set_name]
    assert crop["TBDLMJ"].sum() * MU == pytest.approx(wanted, abs=1)
    target = read(county.folder / "reference/耕地保护目标/GDBHMB.gpkg")
    moved = shapely.transform(target.geometry.to_numpy(), lambda xy: xy + np.array([36_000_000, 0]))
    points = crop.geometry.representative_point().to_numpy()
    inside, _ = shapely.STRtree(moved).query(points, predicate="within")
    assert 0 < len(points) - len(np.unique(inside)) < 0.2 * len(points)


@by_size
def test_new_construction_on_cropland_and_its_illegal_part(county):
    """小: 5.45 of 51.46 亩 (10.59 %); tiny: 1.65 of 9.30 亩."""
    now, then = county.ledger, county.exports["2022-12-31"]
    built = now[now["DLBM"].str[:2].isin(["05", "06", "07", "08"])]
    crop = then[then["DLBM"].str.startswith("01")]
    spot = built.geometry.representative_point().to_numpy()
    hit, _ = shapely.STRtree(crop.geometry.to_numpy()).query(spot, predicate="within")
    taken = built.iloc[np.unique(hit)]
    legal = read(county.folder / "reference/清单/合法用地.geojson").to_crs(CRS)
    spot = taken.geometry.representative_point().to_numpy()
    ok, _ = shapely.STRtree(legal.geometry.to_numpy()).query(spot, predicate="within")
    illegal = taken.drop(taken.index[np.unique(ok)])
    wanted = {"tiny": (1.65, 9.30), "zhashui": (5.45, 51.46)}[county.set_name]
    assert illegal["TBMJ"].sum() * MU == pytest.approx(wanted[0], abs=0.005)
    assert taken["TBMJ"].sum() * MU == pytest.approx(wanted[1], abs=0.005)


def test_later_exports_show_believable_progress(tiny):
    ledger, first, second = (tiny.exports[d] for d in DATES[1:])
    crop = {k: f["DLBM"].str.startswith("01") for k, f in enumerate((ledger, first, second))}

    def by_bsm(frame, rows):
        return set(frame.loc[rows, "BSM"])

    restored = by_bsm(ledger, ~crop[0]) & by_bsm(first, crop[1])
    assert restored
    assert restored & by_bsm(second, ~crop[2]), "nothing relapsed"
    lost = by_bsm(ledger, crop[0]) & (by_bsm(first, ~crop[1]) | by_bsm(second, ~crop[2]))
    assert lost, "no new outflow"
    assert set(ledger["BSM"]) - set(first["BSM"]), "no merge"
    assert set(first["BSM"]) - set(ledger["BSM"]), "no split"
    known = dict(zip(first.geometry.to_wkb(), first["BSM"], strict=True))
    again = [
        b for g, b in zip(second.geometry.to_wkb(), second["BSM"], strict=True)
        if g in known and known[g] != b
    ]  # fmt: skip
    assert again, "no reissued BSM"


WEEKLY = 13


@pytest.fixture(scope="module")
def weekly(tmp_path_factory):
    """Thirteen weekly exports, the last two after the deadline."""
    folder = tmp_path_factory.mktemp("weekly") / "raw"
    make_sample(folder, scale="tiny", exports=WEEKLY)
    days = sorted(p.name for p in (folder / "exports").iterdir())
    return Made(folder, {day: read_export(folder, day) for day in days}, "tiny")


def test_exports_come_as_often_as_asked_and_reach_past_the_deadline(weekly):
    assert later_days(2, rhythm(2)) == (date(2023, 10, 31), date(2023, 11, 30))
    assert [d.isoformat()[5:] for d in later_days(6, rhythm(6))] == [
        "10-15", "10-31", "11-15", "11-30", "12-15", "12-31",
    ]  # fmt: skip
    assert [d.isoformat() for d in later_days(5, "month")][3:] == ["2024-01-31", "2024-02-29"]
    days = sorted(weekly.exports)
    assert days[:4] == ["2022-12-31", "2023-09-30", "2023-10-07", "2023-10-14"]
    assert days[-1] == "2023-12-30"
    assert days[-2] > DEADLINE.isoformat() > days[-3]


def test_later_exports_arrive_in_every_format_and_say_the_same(weekly):
    kinds = {p.suffix for d in (weekly.folder / "exports").iterdir() for p in d.iterdir()}
    assert kinds >= {".shp", ".gdb", ".gpkg", ".parquet", ".geojson"}
    whole = {
        day: shapely.normalize(shapely.coverage_union_all(frame.geometry.to_numpy()))
        for day, frame in weekly.exports.items()
    }
    assert all(shapely.equals(shape, whole["2023-09-30"]) for shape in whole.values())


def test_the_ground_on_a_day_is_the_same_however_many_exports_there_are(weekly, tmp_path):
    make_sample(tmp_path / "raw", scale="tiny", exports=1, every="week")
    one = read_export(tmp_path / "raw", "2023-10-07").set_index("BSM")
    other = weekly.exports["2023-10-07"].set_index("BSM")
    assert (one["DLBM"] == other["DLBM"].reindex(one.index)).all()
    assert (one.geometry.to_wkb() == other.geometry.reindex(one.index).to_wkb()).all()


def cultivated(made_county, day):
    frame = made_county.exports[day]
    return shapely.union_all(frame[frame["DLBM"].str.startswith("01")].geometry.to_numpy())


def test_over_the_weeks_land_is_restored_lost_relapses_and_comes_back(weekly):
    days = sorted(weekly.exports)[1:]
    ground = [cultivated(weekly, day) for day in days]
    steps = list(pairwise(ground))
    assert all(new.difference(old).area > 0 for old, new in steps[:8]), "weeks without progress"
    lost = shapely.union_all([old.difference(new) for old, new in steps])
    first = ground[0]
    assert lost.intersection(first).area > 100, "no new outflow"
    assert lost.difference(first.buffer(0.01)).area > 100, "nothing restored was given up again"
    again = shapely.union_all([lost.intersection(ground[-1]).difference(first.buffer(0.01))])
    assert again.area > 100, "nothing came back"


def test_lists_hold_nothing_from_after_the_newest_export(tmp_path):
    newest = {}
    for exports in (0, 2, 13):
        folder = tmp_path / str(exports)
        make_sample(folder, scale="tiny", exports=exports)
        lot = folder / "reference/清单"
        own = pd.read_csv(lot / "核实处置自提.csv", encoding="gbk", dtype=str)
        monitoring = pd.read_excel(lot / "疑似变化图斑.xlsx", dtype=str)
        others = [
            read(lot / "补划地块.shp", encoding="GBK"), read(lot / "合法用地.geojson"),
        ]  # fmt: skip
        newest[exports] = max(
            str(table["SXRQ"].astype(str).str[:10].max()) for table in (own, monitoring, *others)
        )
        said = set(own.loc[own["SXRQ"] > "2023-09-30", "SHZT"] + own["DCZT"])
        assert ("通过已调出" in said) == (exports > 0)
        assert ("未通过未调出" in said) == (exports > 0)
    assert newest[0] <= "2023-09-30" < newest[2] <= "2023-11-30" < newest[13] <= "2023-12-30"


def test_plan_and_phases_are_those_of_the_campaign(tiny):
    plan = pd.read_csv(tiny.folder / "plan.csv", dtype=str)
    rows = plan[(plan["town"] == "河口镇") & (plan["indicator"] == "in_out_balance")]
    # 30.5 亩 × 10, 30, 50, 75, 90, 100 %, half-up to the printed tenth
    assert list(rows["planned_mu"]) == ["3.1", "9.2", "15.3", "22.9", "27.5", "30.5"]
    assert rows["date"].is_monotonic_increasing
    assert rows["date"].iloc[-1] == "2023-12-20"
    assert len(plan) == 3 * 3 * 6
    county = load_county(tiny.folder)
    assert list(county.phases) == ["建账", "攻坚", "交账"]
    assert county.phases["交账"][1] == county.deadline


def test_last_years_survey_differs_in_outline_and_number(tiny):
    then, now = tiny.exports["2022-12-31"], tiny.ledger
    assert set(then["BSM"]) - set(now["BSM"])
    assert set(now["BSM"]) - set(then["BSM"])
    both = then.set_index("BSM").geometry.to_wkb().to_frame("then")
    both = both.join(now.set_index("BSM").geometry.to_wkb().rename("now"), how="inner")
    changed = (both["then"] != both["now"]).mean()
    assert 0 < changed < 0.1


def test_deliveries_are_as_messy_as_real_ones(tiny):
    tables = sorted(tiny.folder.rglob("*.dbf"))
    assert {p.read_bytes()[29] for p in tables} == {0}
    assert not list(tiny.folder.rglob("*.cpg"))
    names = [p.name for p in sorted((tiny.folder / "exports").rglob("*.shp"))]
    assert len(names) == 6, "one file per town, twice"
    crs = {
        gpd.read_file(p, rows=1).crs.to_epsg()
        for p in (tiny.folder / "exports/2022-12-31").glob("*.shp")
    }
    assert crs == {4545}
    assert "通过" in (tiny.folder / "reference/清单/核实处置自提.csv").read_bytes().decode("gbk")
    workbook = pd.read_excel(tiny.folder / "reference/清单/疑似变化图斑.xlsx", dtype=str)
    assert {"未销号", "已销号"} == set(workbook["ZT"])
    assert (workbook["SXRQ"] > "2023-09-30").any(), "nothing is closed after the ledger"


def test_supplements_are_cropland_outside_and_large_enough(tiny):
    cover = read(tiny.folder / "reference/清单/补划地块.shp", encoding="GBK")
    area = tiny.ledger.set_index("BSM")["TBMJ"]
    assert (area.loc[cover["BSM"]].to_numpy() >= area.loc[cover["GLBH"]].to_numpy()).all()
    assert cover["BSM"].is_unique
    pbf = read(tiny.folder / "reference/永久基本农田/YJJBNTBHTB.gdb").union_all()
    assert cover.geometry.intersection(pbf).area.max() < 1
    last = tiny.exports["2023-11-30"].set_index("BSM")
    assert last.reindex(cover["BSM"])["DLBM"].dropna().str.startswith("01").all()


@by_size
def test_the_printed_tables_agree_with_the_cells_they_were_made_to(county):
    figures = load_figures(county.set_name)
    printed = figures.published[figures.published["table"] == "附件2"]
    tenth = figures.cells.assign(area=[Decimal(str(a)) for a in figures.cells["area_mu"]])
    for row in tenth.itertuples():
        hit = printed[(printed["town"] == row.town) & (printed["item"] == row.category)]
        assert int(hit["plots"].iloc[0]) == row.plots
        assert abs(Decimal(hit["area_mu"].iloc[0]) - row.area) <= Decimal("0.5"), row


def test_a_county_of_another_code_and_name_in_another_zone(tmp_path):
    make_sample(
        tmp_path / "x", scale="tiny", exports=0, code="619902", name="白石县", seed=3,
        centre=(112.4, 34.2),
    )  # fmt: skip
    toml = (tmp_path / "x/county.toml").read_text(encoding="utf-8")
    assert 'code = "619902"' in toml
    assert 'name = "白石县"' in toml
    assert sorted(p.name for p in (tmp_path / "x/exports").iterdir()) == list(DATES[:2])
    assert 'crs = "EPSG:4525"' in toml  # zone 37 reaches from 109.5° to 112.5°
    plots = gpd.read_file(next((tmp_path / "x/exports/2023-09-30").glob("*.gdb")), layer="DLTB")
    assert plots.crs == "EPSG:4525"
    assert plots["BSM"].str.startswith("6199022001").all()
    assert plots["ZLDWMC"].str.startswith("白石县").all()
    area = measure.official_area(plots.geometry.to_numpy(), plots.crs)
    assert np.abs(area - plots["TBMJ"]).max() <= 0.05
    west, south, east, north = plots.to_crs("EPSG:4490").total_bounds
    assert west < 112.4 < east
    assert south < 34.2 < north
    (gpkg,) = (tmp_path / "x").rglob("GDBHMB.gpkg")
    assert gpd.read_file(gpkg, rows=1).crs == "EPSG:4546"


def jittered_net():
    """A net of 900 four-sided cells, some as narrow as a ditch."""
    random = np.random.default_rng(6)
    x, y = np.meshgrid(np.arange(31) * 100.0, np.arange(31) * 100.0)
    x[:, 1::5] = x[:, ::5][:, :6] + 3.0  # strips of 3 m
    x, y = (axis + random.uniform(-1, 1, axis.shape) for axis in (x, y))
    node = np.round(np.stack((x + 36_600_000, y + 3_700_000), axis=-1), 4)
    ring = np.stack((node[:-1, :-1], node[:-1, 1:], node[1:, 1:], node[1:, :-1]), axis=2)
    cells = shapely.polygons(ring.reshape(-1, 4, 2))
    return gpd.GeoDataFrame({"cell": -1, "town": 0}, index=range(900), geometry=cells, crs=CRS)


def test_borders_get_a_surveys_vertices_and_plots_keep_their_areas():
    """Clearings are holes."""
    faces = jittered_net()
    made = detailed(faces, 6.0, 60, np.random.default_rng(6))
    shapes = made.geometry.to_numpy()
    assert shapely.coverage_is_valid(shapes)
    clearings = shapes[900:]
    assert len(clearings) == shapely.get_num_interior_rings(shapes).sum() > 5
    whole = shapely.area(shapes[:900])
    touched, hole = shapely.STRtree(clearings).query(shapes[:900], predicate="touches")
    whole[touched] += shapely.area(clearings[hole])
    assert (
        np.abs(whole - shapely.area(faces.geometry)).max() < 0.02
    )  # rounding to 0.0001 m along 400 m
    xy, of = shapely.get_coordinates(shapes, return_index=True)
    step = np.hypot(*np.diff(xy, axis=0).T)[of[1:] == of[:-1]]
    assert np.median(step) < 6.5
    assert shapely.get_num_coordinates(shapes[:900]).mean() > 40
    assert np.array_equal(np.round(xy, 4), xy)


def net_of(cells, seeds, town):
    """The net of some boxes: their borders, each once."""
    ridges = shapely.get_parts(shapely.unary_union(shapely.boundary(cells)))
    return Net(ridges=ridges, seeds=np.array(seeds), town=np.array(town))


@pytest.mark.parametrize(("least_m2", "areas"), [(400.0, [500, 9500]), (1500.0, [10_000])])
def test_forest_cells_smaller_than_a_scale_allows_join_their_neighbours(least_m2, areas):
    """A square of 1 ha; a line 5 m from its edge cuts 500 m² off."""
    x, y = 36_600_000.0, 3_700_000.0
    cells = [shapely.box(x, y, x + 5, y + 100), shapely.box(x + 5, y, x + 100, y + 100)]
    net = net_of(cells, [[x + 2, y + 9], [x + 50, y + 9]], [0, 0])
    nothing = np.array([], dtype=object)
    faces = assemble([], nothing, nothing, np.array([], dtype=int), net, least_m2)
    assert sorted(faces.geometry.area.round()) == areas


def test_a_place_belongs_to_the_town_of_the_cell_around_it():
    """Two cells of 10 m × 10 m, and a place beside them."""
    cells = [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)]
    net = net_of(cells, [[13.0, 5.0], [4.0, 5.0]], [7, 3])
    assert net.towns_at(shapely.points([[1.0, 9.0], [19.0, 1.0], [21.0, 5.0]])).tolist() == [
        3,
        7,
        -1,
    ]


def test_however_few_plots_are_worked_out_at_once_every_vertex_stays(monkeypatch):
    made = detailed(jittered_net(), 6.0, 60, np.random.default_rng(6))
    monkeypatch.setattr(detail, "_BLOCK", 70)
    few = detailed(jittered_net(), 6.0, 60, np.random.default_rng(6))
    assert (shapely.to_wkb(few.geometry.array) == shapely.to_wkb(made.geometry.array)).all()


def test_a_folder_that_was_not_made_here_is_left_alone(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/county.toml").write_text('name = "真县"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="不是 gengbao sample 生成的"):
        make_sample(tmp_path / "raw", scale="tiny")
    assert [p.name for p in tmp_path.rglob("*")] == ["raw", "county.toml"]
    (tmp_path / "data").mkdir()
    (tmp_path / "data/调查.gpkg").write_bytes(b"x")
    with pytest.raises(ConfigError, match="已有别的文件"):
        make_sample(tmp_path / "data", scale="tiny")


def test_all_wrong_arguments_are_named_at_once(tmp_path):
    with pytest.raises(UsageError) as caught:
        make_sample(
            tmp_path / "x", scale="huge", exports=-1, every="day", code="61102", centre=(10, 5),
            defects=-3,
        )  # fmt: skip
    message = str(caught.value)
    for word in (
        "没有规模“huge”", "参数 exports", "没有间隔“day”", "“61102”不是六位数字", "10,5 不在范围内",
        "参数 defects：-3",
    ):  # fmt: skip
        assert word in message
    assert not (tmp_path / "x").exists()


def test_an_own_county_is_replaced_whole_and_keeps_the_folders_readme(tiny, tmp_path):
    folder = tmp_path / "raw"
    shutil.copytree(tiny.folder, folder)
    (folder / "README.md").write_text("说明", encoding="utf-8")
    (folder / "exports/2022-12-31/旧.txt").write_text("旧", encoding="utf-8")
    make_sample(folder, scale="tiny", exports=1)
    assert (folder / "README.md").read_text(encoding="utf-8") == "说明"
    assert not list(folder.rglob("旧.txt"))
    assert [p.name for p in tmp_path.iterdir()] == ["raw"]


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    bends=st.lists(st.floats(-15, 15), min_size=6, max_size=6),
    depth=st.lists(st.floats(40, 90), min_size=6, max_size=6),
    share=st.tuples(st.floats(0.02, 0.4), st.floats(0.5, 0.98)),
)
def test_a_stretch_of_a_lane_has_the_area_asked_for(bends, depth, share):
    """Referee: the official area of the polygon between two cuts."""
    east, north = 36_611_000.0, 3_726_000.0
    x = east + 30.0 * np.arange(6)
    inner = np.column_stack((x, north + np.array(bends)))
    outer = inner + np.column_stack((np.zeros(6), depth))
    quads = np.stack((inner[:-1], inner[1:], outer[1:], outer[:-1]), axis=1)
    plane = shapely.area(shapely.polygons(quads))
    cum = np.r_[0.0, np.cumsum(plane / areal_scale(quads.mean(axis=1)))]
    lane = Lane(valley=0, side=1, row=0, kind="field", inner=inner, outer=outer, cum=cum,
                town=np.zeros(5, np.int64), first=0)  # fmt: skip
    start, end = share[0] * cum[-1], share[1] * cum[-1]
    ring = np.vstack((lane.line(start, end, 0.0), lane.line(start, end, 1.0)[::-1]))
    area = measure.official_area(np.array([shapely.Polygon(ring)]), CRS)[0]
    assert area == pytest.approx(end - start, abs=0.02)
    upper = replace(lane, inner=outer + np.array([0.0, 5.0]))
    assert not np.array_equal(upper.line(start, end, 0.0), lane.line(start, end, 0.0))


def test_every_scale_can_be_asked_for_and_no_other():
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    assert f"--scale {{{','.join(SCALES)}}}" in parser.format_usage()
