"""Damage exports byte by byte and hold what ingest makes of them against the truth.

    python tests/fuzz.py [COUNT [SEED]]        one line per format and part, exit 1 on a violation

Allowed: every row with its right values; InputError; rows set aside with a reason. Not allowed:
fewer rows, values in another row, any other exception. A changed byte inside a stored value is as
good as the right one to anybody without a checksum; it may change that value and nothing else.
"""

from __future__ import annotations

import random
import resource
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyproj
import pytest
import shapely
import survey_bytes
from ingest_county import CRS, EXPORT, county_of, folder, make_county, plots, write
from survey_bytes import Column, Region

from pipeline import fields
from pipeline.errors import InputError
from pipeline.ingest import read

COLUMNS = (
    Column(b"BSM", "C", 18),
    Column(b"DLBM", "C", 5),
    Column(b"DLMC", "C", 30),
    Column(b"ZLDWDM", "C", 19),
    Column(b"ZLDWMC", "C", 30),
    Column(b"TBMJ", "N", 15, 2),
    Column(b"KCXS", "N", 6, 4),
    Column(b"SJNF", "N", 4),
)
PLOTS = 6
MEMORY = 6 << 30
WHATS = ["cut", "flip", "flip", "bit", "zero", "gone"]
OURS = [f.name for f in fields.DLTB]


def truth():
    """Return six plots: one with a hole, one of two parts, names in Chinese."""
    frame = plots(PLOTS)
    shapes = list(frame.geometry)
    hole = shapely.Point(shapely.centroid(shapes[1])).buffer(10, quad_segs=2)
    shapes[1] = shapely.difference(shapes[1], hole)
    shapes[3] = shapely.difference(shapes[3], shapely.box(*_band(shapes[3])))
    frame = frame.set_geometry(shapely.set_precision(shapes, 1e-4), crs=CRS)
    return frame.assign(SJNF=2023)[[*(c.name.decode() for c in COLUMNS), "geometry"]]


def _band(shape):
    x0, y0, _, y1 = shape.bounds
    return x0 + 40, y0 - 1, x0 + 45, y1 + 1


def write_shapefile(frame, path, encoding="gbk", *, ldid=0, cpg=None, columns=COLUMNS, deleted=()):
    """Write the shapefile byte by byte; a missing geometry is a null shape."""
    rows = [
        [
            f"{row[i]:.{c.decimals}f}".encode()
            if c.kind == "N"
            else ("" if row[i] is None else str(row[i])).encode(encoding)
            for i, c in enumerate(columns)
        ]
        for row in frame[[c.name.decode() for c in columns]].itertuples(index=False)
    ]
    path.with_suffix(".dbf").write_bytes(
        survey_bytes.dbf(columns, rows, ldid=ldid, deleted=deleted)
    )
    main, index = survey_bytes.shp(list(frame.geometry))
    path.write_bytes(main)
    path.with_suffix(".shx").write_bytes(index)
    path.with_suffix(".prj").write_text(pyproj.CRS(CRS).to_wkt("WKT1_ESRI"), encoding="ascii")
    if cpg is not None:
        path.with_suffix(".cpg").write_bytes(cpg)


MULTI = {"geometry_type": "MultiPolygon", "promote_to_multi": True}
BASES = {
    "shp-gbk": ("DLTB.shp", lambda f, p: write_shapefile(f, p, "gbk")),
    "shp-utf8": ("DLTB.shp", lambda f, p: write_shapefile(f, p, "utf-8", cpg=b"UTF-8")),
    "gpkg": ("DLTB.gpkg", lambda f, p: write(f, p, layer="DLTB", **MULTI)),
    "gdb": ("DLTB.gdb", lambda f, p: write(f, p, layer="DLTB", driver="OpenFileGDB", **MULTI)),
}


@dataclass(frozen=True)
class Mutation:
    """One change: the file it is in, what was done, where.

    what: cut (the file ends there), flip, bit (new: the byte that now stands there), zero (new: how
    many bytes), gone (the file is missing).
    """

    base: str
    part: str
    what: str
    at: int
    new: int = -1


@dataclass
class Bench:
    """A county whose export is damaged again and again."""

    root: Path
    base: str
    files: dict[str, bytes] = field(default_factory=dict)
    expected: dict[int, tuple] = field(default_factory=dict)
    towns: object = None

    @classmethod
    def make(cls, base):
        """Write the county and the export, read it whole, and check that against the truth."""
        root = Path(tempfile.mkdtemp(prefix="fuzz-"))
        make_county(root)
        bench = cls(root, base)
        name, writer = BASES[base]
        target = folder(root)
        writer(truth(), target / name)
        bench.files = {
            p.relative_to(target).as_posix(): p.read_bytes()
            for p in sorted(target.rglob("*"))
            if p.is_file() and p.stat().st_size
        }
        result = bench.read()
        bench.expected = rows_of(result.frame)
        frame = truth()
        assert len(result.frame) == PLOTS
        for name in ("BSM", "DLBM", "DLMC", "ZLDWDM", "ZLDWMC", "TBMJ", "KCXS", "SJNF"):
            assert list(result.frame[name.lower()]) == list(frame[name]), name
        assert shapely.equals(result.frame.geometry.to_numpy(), frame.geometry.to_numpy()).all()
        return bench

    def read(self):
        """Read the export as it now stands, all of it by ingest's own code.

        The towns, which nobody damages, are read once.
        """
        county = county_of(self.root)
        if self.towns is None:
            self.towns, _ = read.read_towns(county, EXPORT)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(read, "read_towns", lambda *_: (self.towns, []))
            return read.read_parcels(county, EXPORT)

    def lay(self, changed):
        """Put the export's files back, with some of them changed (None: gone)."""
        target = folder(self.root)
        for name, data in {**self.files, **changed}.items():
            if data is not None:
                (target / name).parent.mkdir(exist_ok=True)
                (target / name).write_bytes(data)


def rows_of(frame):
    """Return every row's delivered values and geometry by its number in the file."""
    table = frame[OURS].astype(object).where(frame[OURS].notna(), None)
    shapes = shapely.to_wkb(shapely.normalize(frame.geometry.to_numpy()))
    return {
        int(number): (*values, shape)
        for number, values, shape in zip(
            frame["source_row"], table.itertuples(index=False, name=None), shapes, strict=True
        )
    }


def choose(bench, rng):
    """Return a mutation: any part, half of them near its beginning; cut, one byte or a few."""
    part = rng.choice(sorted(bench.files))
    size = len(bench.files[part])
    near = rng.random() < 0.4
    at = rng.randrange(min(size, 160)) if near else rng.randrange(size)
    what = rng.choice(WHATS)
    new = rng.randrange(256) if what == "flip" else bench.files[part][at] ^ 1 << rng.randrange(8)
    if what == "zero":  # what a bad sector or a lost block of a copy leaves
        new = rng.choice([8, 64, 512])
    return Mutation(bench.base, part, what, at, -1 if what in {"cut", "gone"} else new)


def damaged(bench, mutation):
    """Return the damaged part's bytes."""
    data = bytearray(bench.files[mutation.part])
    if mutation.what == "gone":
        return None
    if mutation.what == "cut":
        return bytes(data[: mutation.at])
    if mutation.what == "zero":
        end = min(mutation.at + mutation.new, len(data))
        data[mutation.at : end] = bytes(end - mutation.at)
        return bytes(data)
    data[mutation.at] = mutation.new
    return bytes(data)


def run(bench, mutation):
    """Return (outcome, None), or (outcome, what is wrong with it)."""
    data = damaged(bench, mutation)
    if data == bench.files[mutation.part]:
        return "same", None
    bench.lay({mutation.part: data})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = bench.read()
    except InputError as error:
        return "error", None if error.findings else "an error that says nothing"
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return "crash", f"{type(error).__name__}: {error}"
    return judge(bench, mutation, result)


def judge(bench, mutation, result):
    """Hold accepted rows and rejects against the truth."""
    found = rows_of(result.frame)
    aside = [int(number) for number in result.rejects["source_row"]]
    numbers = sorted([*found, *aside])
    if len(found) != len(result.frame):
        return "accepted", "two accepted rows carry one number"
    region = region_of(bench, mutation)
    said = " ".join(result.problems["found"].dropna())
    if numbers != sorted(bench.expected):
        deleted = region.what == "flag" and numbers == [
            n for n in bench.expected if n != region.row
        ]
        if deleted and "已标记删除" in said:
            return "deleted", None
        renumbered = region.what == "any" and len(numbers) == PLOTS
        if not renumbered:
            return "accepted", f"rows {numbers}"
    changed = {
        (number, column)
        for number, values in found.items()
        for column, (now, was) in enumerate(
            zip(values, bench.expected.get(number, ()), strict=False)
        )
        if now != was
    }
    outcome = "rejects" if aside else "right"
    if not changed:
        return outcome, None
    if (
        mutation.what == "zero"
        and "里有空字符" in said
        and {row for row, _ in changed} == {region.row}
    ):
        return "told", None
    wrong = not_allowed(region, changed, found)
    return "value", f"{wrong} {changed}" if wrong else None


def region_of(bench, mutation):
    """Return what the changed bytes are part of: none, if they can't be a stored value's alone."""
    if mutation.what in {"cut", "gone"}:
        return Region(mutation.what)
    if bench.base in {"gpkg", "gdb"}:
        return Region("any")
    last = mutation.at
    if mutation.what == "zero":
        last = min(mutation.at + mutation.new, len(bench.files[mutation.part])) - 1
    if mutation.part.endswith(".dbf"):
        first, end = (survey_bytes.dbf_region(COLUMNS, PLOTS, at) for at in (mutation.at, last))
    elif mutation.part.endswith(".shp"):
        data = bench.files[mutation.part]
        first, end = (survey_bytes.shp_region(data, at) for at in (mutation.at, last))
    else:
        return Region("head")
    if first == end:
        return first
    return Region("cells" if first.what == end.what == "cell" else "several", first.row)


def not_allowed(region, changed, found):
    """Return why a change of stored values is none that a single byte in that place explains."""
    rows, columns = {row for row, _ in changed}, {column for _, column in changed}
    shape = len(OURS)
    if region.what == "cell":
        own = OURS.index(region.column.decode().lower())
        return "" if rows == {region.row} and columns == {own} else "a byte of another cell"
    if region.what == "cells":  # of one row, or a flag between would have been overwritten
        return "" if rows == {region.row} and shape not in columns else "bytes of another row"
    if region.what == "shape":
        return "" if rows == {region.row} and columns == {shape} else "a byte of another shape"
    lost = len(columns) == 1 and all(found[row][column] is None for row, column in changed)
    if region.what == "name" and lost:
        return ""  # a column's name is a stored value too: the column is now another one
    if region.what == "any" and (len(rows) == 1 or lost):
        return ""
    return f"no byte of {region} may change a value"


def fuzz(count, seed, report=None):
    """Damage `count` times; return outcomes by (base, part) and the violations."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    outcomes, violations = Counter(), []
    benches = [Bench.make(base) for base in BASES]
    for number in range(count):
        bench = benches[number % len(benches)]
        mutation = choose(bench, rng)
        outcome, wrong = run(bench, mutation)
        outcomes[bench.base, Path(mutation.part).suffix or mutation.part, outcome] += 1
        if wrong:
            violations.append((mutation, wrong))
            if report:
                report(f"  {mutation}: {wrong}")
    for bench in benches:
        shutil.rmtree(bench.root)
    return outcomes, violations


def main():
    """Run from the command line."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    print(f"{count} 次，种子 {seed}", flush=True)  # noqa: T201
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))  # so that a few bytes can't eat it all
    outcomes, violations = fuzz(count, seed, lambda line: print(line, flush=True))  # noqa: T201
    table = pd.DataFrame.from_records([(b, p, o, n) for (b, p, o), n in outcomes.items()])
    table = table.pivot_table(3, [0, 1], 2, aggfunc="sum", fill_value=0)
    print(table.to_string())  # noqa: T201
    print(f"违反 {len(violations)} 次")  # noqa: T201
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
