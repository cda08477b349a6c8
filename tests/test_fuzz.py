"""Random exports and random damage: right rows, an error that says why, or rows set aside.

Nightly `make fuzz` damages 5,000 times with a seed of its own; here 200 times with a fixed one.
"""

from __future__ import annotations

import random
import shutil

import fuzz
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest_county import EXPORT, county_of, folder, make_county, plots

from pipeline import tables
from pipeline.doctor import Verdict, examine
from pipeline.errors import InputError
from pipeline.ingest import read

TIMES = 200
NIGHTLY_SEED = 20231120
LAND = tables.land_codes()
CPG = (
    None, b"", b"UTF-8", b"GBK", b"65001", b"54936", b"ANSI 936", b"OEM", b"SYSTEM", b"936\r\n",
    b"LDID/77", b"ISO-8859-1", b"BIG5", b"<html>404</html>", b"\xff\xfeG\0B\0K\0",
)  # fmt: skip
LDID = (0, 0x4D, 0x57, 0x78, 0x4F, 0x7A, 0x03, 0xFF)
COMMON = "东西南北上下大小王李张赵石杨柳松沟坪湾庙村寨堡岭河川塘坝镇乡组社区农场林果园菜地水库"
RARE = "㐂𠮷䶮㙘𡎚鿍垚垕埇"


@pytest.fixture(scope="module")
def benches():
    made = {base: fuzz.Bench.make(base) for base in fuzz.BASES}
    yield made
    for bench in made.values():
        shutil.rmtree(bench.root)


def test_no_damage_passes_in_silence():
    outcomes, violations = fuzz.fuzz(TIMES, NIGHTLY_SEED)
    assert violations == []
    assert outcomes.total() == TIMES
    assert {base for base, _, _ in outcomes} == set(fuzz.BASES)
    for base in fuzz.BASES:
        found = {outcome for of, _, outcome in outcomes if of == base}
        assert {"error", "right"} <= found, base
        assert "crash" not in found


def test_what_doctor_says_of_damaged_files_is_what_ingest_does(benches):
    rng = random.Random(4)  # noqa: S311
    refused = 0
    for number in range(28):
        bench = benches[[*fuzz.BASES][number % 4]]
        mutation = fuzz.choose(bench, rng)
        bench.lay({mutation.part: fuzz.damaged(bench, mutation)})
        checkup = examine([bench.root / "exports" / EXPORT.isoformat()])
        try:
            result = bench.read()
        except InputError:
            assert checkup.verdict is Verdict.REFUSED, mutation
            refused += 1
        else:
            (layer,) = [layer for file in checkup.files for layer in file.layers if layer.role]
            counts = (layer.rows, layer.accepted, layer.rejected)
            wanted = (fuzz.PLOTS, len(result.frame), len(result.rejects))
            assert counts == wanted, mutation
            assert checkup.verdict is not Verdict.REFUSED, mutation
    assert 4 < refused < 24


@st.composite
def exports(draw):
    """Return plots with random values, and how they are written."""
    count = draw(st.integers(1, 6))
    frame = plots(count)
    at = draw(st.lists(st.integers(0, len(LAND) - 1), min_size=count, max_size=count))
    frame["DLBM"] = LAND["code"].to_numpy()[at]
    frame["DLMC"] = LAND["name"].to_numpy()[at]
    alphabet = COMMON + draw(st.sampled_from(["", RARE]))
    name = st.text(st.sampled_from(alphabet), min_size=1, max_size=7)
    frame["ZLDWMC"] = draw(st.lists(name, min_size=count, max_size=count))
    off = draw(st.lists(st.integers(-60, 60), min_size=count, max_size=count))
    frame["TBMJ"] = np.round(frame["TBMJ"] + np.array(off) / 100, 2)
    frame["SJNF"] = 2023
    encoding = draw(st.sampled_from(["utf-8", "gbk", "gb18030", "big5", "shift-jis", "euc-jp"]))
    columns = draw(st.permutations(fuzz.COLUMNS))
    options = {
        "encoding": encoding,
        "ldid": draw(st.sampled_from(LDID)),
        "cpg": draw(st.sampled_from(CPG)),
        "columns": columns,
        "deleted": draw(st.sets(st.integers(0, count - 1), max_size=count - 1)),
    }
    null = draw(st.sets(st.integers(0, count - 1), max_size=1))
    frame.loc[[*null], "geometry"] = None
    return frame, options, null


def encodable(frame, encoding):
    texts = "".join([*frame["DLMC"], *frame["ZLDWMC"]])
    try:
        return all(len(t.encode(encoding)) <= 30 for t in [*frame["DLMC"], *frame["ZLDWMC"]])
    except UnicodeEncodeError:
        return not texts


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    root = tmp_path_factory.mktemp("county")
    make_county(root)
    towns, _ = read.read_towns(county_of(root), EXPORT)
    return root, towns


@given(export=exports())
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_random_export_is_read_as_written_or_refused(county, export):
    root, towns = county
    frame, options, null = export
    if not encodable(frame, options["encoding"]):
        return
    target = folder(root) / "DLTB.shp"
    fuzz.write_shapefile(frame, target, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read, "read_towns", lambda *_: (towns, []))
        try:
            result = read.read_parcels(county_of(root), EXPORT)
        except InputError:
            return
    live = [at for at in range(len(frame)) if at not in options["deleted"]]
    aside = [at + 1 for at in live if at in null]
    assert list(result.rejects["source_row"]) == aside
    assert result.account.read_plots == len(live)
    wanted = frame.iloc[[at for at in live if at not in null]]
    for name in ("BSM", "DLBM", "DLMC", "ZLDWDM", "ZLDWMC", "TBMJ", "SJNF"):
        assert list(result.frame[name.lower()]) == list(wanted[name]), (name, options)
    if options["deleted"]:
        assert "已标记删除" in " ".join(result.problems["found"])


def test_bytes_that_a_lost_disk_block_left_in_the_table_are_told(benches):
    bench = benches["shp-gbk"]
    data = bytearray(bench.files["DLTB.dbf"])
    start = data.index(b"999901200000000003")
    data[start + 12 : start + 22] = bytes(10)
    bench.lay({"DLTB.dbf": bytes(data)})
    result = bench.read()
    said = "1 条记录（首条第 3 条）的字段 BSM、DLBM 里有空字符，当空白处理"
    assert any(text.startswith(said) for text in result.problems["found"])


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "gb18030"])
def test_the_encodings_in_the_field_are_read_and_not_refused(county, encoding):
    """A property that is all errors would prove nothing: these are read whatever .cpg says."""
    root, _ = county
    frame = plots(6).assign(
        SJNF=2023, ZLDWMC=["石家沟村", "大坪村", "东川镇社区", "上湾", "王庙村", "松岭"]
    )
    for ldid, cpg in zip(LDID, CPG[::2], strict=True):
        target = folder(root) / "DLTB.shp"
        fuzz.write_shapefile(frame, target, encoding, ldid=ldid, cpg=cpg)
        found = read.read_parcels(county_of(root), EXPORT).frame
        assert list(found["zldwmc"]) == list(frame["ZLDWMC"]), (ldid, cpg)
        assert list(found["dlmc"]) == list(frame["DLMC"])


def test_a_hole_gone_astray_is_told_and_eats_no_memory(benches):
    """Shells alone make a polygon's bounds: a hole's corner may lie anywhere in the universe."""
    bench = benches["shp-utf8"]
    outcomes = []
    for far in (1e308, 9e8, -4e7):
        frame = fuzz.truth()
        shell, (hole,) = frame.geometry[1].exterior, frame.geometry[1].interiors
        corners = [*hole.coords][:-1]
        corners[0] = (far, corners[0][1])
        frame.loc[1, "geometry"] = shapely.Polygon(shell, [corners])
        target = folder(bench.root) / "DLTB.shp"
        fuzz.write_shapefile(frame, target, "utf-8")
        try:
            outcomes.append(list(bench.read().rejects["rule"]))
        except InputError as error:
            outcomes.append(error.findings[0].found.split("：")[1])
    assert outcomes[0] == ["GEOM_COORD"]
    assert outcomes[1:] == ["同一图层混有 不属于任何已知范围、带 3 度带号 36 的高斯-克吕格坐标"] * 2
