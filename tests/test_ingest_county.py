"""The county folder: settings, lists, export folders; every finding at once, in Chinese."""

import subprocess
import sys
from dataclasses import asdict
from datetime import date
from decimal import Decimal

import pytest
from command_line import ROOT

from pipeline.errors import ConfigError, InputError
from pipeline.ingest.county import file_group, input_files, load_county, role_files, source_files
from pipeline.model import Indicator, Mode, TargetKind, Thresholds

TOML = """
name = "示例县"
code = "999901"
crs = "EPSG:4524"
previous = "2022-12-31"
ledger = "2023-09-30"
deadline = 2023-12-20
rules = "zhashui-2023"
[layers]
towns = "reference/XZQ.shp"
pbf = "reference/YJJBNTBHTB.gdb"
target = {path = "reference/GDBHMB.gpkg", layer = "GDBHMB", encoding = "GBK", crs = "epsg:4545"}
[phases]
first = ["2023-10-01", "2023-10-31"]
[thresholds]
mask_share = 0.6
"""
TOWNS = """code,name,aliases,group,basin
999901001,甲街办,甲街道|甲街道办事处,第一督导组,甲河
999901101,乙镇,乙,第一督导组,甲河
"""
TARGETS = """town,indicator,kind,value,unit,source
甲街道,cropland,target,8650,亩,附件1
全县,illegal_ratio,limit,15,%,正文
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "county.toml").write_text(TOML, encoding="utf-8")
    (tmp_path / "towns.csv").write_text(TOWNS, encoding="utf-8-sig")
    (tmp_path / "targets.csv").write_text(TARGETS, encoding="gb18030")
    for day in ("2022-12-31", "2023-09-30"):
        folder = tmp_path / "exports" / day
        folder.mkdir(parents=True)
        for suffix in ("shp", "shx", "dbf", "prj"):
            (folder / f"甲 #1.{suffix}").touch()
    reference = tmp_path / "reference"
    (reference / "YJJBNTBHTB.gdb").mkdir(parents=True)
    (reference / "YJJBNTBHTB.gdb" / "a00000001.gdbtable").touch()
    (reference / "XZQ.shp").touch()
    (reference / "GDBHMB.gpkg").touch()
    return tmp_path


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def config_message(root):
    with pytest.raises(ConfigError) as caught:
        load_county(root)
    return str(caught.value)


def input_message(root):
    with pytest.raises(InputError) as caught:
        load_county(root)
    return str(caught.value)


def test_a_sound_county_is_read(root):
    county = load_county(root)
    assert county.previous == date(2022, 12, 31)
    assert county.deadline == date(2023, 12, 20)
    assert county.mode is Mode.DERIVE
    assert county.thresholds.mask_share == 0.6
    assert county.thresholds.close_share == 0.95
    assert county.layers["target"].encoding == "gb18030"
    assert county.layers["target"].crs == "EPSG:4545"
    assert county.phases == {"first": (date(2023, 10, 1), date(2023, 10, 31))}
    assert county.exports == (date(2022, 12, 31), date(2023, 9, 30))
    assert county.newest == date(2023, 9, 30)
    assert county.town_code("甲街道办事处") == "999901001"
    first = county.targets[0]
    assert (first.town, first.indicator, first.kind) == (
        "甲街办",
        Indicator.CROPLAND,
        TargetKind.TARGET,
    )
    assert first.value == Decimal(8650)


def test_importing_county_brings_no_heavy_library():
    code = (
        "import sys, pipeline.ingest.county;"
        "sys.exit(bool({'pandas', 'numpy', 'shapely', 'pyogrio'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own interpreter


def test_unknown_key_names_key_value_and_nearest(root):
    edit(root / "county.toml", "deadline", "dedline")
    message = config_message(root)
    assert "county.toml dedline：不认识的键，值为 2023-12-20" in message
    assert "是否应为“deadline”" in message
    assert "county.toml deadline：缺少这个键" in message


def test_all_findings_come_at_once(root):
    edit(root / "county.toml", 'crs = "EPSG:4524"', 'crs = "EPSG:32649"')
    edit(root / "towns.csv", "999901101", "99990110")
    (root / "targets.csv").write_text(
        TARGETS.replace("甲街道,", "甲街到,").replace("limit", "limits"), encoding="utf-8"
    )
    (root / "exports" / "2023.9.30").mkdir()
    message = config_message(root)
    assert "“EPSG:32649”不是可用的坐标系" in message
    assert "不是 9 位数字" in message
    assert "targets.csv 第 2 行：town“甲街到”不在 towns.csv 中" in message
    assert "是否应为“甲街道”" in message
    assert "kind“limits”不认识" in message
    assert "是否应为“limit”" in message
    assert "exports/2023.9.30：文件夹名不合写法，与 exports/2023-09-30 像是同一期" in message


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('name = "示例县"', "name = 3", "county.toml name：应为非空文字，实为 3"),
        ('code = "999901"', 'code = "9999"', "code：“9999”不是 6 位数字"),
        ('"2022-12-31"', '"2022-02-30"', "previous：'2022-02-30' 不是有效日期"),
        ('"2022-12-31"', '"2024-01-01"', "ledger：2023-09-30 不晚于 previous 的 2024-01-01"),
        ("[layers]", 'mode = "drive"\n[layers]', "mode：值 'drive' 不认识"),
        ("[layers]", 'mode = "trust"\n[layers]', "mode 为 trust，但没有任何 task_ 图层"),
        ("[layers]", 'sample = "yes"\n[layers]', "sample：应为 true 或 false"),
        ('pbf = "ref', 'pdf = "ref', "[layers] pdf：不认识的图层"),
        ('pbf = "ref', 'pdf = "ref', "[layers] pbf：缺少这个必需的图层"),
        ('"reference/XZQ.shp"', '"../XZQ.shp"', "“../XZQ.shp”不在县文件夹之内"),
        ('"reference/XZQ.shp"', '"a/{day}.shp"', "花括号不认识"),
        ('"reference/XZQ.shp"', "5", "应为路径或一组键值，实为 5"),
        ('encoding = "GBK"', 'encoding = "latin1"', "encoding：值“latin1”不认识"),
        ('encoding = "GBK"', 'encodng = "GBK"', "[layers] target.encodng：不认识的键，值为 'GBK'"),
        ('crs = "epsg:4545"', 'crs = "EPSG:2360"', "target.crs：“EPSG:2360”不是可用的坐标系"),
        ('"2023-10-31"]', '"2023-09-01"]', "[phases] first：首日 2023-10-01 晚于末日"),
        ('"2023-10-31"]', "]", "不是起止日期"),
        (
            '"2023-10-31"]',
            '"2023-10-31"]\nnext = ["2023-10-31", "2023-11-30"]',
            "[phases] next：首日 2023-10-31 不晚于阶段“first”的末日 2023-10-31，两个阶段重叠",
        ),
        ("mask_share = 0.6", "mask_share = 60", "mask_share：值 60 不在允许范围内"),
        ("mask_share = 0.6", "mask_share = nan", "mask_share：值 nan 不在允许范围内"),
        ("mask_share = 0.6", "mask_shar = 0.6", "是否应为“mask_share”"),
        ("[phases]", "[phases", "不合 TOML 语法"),
    ],
)
def test_each_wrong_setting_is_named(root, old, new, expected):
    edit(root / "county.toml", old, new)
    assert expected in config_message(root)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("999901101", "888801101", "不以县代码 999901 开头"),
        ("999901101", "999901001", "towns.csv 第 3 行：“999901001”与第 2 行重复"),
        ("乙镇,乙,", "乙镇,甲街道,", "“甲街道”与第 2 行重复"),
        ("乙镇,", "全县,", "name 写成了“全县”"),
        (",甲河\n9", ",甲河,x\n9", "towns.csv 第 2 行：应有 5 列，实有 6 列"),
        ("aliases", "alias", "列名“alias”不认识"),
        ("aliases", "alias", "缺少列 aliases"),
        ("乙镇", '"乙"镇', "不是规范的 CSV"),
    ],
)
def test_each_wrong_town_is_named(root, old, new, expected):
    (root / "towns.csv").write_text(TOWNS.replace(old, new, 1), encoding="utf-8")
    assert expected in config_message(root)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("8650", '"8,650"', "value“8,650”不是普通十进制数"),
        ("8650", "1e4", "value“1e4”不是普通十进制数"),
        ("cropland", "cropl", "indicator“cropl”不认识"),
        ("8650,亩", "0.87,万亩", "unit“万亩”与指标 cropland 不符"),
        ("全县,illegal_ratio,limit,15,%", "甲街办,cropland,target,1,亩", "与第 2 行重复"),
    ],
)
def test_each_wrong_target_is_named(root, old, new, expected):
    (root / "targets.csv").write_text(TARGETS.replace(old, new, 1), encoding="utf-8")
    assert expected in config_message(root)


PLAN = """town,indicator,date,planned_mu
甲街道,cropland,2023-10-31,30
甲街办,cropland,2023/11/30,75.5
全县,pbf,2023-12-20,100
"""


def test_a_plan_is_read_by_town_indicator_and_date(root):
    (root / "plan.csv").write_text(PLAN, encoding="gb18030")
    rows = [(p.town, p.indicator.value, p.date, p.planned_mu) for p in load_county(root).plan]
    assert rows == [
        ("全县", "pbf", date(2023, 12, 20), Decimal(100)),
        ("甲街办", "cropland", date(2023, 10, 31), Decimal(30)),
        ("甲街办", "cropland", date(2023, 11, 30), Decimal("75.5")),
    ]
    (root / "plan.csv").unlink()
    assert load_county(root).plan == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "甲街道,",
            "甲街到,",
            "第 2 行：town“甲街到”不在 towns.csv 中；处理办法：是否应为“甲街道”",
        ),
        ("cropland", "cropl", "plan.csv 第 2 行：indicator“cropl”不能排工期"),
        ("cropland", "illegal_area", "indicator“illegal_area”不能排工期"),
        ("2023-10-31", "2023-10-32", "date“2023-10-32”不是有效日期"),
        ("2023-10-31", "10月底", "date“10月底”不是有效日期"),
        ("2023-10-31", "2023-09-29", "date 2023-09-29 早于建台账的 2023-09-30"),
        ("2023-12-20", "2023-12-21", "plan.csv 第 4 行：date 2023-12-21 晚于整改期限 2023-12-20"),
        (",30\n", ",-30\n", "planned_mu“-30”不是普通十进制数"),
        (",30\n", ",\n", "planned_mu“”不是普通十进制数"),
        (",30\n", ",80\n", "到 2023-11-30 累计 75.5 亩，少于第 2 行到 2023-10-31 的 80 亩"),
        ("2023/11/30", "2023-10-31", "甲街办 的 cropland 在 2023-10-31 与第 2 行重复"),
        (",planned_mu", "", "缺少列 planned_mu"),
        ("planned_mu", "planned", "列名“planned”不认识"),
    ],
)  # fmt: skip
def test_each_wrong_line_of_the_plan_is_named(root, old, new, expected):
    (root / "plan.csv").write_text(PLAN.replace(old, new, 1), encoding="utf-8")
    assert expected in config_message(root)


def test_all_wrong_lines_of_the_plan_come_at_once(root):
    text = PLAN.replace("甲街道", "甲街到").replace("2023/11/30", "x").replace("pbf", "pfb")
    (root / "plan.csv").write_text(text, encoding="utf-8")
    message = config_message(root)
    for expected in ("第 2 行：town", "第 3 行：date", "第 4 行：indicator"):
        assert f"plan.csv {expected}" in message


def test_missing_files_and_unreadable_bytes(root):
    (root / "towns.csv").unlink()
    (root / "targets.csv").write_bytes(b"\xff\xfet\x00o\x00")
    message = config_message(root)
    assert "towns.csv：文件不存在" in message
    assert "既不是 UTF-8 也不是 GB18030" in message
    (root / "county.toml").unlink()
    assert "没有 county.toml" in config_message(root)


def test_export_folders(root):
    (root / "exports" / "2023-9-29").mkdir()
    (root / "exports" / "2023-10-31").mkdir()
    (root / "exports" / "DLTB.gpkg").touch()
    (root / "exports" / "2022-12-31" / "甲 #1.shp").unlink()
    message = input_message(root)
    assert "exports/2023-9-29：文件夹名不是日期，不知道是哪一期；处理办法：把文件夹改名" in message
    assert "exports/2023-10-31：文件夹里没有数据文件" in message
    assert "exports/DLTB.gpkg：数据文件没有放在按日期命名的文件夹里" in message
    assert "exports/2022-12-31/甲 #1.dbf：缺少同名的 .shp 文件" in message


def test_ledger_without_its_export(root):
    edit(root / "county.toml", '"2023-09-30"', '"2023-09-29"')
    message = input_message(root)
    assert "exports/2023-09-29：county.toml 的 ledger 指的这一期不存在" in message
    assert "现有各期：2022-12-31、2023-09-30" in message


def test_missing_layer_names_the_nearest_files(root):
    edit(root / "county.toml", "XZQ.shp", "XZQH.shp")
    message = input_message(root)
    assert "[layers] towns：“reference/XZQH.shp”找不到文件" in message
    assert "reference/XZQ.shp" in message.split("相近的有")[1]


def test_dated_roles_take_the_newest_known_on_the_day(root):
    for day in ("20230801", "2023-09-15", "2023-10-15"):
        (root / "reference" / f"疑似 {day} 甲.csv").touch()
        (root / "reference" / f"疑似 {day} 乙.csv").touch()
    edit(root / "county.toml", "[phases]", 'monitoring = "reference/疑似 {date} *.csv"\n[phases]')
    county = load_county(root)
    names = [p.name for p in role_files(county, "monitoring", date(2023, 9, 30))]
    assert names == ["疑似 2023-09-15 乙.csv", "疑似 2023-09-15 甲.csv"]
    assert role_files(county, "monitoring", date(2023, 7, 31)) == ()
    assert role_files(county, "balance", date(2023, 9, 30)) == ()


def test_source_files_are_data_only_and_input_files_everything(root):
    (root / "exports" / "2023-09-30" / "说明.pdf").touch()
    (root / "exports" / "2023-09-30" / "甲 #1.shp.xml").touch()
    county = load_county(root)
    assert [p.name for p in source_files(county, date(2023, 9, 30))] == ["甲 #1.shp"]
    assert len(file_group(source_files(county, date(2023, 9, 30))[0])) == 4
    names = {p.name for p in input_files(county)}
    assert {"county.toml", "towns.csv", "targets.csv", "甲 #1.dbf", "a00000001.gdbtable"} <= names
    assert "说明.pdf" not in names
    with pytest.raises(InputError, match="没有这一期数据"):
        source_files(county, date(2023, 1, 1))


def test_a_years_task_above_all_that_is_due_is_refused(root):
    path = root / "targets.csv"
    rows = ["全县,replenishment_area,due,440,亩,正文", "全县,replenishment_area,target,441,亩,正文",
            "全县,replenishment_grain,due,1,万公斤,正文",
            "全县,replenishment_grain,target,9000,公斤,正文"]  # fmt: skip
    path.write_text(TARGETS + "\n".join(rows) + "\n", encoding="utf-8")
    message = config_message(root)
    assert "targets.csv 全县 replenishment_area" in message
    assert "当年任务（target）441 大于应补总数（due）" in message
    assert "replenishment_grain" not in message


def test_the_readme_for_the_county_names_every_threshold_with_its_default():
    said = (ROOT / "data/raw/README.md").read_text(encoding="utf-8")
    own = said[said.index("**[thresholds]**") : said.index("编码由字节判定")]
    for name, value in asdict(Thresholds()).items():
        assert f"`{name}`" in own
        assert f"（{Decimal(repr(value)).normalize():f}）" in own, name
