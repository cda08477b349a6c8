"""The figures of our products and what people call them: figures.csv, measures.csv, checked."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.errors import Finding
from pipeline.tables.indicators import assessed
from pipeline.tables.lists import load_classes
from pipeline.tables.published import load_published_items
from pipeline.tables.reader import one_of, package_file, raise_all, read_rows, unique

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from importlib.resources.abc import Traversable

    from pipeline.model import Category
    from pipeline.tables.indicators import Tested
    from pipeline.tables.reader import Row

FIGURE_COLUMNS = ("name", "label", "kind", "published", "aliases")
MEASURE_COLUMNS = ("name", "label", "unit", "formula", "aliases")
CATEGORY, SUBTOTAL, GAP, PUBLISHED = "category", "subtotal", "gap", "published"
INDICATOR = "indicator"
KINDS = (SUBTOTAL, GAP, PUBLISHED)
TOTAL, WORK_NEEDED = "total", "work_needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A line of our town tables: what it is called, what it adds up from, where it stands.

    parts: the categories it is the sum of. kinds: category and subtotal have rows in summary.csv,
    gap has rows in gaps.csv, indicator a row in indicators.csv; published names the items of
    published.csv that print it; measures: its own, where it hasn't those of the town tables.
    """

    name: str
    label: str
    kinds: tuple[str, ...]
    parts: tuple[str, ...]
    published: tuple[str, ...]
    spellings: tuple[str, ...]
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A column of our town tables: Chinese label, unit, formula in words, what people call it."""

    name: str
    label: str
    unit: str
    formula: str
    spellings: tuple[str, ...]


def spelling(text: str) -> str:
    """Return a name as names are compared: NFKC, upper case, letters and digits alone."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).upper() if c.isalnum())


def load_figures(source: Traversable | None = None) -> tuple[Figure, ...]:
    """Return every category, then the sums of figures.csv (or `source`), a shared name merged.

    Raises ConfigError with every fault: an unknown kind or published item, a spelling of two
    figures, a sum whose published definition has other parts.
    """
    findings: list[Finding] = []
    classes = load_classes()
    rows = read_rows(source or package_file("figures.csv"), "figures.csv", FIGURE_COLUMNS, findings)
    unique(rows, "name", findings)
    by_name = {row["name"]: row for row in rows}
    figures = [_category(category, by_name.get(category.name)) for category in classes]
    own = {category.name for category in classes}
    figures += [_sum(row, classes) for row in rows if row["name"] not in own]
    for row in rows:
        one_of(row, "kind", KINDS, findings)
    findings += _shared(figures, {name: row.where("aliases") for name, row in by_name.items()})
    findings += _undefined(figures, by_name)
    raise_all(findings)
    return tuple(figures)


@cache
def figure_labels() -> Mapping[str, str]:
    """Return what categories, subtotals, gaps and items of published.csv are called in a table.

    Categories by their short label, subtotals as the heads of 附件2 have them.
    """
    labels = {category.name: category.label for category in load_classes()}
    for figure in load_figures():
        labels |= {
            name: labels.get(name, figure.label) for name in (figure.name, *figure.published)
        }
    return MappingProxyType(labels)


def load_indicator_figures() -> tuple[Figure, ...]:
    """Return the tested figures of the five indicators; their measures are their terms.

    Raises ConfigError for a spelling that another figure has.
    """
    found = [_tested(tested) for tested in assessed()]
    raise_all(_shared([*load_figures(), *found], {f.name: "indicators.csv aliases" for f in found}))
    return tuple(found)


def _tested(tested: Tested) -> Figure:
    name = f"{INDICATOR}_{tested.indicator}"
    return Figure(
        name=name,
        label=tested.label,
        kinds=(INDICATOR,),
        parts=(),
        published=(),
        spellings=_spellings(name, tested.label, *tested.aliases.split("|")),
        measures=tuple(
            Measure(
                name=term.name, label=term.label, unit=term.unit, formula=term.source,
                spellings=_spellings(term.name, term.label),
            )
            for term in tested.terms
        ),
    )  # fmt: skip


def load_measures(source: Traversable | None = None) -> tuple[Measure, ...]:
    """Return the rows of measures.csv (or `source`); ConfigError for a spelling of two."""
    findings: list[Finding] = []
    name = "measures.csv"
    rows = read_rows(source or package_file(name), name, MEASURE_COLUMNS, findings)
    unique(rows, "name", findings)
    measures = [
        Measure(
            name=row["name"],
            label=row["label"],
            unit=row["unit"],
            formula=row["formula"],
            spellings=_spellings(row["name"], row["label"], *row["aliases"].split("|")),
        )
        for row in rows
    ]
    findings += _shared(measures, {row["name"]: row.where("aliases") for row in rows})
    raise_all(findings)
    return tuple(measures)


def _spellings(*texts: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(spelling, texts))))


def _category(category: Category, row: Row | None) -> Figure:
    """Return a category's figure, with what figures.csv adds to it."""
    names = (category.name, category.label, category.label_long, category.short)
    more = (row["label"], *row["published"].split("|"), *row["aliases"].split("|")) if row else ()
    return Figure(
        name=category.name,
        label=category.label_long,
        kinds=(CATEGORY, row["kind"]) if row else (CATEGORY,),
        parts=(category.name,),
        published=tuple(row["published"].split("|")) if row else (category.name,),
        spellings=_spellings(*names, *more),
    )


def _sum(row: Row, classes: Sequence[Category]) -> Figure:
    published = tuple(filter(None, row["published"].split("|")))
    return Figure(
        name=row["name"],
        label=row["label"],
        kinds=(row["kind"],),
        parts=_parts(row, classes, published),
        published=published,
        spellings=_spellings(row["name"], row["label"], *published, *row["aliases"].split("|")),
    )


def _parts(row: Row, classes: Sequence[Category], published: Iterable[str]) -> tuple[str, ...]:
    """Return the categories a sum is made of: by classes.csv, else as it is published."""
    name = row["name"]
    if row["kind"] == GAP:
        return tuple(c.name for c in classes if c.gap == name)
    if name in (TOTAL, WORK_NEEDED):
        return tuple(c.name for c in classes if c.task and (name == TOTAL or c.work_needed))
    if row["kind"] == SUBTOTAL:
        return tuple(c.name for c in classes if c.subtotal == name)
    return next((parts for item, parts in _definitions().items() if item in published), ())


def _definitions() -> dict[str, tuple[str, ...]]:
    items = load_published_items()
    return {item.item: item.parts for item in items if item.kind == "definition"}


def _undefined(figures: Sequence[Figure], rows: dict[str, Row]) -> list[Finding]:
    """Return findings of sums without parts and of those published with other parts."""
    published = _definitions()
    return [
        rows[figure.name].finding(
            "published",
            f"{item or '（空）'} 的组成与 classes.csv 或 published_items.csv 不一致",
            "核对两张表：同一个数只能有一种组成",
        )
        for figure in figures
        if figure.name in rows
        for item in figure.published or ("",)
        if not figure.parts or published.get(item, figure.parts) != figure.parts
    ]


def _shared(named: Sequence[Figure] | Sequence[Measure], where: dict[str, str]) -> list[Finding]:
    """Return findings of spellings that mean two things."""
    first: dict[str, str] = {}
    return [
        Finding(
            where.get(item.name, item.name),
            f"叫法“{text}”已指 {first[text]}，又指 {item.name}",
            "一个叫法只能指一个数，删去一处",
        )
        for item in named
        for text in item.spellings
        if first.setdefault(text, item.name) != item.name
    ]
