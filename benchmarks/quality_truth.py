"""Recall and precision of every check against planted defects: docs/quality.md.

python benchmarks/quality_truth.py [count of every kind] [deliveries of every kind] [seed …]

For each seed a county with defects and its twin without are made and checked in this process, and
scored (`quality_scores`). `quality_unplanted.csv` says why a rule has no defect of its own. Only
the last part of the page, a county small enough for a test, is computed again by
tests/test_defects.py.
"""

from __future__ import annotations

import csv
import logging
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from quality_scores import TOWN_RULE, Tally, expectations, levels, measure, told

from pipeline import __version__, quality, storage
from pipeline.sample.defects import kinds
from pipeline.tables.docs import markdown_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DOC = Path(__file__).parent.parent / "docs" / "quality.md"
UNPLANTED = Path(__file__).parent / "quality_unplanted.csv"
SEEDS = (1, 2, 3)
COUNT = 34
DELIVERIES = 3
GOAL = 0.99
SMALL_PART = "## 小样（测试时重算）"
SMALL = {"scale": "tiny", "count": 2, "deliveries": 0, "seed": 1}


def unplanted() -> dict[str, str]:
    """Return why each rule without a defect of its own has none, by rule."""
    with UNPLANTED.open(encoding="utf-8", newline="") as stream:
        return {row["rule"]: row["why"] for row in csv.DictReader(stream)}


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
    return f"{SMALL_PART}\n\n{said}\n\n{markdown_table(RULE_HEADS, rule_rows(tally))}\n"


def page(tally: Tally, seeds: Sequence[int], count: int, deliveries: int) -> str:
    """Return docs/quality.md without its last part."""
    errors = sum(n for (_, level), n in tally.twin.items() if level == quality.ERROR)
    below = short_of_goal(tally) or ["全部达到。"]
    return "\n\n".join(
        [
            "# 质量检查查得准不准",
            "本页由 `make quality-truth` 生成（`benchmarks/quality_truth.py`），不要手改。",
            *_method(seeds, count, deliveries),
            f"干净县（同一种子、不埋错）的发现：错误 {errors} 处（应为 0），其余见最后一列。",
            "## 各规则",
            markdown_table(RULE_HEADS, rule_rows(tally)),
            f"## 没有达到 {GOAL} 的",
            "\n".join(below),
            *_without_defects(),
            "## 各种错",
            markdown_table(KIND_HEADS, kind_rows(tally)),
        ]
    )


def _without_defects() -> Iterator[str]:
    yield "## 没有专门埋错的规则"
    yield markdown_table(
        ("规则", "为什么不埋"), ((f"`{code}`", why) for code, why in unplanted().items())
    )
    yield (
        "检查各有正反例作测试（docs/quality-rules.md），读入的由入库的用例测试；都不在本页的召回率里。"
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
