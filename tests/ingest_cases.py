"""The bad-input cases through the command line: a finished county, one export replaced."""

import csv
import io
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pytest
from ingest_county import (
    EXPORT,
    digest,
    folder,
    make_county,
    plots,
    write,
    write_dbf,
    write_shp,
)  # fmt: skip

from pipeline.cli import run

DAY = EXPORT.isoformat()
NOTES = {".state.json"}


@dataclass
class Case:
    """A county whose products are up to date, and what the next run of it says."""

    root: Path
    out: Path
    capsys: pytest.CaptureFixture[str]

    def folder(self):
        """Return the ledger export's folder, emptied."""
        return folder(self.root)

    def ingest(self):
        """Run `ingest`; return its exit code and what it said. The input is never touched."""
        before = digest(self.root)
        self.capsys.readouterr()
        code = run(["ingest", "--county", str(self.root), "--out", str(self.out)])
        said = self.capsys.readouterr().err
        assert digest(self.root) == before, "data/raw was written to"
        assert "Traceback" not in said
        return code, said

    def refused(self, code=4):
        """Run on bad input; return the message, having checked that no product changed."""
        before = self.products()
        got, said = self.ingest()
        assert got == code, said
        assert self.products() == before, "products changed although the input is wrong"
        return said

    def accepted(self):
        """Run on input that is read; return plots, rejects and problems as written."""
        code, said = self.ingest()
        assert code == 0, said
        day = self.out / "data/processed/exports" / DAY
        with (day / "problems.csv").open(encoding="utf-8-sig", newline="") as stream:
            problems = list(csv.DictReader(stream))
        return (
            gpd.read_parquet(day / "parcels.parquet"),
            gpd.read_file(day / "rejects.gpkg"),
            problems,
        )

    def products(self):
        return {
            name: data
            for name, data in digest(self.out).items()
            if Path(name).name not in NOTES and not name.startswith(".gengbao/")  # of the run
        }


def found(problems, rule=None):
    """Return what the problems say, one text."""
    return "\n".join(p["found"] for p in problems if rule in {None, p["rule"]})


def finish(folder):
    """Make a sound county and the products of a run on it below `folder`."""
    (folder / "raw").mkdir(parents=True)
    make_county(folder / "raw")
    assert run(["ingest", "--county", str(folder / "raw"), "--out", str(folder / "out")]) == 0


def copied(finished, folder, capsys):
    """Return a case on a copy of a finished county."""
    shutil.copytree(finished, folder, dirs_exist_ok=True)
    return Case(folder / "raw", folder / "out", capsys)


def shapefile(case: Case, count=4, name="DLTB.shp"):
    path = case.folder() / name
    write_shp(plots(count), path)
    return path


def gpkg(case: Case, count=4, **options):
    path = case.folder() / "DLTB.gpkg"
    write(plots(count), path, layer="DLTB", **options)
    return path


def gdb(case: Case, count=4, name="DLTB.gdb"):
    path = case.folder() / name
    write(plots(count), path, layer="DLTB", driver="OpenFileGDB")
    return path


def table_of(path):
    """Return the .gdbtable of the first layer written; eight system tables come before it."""
    return path / "a00000009.gdbtable"


def edit(path, change):
    data = bytearray(path.read_bytes())
    path.write_bytes(bytes(change(data) or data))


DBF_FIELDS = [
    (b"BSM", b"C", 18),
    (b"DLBM", b"C", 5),
    (b"ZLDWDM", b"C", 19),
    (b"TBMJ", b"N", 15),
]
DBF_ROWS = [
    (f"99990120000000000{n}".encode(), b"0103", b"9999010010010000000", b"9995.00") for n in (1, 2)
]


def with_table(case, fields, rows=DBF_ROWS):
    path = shapefile(case, len(rows))
    write_dbf(path.with_suffix(".dbf"), fields, rows)
    return path


def parts_of(folder, stem, frame=None, encoding="GBK"):
    """Return the parts of a shapefile by file name, as bytes."""
    path = folder / "parts" / f"{stem}.shp"
    write_shp(plots() if frame is None else frame, path, encoding)
    found = {p.name: p.read_bytes() for p in sorted(path.parent.glob(f"{stem}.*"))}
    shutil.rmtree(path.parent)
    return found


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    """Return a zip of these members, by name, as bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def delivered(case, data, name="成果.zip"):
    path = case.folder() / name
    path.write_bytes(data)
    return path
