"""Shared fixtures: one invented county, made in code."""

from __future__ import annotations

import os
import shutil
from datetime import date
from decimal import Decimal

import pytest
from command_line import gengbao, hashes
from filelock import FileLock
from hypothesis import settings
from ingest_cases import copied, finish

from pipeline import cli
from pipeline.model import (
    County,
    Indicator,
    LayerSource,
    Mode,
    Target,
    TargetKind,
    Thresholds,
    Town,
)

pytest.register_assert_rewrite("ingest_layers")  # so that its assertions tell what they saw

settings.register_profile("the same examples every time", deadline=None, derandomize=True)
settings.load_profile("the same examples every time")

COSTLIEST = (
    "test_end_to_end", "test_writes", "test_province", "test_render", "test_render_gallery",
    "test_fuzz", "test_render_golden", "test_sample", "test_compare_command", "test_compare",
    "test_waterfall", "test_defects",
)  # fmt: skip
"""Files of half a minute and more: begun first, so that no process works on one at the end alone.

The first makes what most others share; the next ones do without it.
"""


def pytest_collection_modifyitems(items):
    """Put the costliest files first; the others stay in their order."""
    rank = {name: at for at, name in enumerate(COSTLIEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


@pytest.fixture(scope="session")
def county(tmp_path_factory: pytest.TempPathFactory) -> County:
    """Three towns in two groups; targets of the first two stated, the third without."""
    towns = (
        Town(code="990001001", name="甲镇", aliases=("甲",), group="第一督导组", basin="东河"),
        Town(code="990001002", name="乙镇", aliases=(), group="第一督导组", basin="东河"),
        Town(
            code="990001003", name="丙街办", aliases=("丙街道",), group="第二督导组", basin="西河"
        ),
    )
    targets = tuple(
        Target(
            town=town,
            indicator=Indicator.CROPLAND,
            kind=kind,
            value=Decimal(value),
            unit="亩",
            source="测试文件",
        )
        for town, kind, value in (
            ("甲镇", TargetKind.TARGET, "1000"),
            ("乙镇", TargetKind.TARGET, "500.5"),
            ("甲镇", TargetKind.GAP, "10"),
        )
    )  # fmt: skip
    return County(
        root=tmp_path_factory.mktemp("county"),
        name="测试县",
        code="990001",
        crs="EPSG:4524",
        previous=date(2022, 12, 31),
        ledger=date(2023, 9, 30),
        deadline=date(2023, 12, 20),
        rules="zhashui-2023",
        publisher="",
        mode=Mode.DERIVE,
        sample=True,
        layers={
            role: LayerSource(role=role, path=f"reference/{role}.gpkg")
            for role in ("towns", "pbf", "target")
        },
        phases={},
        thresholds=Thresholds(),
        towns=towns,
        targets=targets,
        exports=(date(2022, 12, 31), date(2023, 9, 30)),
    )


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """Return a function that has a folder made by the first test process to ask for it.

    The others wait for it: the costly counties are made once, however many processes test.
    """
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root

    def made(name, make):
        folder, done = root / name, root / f"{name}.done"
        with FileLock(root / f"{name}.lock"):
            if not done.exists():
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def tiny(made_once):
    """The tiny county as the sample command makes it; read only."""

    def make(folder):
        done = gengbao("sample", "--county", folder, "--scale", "tiny", "--exports", 1)
        assert done.returncode == 0, done.stderr

    return made_once("tiny", make)


@pytest.fixture(scope="session")
def finished(tiny, made_once, tmp_path_factory):
    """Products of one whole run, a copy for each test process: commands take their lock."""

    def make(out):
        before = hashes(tiny)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GENGBAO_WORKERS", "1")
            done = gengbao("all", "--county", tiny, "--out", out)
        assert done.returncode == 0, done.stderr
        assert hashes(tiny) == before, "data/raw was written to"

    out = tmp_path_factory.mktemp("finished") / "out"
    return shutil.copytree(made_once("out", make), out)


@pytest.fixture(scope="session")
def small(made_once):
    """The county as the sample command makes it unasked; read only."""

    def make(folder):
        made = gengbao("sample", "--county", folder)
        assert made.returncode == 0, made.stderr

    return made_once("small", make)


@pytest.fixture(scope="session")
def zhashui(small, made_once, tmp_path_factory):
    """That county on the day of its ledger, up to its figures, a copy for each test process."""

    def make(folder):
        later = shutil.ignore_patterns("2023-10-*", "2023-11-*")
        shutil.copytree(small, folder / "raw", ignore=later)
        done = gengbao("aggregate", "--county", folder / "raw", "--out", folder)
        assert done.returncode == 0, done.stderr

    folder = tmp_path_factory.mktemp("zhashui") / "copy"
    return shutil.copytree(made_once("zhashui", make), folder)


@pytest.fixture
def case(made_once, tmp_path, capsys):
    """A copy of a sound county with its products, for a case of bad input."""
    return copied(made_once("sound", finish), tmp_path / "case", capsys)


@pytest.fixture
def ask(tiny, finished, capsys):
    """Ask `gengbao trace` about the finished county; return exit code, answer, complaint."""

    def asked(*words, out=finished):
        code = cli.run(["trace", "--county", str(tiny), "--out", str(out), *map(str, words)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return asked
