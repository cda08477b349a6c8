"""`gengbao compare --list FILE`: the ledger's own list is equal, planted differences are found."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from decimal import ROUND_HALF_UP, Decimal

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest

from pipeline import cli, tables

FILES = {
    "分镇分类对照.csv", "差异图斑.csv", "读不出的行.csv", "重复图斑.csv", "逐行对照.csv",
    "读表说明.csv", "清单对照.xlsx", "manifest.json",
}  # fmt: skip
LABELS = {c.name: c.label for c in tables.classes()}
OTHERS = [c.name for c in tables.classes() if c.task]


@pytest.fixture(scope="module")
def place(tiny, finished, tmp_path_factory):
    """The tiny county with its ledger: folder of the county, folder of the products."""
    out = tmp_path_factory.mktemp("inspect") / "out"
    shutil.copytree(finished / "data", out / "data")
    return tiny, out


@pytest.fixture(scope="module")
def newest(place):
    return max((place[1] / "data/processed/exports").iterdir())


@pytest.fixture(scope="module")
def tasks(newest):
    """Tasks that count at the newest export, as a list of people would show them."""
    ledger = gpd.read_parquet(newest / "ledger.parquet")
    ledger = ledger[ledger["status"] != "withdrawn"].reset_index(drop=True)
    plots = gpd.read_parquet(newest / "parcels.parquet").set_index("bsm")["tbbh"]
    return ledger.assign(label=ledger["category"].map(LABELS), tbbh=ledger["bsm"].map(plots))


@pytest.fixture
def run(place, tmp_path, capsys):
    """Write a list and hold it against the ledger: exit code, what was said, products by name."""
    raw, out = place

    def compare(rows, *options, name="清单.csv", county=raw):
        path = tmp_path / name
        if isinstance(rows, pd.DataFrame):
            save = rows.to_csv if path.suffix == ".csv" else rows.to_excel
            save(path, index=False)
        elif isinstance(rows, bytes):
            path.write_bytes(rows)
        words = ["compare", "--list", str(path), "--county", str(county), "--out", str(out)]
        code = cli.run([*words, *options])
        said = capsys.readouterr()
        folder = out / "data/processed/compare" / f"list-{path.stem}"
        return code, said.out + said.err, folder

    return compare


def table(folder, name):
    return pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)


def mu(task_m2):
    exact = Decimal(f"{task_m2:.2f}") * Decimal("0.0015")
    return str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))


def plain(tasks):
    """The list of all tasks with areas to 0.01 亩."""
    return pd.DataFrame(
        {
            "镇办": tasks["town"],
            "标识码": tasks["bsm"],
            "类别": tasks["label"],
            "面积（亩）": tasks["area_m2"].map(mu),
        }
    )


def differences(folder, **wanted):
    found = table(folder, "差异图斑")
    for name, value in wanted.items():
        found = found[found[name] == value]
    return found


# --- lists made from the ledger ------------------------------------------------------------------


def manners(tasks):
    middle = tasks.geometry.representative_point()
    degrees = middle.to_crs(4490)
    return {
        "亩.csv": plain(tasks),
        "平方米.csv": pd.DataFrame(
            {
                "乡镇": tasks["town"].str[:-1],
                "BSM": tasks["bsm"],
                "任务类型": tasks["category"],
                "图斑面积(㎡)": tasks["area_m2"].map("{:.2f}".format),
            }
        ),
        "没写单位.xlsx": pd.DataFrame(
            {
                "镇": tasks["town"],
                "标识码": tasks["bsm"],
                "类别": tasks["label"],
                "面积": tasks["area_mu"],
            }
        ),
        "经纬度.xlsx": pd.DataFrame(
            {
                "镇": tasks["town"],
                "经度": degrees.x.round(7),
                "纬度": degrees.y.round(7),
                "类别": tasks["label"],
                "面积(公顷)": (tasks["area_m2"] / 10_000).round(6),
            }
        ),
        "北坐标在前.csv": pd.DataFrame(
            {
                "X坐标": middle.y.map("{:.2f}".format),
                "Y坐标": (middle.x - 36_000_000).map("{:.2f}".format),
                "类别": tasks["label"],
                "面积/亩": tasks["area_m2"].map(mu),
            }
        ),
        "任务编号.csv": pd.DataFrame(
            {"任务编号": tasks["task_id"], "亩数": tasks["area_m2"].map(mu)}
        ),
        "编号和村.csv": pd.DataFrame(
            {
                "镇办": tasks["town"],
                "行政村": tasks["village"].str[-3:],
                "图斑号": tasks["tbbh"].str.lstrip("0"),
                "类别": tasks["label"],
                "面积（亩）": tasks["area_m2"].map(mu),
            }
        )[tasks["tbbh"].notna()],
    }  # fmt: skip


EQUAL = ["亩.csv", "平方米.csv", "没写单位.xlsx", "经纬度.xlsx", "北坐标在前.csv", "任务编号.csv"]


@pytest.mark.parametrize("name", EQUAL)
def test_the_ledgers_own_list_is_equal_in_any_manner(run, tasks, name):
    code, said, folder = run(manners(tasks)[name], name=name)
    assert code == 0
    assert "逐个图斑完全相符" in said
    assert {p.name for p in folder.iterdir()} == FILES
    assert table(folder, "差异图斑").empty
    cells = table(folder, "分镇分类对照")
    assert (cells["diff_plots"] == "0").all()
    assert set(cells["verdict"]) <= {"相同", "相同（取整）"}
    total = cells[(cells["level"] == "county") & (cells["category"] == "total")].iloc[0]
    exact = sum(Decimal(f"{area:.2f}") * Decimal("0.0015") for area in tasks["area_m2"])
    assert (int(total["our_plots"]), Decimal(total["our_area_mu"])) == (len(tasks), exact)
    assert int(total["their_plots"]) == len(tasks)


def test_areas_to_the_square_metre_agree_to_the_last_digit(run, tasks):
    folder = run(manners(tasks)["平方米.csv"], name="平方米.csv")[2]
    cells = table(folder, "分镇分类对照")
    assert set(cells["diff_area_mu"]) == {"0"}
    assert set(cells["verdict"]) == {"相同"}


def test_rounding_to_a_hundredth_is_proved_by_its_interval(run, tasks):
    folder = run(plain(tasks))[2]
    rows = table(folder, "逐行对照")
    assert set(rows["area_verdict"]) <= {"相同", "相同（取整）"}
    cells = table(folder, "分镇分类对照")
    for row in cells.to_dict("records"):
        assert Decimal(row["diff_area_mu"]) == Decimal(row["rounding_mu"])


def test_numbers_within_villages_find_their_plots_or_say_which_it_may_be(run, tasks):
    listed = manners(tasks)["编号和村.csv"]
    folder = run(listed, name="编号和村.csv")[2]
    rows = table(folder, "逐行对照")
    assert set(rows["matched_by"]) <= {"图斑编号", ""}
    found = rows[rows["relation"] == "对上"]
    # a plot recut since the ledger has other numbers; the rest must be found
    assert len(found) >= 0.8 * len(listed)
    assert (found["differs"] == "").mean() > 0.9


# --- planted differences -------------------------------------------------------------------------


def test_a_plot_left_out_is_ours_only_with_category_rule_and_state(run, tasks):
    code, said, folder = run(plain(tasks).drop(index=4))
    gone = tasks.loc[4]
    (found,) = table(folder, "差异图斑").to_dict("records")
    assert code == 0
    assert (found["kind"], found["bsm"], found["scope"]) == ("仅本方有", gone["bsm"], "清单范围内")
    assert f"清单没有此图斑；本方：{gone['label']}，规则 {gone['rule_id']}，依据" in found["reason"]
    assert "；状态：" in found["reason"]
    assert gone["bsm"] in said
    cell = table(folder, "分镇分类对照").query("level == 'town' and diff_plots == '-1'")
    assert set(cell["category"]) >= {gone["category"], "total"}
    assert set(cell["only_ours_plots"]) == {"-1"}


def test_another_category_is_a_difference_with_both_names(run, tasks):
    listed = plain(tasks)
    own = tasks.loc[0]
    other = next(n for n in OTHERS if n != own["category"])
    listed.loc[0, "类别"] = LABELS[other]
    folder = run(listed)[2]
    (found,) = table(folder, "差异图斑").to_dict("records")
    assert (found["kind"], found["differs"]) == ("双方都有但不同", "类别")
    assert f"清单记为“{LABELS[other]}”，本方记为“{own['label']}”" in found["reason"]
    cells = table(folder, "分镇分类对照")
    here = cells[(cells["town"] == own["town"]) & cells["category"].isin([other, own["category"]])]
    assert sorted(here["moved_plots"]) == ["-1", "1"]
    county = cells[(cells["level"] == "county") & (cells["category"] == "total")].iloc[0]
    assert county["diff_plots"] == "0"
    assert county["verdict"].startswith("相同")


def test_another_town_is_a_difference_with_the_village_code(run, tasks):
    listed = plain(tasks)
    own = tasks.loc[0]
    other = next(t for t in tasks["town"] if t != own["town"])
    listed.loc[0, "镇办"] = other
    (found,) = table(run(listed)[2], "差异图斑").to_dict("records")
    assert found["differs"] == "镇办"
    assert f"清单写{other}，本方在{own['town']}（坐落单位代码" in found["reason"]


def test_an_area_off_by_more_than_its_digits_is_a_difference(run, tasks):
    listed = plain(tasks)
    listed.loc[3, "面积（亩）"] = str(Decimal(mu(tasks.loc[3, "area_m2"])) + Decimal("0.01"))
    (found,) = table(run(listed)[2], "差异图斑").to_dict("records")
    assert (found["differs"], found["bsm"]) == ("面积", tasks.loc[3, "bsm"])
    assert "超出清单所写小数位的取整范围" in found["reason"]
    difference = Decimal(found["their_area_mu"]) - Decimal(found["our_area_mu"])
    assert Decimal(found["diff_area_mu"]) == difference


def test_an_area_that_is_another_of_ours_is_named(run, tasks):
    partial = tasks.index[tasks["status"] == "partial"][0]
    listed = plain(tasks)
    listed.loc[partial, "面积（亩）"] = mu(tasks.loc[partial, "remaining_m2"])
    (found,) = table(run(listed)[2], "差异图斑").to_dict("records")
    assert "清单数等于本方剩余面积" in found["reason"]


def test_an_area_converted_at_666_67_is_no_difference(run, tasks):
    listed = plain(tasks)
    listed["面积（亩）"] = [f"{area / 666.67:.6f}" for area in tasks["area_m2"]]
    folder = run(listed)[2]
    assert table(folder, "差异图斑").empty
    assert "相同（按 666.67 ㎡换算）" in set(table(folder, "逐行对照")["area_verdict"])


def test_a_state_that_contradicts_ours_is_a_difference(run, tasks):
    closed = tasks.index[tasks["status"] == "closed"][0]
    listed = plain(tasks).assign(
        整改状态=tasks["status"].map({"closed": "已整改"}).fillna("未整改")
    )
    listed.loc[closed, "整改状态"] = "未整改"
    (found,) = table(run(listed)[2], "差异图斑").to_dict("records")
    assert (found["differs"], found["bsm"]) == ("状态", tasks.loc[closed, "bsm"])
    assert "本方为“已销号”" in found["reason"]
    assert tasks.loc[closed, "closed_on"] in found["reason"]


def test_a_task_the_list_calls_withdrawn_stands_with_us(run, tasks):
    listed = plain(tasks).assign(状态="")
    listed.loc[5, "状态"] = "已核减"
    (found,) = table(run(listed)[2], "差异图斑").to_dict("records")
    assert (found["kind"], found["bsm"]) == ("仅本方有", tasks.loc[5, "bsm"])
    assert "“清单”第 7 行写明“已撤出”，不计入清单" in found["reason"]


def test_against_open_tasks_a_closed_one_is_theirs_only(run, tasks):
    open_tasks = tasks[tasks["status"] != "closed"]
    closed = tasks[tasks["status"] == "closed"].iloc[[0]]
    code, said, folder = run(plain(pd.concat([open_tasks, closed])), "--open", name="未整改.csv")
    assert code == 0
    assert "未销号的任务" in said
    (found,) = table(folder, "差异图斑").to_dict("records")
    assert (found["kind"], found["bsm"]) == ("仅清单有", closed["bsm"].iloc[0])
    assert f"状态：已销号（{closed['closed_on'].iloc[0]}）" in found["reason"]


def test_a_list_of_open_tasks_is_told_about_the_option(run, tasks):
    said = run(plain(tasks[tasks["status"] != "closed"]), name="未整改图斑.csv")[1]
    assert "请加 --open 再对照" in said
    assert "清单可能只列未销号的" in said


def test_a_withdrawn_task_is_theirs_only_with_the_reason(run, tasks, newest, place):
    ledger = gpd.read_parquet(newest / "ledger.parquet")
    gone = ledger[ledger["status"] == "withdrawn"].iloc[0]
    history = table(place[1] / "data/processed", "history")
    own = history[(history["task_id"] == gone["task_id"]) & (history["entry"] == "withdrawn")]
    listed = plain(tasks)
    listed.loc[len(listed)] = [
        gone["town"], gone["bsm"], LABELS[gone["category"]], mu(gone["area_m2"]),
    ]  # fmt: skip
    (found,) = table(run(listed)[2], "差异图斑").to_dict("records")
    assert (found["kind"], found["task_id"]) == ("仅清单有", gone["task_id"])
    assert f"状态：已撤出（{own['reason'].iloc[-1]}）" in found["reason"]


def test_a_plot_without_a_task_is_theirs_only_with_our_rule(run, tasks, newest):
    pieces = gpd.read_parquet(newest / "pieces.parquet")
    idle = pieces[(pieces["category"] == "none") & ~pieces["bsm"].isin(tasks["bsm"])].iloc[0]
    listed = plain(tasks)
    listed.loc[len(listed)] = [idle["town"], idle["bsm"], LABELS["in_out_balance"], "1.5"]
    (found,) = table(run(listed)[2], "差异图斑").to_dict("records")
    assert (found["kind"], found["bsm"]) == ("仅清单有", idle["bsm"])
    assert (
        f"清单记为“进出平衡”，本方记为“无任务”；本方：无任务，规则 {idle['rule_id']}"
        in found["reason"]
    )
    assert "不是任务，不进台账" in found["reason"]


def test_a_bsm_no_export_has_is_unknown(run, tasks):
    listed = plain(tasks)
    true = listed.loc[7, "标识码"]
    listed.loc[7, "标识码"] = "9" + true[1:]
    folder = run(listed)[2]
    theirs = differences(folder, kind="仅清单有").iloc[0]
    assert f"哪一期都没有这个标识码；最接近的是 {true}" in theirs["reason"]
    assert differences(folder, kind="仅本方有")["bsm"].tolist() == [true]


def test_a_plot_in_two_rows_is_named_with_both(run, tasks):
    listed = pd.concat([plain(tasks), plain(tasks).loc[[2]]], ignore_index=True)
    code, said, folder = run(listed)
    assert code == 0
    bsm, last = tasks.loc[2, "bsm"], len(listed) + 1
    assert f"{bsm}：“清单”第 4 行、“清单”第 {last} 行（类别相同，清单重复）" in said
    (found,) = table(folder, "差异图斑").to_dict("records")
    assert (found["kind"], found["row"]) == ("清单重复", str(last))
    assert "与“清单”第 4 行是同一图斑" in found["reason"]
    total = table(folder, "分镇分类对照").iloc[-1]
    assert (total["diff_plots"], total["duplicate_plots"]) == ("1", "1")


def test_a_number_in_several_villages_is_never_guessed(run, tasks, newest):
    plots = gpd.read_parquet(newest / "parcels.parquet")
    own = tasks[tasks["tbbh"].notna()]
    shared = own[own["tbbh"].map(plots.groupby("tbbh").size()) > 1].iloc[0]
    listed = pd.DataFrame({"图斑编号": [shared["tbbh"]], "类别": [shared["label"]]})
    folder = run(listed)[2]
    theirs = differences(folder, kind="仅清单有").iloc[0]
    assert f"图斑编号 {shared['tbbh']} 在几个村重复" in theirs["reason"]
    assert shared["bsm"] in theirs["reason"]
    ours = differences(folder, kind="仅本方有", bsm=shared["bsm"]).iloc[0]
    assert "“清单”第 2 行可能指此图斑" in ours["reason"]


def test_coordinates_outside_the_plot_of_the_bsm_are_a_difference(run, tasks):
    middle = tasks.geometry.representative_point()
    listed = plain(tasks).assign(X=middle.x.round(2), Y=middle.y.round(2))
    listed.loc[0, ["X", "Y"]] = listed.loc[1, ["X", "Y"]].to_numpy()
    (found,) = table(run(listed)[2], "差异图斑").to_dict("records")
    assert found["differs"] == "位置"
    assert "清单坐标在该图斑之外" in found["reason"]
    assert f"落在图斑 {tasks.loc[1, 'bsm']}" in found["reason"]


def test_coordinates_on_no_plot_say_so(run):
    listed = pd.DataFrame({"经度": ["109.1", "100.5"], "纬度": ["33.5", "30.5"]})
    folder = run(listed)[2]
    assert len(differences(folder, kind="仅清单有")) == 2
    assert "坐标不落在本县任何图斑" in differences(folder, row="3").iloc[0]["reason"]


def test_a_list_of_one_town_leaves_the_others_out_of_scope(run, tasks):
    town = tasks["town"].iloc[0]
    own = tasks[tasks["town"] == town]
    code, said, folder = run(plain(own.iloc[1:]))
    assert code == 0
    ours = differences(folder, kind="仅本方有")
    assert ours["scope"].value_counts().to_dict() == {
        "清单范围内": 1, "清单没有该镇办": len(tasks) - len(own),
    }  # fmt: skip
    assert f"清单没有该镇办 {len(tasks) - len(own)}" in said


def test_an_earlier_export_is_compared_with_its_own_ledger(run, place):
    first = min(
        p
        for p in (place[1] / "data/processed/exports").iterdir()
        if (p / "ledger.parquet").is_file()
    )
    ledger = gpd.read_parquet(first / "ledger.parquet")
    listed = plain(ledger.assign(label=ledger["category"].map(LABELS)))
    code, said, _ = run(listed, "--export", first.name)
    assert code == 0
    assert f"{first.name} 台账" in said
    assert "逐个图斑完全相符" in said


# --- products ------------------------------------------------------------------------------------


def digests(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def test_the_same_list_gives_the_same_bytes(run, tasks):
    listed = plain(tasks).drop(index=[3, 9])
    folder = run(listed)[2]
    first = digests(folder)
    assert digests(run(listed)[2]) == first
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["products"] == {k: v for k, v in first.items() if k != "manifest.json"}
    assert manifest["list"]["name"] == "清单.csv"


def test_the_workbook_opens_with_every_table_and_text_as_text(run, tasks):
    listed = plain(tasks).drop(index=3)
    folder = run(listed)[2]
    book = openpyxl.load_workbook(folder / "清单对照.xlsx")
    assert book.sheetnames == [
        "摘要", "分镇分类对照", "差异图斑", "读不出的行", "重复图斑", "逐行对照", "读表说明",
    ]  # fmt: skip
    first = [row[0] for row in book["摘要"].iter_rows(values_only=True)]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["run_id"][:12] in first[0]
    assert manifest["export"] in first[0]
    page = book["差异图斑"]
    heads = [cell.value for cell in page[1]]
    row = dict(zip(heads, page[2], strict=True))
    assert row["图斑"].data_type == "s"
    assert row["图斑"].value == tasks.loc[3, "bsm"]
    assert isinstance(row["本方面积（亩）"].value, float)
    assert "面积" in heads[-4] or "原因" in heads


@pytest.mark.parametrize("mark", ["=", "+", "-", "@", "＝"])
def test_text_that_a_spreadsheet_would_run_stays_text(run, tasks, mark):
    evil = f"{mark}cmd|' /C calc'!A0"
    listed = plain(tasks)
    listed.loc[0, "镇办"] = evil
    listed.loc[1, "类别"] = evil
    code, _, folder = run(listed, name=f"{mark}清单.csv")
    assert code == 0
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            heads, *rows = csv.reader(stream)
        for row in rows:
            for head, cell in zip(heads, row, strict=True):
                number = head.endswith(("_mu", "_plots"))
                assert number or not cell.startswith(("=", "+", "-", "@", "＝")), (path, cell)
    book = openpyxl.load_workbook(folder / "清单对照.xlsx")
    kinds = {cell.data_type for page in book for row in page.iter_rows() for cell in row}
    assert "f" not in kinds


def test_nothing_about_persons_is_in_any_product(run, tasks):
    listed = plain(tasks).assign(责任人="某甲某", 联系电话="13900001111")
    listed.loc[0, "面积（亩）"] = "联系13900001111"
    folder = run(listed)[2]
    text = "".join(p.read_text(encoding="utf-8-sig") for p in folder.glob("*.csv"))
    book = openpyxl.load_workbook(folder / "清单对照.xlsx")
    text += "".join(str(c.value) for page in book for row in page.iter_rows() for c in row)
    assert "某甲某" not in text
    assert "13900001111" not in text
    assert "责任人、联系电话" in text


def test_the_accounts_of_rows_and_of_steps_close(run, tasks):
    listed = plain(tasks).drop(index=[0, 1])
    listed = pd.concat([listed, listed.iloc[[0, 5]]], ignore_index=True)
    listed.loc[2, "镇办"] = "无此镇"
    listed.loc[3, "类别"] = LABELS["in_out_balance"]
    listed.loc[6, "面积（亩）"] = "99"
    folder = run(listed)[2]
    rows = table(folder, "逐行对照")
    assert len(rows) == len(listed)
    assert (rows["state"] == "采用").sum() + len(table(folder, "读不出的行")) == len(listed)
    cells = table(folder, "分镇分类对照")
    for row in cells.to_dict("records"):
        for measure in ("plots", "mu"):
            steps = [
                Decimal(v) for k, v in row.items()
                if k.endswith(f"_{measure}")
                and not k.startswith(("their_", "our_", "diff_"))
            ]  # fmt: skip
            whole = row["diff_plots"] if measure == "plots" else row["diff_area_mu"]
            assert sum(steps) == Decimal(whole), row
    towns = cells[(cells["level"] == "town") & (cells["category"] == "total")]
    county = cells[(cells["level"] == "county") & (cells["category"] == "total")].iloc[0]
    for name in ("their_area_mu", "our_area_mu", "diff_area_mu"):
        assert sum(map(Decimal, towns[name])) == Decimal(county[name])


# --- bad input -----------------------------------------------------------------------------------


def test_a_misprinted_town_is_listed_and_its_plot_not_called_missing(run, tasks):
    listed = plain(tasks)
    listed.loc[0, "镇办"] = listed.loc[0, "镇办"].replace("镇", "真")
    code, said, folder = run(listed)
    assert code == 0
    unread = table(folder, "读不出的行").iloc[0]
    assert (unread["row"], unread["field"]) == ("2", "镇办")
    assert "是否应为" in unread["advice"]
    assert f"采用 {len(listed) - 1} 行，读不出 1 行" in said
    (found,) = table(folder, "差异图斑").to_dict("records")
    assert (found["kind"], found["bsm"]) == ("清单行读不出", tasks.loc[0, "bsm"])
    assert "“清单”第 2 行写的是此图斑，但该行读不出" in found["reason"]


@pytest.mark.parametrize(
    ("rows", "name", "said"),
    [
        ("镇办,个数\n甲镇,3\n".encode(), "无列.csv", "找不到能指认图斑的列"),
        ("镇办,标识码\n".encode(), "空表.csv", "只有表头，没有一行图斑"),
        (b"", "空.csv", "是空文件"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "旧.xlsx", "其实是旧版 .xls"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
         "密.xlsx", "有打开密码"),
        ("標識碼,鄉鎮\n漢字,臺灣".encode("big5"), "码.csv", "编码"),
    ],
)  # fmt: skip
def test_an_unusable_list_leaves_earlier_products_alone(run, tasks, rows, name, said):
    good = plain(tasks)
    good_name = name.replace(".xlsx", ".csv")
    folder = run(good, name=good_name)[2]
    before = digests(folder)
    code, message, _ = run(rows, name=name)
    assert (code, said in message, name in message) == (4, True, True)
    assert "Traceback" not in message
    assert digests(folder) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--list", "没有.csv"], "没有这个文件"),
        (["--list", "没有.csv", "--export", "2020-01-01"], "可用："),
        (["--list", "没有.csv", "--export", "昨天"], "可用："),
        (["2023-09-30", "2023-10-31", "--list", "没有.csv"], "不能同时写"),
        (["2023-09-30", "2023-10-31", "--open"], "只用于清单"),
        (["2023-09-30"], "没有写明比较什么"),
        ([], "没有写明比较什么"),
    ],
)
def test_a_wrong_command_is_told_what_to_write(place, capsys, words, said):
    raw, out = place
    code = cli.run(["compare", *words, "--county", str(raw), "--out", str(out)])
    assert code == 2
    assert said in capsys.readouterr().err


def test_a_list_of_another_county_is_all_theirs(run, tasks):
    listed = plain(tasks.head(20))
    listed["标识码"] = "12" + listed["标识码"].str[2:]
    listed["镇办"] = ""
    code, said, folder = run(listed)
    assert code == 0
    assert len(differences(folder, kind="仅清单有")) == 20
    assert "仅清单有：20 个" in said
