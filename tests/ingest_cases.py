"""The bad-input cases through the command line: a finished county, one export replaced."""

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pytest
from ingest_county import EXPORT, digest, folder, make_county

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
    (folder / "raw").mkdir()
    make_county(folder / "raw")
    assert run(["ingest", "--county", str(folder / "raw"), "--out", str(folder / "out")]) == 0


def copied(finished, folder, capsys):
    """Return a case on a copy of a finished county."""
    shutil.copytree(finished, folder, dirs_exist_ok=True)
    return Case(folder / "raw", folder / "out", capsys)
