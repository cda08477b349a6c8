"""台账: a row per task, people's columns open, the rest sealed, names from contacts.csv alone."""

from __future__ import annotations

import io
import shutil
import zipfile
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import pytest
from command_line import gengbao, read_csv
from office_data import by_libreoffice, office_data, opened

from pipeline.errors import GengbaoError
from pipeline.ingest.contacts import contact_of, load_contacts
from pipeline.model import Contact
from pipeline.reports.ledgers import make
from pipeline.tables.ledgerform import load_ledger_columns, seal, sealed

FOLDER = "data/processed/reports/台账"
LABELS = [column.label for column in load_ledger_columns()]
AT = {column.name: number for number, column in enumerate(load_ledger_columns(), 1)}


@pytest.fixture(scope="module")
def data(tiny, finished):
    return office_data(tiny, finished)


@pytest.fixture(scope="module")
def files(data):
    return make(data)


def pages(files):
    return {name: opened(data)["问题台账"] for name, data in files.items()}


def rows_of(page):
    """Return the cells of every task by column name."""
    return [
        {name: page.cell(row, at).value for name, at in AT.items()}
        for row in range(5, page.max_row + 1)
    ]


def test_every_task_stands_in_its_town_s_ledger_once_and_sums_are_the_summary_s(finished, files):
    found = pages(files)
    assert len(found) == 3
    tasks = [row for page in found.values() for row in rows_of(page)]
    now = {r["task_id"] for r in read_csv(finished / "data/processed/history.csv")}
    assert sorted(row["task_id"] for row in tasks) == sorted(now)
    summary = read_csv(finished / "data/processed/summary.csv")
    for name, page in found.items():
        town = name.rpartition("/")[2].removesuffix("问题台账.xlsx")
        total = next(
            r for r in summary
            if (r["export"], r["town"], r["category"]) == ("2023-10-31", town, "total")
        )  # fmt: skip
        standing = [row for row in rows_of(page) if row["status"] != "撤出"]
        assert len(standing) == int(total["plots"])
        assert f"任务 {total['plots']} 个、" in page["D3"].value
        for area in ("area_mu", "restored_mu", "remaining_mu"):
            added = sum(row[area] for row in standing)
            assert added == pytest.approx(float(total[area]), abs=1e-9)
        printed = Decimal(total["area_mu"]).quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert f"、{printed} 亩" in page["D3"].value
        assert f"已销号 {total['closed_plots']} 个" in page["D3"].value


def test_a_ledger_that_does_not_add_up_is_not_issued(data):
    ledger = data.ledger.copy()
    ledger.loc[ledger.index[ledger["status"] == "open"][0], "area_m2"] += 1
    with pytest.raises(GengbaoError, match="汇总表是"):
        make(replace(data, ledger=ledger))


def test_one_head_with_filters_people_s_columns_open_and_the_rest_locked(files):
    page = next(iter(pages(files).values()))
    assert [cell.value for cell in page[4]] == LABELS
    assert page.auto_filter.ref == f"A4:Z{page.max_row}"
    assert page.protection.sheet
    assert page.freeze_panes == "D5"
    for column in load_ledger_columns():
        cell = page.cell(5, AT[column.name])
        assert cell.protection.locked is not column.fill, column.name
    rules = page.data_validations.dataValidation
    assert sorted(rule.type for rule in rules) == ["date", "date", "list", "list", "list"]
    claim = next(rule for rule in rules if "已恢复" in (rule.formula1 or ""))
    assert claim.formula1 == '"未整改,整改中,已恢复,无法恢复"'
    assert page.print_title_rows == "$4:$4"


def test_the_map_book_is_linked_by_a_relative_path_and_its_page_written_out(files):
    """ledgers lie in data/processed/reports/台账/, the book in maps/: four folders up."""
    linked = 0
    for page in pages(files).values():
        for row in range(5, page.max_row + 1):
            cell = page.cell(row, AT["sheet"])
            if cell.value == "不在图册":
                assert cell.hyperlink is None
                continue
            number = cell.value.partition("页")[0].removeprefix("第")
            # as Excel writes it; LibreOffice and WPS understand it
            target = cell.hyperlink.target.replace("\\", "/")
            place = cell.hyperlink.location
            assert (target, place) == ("../../../../maps/图册.pdf", f"page={number}")
            linked += 1
    assert linked > 3


def test_the_book_a_run_links_to_is_there(finished):
    ledger = next((finished / FOLDER).iterdir())
    assert (ledger.parent / "../../../../maps/图册.pdf").resolve().is_file()


def test_rule_and_clause_stand_in_words(files):
    row = rows_of(next(iter(pages(files).values())))[0]
    assert row["rule"].startswith("R0")
    assert "。依据：" in row["rule"]
    assert not {"in_pbf", "monitoring"} & set(row["rule"].split())


def test_the_same_data_gives_the_same_bytes(data, files):
    assert make(data) == files


def test_every_row_is_sealed_and_libreoffice_breaks_no_seal(tmp_path, files):
    data = next(iter(files.values()))
    for saved in (data, by_libreoffice(tmp_path, "甲.xlsx", data)):
        for row in rows_of(opened(saved)["问题台账"]):
            texts = ["" if row[c.name] is None else str(row[c.name]) for c in sealed()]
            assert seal(texts) == row["mark"]


def test_a_person_comes_from_contacts_alone_and_only_into_that_column(data, files):
    town = data.county.towns[0].name
    contacts = (Contact(town=town, village="", unit="某某办公室", person="〇某某"),)
    own = next(name for name in files if town in name)
    rows = rows_of(opened(make(replace(data, contacts=contacts))[own])["问题台账"])
    assert {row["person"] for row in rows} == {"〇某某"}
    assert {row["unit"] for row in rows} == {"某某办公室"}
    assert {row["person"] for row in rows_of(opened(files[own])["问题台账"])} == {None}
    assert not any("〇" in str(row[name]) for row in rows for name in row if name != "person")


def test_who_answers_for_a_village_comes_before_its_town_and_the_county():
    county, town, village = (
        Contact(town=town, village=village, unit="", person=person)
        for town, village, person in (("全县", "", "〇"), ("甲镇", "", "△"), ("甲镇", "乙村", "□"))
    )
    known = (county, town, village)
    assert contact_of(known, "甲镇", "乙村") == village
    assert contact_of(known, "甲镇", "丙村") == town
    assert contact_of(known, "丁镇", "丙村") == county
    assert contact_of((town,), "丁镇", "") is None


def test_a_role_that_nothing_prints_is_refused_with_its_line(tmp_path):
    (tmp_path / "contacts.csv").write_text(
        "town,village,role,unit,person\n全县,,签发人,,〇某某\n", encoding="utf-8"
    )
    _, findings = load_contacts(tmp_path, ())
    (said,) = map(str, findings)
    assert said.startswith("contacts.csv 第 2 行：role“签发人”不认识；处理办法：只能写 责任人")
    assert "某某" not in said


def test_hostile_text_stays_text_and_hostile_names_stay_names(data):
    bad = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "<script>alert(1)</script>", "a\x0bb"]
    ledger = data.ledger.copy()
    ledger["village"] = [bad[n % len(bad)] for n in range(len(ledger))]
    first, *others = data.county.towns
    county = replace(data.county, towns=(replace(first, name="../甲:乙?*[镇]"), *others))
    ledger.loc[ledger["town_code"] == first.code, "town"] = "../甲:乙?*[镇]"
    summary = data.summary.copy()
    summary.loc[summary["town"] == first.name, "town"] = "../甲:乙?*[镇]"
    files = make(replace(data, county=county, ledger=ledger, summary=summary))
    name = next(name for name in files if "甲" in name)
    assert name == f"{FOLDER}/-甲-乙--[镇]问题台账.xlsx"
    page = opened(files[name], values=False)["问题台账"]
    cells = [cell for row in page.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    seen = {cell.value for cell in cells if cell.column == AT["village"]}
    assert {*bad[:5], "ab"} <= seen
    assert page["D1"].value.startswith("清石县../甲")


def test_persons_that_deliveries_carry_reach_no_workbook(data):
    ledger = data.ledger.assign(zrrzjhm="610000000000000000", lxdh="13900000000", zrrmc="〇某")
    for content in make(replace(data, ledger=ledger)).values():
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            text = b"".join(archive.read(name) for name in archive.namelist()).decode("utf-8")
        assert not any(word in text for word in ("610000000000000000", "13900000000", "〇某"))


def test_contacts_enter_the_ledgers_and_neither_manifest_nor_log(tiny, finished, tmp_path):
    raw, out = (shutil.copytree(f, tmp_path / f.name) for f in (tiny, finished))
    town = next(r for r in read_csv(raw / "towns.csv"))["name"]
    (raw / "contacts.csv").write_text(
        f"town,village,role,unit,person\n{town},,责任人,某某办公室,〇某某\n", encoding="utf-8"
    )
    done = gengbao("all", "--county", raw, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "〇某某" not in done.stderr
    page = opened((out / FOLDER / f"{town}问题台账.xlsx").read_bytes())["问题台账"]
    assert {row["person"] for row in rows_of(page)} == {"〇某某"}
    manifest = (out / "data/processed/manifest.json").read_text(encoding="utf-8")
    assert "contacts" not in manifest
    for file in (out / "data/processed").rglob("*.csv"):
        assert "〇某某" not in file.read_text(encoding="utf-8-sig"), file
    wrong = "town,village,role,unit,person\n没有镇,,责任人,,〇某某\n"
    (raw / "contacts.csv").write_text(wrong, encoding="utf-8")
    refused = gengbao("all", "--county", raw, "--out", out)
    assert refused.returncode == 3
    assert "contacts.csv 第 2 行" in refused.stderr
    assert "〇某某" not in refused.stderr
