"""Modes trust and derive: each works, and each lists where layers and rules differ."""

from __future__ import annotations

import shutil
from datetime import date

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from command_line import gengbao, hashes, read_csv

from pipeline.classify import apply_delivered, classify, differs, disagreements
from pipeline.tables import classes, grammar, load_pack

PACK = load_pack("zhashui-2023")
DAY = date(2023, 9, 30)
IN_PBF = {"in_pbf": "yes", "in_target": "yes", "cultivated": "no", "land": "other_agri"}
RELOCATED = IN_PBF | {"relocation": "yes"}  # rule R03
CROPLAND = {"in_pbf": "yes", "in_target": "yes"}  # nothing to do
UNKNOWN = {"in_pbf": "yes", "in_target": "yes", "monitoring": "?"}
E0, N0 = 36_600_000, 3_720_000


def field(number, width=100):
    """Return the number-th square of 100 m, or its western part."""
    return shapely.box(E0 + 200 * number, N0, E0 + 200 * number + width, N0 + 100)


def ruled(*examples):
    """Return pieces as the rules judge them; an example is evidence and delivered categories."""
    frame = grammar.example_frame([example for example, _ in examples])
    count = len(frame)
    pieces = frame.assign(
        bsm=[f"{n:018d}" for n in range(count)], piece=1, town_code="990001001", town="甲镇",
        village="河口村", flags=pd.Series([None] * count, dtype="str"), base_m2=10_000.25,
        delivered=pd.Series([layers for _, layers in examples], dtype="str"),
    )  # fmt: skip
    shapes = [field(n) for n in range(count)]
    return classify(gpd.GeoDataFrame(pieces, geometry=shapes, crs="EPSG:4524"), PACK)


def layer(*shapes, **columns):
    count = len(shapes)
    plain = {"bsm": None, "sxrq": None, "source_file": "下发.gpkg"}
    frame = pd.DataFrame({**plain, **columns, "source_row": range(1, count + 1)})
    return gpd.GeoDataFrame(frame, geometry=list(shapes), crs="EPSG:4524")


def compare(pieces, listed=None, *, trust=False, layers=("pbf_relocate", "pbf_restore_in_place")):
    """Return the list of disagreements; without frames the layers are as the pieces say."""
    if listed is None:
        said = pieces["delivered"].fillna("").str.split("|")
        shapes = {
            name: pieces.geometry[[name in names for names in said]]
            for name in {*layers, *(n for names in said for n in names if n)}
        }
        listed = {name: layer(*held) for name, held in shapes.items()}
    final = apply_delivered(pieces, classes(), list(listed)) if trust else pieces
    return disagreements(pieces, final, listed, classes(), export=DAY)


def test_agreement_is_not_listed_in_either_mode():
    pieces = ruled((RELOCATED, "pbf_relocate"), (CROPLAND, None))
    assert compare(pieces).empty
    assert compare(pieces, trust=True).empty


KINDS = {
    "different": (RELOCATED, "pbf_restore_in_place"),
    "delivered_only": (CROPLAND, "pbf_relocate"),
    "rule_only": (RELOCATED, None),
    "undecided": (UNKNOWN, "pbf_relocate"),
    "several": (RELOCATED, "pbf_relocate|pbf_restore_in_place"),
}
REASONS = {
    "different": "下发为“永农就地恢复”，规则 R03 判定为“异地调整补划”",
    "delivered_only": "下发为“异地调整补划”，规则 R06 判定为“无任务”，不是任务（本期现状为耕地）",
    "rule_only": "规则 R03 判定为“异地调整补划”，未列入下发的该类图层",
    "undecided": "下发为“异地调整补划”，规则 R01 无法判定，资料缺：疑似变化监测",
    "several": "同时下发为“异地调整补划、永农就地恢复”，规则 R03 判定为“异地调整补划”",
}
BY_TRUST = {"several": "待核（尚无结论）"}
BY_DERIVE = {"undecided": "待核（尚无结论）"}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_disagreement_is_named_with_its_reason_and_who_decided(kind):
    pieces = ruled(KINDS[kind])
    for trust, exceptions, usual in ((True, BY_TRUST, "下发图层"), (False, BY_DERIVE, "规则")):
        (row,) = compare(pieces, trust=trust).to_dict("records")
        assert row["kind"] == kind
        assert row["reason"] == REASONS[kind]
        assert row["decided_by"] == exceptions.get(kind, usual)
        assert (row["bsm"], row["piece"], row["town"]) == (f"{0:018d}", 1, "甲镇")
        # 10 000.25 m² × 0.0015 = 15.000375 亩
        assert (row["area_m2"], row["area_mu"]) == ("10000.25", "15.000375")
        assert row["rule_id"] == pieces["rule_id"].item()
        assert row["basis"] == pieces["basis"].item()


def test_a_layer_that_was_not_delivered_decides_nothing():
    """Only one of the layers came: the tasks of the others stay as the rules say."""
    pieces = ruled((RELOCATED, None), (IN_PBF | {"recoverable": "yes"}, None))
    final = apply_delivered(pieces, classes(), ["pbf_restore_in_place"])
    assert final["category"].tolist() == ["pbf_relocate", "none"]
    assert final["rule_id"].tolist() == ["R03", "DELIVERED"]
    listed = {"pbf_restore_in_place": layer()}
    table = disagreements(pieces, final, listed, classes(), export=DAY)
    assert table["kind"].tolist() == ["rule_only"]
    assert table["bsm"].tolist() == [f"{1:018d}"]


def test_a_delivered_row_that_holds_for_no_piece_is_listed_with_its_place():
    pieces = ruled((RELOCATED, "pbf_relocate"), (CROPLAND, None))
    listed = {"pbf_relocate": layer(field(0), field(1, 40), field(9))}
    table = compare(pieces, listed)
    assert table["kind"].tolist() == ["unheard", "unheard"]
    assert table["source_row"].tolist() == [2, 3]
    assert table["bsm"].tolist()[0] == f"{1:018d}"
    assert table["bsm"].isna().tolist() == [False, True]
    assert table["reason"].tolist() == [
        "下发的“异地调整补划”只有 0.0% 落在归入该类的图块上，未占到所在图块的一半，没有起作用",
        "下发的“异地调整补划”不在任何图斑上，没有起作用",
    ]
    # 40 × 100 m on the plane, some 0.03 % less on the ellipsoid
    assert float(table["area_m2"][0]) == pytest.approx(4000, rel=5e-4)


def test_a_delivered_bsm_without_a_plot_is_listed():
    pieces = ruled((RELOCATED, "pbf_relocate"))
    listed = {"pbf_relocate": layer(None, None, bsm=[f"{0:018d}", "7" * 18])}
    table = compare(pieces, listed)
    assert table["bsm"].tolist() == ["7" * 18]
    assert "所写标识码不在本期图斑中" in table["reason"].item()


def test_pieces_that_no_delivered_row_can_meet_need_no_shape():
    pieces = ruled((RELOCATED, "pbf_relocate"), (CROPLAND, None), (RELOCATED, None))
    listed = {"pbf_relocate": layer(field(0), field(1, 40))}
    partly = pieces.assign(geometry=[*pieces.geometry[:2], None])
    pd.testing.assert_frame_equal(compare(partly, listed), compare(pieces, listed))


def test_pieces_that_neither_differ_nor_can_be_met_may_be_left_out():
    pieces = ruled(*KINDS.values(), (CROPLAND, None), (RELOCATED, "pbf_relocate"))
    layers = ["pbf_relocate", "pbf_restore_in_place"]
    told = differs(pieces, classes(), layers)
    assert told.tolist() == [True] * len(KINDS) + [False, False]
    listed = {name: layer(field(0)) for name in layers}
    partly = pieces[told].reset_index(drop=True)
    pd.testing.assert_frame_equal(compare(partly, listed), compare(pieces, listed))


def test_a_row_that_is_effective_later_is_not_missed_yet():
    pieces = ruled((CROPLAND, None))
    later = layer(field(0), sxrq=[pd.Timestamp("2023-10-15")])
    assert compare(pieces, {"pbf_relocate": later}).empty


# the whole job ----------------------------------------------------------------------------------


def deliver(tiny, finished, folder, mode, edit=lambda tasks: tasks):
    """Deliver the rules' own tasks as layers, edited; judge again in a mode; return products."""
    raw, out = folder / mode / "raw", folder / mode / "out"
    shutil.copytree(tiny, raw)
    shutil.copytree(finished / "data", out / "data")
    pieces = gpd.read_parquet(finished / f"data/processed/exports/{DAY}/pieces.parquet")
    names = [category.name for category in classes() if category.task]
    tasks = edit(pieces[pieces["category"].isin(names)][["bsm", "category", "geometry"]])
    lines = [f'task_{name} = "reference/下发/{name}.gpkg"' for name in names]
    (raw / "reference/下发").mkdir()
    for name in names:
        rows = tasks[tasks["category"] == name][["geometry"]]
        pyogrio.write_dataframe(rows, raw / f"reference/下发/{name}.gpkg", geometry_type="Unknown")
    toml = (raw / "county.toml").read_text(encoding="utf-8")
    toml = toml.replace('mode = "derive"', f'mode = "{mode}"')
    toml = toml.replace("[layers]", "\n".join(["[layers]", *lines]))
    (raw / "county.toml").write_text(toml, encoding="utf-8")
    done = gengbao("ledger", "--county", raw, "--out", out)
    assert done.returncode == 0, done.stderr
    return out / "data/processed"


def test_layers_that_say_what_the_rules_say_change_nothing(tiny, finished, tmp_path):
    ledger = finished / "data/processed/ledger.parquet"
    before = gpd.read_parquet(ledger)[["task_id", "category", "area_m2"]]
    products = deliver(tiny, finished, tmp_path, "trust")
    assert read_csv(products / f"exports/{DAY}/disagreements.csv") == []
    opened = gpd.read_parquet(products / f"exports/{DAY}/ledger.parquet")
    at_ledger = before[before["task_id"].isin(opened["task_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(opened[["task_id", "category", "area_m2"]], at_ledger)
    # what has been restored since is no task by the rules, and the list says why
    (later,) = (
        path
        for path in products.glob("exports/*/disagreements.csv")
        if DAY.isoformat() not in str(path)
    )
    rows = read_csv(later)
    assert {row["kind"] for row in rows} <= {"delivered_only", "rule_only", "different"}
    restored = [row for row in rows if row["rule_category"] == "inflow"]
    assert restored
    assert all(row["reason"].endswith("（本期现状为耕地）") for row in restored)


def test_both_modes_list_the_same_differences_and_decide_them_differently(tiny, finished, tmp_path):
    def edit(tasks):
        first = tasks.groupby("category")["bsm"].first()
        moved = tasks["bsm"] == first["pbf_restore_in_place"]
        left_out = tasks["bsm"] == first["outflow_restore"]
        return tasks.assign(category=tasks["category"].mask(moved, "pbf_relocate"))[~left_out]

    keys, decided = [], []
    for mode in ("trust", "derive"):
        rows = read_csv(
            deliver(tiny, finished, tmp_path, mode, edit) / f"exports/{DAY}/disagreements.csv"
        )
        keys.append([(row["bsm"], row["kind"], row["reason"]) for row in rows])
        decided.append({(row["kind"], row["category"], row["decided_by"]) for row in rows})
    assert keys[0] == keys[1]
    assert decided[0] == {
        ("different", "pbf_relocate", "下发图层"),
        ("rule_only", "none", "下发图层"),
    }
    assert decided[1] == {
        ("different", "pbf_restore_in_place", "规则"),
        ("rule_only", "outflow_restore", "规则"),
    }


def test_without_delivered_layers_there_is_no_list(finished):
    assert not list(finished.rglob("disagreements.csv"))


def test_an_undated_status_list_stops_the_run(tiny, finished, tmp_path):
    raw, out = tmp_path / "raw", tmp_path / "out"
    shutil.copytree(tiny, raw)
    shutil.copytree(finished / "data", out / "data")
    before = hashes(out)
    path = raw / "reference/清单/核实处置自提.csv"
    table = pd.read_csv(path, dtype=str, encoding_errors="strict", encoding="gb18030")
    table.drop(columns="SXRQ").to_csv(path, index=False, encoding="gb18030")
    done = gengbao("ledger", "--county", raw, "--out", out)
    assert done.returncode == 4
    assert "核实处置自提.csv" in done.stderr
    assert "清单没有日期" in done.stderr
    assert hashes(out) == before
