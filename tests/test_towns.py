"""Evidence town by town: the same as all at once, and only what a change reaches is done again."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
import shapely
import whole_evidence
from command_line import gengbao
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import evidence, storage, tables
from pipeline.freshness import State
from pipeline.ingest.county import load_county
from pipeline.model import Town
from pipeline.stages import Desk, grounds, plan
from pipeline.stages.carrying import job_key
from pipeline.stages.grounds import Grounds, Sources, digests, plots_of

PREVIOUS, LEDGER, NEWEST = date(2022, 12, 31), date(2023, 9, 30), date(2023, 10, 31)


def all_at_once(sources):
    """Gather an export's evidence from all plots and all zones, as one."""
    covers = {role: storage.read_frame(sources.zones[role]) for role in ("pbf", "target")}
    return whole_evidence.gather(
        storage.read_frame(sources.parcels),
        zones={**covers, **sources.lists()},
        previous=storage.read_frame(sources.previous),
        county=sources.desk.county,
        export=sources.day,
        codes=tables.land_codes(),
    )


def assert_same(found, wanted):
    """Compare evidence; text columns may be of either text type."""
    texts = {name: "str" for name in wanted.columns if wanted[name].dtype == object}
    assert_geodataframe_equal(
        found.astype(texts), wanted.astype(texts), check_crs=False, check_dtype=False
    )
    assert (found.geometry.to_wkb() == wanted.geometry.to_wkb()).all()


@pytest.mark.parametrize("day", [LEDGER, NEWEST])
def test_the_parts_of_the_towns_are_the_evidence_of_all_plots_at_once(tiny, finished, day):
    sources = Sources(Desk(load_county(tiny), finished), day)
    joined = storage.read_frame(sources.desk.export(day, "evidence.parquet"))
    assert_same(joined, all_at_once(sources))


@pytest.fixture(scope="module")
def newest(tiny, finished):
    """Sources of the newest export, its plots, and the evidence of all of them at once."""
    sources = Sources(Desk(load_county(tiny), finished), NEWEST)
    return sources, storage.read_frame(sources.parcels), all_at_once(sources)


@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, 4))
def test_plots_dealt_out_at_random_have_what_they_have_among_all(newest, seed, count):
    sources, parcels, whole = newest
    dealt = np.random.default_rng(seed).integers(count, size=len(parcels))
    previous = storage.read_frame(sources.previous)
    zones = {role: storage.read_frame(sources.zones[role]) for role in ("pbf", "target")}
    zones |= sources.lists()
    parts = [
        gathered(parcels[dealt == part].reset_index(drop=True), zones, previous, sources)
        for part in range(count)
    ]
    pieces = pd.concat(parts, ignore_index=True).sort_values("bsm", kind="stable")
    pieces = pieces.reset_index(drop=True)
    least = sources.desk.county.thresholds.mask_share
    made_good = evidence.make_good(pieces, zones, export=NEWEST, least=least)
    assert_same(pieces.assign(**made_good)[list(evidence.COLUMNS)], whole)


def gathered(parcels, zones, previous, sources):
    """Gather a part from its plots and what comes near them or names them."""
    places = storage.Places(parcels.bounds.to_numpy())
    near = {role: frame[places.near(frame.bounds.to_numpy())] for role, frame in zones.items()}
    lists = {
        role: evidence.concerning(frame, parcels["bsm"], places.near(frame.bounds.to_numpy()))
        for role, frame in zones.items()
        if role not in {"pbf", "target", "supplement"}
    }
    return evidence.gather_part(
        parcels,
        zones={"pbf": near["pbf"], "target": near["target"], **lists},
        previous=previous[places.near(previous.bounds.to_numpy())].reset_index(drop=True),
        county=sources.desk.county,
        export=sources.day,
        codes=tables.land_codes(),
    )


def part_again(sources, name):
    """Gather a town's part once more; return what it was and what it is."""
    desk, day = sources.desk, sources.day
    job = next(job for job in plan(desk) if job.name == f"取证 {day} {name}")
    (product,) = job.makes
    before = product.read_bytes()
    product.unlink()
    job.compute(State.load(desk.state_file)).write()
    return before, product.read_bytes()


def test_a_town_gathered_in_small_blocks_gives_the_same_file(tiny, finished, tmp_path, monkeypatch):
    desk = Desk(load_county(tiny), shutil.copytree(finished, tmp_path / "out"))
    sources, town = Sources(desk, NEWEST), desk.county.towns[-1]
    plots = plots_of(sources, town.code)
    (whole,) = Grounds(sources).blocks(plots)
    monkeypatch.setattr(grounds, "BLOCK_PLOTS", 29)
    monkeypatch.setattr("pipeline.storage.shelf.BLOCK_ROWS", 50)
    blocks = Grounds(sources).blocks(plots)
    # every plot is in one block; last year's, the zones' and the lists' rows are in several
    assert len(blocks) > 7
    np.testing.assert_array_equal(
        np.sort(np.concatenate([block.rows["parcels"] for block in blocks])), plots
    )
    for name in ("previous", "pbf", "target"):
        read = np.concatenate([block.rows[name] for block in blocks])
        assert set(read) <= set(whole.rows[name])
        assert len(read) > len(set(read))
    for role in ("approved", "balance", "relocation"):
        assert sum(len(block.lists[role]) for block in blocks) > len(whole.lists[role]) > 0

    before, now = part_again(sources, town.name)
    assert now == before
    pieces = storage.read_columns(desk.export(NEWEST, f"parts/{town.code}.parquet"))
    assert pieces["prev_source"].eq("overlap").any()


def test_the_part_of_a_town_without_plots_is_an_empty_frame(tiny, finished, tmp_path, monkeypatch):
    desk = Desk(load_county(tiny), shutil.copytree(finished, tmp_path / "out"))
    sources = Sources(desk, NEWEST)
    monkeypatch.setattr(grounds, "BLOCK_PLOTS", 7)
    assert len(plots_of(sources, grounds.OTHER)) == 0
    before, now = part_again(sources, "未定镇办")
    assert now == before
    assert storage.read_frame(desk.export(NEWEST, f"parts/{grounds.OTHER}.parquet")).empty


def test_a_docket_is_of_the_rows_and_not_of_the_groups_they_lie_in(tiny, finished, tmp_path):
    desk = Desk(load_county(tiny), shutil.copytree(finished, tmp_path / "out"))
    sources, codes = Sources(desk, NEWEST), [town.code for town in desk.county.towns]
    before = digests(sources, codes)
    assert len(set(before.values())) == len(codes)
    plots = storage.read_frame(sources.parcels)
    storage.write_frame(sources.parcels, plots, bbox=True, group_rows=100)
    assert digests(sources, codes) == before
    at = int(plots_of(sources, codes[0])[0])
    plots.loc[at, "dlmc"] = "改过的"
    storage.write_frame(sources.parcels, plots, bbox=True)
    after = digests(sources, codes)
    assert [after[code] == before[code] for code in codes] == [False] + [True] * (len(codes) - 1)


def change_a_plot(file, town, bsm):
    """Write another land class into one record of a town's DBF."""
    data = bytearray(file.read_bytes())
    head, size = int.from_bytes(data[8:10], "little"), int.from_bytes(data[10:12], "little")
    start, fields = 1, {}
    for at in range(32, head - 1, 32):
        name = data[at : at + 11].split(b"\0")[0].decode()
        fields[name] = slice(start, start + data[at + 16])
        start += data[at + 16]
    for at in range(head, len(data) - size + 1, size):
        if data[at:][fields["BSM"]].decode().strip() == bsm:
            cell = slice(at + fields["DLBM"].start, at + fields["DLBM"].stop)
            data[cell] = b"1006".ljust(cell.stop - cell.start)
            file.write_bytes(data)
            return
    raise AssertionError(f"{town} 没有图斑 {bsm}")


def test_a_change_in_one_towns_file_redoes_the_evidence_of_that_town_only(tiny, finished, tmp_path):
    raw, out = shutil.copytree(tiny, tmp_path / "raw"), shutil.copytree(finished, tmp_path / "out")
    desk = Desk(load_county(raw), out)
    plots = storage.read_frame(desk.export(PREVIOUS, "parcels.parquet"))
    town = desk.county.towns[0]
    own = plots[plots["town_code"] == town.code]
    others = shapely.union_all(plots.loc[plots["town_code"] != town.code].geometry.to_numpy())
    inner = own[own.distance(others) > 1000]["bsm"].iloc[0]
    change_a_plot(raw / f"exports/{PREVIOUS}/地类图斑_{town.name}.dbf", town.name, inner)

    done = gengbao("classify", "--county", raw, "--out", out)
    assert done.returncode == 0, done.stderr
    read = re.findall(r"^读入 (\S+) ", done.stderr, re.MULTILINE)
    assert read == [f"exports/{PREVIOUS}/地类图斑_{town.name}.shp"]
    redone = re.findall(r"^(\S+ [\d-]+(?: \S+镇)?)(?= \S+=)", done.stderr, re.MULTILINE)
    assert redone == [
        f"入库 {PREVIOUS}",
        *(f"分镇 {day}" for day in (LEDGER, NEWEST)),
        *(f"取证 {day} {town.name}" for day in (LEDGER, NEWEST)),
        *(f"取证 {day}" for day in (LEDGER, NEWEST)),
        *(f"分类 {day}" for day in (LEDGER, NEWEST)),
    ]
    for day in (LEDGER, NEWEST):
        joined = storage.read_frame(desk.export(day, "evidence.parquet"))
        assert joined.loc[joined["bsm"] == inner, "dlbm_prev"].eq("1006").all()
        assert_same(joined, all_at_once(Sources(desk, day)))


def test_a_town_without_plots_gets_its_part_though_no_plot_has_changed(tiny, finished):
    county, name = load_county(tiny), f"分镇 {NEWEST}"
    new = Town(code=f"{county.code}199", name="新设镇", aliases=(), group="", basin="")
    fresh = []
    for towns in (county.towns, (*county.towns, new)):
        desk = Desk(replace(county, towns=towns), finished)
        state = State.load(desk.state_file)
        job = next(job for job in plan(desk) if job.name == name)
        fresh.append(state.fresh(name, job_key(desk, state, job), finished))
    assert fresh == [True, False]


BOXES = st.lists(
    st.tuples(*[st.floats(0, 1000)] * 2, *[st.floats(0, 300)] * 2), min_size=1, max_size=30
).map(lambda rows: np.array([(x, y, x + w, y + h) for x, y, w, h in rows]))


@settings(max_examples=50, deadline=None)
@given(places=BOXES, boxes=BOXES)
def test_no_box_that_meets_a_place_is_passed_over(places, boxes):
    tree = shapely.STRtree(np.asarray(shapely.box(*places.T)))
    met = np.unique(tree.query(np.asarray(shapely.box(*boxes.T)), predicate="intersects")[0])
    assert storage.Places(places).near(boxes)[met].all()
    meeting = storage.Places(places).meeting(boxes)
    assert np.flatnonzero(meeting).tolist() == met.tolist()


def test_a_box_without_figures_is_near_nothing():
    nowhere = np.full((1, 4), np.nan)
    assert not storage.Places(nowhere).near(np.array([[0.0, 0, 1, 1]])).any()
    assert not storage.Places(np.array([[0.0, 0, 1, 1]])).near(nowhere).any()
    assert not storage.Places(nowhere).meeting(nowhere).any()
