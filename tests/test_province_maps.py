"""A province's sheets: whole, readable and adding up, of one county, of eight, of a hundred."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from sheets import faults, written

from pipeline import storage
from pipeline.aggregate.province import CountyTables, province_gaps
from pipeline.errors import Finding, InputError
from pipeline.province.maps import DEGREES, equal_area, map_data, outlines, specs
from pipeline.province.run import CountyRun
from pipeline.render import style
from pipeline.render.frame import fit_frame
from pipeline.render.graticule import grid
from pipeline.render.labels import Wanted, place
from pipeline.render.sheet import Box, new_sheet
from pipeline.render.style import page
from pipeline.stages import Desk

INDICATORS = ("cropland", "pbf", "in_out_balance")
STEP = 0.4


def runs_of(county, folder, count, refused=()):
    """Counties in a grid of boxes, ten a row, west to east; those refused have no products."""
    found = []
    for n in range(count):
        own = replace(county, code=f"{610101 + n}", name=f"第{n + 1}县")
        failed = InputError(Finding("某文件", "截断", "重导")) if n in refused else None
        run = CountyRun(folder=own.code, county=own, out=folder / own.code, refused=failed)
        if n not in refused:
            west, south = 106 + STEP * (n % 10), 36 - STEP * (n // 10)
            towns = [
                shapely.box(west + STEP / 2 * k, south, west + STEP / 2 * (k + 1), south + STEP)
                for k in (0, 1)
            ]
            file = Desk(own, folder / own.code).zone("towns", own.newest)
            file.parent.mkdir(parents=True)
            zone = gpd.GeoDataFrame({"xzqmc": ["甲", "乙"]}, geometry=towns, crs=DEGREES)
            storage.write_frame(file, zone.to_crs(own.crs))
        found.append(run)
    return found


def gaps_of(runs):
    """Every county's gaps: 120 亩 a number, a third of the first done, two thirds of the next …"""
    tables = []
    for n, run in enumerate(run for run in runs if not run.refused):
        gap, restored = Decimal(120 * (n + 1)), Decimal(40 * (n + 1) * (n % 4))
        row = {
            "export": run.county.newest.isoformat(), "level": "county", "gap_mu": str(gap),
            "restored_mu": str(restored), "remaining_mu": str(gap - restored),
            "target_mu": str(gap * 50), "published_gap_mu": None, "planned_mu": None,
        }  # fmt: skip
        rows = pd.DataFrame([row | {"indicator": name} for name in INDICATORS])
        tables.append(
            CountyTables(code=run.county.code, name=run.county.name, newest=run.county.newest,
                         tables={"gaps": rows})
        )  # fmt: skip
    return province_gaps(tables)


def figures(data, *names):
    with style.context():
        return {s.name: list(s.draw(data)) for s in specs() if not names or s.name in names}


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (8, 1), (100, 3)])
def test_every_sheet_of_a_province_is_whole_and_readable(county, tmp_path, count, pages):
    runs = runs_of(county, tmp_path, count)
    made = figures(map_data(runs, gaps_of(runs), "示例省"), "league", "cropland_gap")
    assert len(made["league"]) == pages
    found = {name: faults(page) for name, pages in made.items() for page in pages}
    assert {name: said for name, said in found.items() if said} == {}
    said = written(made["cropland_gap"][0])
    assert "示例省耕地保护目标缺口分布图（2023年度）" in said
    assert f"{count} 个" in said


def test_a_sheets_figures_are_the_provinces(county, tmp_path):
    runs = runs_of(county, tmp_path, 8)
    made = figures(map_data(runs, gaps_of(runs), "示例省"), "cropland_gap", "cropland_rate")
    # 120 × (1+…+8) = 4320; restored 40 × (0·1+1·2+2·3+3·4+0·5+1·6+2·7+3·8) = 40 × 64 = 2560
    gap = written(made["cropland_gap"][0])
    # the fifth has all of its 600 left, 600 ÷ 1760 = 34.09 %; the fourth and the eighth none;
    # 600 + 480 (the sixth) + 280 (the seventh) = 1360, 77.27 %
    assert "全省耕地保护目标缺口1,760亩，第5县占34.1%，最大的三个县区合计占77.3%" in gap
    # class 1–500: 120, 160, 120, 480 and 280
    assert {"1,760 亩", "5 个", "1,160 亩"} <= set(gap)
    rate = written(made["cropland_rate"][0])
    # 2560 ÷ 4320 = 59.26 %
    assert "全省完成59.3%，第1县、第5县最慢（0.0%），已完成的县区2个" in rate


def test_a_county_without_products_is_grey_and_no_zero(county, tmp_path):
    runs = runs_of(county, tmp_path, 8, refused={2})
    gone = runs[2].county
    towns = gpd.GeoDataFrame(
        {"XZQDM": [f"{town.code}" for town in gone.towns], "XZQMC": [t.name for t in gone.towns]},
        geometry=[shapely.box(106.8, 36 + k / 9, 107.2, 36 + (k + 1) / 9) for k in range(3)],
        crs=DEGREES,
    )
    root = tmp_path / "raw"
    (root / "reference").mkdir(parents=True)
    towns.to_crs(gone.crs).to_file(root / "reference/towns.gpkg", layer="XZQ")
    runs[2] = replace(runs[2], county=replace(gone, root=root))
    assert list(outlines(runs)["town"]) == [run.county.name for run in runs]
    (page,) = figures(map_data(runs, gaps_of(runs), "示例省"), "cropland_gap")["cropland_gap"]
    assert faults(page) == []
    said = " ".join(written(page))
    assert "（另有1个县区无数据，未计入）" in said
    assert "第3县 无数据" in said


def test_a_county_nobody_can_place_stands_in_the_list_alone(county, tmp_path):
    runs = runs_of(county, tmp_path, 3, refused={1})
    (page,) = figures(map_data(runs, gaps_of(runs), "示例省"), "cropland_gap")["cropland_gap"]
    assert any("第2县没有界线，只列入图例和排名" in text for text in written(page))


def test_a_rank_stands_for_a_name_that_has_no_room():
    sheet = new_sheet(page("A3"))
    wanted = [
        Wanted(shapely.box(x, 50, x + side, 50 + side), "很长的县", "120 亩", "", "#FFFFFF", "7")
        for x, side in ((20, 40), (80, 5))
    ]
    free, full = Box(0, 0, 200, 200), Box(18, 48, 90, 92)
    assert [one.wanted.name for one in place(sheet, wanted, free, [])] == ["很长的县"] * 2
    around = [Box(61, 56, 90, 92), Box(61, 48, 79, 92), Box(86, 48, 90, 92)]
    assert [one.wanted.name for one in place(sheet, wanted, full, around)] == ["很长的县", "7"]


def test_the_plane_keeps_areas_across_zones():
    """Referee: the geodesic area of a box of one degree around 109.5°, where two zones meet."""
    box = gpd.GeoSeries([shapely.box(109, 33, 110, 34).segmentize(0.01)], crs=DEGREES)
    crs = equal_area(gpd.GeoSeries([shapely.box(106, 31, 112, 40)]).total_bounds)
    area, _ = box.crs.get_geod().geometry_area_perimeter(box.iloc[0])
    assert box.to_crs(crs).area.iloc[0] == pytest.approx(abs(area), rel=1e-6)


def test_a_frame_that_no_meridian_crosses_has_a_grid_without_crosses():
    """A district of 2 km: at 1∶10 000 a minute of arc is longer than the frame."""
    crs = equal_area(np.array([109.004, 33.004, 109.012, 33.012]))
    middle = gpd.GeoSeries([shapely.Point(109.008, 33.008)], crs=DEGREES).to_crs(crs).iloc[0]
    frame = fit_frame(Box(20, 20, 220, 160), middle.buffer(500).bounds, 5.0)
    assert grid(new_sheet(page("A3")), frame, crs, []) == "经纬网间距1′"


def test_what_maps_show_decides_their_number(county, tmp_path):
    runs = runs_of(county, tmp_path, 2)
    gaps = gaps_of(runs)
    one = map_data(runs, gaps, "示例省")
    assert map_data(runs, gaps, "示例省").product_id == one.product_id
    assert map_data(runs, gaps, "别省").product_id != one.product_id
    later = [replace(r, county=replace(r.county, deadline=date(2024, 1, 1))) for r in runs]
    assert map_data(later, gaps, "示例省").product_id != one.product_id
