"""The cropland gap sheet, looked at as a county head would: figures, colours, places, bytes."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import combinations
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import shapely
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.text import Text
from PIL import Image
from sheets import patches, rings

from pipeline.errors import ConfigError, GengbaoError, InputError
from pipeline.model import County, Mode, Thresholds, Town
from pipeline.render import MapData, discover, render, style, town_shapes
from pipeline.render.choropleth import draw
from pipeline.render.frame import SCALES, fit_frame
from pipeline.render.gap_themes import Named, remaining_theme
from pipeline.render.sheet import Box
from pipeline.render.style import page

# town, group, cropland target and published gap (柞政函〔2023〕120号), an invented seat in km
TOWNS = (
    ("611026001", "乾佑街办", "第一督导组", 3180, 62, (603, 3733)),
    ("611026101", "营盘镇", "第一督导组", 8650, 329, (590, 3743)),
    ("611026102", "下梁镇", "第一督导组", 7899, 127, (607, 3721)),
    ("611026104", "小岭镇", "第二督导组", 5565, 15, (618, 3715)),
    ("611026105", "凤凰镇", "第二督导组", 11314, 128, (626, 3707)),
    ("611026106", "红岩寺镇", "第三督导组", 16300, 454, (640, 3734)),
    ("611026107", "曹坪镇", "第三督导组", 13446, 20, (625, 3742)),
    ("611026109", "杏坪镇", "第二督导组", 24494, 1020, (638, 3712)),
    ("611026110", "瓦房口镇", "第三督导组", 13817, 421, (625, 3725)),
)
LEDGER = date(2023, 9, 30)
SPEC = next(spec for spec in discover() if spec.name == "cropland_gap")
COLOURS = {  # cartography: fixed for the whole campaign
    "营盘镇": "#f8913f", "乾佑街办": "#fdcb7a", "下梁镇": "#fdcb7a", "小岭镇": "#fff3bf",
    "凤凰镇": "#fdcb7a", "杏坪镇": "#97131f", "红岩寺镇": "#de4a26", "曹坪镇": "#fff3bf",
    "瓦房口镇": "#de4a26",
}  # fmt: skip


def outlines(towns=TOWNS):
    """Wiggly cells around the seats of the towns, sharing their borders."""
    seats = np.array([(36e6 + east * 1e3, north * 1e3) for *_, (east, north) in towns])
    turn = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    far = 1 + 0.09 * np.sin(5 * turn + 1) + 0.04 * np.sin(11 * turn)
    rim = np.column_stack(
        [36.617e6 + 36e3 * far * np.cos(turn), 3.726e6 + 26e3 * far * np.sin(turn)]
    )
    county = shapely.Polygon(rim)
    if len(towns) == 1:
        cells = [county]
    else:
        cells = shapely.get_parts(
            shapely.voronoi_polygons(shapely.MultiPoint(seats), extend_to=county, ordered=True)
        )
    return gpd.GeoDataFrame(
        {"town_code": [t[0] for t in towns], "town": [t[1] for t in towns]},
        geometry=[shapely.intersection(cell, county) for cell in cells],
        crs="EPSG:4524",
    )


def county_of(towns=TOWNS, **changes):
    return replace(
        County(
            root=Path(), name="柞水县", code="611026", crs="EPSG:4524", previous=date(2022, 12, 31),
            ledger=LEDGER, deadline=date(2023, 12, 20), rules="zhashui-2023", publisher="",
            mode=Mode.DERIVE, sample=True, layers={}, phases={}, thresholds=Thresholds(),
            towns=tuple(
                Town(code=t[0], name=t[1], aliases=(), group=t[2], basin="") for t in towns
            ),
            targets=(), exports=(date(2022, 12, 31), LEDGER, date(2023, 11, 15)),
        ),
        **changes,
    )  # fmt: skip


def gaps_of(towns=TOWNS, remaining=None, export=LEDGER):
    """Rows of gaps.csv; remaining overrides a town's 亩, None leaves the town out."""
    left = {t[1]: str(t[4]) for t in towns} | (remaining or {})
    rows = [(t[0], t[1], str(t[3]), str(t[4]), left[t[1]]) for t in towns if left[t[1]] is not None]
    total = sum((Decimal(row[4]) for row in rows), Decimal(0))
    rows.append(("611026", "全县", str(sum(t[3] for t in towns)), "", str(total)))
    return pd.DataFrame(
        {
            "export": export.isoformat(), "town_code": code, "town": town, "indicator": "cropland",
            "target_mu": target, "published_gap_mu": gap or None, "gap_mu": gap or str(total),
            "restored_mu": "0", "remaining_mu": f"{Decimal(mu):.6f}", "done_pct": "0.00",
            "planned_mu": None, "rank": "1",
        }
        for code, town, target, gap, mu in rows
    )  # fmt: skip


def data_of(of=TOWNS, remaining=None, **changes):
    return MapData(
        **{
            "county": county_of(of), "towns": outlines(of), "gaps": gaps_of(of, remaining),
            "summary": pd.DataFrame(), "export": LEDGER, "product_id": "3f9c2a71d0b84e55",
        } | changes
    )  # fmt: skip


def drawn(data):
    with style.context():
        return next(iter(SPEC.draw(data)))


@cache
def sheet():
    return drawn(data_of())


@cache
def products():
    return render(SPEC, data_of())


def texts(figure):
    return [t for t in figure.findobj(Text) if t.get_text() and t.get_visible()]


def written(figure):
    return [t.get_text() for t in texts(figure)]


def mm_box(figure, text):
    extent = text.get_window_extent(figure.canvas.get_renderer())
    return Box(*(value * 25.4 / 300 for value in extent.extents))


def fills(figure):
    """Town code → (colour, polygon in mm) of the fills on the map."""
    found = {}
    for patch in patches(figure, "town:"):
        area = shapely.union_all(rings(patch))
        found[patch.get_gid()[5:]] = to_hex(patch.get_facecolor()), area
    return found


def row_of(figure, label):
    """The texts to the right of a label on its line in the side panels."""
    all_texts = texts(figure)
    found = next(t for t in all_texts if t.get_text() == label and t.get_position()[0] > 300)
    x, y = found.get_position()
    same = [t for t in all_texts if t.get_position()[1] == y and t.get_position()[0] > x]
    return [t.get_text() for t in sorted(same, key=lambda t: t.get_position()[0])]


def test_each_town_has_the_colour_of_its_class():
    names = {t[0]: t[1] for t in TOWNS}
    assert {names[code]: colour for code, (colour, _) in fills(sheet()).items()} == COLOURS


def test_legend_rows_sum_to_the_total_of_the_document():
    # 柞政函〔2023〕120号: 2,576 亩; by hand: 454 + 421 = 875; 62 + 127 + 128 = 317; 15 + 20 = 35
    rows = {
        label: row_of(sheet(), label)
        for label in (
            ">800",
            "401–800",
            "151–400",
            "51–150",
            "1–50",
            "0（无缺口）",
            "无数据",
            "合计",
        )
    }
    assert rows == {
        ">800": ["1 个", "1,020 亩"],
        "401–800": ["2 个", "875 亩"],
        "151–400": ["1 个", "329 亩"],
        "51–150": ["3 个", "317 亩"],
        "1–50": ["2 个", "35 亩"],
        "0（无缺口）": ["0 个", "0 亩"],
        "无数据": ["0 个", "—"],
        "合计": ["9 个", "2,576 亩"],
    }


def test_labels_give_gap_and_share_of_the_task():
    labels = [t.get_text() for t in texts(sheet()) if t.get_gid() == "label"]
    at = labels.index("杏坪镇")
    # 1,020 / 24,494 = 4.164 %
    assert labels[at : at + 3] == ["杏坪镇", "1,020 亩", "占任务 4.2%"]
    assert len(labels) == 3 * len(TOWNS)


def test_every_text_lies_within_the_neatline_and_none_overlap():
    page = Box(10, 10, 410, 287).shape()
    boxes = [(t.get_text(), mm_box(sheet(), t).shape()) for t in texts(sheet())]
    assert [name for name, box in boxes if not page.contains(box)] == []
    assert [(a, b) for (a, p), (b, q) in combinations(boxes, 2) if p.intersection(q).area > 0] == []
    assert min(t.get_fontsize() for t in texts(sheet())) >= 5.5


def test_labels_lie_within_their_polygon():
    towns = {t[1]: fills(sheet())[t[0]][1] for t in TOWNS}
    current = None
    labels = [t for t in texts(sheet()) if t.get_gid() == "label"]
    assert {t.get_text() for t in labels} >= towns.keys()
    for text in labels:
        current = towns.get(text.get_text(), current)
        assert current.contains(mm_box(sheet(), text).shape()), text.get_text()


def test_labels_are_white_on_the_two_darkest_classes_only():
    white = {
        t.get_text()
        for t in texts(sheet())
        if t.get_gid() == "label" and t.get_color() == "#FFFFFF"
    }
    assert white & set(COLOURS) == {"杏坪镇", "红岩寺镇", "瓦房口镇"}
    assert all(not t.get_path_effects() for t in texts(sheet()))


def test_the_printed_scale_is_true():
    # the county is 36 + 36 km wide or so: the grid crosses give km per mm on the sheet itself
    numbers = {
        int(t.get_text()): t.get_position()[0]
        for t in texts(sheet())
        if re.fullmatch(r"366\d0", t.get_text()) and t.get_position()[1] < 30
    }
    (west, left), (east, right) = min(numbers.items()), max(numbers.items())
    printed = int(
        next(t for t in written(sheet()) if re.fullmatch(r"1∶[\d ]+", t))[2:].replace(" ", "")
    )
    assert printed in SCALES
    assert (right - left) * printed / 1e6 == pytest.approx(east - west, rel=0.002)


def test_scale_bar_length_times_scale_is_its_kilometres():
    bar = [
        p for p in sheet().findobj(Rectangle)
        if p.get_height() == pytest.approx(1.5)
        and p.get_y() < 30 and p.get_x() < 300
    ]  # fmt: skip
    length = max(p.get_x() + p.get_width() for p in bar) - min(p.get_x() for p in bar)
    at = max(t.get_position()[1] for t in texts(sheet()) if t.get_text() == "公里")
    labels = [float(t.get_text()) for t in texts(sheet())
              if t.get_position()[1] == at and t.get_text() != "公里"]  # fmt: skip
    printed = int(
        next(t for t in written(sheet()) if re.fullmatch(r"1∶[\d ]+", t))[2:].replace(" ", "")
    )
    assert len(bar) == 4
    assert length * printed / 1e6 == pytest.approx(max(labels), rel=0.002)


def test_eastings_carry_the_zone_also_when_the_working_crs_has_none():
    data = data_of()
    bare = data_of(county=county_of(crs="EPSG:4545"), towns=data.towns.to_crs("EPSG:4545"))
    assert "36620" in written(sheet())
    assert "36620" in written(drawn(bare))


def test_particulars_stay_blank_where_a_person_decides():
    for label in ("编制单位", "密级", "审图号"):
        assert row_of(sheet(), label) == []
    assert row_of(sheet(), "制图时间") == ["2023年9月30日（数据日期）"]
    assert row_of(sheet(), "数据期次") == ["第1期（2023-09-30，台账首期）"]
    named = drawn(data_of(county=county_of(publisher="某县自然资源局")))
    assert row_of(named, "编制单位") == ["某县自然资源局"]


def test_sample_sheets_say_so_and_real_ones_do_not():
    real = drawn(data_of(county=county_of(sample=False)))
    assert "示例数据" in written(sheet())
    assert not [text for text in written(real) if "示例" in text or "合成" in text]
    for figure in (sheet(), real):
        assert any("镇界为示意" in text for text in written(figure))
        assert any("3f9c2a71d0b84e55" in text for text in written(figure))


def test_headline_is_worked_out():
    # 1,020 / 2,576 = 39.596 %; (1,020 + 454 + 421) / 2,576 = 73.564 %
    assert "全县耕地保护目标缺口2,576亩，杏坪镇占39.6%，最大的三个镇办合计占73.6%" in written(
        sheet()
    )


def test_no_gap_and_no_data_are_told_apart():
    data = data_of(remaining={"小岭镇": "0", "曹坪镇": None})
    figure = drawn(data)
    by_code = fills(figure)
    assert by_code["611026104"][0] == "#e3eef4"
    assert by_code["611026107"][0] == "#ffffff"
    assert row_of(figure, "0（无缺口）") == ["1 个", "0 亩"]
    assert row_of(figure, "无数据") == ["1 个", "—"]
    assert row_of(figure, "合计")[0] == "9 个"
    hatched = [p for p in figure.findobj(PathPatch) if p.get_hatch()]
    assert len(hatched) == 1
    assert any("另有1个镇办无数据" in text for text in written(figure))


def test_differences_of_rounding_are_named_on_the_sheet():
    # 62.5 → 63 and 127.5 → 128, together 190.0: 2,576 + 1 = 2,577 by towns, … of 2,577.0 exactly
    figure = drawn(data_of(remaining={"乾佑街办": "62.5", "下梁镇": "127.5"}))
    assert any(
        "各镇整亩数相加为2,578，合计为2,577，差1系取整" in t.replace("\n", "")
        for t in joined(figure)
    )


def joined(figure):
    """The notes as running text."""
    notes = [
        t for t in texts(figure) if t.get_position()[0] > 340 and 40 < t.get_position()[1] < 95
    ]
    return ["".join(t.get_text() for t in sorted(notes, key=lambda t: -t.get_position()[1]))]


def test_a_remnant_below_one_mu_is_not_called_zero():
    figure = drawn(data_of(remaining={"小岭镇": "0.4"}))
    assert fills(figure)["611026104"][0] == "#fff3bf"
    assert "不足1 亩" in written(figure)
    assert row_of(figure, "0（无缺口）") == ["0 个", "0 亩"]


def test_ties_share_a_rank():
    figure = drawn(data_of(remaining={"瓦房口镇": "454", "小岭镇": "20"}))
    panel = [t for t in texts(figure) if 305 < t.get_position()[0] < 312 and t.get_text().isdigit()]
    ranks = [t.get_text() for t in sorted(panel, key=lambda t: -t.get_position()[1])]
    assert ranks == ["1", "2", "2", "4", "5", "6", "7", "8", "8"]


def test_a_remnant_ranks_before_no_gap_at_all():
    figure = drawn(data_of(remaining={"小岭镇": "0", "曹坪镇": "0.3"}))
    panel = [t for t in texts(figure) if 305 < t.get_position()[0] < 312 and t.get_text().isdigit()]
    assert sorted(int(t.get_text()) for t in panel) == list(range(1, 10))


def test_the_total_share_is_of_the_towns_with_data():
    figure = drawn(data_of(remaining={"曹坪镇": None}))
    # 2,576 − 20 = 2,556 of 104,665 − 13,446 = 91,219: 2.80 %
    total = next(t for t in texts(figure) if t.get_text() == "2,556（任务91,219）")
    same = [t.get_text() for t in texts(figure) if t.get_position()[1] == total.get_position()[1]]
    assert "2.8%" in same


def test_a_county_of_one_town():
    figure = drawn(data_of(TOWNS[:1]))
    assert "全县耕地保护目标缺口62亩，全部在乾佑街办" in written(figure)
    assert row_of(figure, "51–150") == ["1 个", "62 亩"]


def test_all_done():
    figure = drawn(data_of(remaining={t[1]: "0" for t in TOWNS}))
    assert "全县已无耕地保护目标缺口" in written(figure)
    assert {colour for colour, _ in fills(figure).values()} == {"#e3eef4"}


def test_long_names_and_many_towns_still_fit():
    seats = [(590 + 7 * (n % 8), 3710 + 8 * (n // 8)) for n in range(32)]
    towns = tuple(
        (f"6110261{n:02d}", f"双江拉祜族佤族布朗族傣族第{n}乡", "第一督导组", 5000, 10 + n, seat)
        for n, seat in enumerate(seats)
    )
    county = county_of(towns, name="双江拉祜族佤族布朗族傣族自治县")
    figure = drawn(data_of(towns, county=county))
    page = Box(10, 10, 410, 287).shape()
    boxes = [(t.get_text(), mm_box(figure, t).shape()) for t in texts(figure)]
    assert [name for name, box in boxes if not page.contains(box)] == []
    assert [(a, b) for (a, p), (b, q) in combinations(boxes, 2) if p.intersection(q).area > 0] == []
    # the largest have bars; the others share a row with their sum: 10 + 11 + …
    label = next(text for text in written(figure) if text.startswith("其余"))
    count = int(re.search(r"\d+", label)[0])
    assert 0 < count < 20
    assert row_of(figure, label)[0] == str(sum(range(10, 10 + count)))


def test_a_name_that_cannot_be_fitted_is_an_error():
    with pytest.raises(ConfigError, match="放不下"):
        drawn(data_of(county=county_of(publisher="很长的单位名称" * 20)))


def test_a_town_too_small_for_its_label_gets_a_leader():
    base = outlines()
    nook = shapely.Point(36.6155e6, 3.7315e6).buffer(1500)
    towns = pd.concat(
        [
            base.assign(geometry=base.geometry.difference(nook)),
            gpd.GeoDataFrame(
                {"town_code": ["611026199"], "town": ["飞地镇"]}, geometry=[nook], crs=base.crs
            ),
        ],
        ignore_index=True,
    )
    figure = drawn(data_of(towns=towns))
    name = next(t for t in texts(figure) if t.get_text() == "飞地镇")
    box = mm_box(figure, name).shape()
    assert not any(area.intersects(box) for _, area in fills(figure).values())
    assert [t.get_text() for t in texts(figure)].count("飞地镇") == 1  # no data: in no ranking


def test_a_town_without_outline_counts_but_is_not_drawn():
    figure = drawn(data_of(towns=outlines().iloc[:-1]))
    assert "611026110" not in fills(figure)
    assert row_of(figure, "合计") == ["9 个", "2,576 亩"]
    assert "瓦房口镇没有界线" in joined(figure)[0]


def test_water_is_drawn_only_when_plots_bring_it():
    brook = shapely.LineString([(36.60e6, 3.72e6), (36.63e6, 3.73e6)]).buffer(40)
    field = shapely.Point(36.62e6, 3.73e6).buffer(100)
    land = gpd.GeoDataFrame({"dlbm": ["1101", "0103"]}, geometry=[brook, field], crs="EPSG:4524")
    figure = drawn(data_of(land=land))
    assert "河流、水库" in written(figure)
    assert "河流、水库" not in written(sheet())
    dry = drawn(data_of(land=land.iloc[1:]))
    assert "河流、水库" not in written(dry)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gaps": pd.concat([gaps_of(), gaps_of().iloc[:1]])}, "乾佑街办有 2 行"),
        ({"gaps": gaps_of(remaining={"小岭镇": "-3"})}, "小岭镇剩余缺口为 -3.000000"),
        (
            {"gaps": gaps_of().replace({"remaining_mu": {"2576.000000": "2576.000090"}})},
            "之和 2576.000000 与全县行 2576.000090 不符",
        ),
    ],
)  # fmt: skip
def test_figures_that_contradict_each_other_stop_the_map(change, message):
    with pytest.raises(GengbaoError, match=message):
        drawn(data_of(**change))


def test_wrong_frames_are_refused():
    with pytest.raises(GengbaoError, match="缺少列 done_pct"):
        data_of(gaps=gaps_of().drop(columns="done_pct"))
    with pytest.raises(GengbaoError, match="不是工作坐标系"):
        data_of(towns=outlines().to_crs("EPSG:4490"))
    with pytest.raises(InputError, match="没有一个镇办有界线"):
        data_of(
            towns=outlines()
            .assign(geometry=shapely.Polygon())
            .set_crs("EPSG:4524", allow_override=True)
        )


def test_a_map_says_what_it_lacks():
    hungry = replace(SPEC, needs=("towns", "land"), land=("11",))
    with pytest.raises(GengbaoError, match="缺少 land"):
        render(hungry, data_of())


def test_only_the_shown_export_counts():
    later = gaps_of(remaining={"杏坪镇": "20"}, export=date(2023, 11, 15))
    data = data_of(gaps=pd.concat([gaps_of(), later]), export=date(2023, 11, 15))
    figure = drawn(data)
    assert row_of(figure, "合计") == ["9 个", "1,576 亩"]
    assert row_of(figure, "数据期次") == ["第2期（2023-11-15）"]


def test_files_are_named_sized_and_embedded():
    names = ["thumbs/cropland_gap.png", "耕地缺口分布图_A3.pdf", "耕地缺口分布图_A3.png"]
    assert sorted(products()) == names
    with Image.open(pd.io.common.BytesIO(products()["耕地缺口分布图_A3.png"])) as image:
        assert image.size == (4961, 3508)  # 420 × 297 mm at 300 dpi
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        assert "Software" not in image.info
    pdf = products()["耕地缺口分布图_A3.pdf"]
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"/URI" not in pdf  # opening it asks for nothing from outside
    assert b"D:20230930000000Z" in pdf


def test_the_pdf_can_be_searched_for_every_town():
    pdf, known = products()["耕地缺口分布图_A3.pdf"], set()
    for raw in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            text = zlib.decompress(raw)
        except zlib.error:
            continue
        if b"beginbfrange" in text or b"beginbfchar" in text:
            for low, high, first in re.findall(rb"<(\w+)>\s*<(\w+)>\s*\[?<(\w+)>", text):
                span = int(high, 16) - int(low, 16) + 1
                known |= {int(first, 16) + n for n in range(span)}
    assert {char for t in TOWNS for char in t[1] if ord(char) not in known} == set()


def test_drawing_leaves_the_callers_matplotlib_alone():
    before = dict(mpl.rcParams)
    drawn(data_of(TOWNS[:1]))
    assert dict(mpl.rcParams) == before


def test_maps_are_found_by_name():
    specs = {spec.name: spec for spec in discover()}
    assert specs["cropland_gap"].stem == "耕地缺口分布图_A3"


def test_frame_takes_the_largest_listed_scale_that_fits():
    frame = fit_frame(Box(0, 0, 100, 100), (0, 0, 28_000, 10_000), 10)
    # 28 km on 80 mm: 1:350 000 exactly
    assert frame.scale == 350_000
    corner = frame.to_page(shapely.Point(28_000, 5_000))
    assert (corner.x, corner.y) == pytest.approx((90, 50))
    with pytest.raises(InputError, match="不是一个县"):
        fit_frame(Box(0, 0, 100, 100), (0, 0, 1e9, 1e9), 10)


def test_town_outlines_are_joined_by_code_then_by_name():
    square = [shapely.box(n, 0, n + 1, 1) for n in range(4)]
    zone = gpd.GeoDataFrame(
        {
            "xzqdm": ["611026101", "611026101001", "999999999", "611026108"],
            "xzqmc": ["营盘镇", "某村", "小岭镇", "旧镇"],
        },
        geometry=square,
        crs="EPSG:4524",
    )
    shapes = town_shapes(zone, county_of())
    assert list(shapes["town"]) == ["营盘镇", "小岭镇", "旧镇"]
    assert list(shapes.geometry.area) == [2, 1, 1]
    assert list(shapes["town_code"]) == ["611026101", "611026104", "611026108"]


@pytest.mark.parametrize("name", ["A0", "A1", "A2", "A3", "A4"])
@pytest.mark.parametrize("landscape", [True, False])
def test_sheets_of_every_size_keep_their_texts_apart(name, landscape):
    paper = page(name, landscape=landscape)
    data = data_of()
    theme = remaining_theme(data, Named("cropland", "耕地保护目标缺口", "任务", ""), "cropland_gap")
    with style.context():
        figure = draw(theme, data, paper)
    inner = Box(10, 10, paper.width_mm - 10, paper.height_mm - 10).shape()
    boxes = [(t.get_text(), mm_box(figure, t).shape()) for t in texts(figure)]
    assert [text for text, box in boxes if not inner.contains(box)] == []
    assert [(a, b) for (a, p), (b, q) in combinations(boxes, 2) if p.intersection(q).area > 0] == []
    assert min(t.get_fontsize() for t in texts(figure)) >= 5.5
    assert {t.get_text() for t in texts(figure)} >= {town[1] for town in TOWNS}


@pytest.mark.parametrize(
    "spec", [s for s in discover() if s.name.endswith("_rate")], ids=lambda s: s.name
)
def test_rates_rank_the_slowest_first_and_never_round_up_to_done(spec):
    indicator = {"cropland_rate": "cropland", "pbf_rate": "pbf", "balance_rate": "in_out_balance"}
    gaps = gaps_of().assign(indicator=indicator[spec.name])
    pct = dict(
        zip(
            gaps["town"],
            ["99.97", "0", "50", "25", "75", "100", "10", "33.33", "66.6", "40"],
            strict=True,
        )
    )
    gaps["done_pct"] = gaps["town"].map(pct)
    gaps.loc[gaps["town"] == "红岩寺镇", "remaining_mu"] = "0"
    gaps.loc[gaps["town"] == "全县", "remaining_mu"] = "2122"
    with style.context():
        figure = next(iter(spec.draw(data_of(gaps=gaps))))
    names = {t[0]: t[1] for t in TOWNS}
    colours = {names[code]: colour for code, (colour, _) in fills(figure).items()}
    assert colours["营盘镇"] == "#97131f"
    assert colours["红岩寺镇"] == "#e3eef4"
    assert colours["乾佑街办"] == "#fff3bf"
    assert row_of(figure, "乾佑街办")[0] == "99.9%"
    assert row_of(figure, "红岩寺镇")[0] == "100.0%"
    assert any("营盘镇最慢（0.0%）" in text for text in written(figure))
    assert row_of(figure, "合计")[:2] == ["9 个", "2,122 亩"]
