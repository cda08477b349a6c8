"""What the checks find of planted defects, held against truth.csv and counted.

`quality_expected.csv` says which rule a kind of defect must lead to, and which others may rightly
follow.
"""

from __future__ import annotations

import csv
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline import quality
from pipeline.ingest.county import load_county
from pipeline.quality.intake import INTAKE
from pipeline.sample import make_sample
from pipeline.sample.defects import SOUND, TRUTH
from pipeline.stages import checking

EXPECTED = Path(__file__).parent / "quality_expected.csv"
NEAR_M = 1.0
TOWN_RULE = "CONTROL_SUM"
"""Found once for a town, whatever the number of plots that spoil its sum."""
FILE_KINDS = "defects/"


class Expectation(NamedTuple):
    """What a kind of defect must lead to, and what may rightly follow."""

    rules: tuple[str, ...]
    also: frozenset[str]


@dataclass(slots=True)
class Tally:
    """What was counted: planted and found by (rule, kind, company), findings by rule."""

    planted: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    found: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    new: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    twin: Counter[tuple[str, str]] = field(default_factory=Counter)
    stray: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add another county's counts."""
        for name in ("planted", "found", "new", "explained", "twin"):
            getattr(self, name).update(getattr(other, name))
        self.stray += other.stray


def expectations() -> dict[str, Expectation]:
    """Return quality_expected.csv, by kind."""
    with EXPECTED.open(encoding="utf-8", newline="") as stream:
        return {
            row["kind"]: Expectation(
                tuple(row["rule"].split("|")), frozenset(filter(None, row["also"].split("|")))
            )
            for row in csv.DictReader(stream)
        }


def measure(folder: Path, *, scale: str, count: int, deliveries: int, seed: int) -> Tally:
    """Make a county and its twin, check both, hold findings against the truth."""
    with_defects, twin = folder / "defects", folder / "twin"
    make_sample(with_defects, scale=scale, seed=seed, defects=count)
    make_sample(twin, scale=scale, seed=seed)
    told(f"seed {seed}: made")
    texts = dict.fromkeys(("kind", "bsm", "other_bsm", "file"), "str")
    truth = pd.read_csv(with_defects / TRUTH, dtype=texts)
    of_file = truth["file"].str.startswith(FILE_KINDS)
    clean = _findings(twin)
    told(f"seed {seed}: twin checked, {len(clean)} findings")
    findings, towns = _findings_and_towns(with_defects)
    told(f"seed {seed}: {len(findings)} findings")
    tally = Tally(twin=Counter(zip(clean["rule"], clean["severity"], strict=True)))
    _score(tally, truth[~of_file].reset_index(drop=True), _without(findings, clean), towns)
    _score_deliveries(tally, truth[of_file], with_defects, deliveries)
    return tally


def _findings_and_towns(root: Path) -> tuple[pd.DataFrame, gpd.GeoDataFrame]:
    county = load_county(root)
    before = sorted(county.exports)[-2].isoformat()
    request = checking.Request(zones=True, against=before)
    done = checking.examine(county, root / "out", request)
    towns = gpd.GeoDataFrame(done.towns)
    return pd.DataFrame(done.findings.drop(columns="geometry")), towns


def _findings(root: Path) -> pd.DataFrame:
    return _findings_and_towns(root)[0]


def _without(findings: pd.DataFrame, clean: pd.DataFrame) -> pd.DataFrame:
    """Return the findings that the twin doesn't have: same rule and words, same plots or place."""
    had = [known_by(findings).isin(known_by(clean)) for known_by in (_by_plots, _by_place)]
    return findings[~np.logical_or.reduce(had)].reset_index(drop=True)


def _by_plots(findings: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(findings[["rule", "found", "bsm", "other_bsm"]].fillna(""))


def _by_place(findings: pd.DataFrame) -> pd.MultiIndex:
    spot = [findings[axis].map("{:.0f}".format) for axis in ("x", "y")]
    return pd.MultiIndex.from_arrays([findings["rule"], findings["found"], *spot])


def _score(
    tally: Tally, truth: pd.DataFrame, findings: pd.DataFrame, towns: gpd.GeoDataFrame
) -> None:
    """Count what of the truth was found and which findings it explains."""
    expected = pd.DataFrame(
        [
            (kind, code, code in one.rules)
            for kind, one in expectations().items()
            for code in sorted({*one.rules, *one.also})
        ],
        columns=["kind", "rule", "needed"],
    )
    met = _meeting(truth, findings).merge(expected, on=["kind", "rule"])
    explained = np.zeros(len(findings), dtype=bool)
    explained[met["finding"]] = True
    wanted = truth.rename_axis("truth").reset_index().merge(expected[expected["needed"]], on="kind")
    hits = pd.MultiIndex.from_frame(met[["truth", "rule"]])
    found = pd.MultiIndex.from_frame(wanted[["truth", "rule"]]).isin(hits)
    for counted, rows in ((tally.planted, wanted), (tally.found, wanted[found])):
        counted.update(zip(rows["rule"], rows["kind"], rows["company"], strict=True))
    tally.stray += _lines("missed", wanted.loc[~found, ["kind", "rule", "id", "bsm"]])
    _score_towns(tally, truth, findings, towns, explained)
    _count(tally, findings, explained)


def _meeting(truth: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """Return which findings are at a truth's plots or, to a metre, within its place.

    Columns: truth and finding (row numbers), kind of the one, rule of the other.
    """
    plots = _plots(truth, "truth").merge(_plots(findings, "finding"), on="plot")
    spots = findings[["x", "y"]].dropna()
    places = truth[["x_min", "y_min", "x_max", "y_max"]].dropna()
    boxes = shapely.box(*(places.to_numpy() + NEAR_M * np.array([-1, -1, 1, 1])).T)
    tree = shapely.STRtree(shapely.points(spots.to_numpy()))
    box, spot = tree.query(boxes, predicate="intersects")
    near = pd.DataFrame({"truth": places.index[box], "finding": spots.index[spot]})
    met = pd.concat([plots[["truth", "finding"]], near]).drop_duplicates(ignore_index=True)
    kind, rule = truth["kind"].iloc[met["truth"]], findings["rule"].iloc[met["finding"]]
    return met.assign(kind=kind.to_numpy(), rule=rule.to_numpy())


def _plots(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the row numbers, under a name, and the plots that each row names."""
    rows = frame[["bsm", "other_bsm"]].rename_axis(name).reset_index()
    return rows.melt(name, value_name="plot").dropna()


def _score_towns(
    tally: Tally, truth: pd.DataFrame, findings: pd.DataFrame, towns: gpd.GeoDataFrame,
    explained: np.ndarray,
) -> None:  # fmt: skip
    """Count the towns whose sum was spoilt, by where the defects lie, and those found."""
    expected = expectations()
    spoils = truth["kind"].map(lambda kind: TOWN_RULE in expected[kind].also)
    spots = truth[spoils]
    points = gpd.points_from_xy(
        (spots["x_min"] + spots["x_max"]) / 2, (spots["y_min"] + spots["y_max"]) / 2
    )
    _, town = towns.sindex.query(points, predicate="intersects")
    spoilt = set(towns["town_code"].to_numpy()[town])
    of_towns = (findings["rule"] == TOWN_RULE).to_numpy()
    reported = set(findings.loc[of_towns, "town_code"].dropna())
    explained |= of_towns & findings["town_code"].isin(spoilt).to_numpy()
    tally.planted[TOWN_RULE, "(镇)", True] += len(spoilt)
    tally.found[TOWN_RULE, "(镇)", True] += len(spoilt & reported)


def _count(tally: Tally, findings: pd.DataFrame, explained: np.ndarray) -> None:
    tally.new.update(findings["rule"])
    tally.explained.update(findings.loc[explained, "rule"])
    columns = ["rule", "bsm", "other_bsm", "x", "y", "found"]
    tally.stray += _lines("stray", findings.loc[~explained, columns])


def _lines(head: str, rows: pd.DataFrame) -> list[str]:
    return [f"{head} {' '.join(map(str, row))}" for row in rows.itertuples(index=False, name=None)]


def _score_deliveries(tally: Tally, truth: pd.DataFrame, root: Path, most: int) -> None:
    """Check up to `most` deliveries of each kind, each against the sound one of its number."""
    county, expected = load_county(root), expectations()

    def found(file: Path) -> pd.DataFrame:
        request = checking.Request(files=(file,))
        return pd.DataFrame(checking.examine(county, root / "out", request).findings)

    chosen = truth[truth.groupby("kind").cumcount() < most]
    number = chosen["file"].str.extract(r"_(\d+)/", expand=False)
    for digits, rows in chosen.groupby(number):
        file = root / rows["file"].iloc[0]
        sound = found(file.parent.with_name(f"{SOUND[0]}_{digits}") / file.name)
        for kind, name in zip(rows["kind"], rows["file"], strict=True):
            findings = _without(found(root / name), sound)
            findings = findings[findings["rule"] != TOWN_RULE]  # of 40 plots: never a town's sum
            needed, also = expected[kind]
            for code in needed:
                tally.planted[code, kind, False] += 1
                if code in set(findings["rule"]):
                    tally.found[code, kind, False] += 1
                else:
                    tally.stray.append(f"missed {kind} {code} {name}")
            explained = findings["rule"].isin([*needed, *also]).to_numpy()
            _count(tally, findings.reset_index(drop=True), explained)
        told(f"deliveries {digits} checked")


def told(text: str) -> None:
    """Print progress, with the seconds of CPU so far."""
    print(f"[{time.process_time():6.0f} s] {text}", flush=True)


def levels() -> dict[str, str]:
    """Return the level of every rule, checks first, then what reading finds."""
    return {rule.code: rule.level for rule in (*quality.discover(), *INTAKE)}
