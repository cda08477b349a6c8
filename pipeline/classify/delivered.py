"""Mode trust: the task layers delivered from above decide, the rules are kept as a cross-check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.classify.by_rules import REVIEW, add_flags
from pipeline.errors import Finding, GengbaoError
from pipeline.tables.packs import DELIVERED
from pipeline.tables.reader import hint

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import pandas as pd

    from pipeline.model import Category

NONE = "none"
MULTI_CLASS, RULE_MISMATCH = "MULTI_CLASS", "RULE_MISMATCH"


def apply_delivered(
    pieces: pd.DataFrame, classes: Iterable[Category], layers: Collection[str] | None = None
) -> pd.DataFrame:
    """Return classified pieces as the delivered task layers decide (mode trust).

    In: `classify`'s result with a column `delivered` (task categories, ``|`` joined; missing: in
    no layer); layers: the categories whose layer was delivered (None: all of them). Out:
    rule_category keeps what the rules said; one layer decides; two or more → review, flagged
    MULTI_CLASS; in no layer but a task by the rules → none, if that task's layer was delivered:
    a layer that isn't there decides nothing, and the rules stand. Pieces without a town
    stay in review, since no town can be charged with them; pieces in no layer that are no task by
    the rules keep what the rules said. RULE_MISMATCH flags a decided piece whose rules decided
    otherwise. rule_id is DELIVERED where a layer (or its absence) decided; the rule's own id is
    then the runner_up. Each piece is decided by itself. Raises GengbaoError when `delivered` names
    anything but a task category.
    """
    classes = tuple(classes)
    labels = {category.name: category.label for category in classes}
    tasks = {category.name for category in classes if category.task}
    delivered, ruled = pieces["delivered"].astype("str"), pieces["category"]
    check_delivered(delivered, tasks)
    count = layers_of(delivered)
    town_known = pieces["town_known"].astype("bool")
    several = town_known & (count > 1)
    single = town_known & (count == 1)
    denied = town_known & (count == 0) & ruled.isin(tasks if layers is None else list(layers))
    decided = several | single | denied

    said = spoken(delivered, labels)
    judged = ruled.map(labels).astype("str")
    category = ruled.mask(single, delivered).mask(several, REVIEW).mask(denied, NONE)
    mismatch = (single | denied) & (category != ruled) & (ruled != REVIEW)
    flags = {MULTI_CLASS: several.to_numpy(), RULE_MISMATCH: mismatch.to_numpy()}
    return pieces.assign(
        category=category,
        rule_id=pieces["rule_id"].mask(decided, DELIVERED),
        basis=pieces["basis"]
        .mask(single, "下发的任务图层：" + said)
        .mask(several, "同时落入下发的任务图层：" + said + "，须核实归属")
        .mask(denied, "未列入任何下发的任务图层；规则判定为" + judged),
        case_no=pieces["case_no"].mask(decided),
        runner_up=pieces["runner_up"].mask(decided, pieces["rule_id"]),
        flags=add_flags(pieces["flags"], flags),
        rule_category=ruled,
    )


def layers_of(delivered: pd.Series) -> pd.Series:
    """Return in how many delivered layers each piece lies."""
    return delivered.str.count(r"\|").add(1).fillna(0)


def spoken(delivered: pd.Series, labels: Mapping[str, str]) -> pd.Series:
    """Return the Chinese names of each piece's delivered categories; missing where none."""
    names = {
        text: "、".join(labels[name] for name in text.split("|"))
        for text in delivered.dropna().unique()
    }
    # a map without any match would turn to floats
    return delivered.map(names).astype("str")


def check_delivered(delivered: pd.Series, tasks: set[str]) -> None:
    """Raise GengbaoError when a piece's delivered layers name anything but a task category."""
    named = {name for text in delivered.dropna().unique() for name in text.split("|")}
    findings = [
        Finding("证据表 delivered 列", f"{name or '（空）'} 不是任务类别", hint(name, tasks))
        for name in sorted(named - tasks)
    ]
    if findings:
        raise GengbaoError(findings)
