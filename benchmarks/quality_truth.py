"""Recall and precision of every check against planted defects: docs/quality.md.

python benchmarks/quality_truth.py [count of every kind] [deliveries of every kind] [seed …]

For each seed a county with defects and its twin without are made and checked in this process; what
the checks find is held against truth.csv. `quality_expected.csv` says which rule a kind of defect
must lead to, and which others may rightly follow. Only the last part of the page, a county small
enough for a test, is computed again by tests/test_defects.py.
"""

from __future__ import annotations

import csv
import logging
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from pipeline import __version__, quality, storage
from pipeline.ingest.county import load_county
from pipeline.quality.intake import INTAKE
from pipeline.sample import make_sample
from pipeline.sample.defects import SOUND, TRUTH, kinds
from pipeline.stages import checking

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

EXPECTED = Path(__file__).parent / "quality_expected.csv"
DOC = Path(__file__).parent.parent / "docs" / "quality.md"
SEEDS = (1, 2, 3)
COUNT = 34
DELIVERIES = 3
GOAL = 0.99
NEAR_M = 1.0
TOWN_RULE = "CONTROL_SUM"
"""Found once for a town, whatever the number of plots that spoil its sum."""
FILE_KINDS = "defects/"
SMALL_PART = "## 小样（测试时重算）"
SMALL = {"scale": "tiny", "count": 2, "deliveries": 0, "seed": 1}


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
    ours, theirs = (list(_known_by(frame)) for frame in (findings, clean))
    had = {key for keys in theirs for key in keys}
    new = [not had.intersection(keys) for keys in ours]
    return findings[np.array(new, dtype=bool)].reset_index(drop=True)


def _known_by(findings: pd.DataFrame) -> Iterator[tuple[tuple[object, ...], ...]]:
    """Yield what makes each finding the same as another's: by its plots, and by its place."""
    plain = findings.assign(bsm=findings["bsm"].fillna(""), other=findings["other_bsm"].fillna(""))
    rows = zip(*(plain[name] for name in ("rule", "found", "bsm", "other", "x", "y")), strict=True)
    for rule, said, bsm, other, x, y in rows:
        yield (rule, said, bsm, other), (rule, said, f"{x:.0f} {y:.0f}")


def _score(
    tally: Tally, truth: pd.DataFrame, findings: pd.DataFrame, towns: gpd.GeoDataFrame
) -> None:
    """Count what of the truth was found and which findings it explains."""
    expected = expectations()
    explained = np.zeros(len(findings), dtype=bool)
    rule = findings["rule"].to_numpy()
    index = _Index(findings)
    for one in truth.itertuples(index=False):
        hits = index.of(one)
        needed, also = expected[one.kind]
        explained[hits[np.isin(rule[hits], [*needed, *also])]] = True
        for code in needed:
            key = (code, one.kind, bool(one.company))
            tally.planted[key] += 1
            if code in rule[hits]:
                tally.found[key] += 1
            else:
                tally.stray.append(f"missed {one.kind} {code} {one.id} {one.bsm}")
    _score_towns(tally, truth, findings, towns, explained)
    _count(tally, findings, explained)


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
    for one in findings[~explained].itertuples(index=False):
        tally.stray.append(
            f"stray {one.rule} {one.bsm} {one.other_bsm} {one.x} {one.y} {one.found}"
        )


class _Index:
    """Findings by plot and by place."""

    def __init__(self, findings: pd.DataFrame) -> None:
        self.by_bsm: dict[str, set[int]] = defaultdict(set)
        for name in ("bsm", "other_bsm"):
            for row, bsm in enumerate(findings[name]):
                if isinstance(bsm, str):
                    self.by_bsm[bsm].add(row)
        self.x, self.y = findings["x"].to_numpy(float), findings["y"].to_numpy(float)

    def of(self, one: object) -> np.ndarray:
        """Return the findings at a truth's plots or, to a metre, within its place."""
        place = (
            (self.x >= one.x_min - NEAR_M) & (self.x <= one.x_max + NEAR_M)
            & (self.y >= one.y_min - NEAR_M) & (self.y <= one.y_max + NEAR_M)
        )  # fmt: skip
        rows = set(np.flatnonzero(place).tolist())
        for bsm in (one.bsm, one.other_bsm):
            rows |= self.by_bsm.get(bsm, set()) if isinstance(bsm, str) else set()
        return np.array(sorted(rows), dtype=np.int64)


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


def rule_rows(tally: Tally) -> list[tuple[str, ...]]:
    """Return a line of the table for every rule that was planted, found or stands in the twin."""
    return [
        (
            f"`{code}`", level or "错误或警告",
            *_share(tally, code, company=False), *_share(tally, code, company=True),
            str(tally.new[code]), _percent(tally.explained[code], tally.new[code]),
            str(sum(n for (rule, _), n in tally.twin.items() if rule == code)),
        )
        for code, level in levels().items()
        if _planted(tally, code) or tally.new[code]
    ]  # fmt: skip


def _planted(tally: Tally, code: str) -> int:
    return sum(n for (rule, _, _), n in tally.planted.items() if rule == code)


def _share(tally: Tally, code: str, *, company: bool) -> tuple[str, str]:
    """Return how many were planted and the recall."""
    keys = [key for key in tally.planted if key[0] == code and key[2] == company]
    planted = sum(tally.planted[key] for key in keys)
    return str(planted), _percent(sum(tally.found[key] for key in keys), planted)


def _percent(part: int, whole: int) -> str:
    """Return a share with four decimals, cut off: 1.0000 is all of them."""
    return f"{part * 10_000 // whole / 10_000:.4f}" if whole else "—"


def short_of_goal(tally: Tally) -> list[str]:
    """Return every rule below the goal, with its kinds that were missed."""
    lines = []
    for code in levels():
        missed = {
            kind: (n - tally.found[rule, kind, company], n, company)
            for (rule, kind, company), n in sorted(tally.planted.items())
            if rule == code and tally.found[rule, kind, company] < n
        }
        planted = _planted(tally, code)
        found = sum(n for (rule, _, _), n in tally.found.items() if rule == code)
        if planted and found < GOAL * planted:
            named = "、".join(f"{kind} 漏 {n}/{of}" for kind, (n, of, _) in missed.items())
            lines.append(f"- `{code}` 召回率 {_percent(found, planted)}：{named}。")
        if tally.new[code] and tally.explained[code] < GOAL * tally.new[code]:
            share = _percent(tally.explained[code], tally.new[code])
            rest = tally.new[code] - tally.explained[code]
            lines.append(f"- `{code}` 准确率 {share}：{rest} 处没有埋错可以解释。")
    return lines


RULE_HEADS = (
    "规则",
    "级别",
    "单独埋",
    "召回率",
    "有同伴的",
    "召回率",
    "新发现",
    "准确率",
    "干净县",
)
KIND_HEADS = ("种类", "埋的错", "应报", "可随之而来", "埋", "找到")


def kind_rows(tally: Tally) -> list[tuple[str, ...]]:
    """Return a line of the table for every kind of defect."""
    labels = kinds()
    lines = []
    for kind, (rules, also) in expectations().items():
        for code in rules:
            keys = [key for key in tally.planted if key[:2] == (code, kind)]
            planted, found = (sum(c[key] for key in keys) for c in (tally.planted, tally.found))
            more = "、".join(f"`{rule}`" for rule in sorted(also))
            lines.append((f"`{kind}`", labels[kind], f"`{code}`", more, str(planted), str(found)))
    return lines


def small_part() -> str:
    """Return the part of the page that a test computes again."""
    with tempfile.TemporaryDirectory() as name:
        tally = measure(Path(name), **SMALL)
    said = f"示例县 tiny，种子 {SMALL['seed']}，每种 {SMALL['count']} 个，不查毁坏的文件。"
    return f"{SMALL_PART}\n\n{said}\n\n{table(RULE_HEADS, rule_rows(tally))}\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def page(tally: Tally, seeds: Sequence[int], count: int, deliveries: int) -> str:
    """Return docs/quality.md without its last part."""
    errors = sum(n for (_, level), n in tally.twin.items() if level == quality.ERROR)
    uncovered = [code for code in levels() if not _planted(tally, code)]
    below = short_of_goal(tally) or ["全部达到。"]
    return "\n\n".join(
        [
            "# 质量检查查得准不准",
            "本页由 `make quality-truth` 生成（`benchmarks/quality_truth.py`），不要手改。",
            *_method(seeds, count, deliveries),
            f"干净县（同一种子、不埋错）的发现：错误 {errors} 处（应为 0），其余见最后一列。",
            "## 各规则",
            table(RULE_HEADS, rule_rows(tally)),
            f"## 没有达到 {GOAL} 的",
            "\n".join(below),
            "## 没有专门埋错的规则",
            "、".join(f"`{code}`" for code in uncovered) + "。",
            "检查各有正反例作测试（docs/quality-rules.md），读入的由入库的用例测试；都不在本页的召回率里。",
            "## 各种错",
            table(KIND_HEADS, kind_rows(tally)),
        ]
    )


def _method(seeds: Sequence[int], count: int, deliveries: int) -> Iterator[str]:
    yield (
        f"示例县 small，种子 {'、'.join(map(str, seeds))}，`gengbao sample --defects {count}` 共 "
        f"{len(kinds())} 种错，每种每县 {count} 个（县里不够的少些，实数见下）；"
        f"毁坏的文件每种每县查 {min(count, deliveries)} 个。程序版本 {__version__}。"
    )
    yield (
        "埋在图斑里的错一半单独在一个图斑上，一半与另一种错同在一个图斑上（同伴）；范围、文件的错都单独。"
        "造错的程序不用检查和入库的任何代码（导入方向由测试看着）。"
    )
    yield (
        "召回率＝应报的规则在该图斑（标识码）或该处（1 米内）报了的埋错数÷埋错数。"
        "新发现＝埋错县有、干净县没有的发现；准确率＝其中由某个埋错解释得了的（应报，或可随之而来）÷新发现。"
        f"`{TOWN_RULE}` 以镇计：面积被埋错改动的镇都应报。"
    )


def main() -> None:
    """Measure all seeds, write the page."""
    logging.getLogger("gengbao").setLevel(logging.ERROR)
    count, deliveries, *seeds = [int(word) for word in sys.argv[1:]] or [COUNT, DELIVERIES]
    tally = Tally()
    for seed in seeds or SEEDS:
        with tempfile.TemporaryDirectory() as name:
            tally.add(
                measure(Path(name), scale="small", count=count, deliveries=deliveries, seed=seed)
            )
    text = page(tally, seeds or SEEDS, count, deliveries) + "\n\n" + small_part()
    storage.write_bytes(DOC, text.encode())
    print("\n".join(tally.stray))
    told(f"{DOC.name} written")


if __name__ == "__main__":
    main()
