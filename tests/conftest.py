"""Shared fixtures: one invented county, made in code."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from command_line import gengbao, hashes

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
def tiny(tmp_path_factory):
    """The tiny county as the sample command makes it."""
    folder = tmp_path_factory.mktemp("tiny") / "raw"
    done = gengbao("sample", "--county", folder, "--scale", "tiny", "--exports", 1)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def finished(tiny, tmp_path_factory):
    """Products of one whole run."""
    out = tmp_path_factory.mktemp("out")
    before = hashes(tiny)
    done = gengbao("all", "--county", tiny, "--out", out)
    assert done.returncode == 0, done.stderr
    assert hashes(tiny) == before, "data/raw was written to"
    return out


@pytest.fixture(scope="session")
def zhashui(tmp_path_factory):
    """The sample county of two commands, up to its figures."""
    folder = tmp_path_factory.mktemp("zhashui")
    made = gengbao("sample", "--county", folder / "raw")
    assert made.returncode == 0, made.stderr
    done = gengbao("aggregate", "--county", folder / "raw", "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder
