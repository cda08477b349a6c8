"""What a person asks for: a place, a figure, perhaps a measure — in their own words."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import Finding, UsageError
from pipeline.tables.figures import Figure, Measure, spelling

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.model import County

TOWN, GROUP, BASIN, COUNTY = "town", "group", "basin", "county"
WHOLE_COUNTY, UNDECIDED = "全县", "未定"
LEVELS = {TOWN: "镇办", GROUP: "督导组", BASIN: "流域", COUNTY: "全县"}
NEAREST = 3
_CUTOFF = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of places in our town tables; towns: the codes it is the sum of (未定 for none)."""

    level: str
    name: str
    towns: tuple[str, ...]
    spellings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A place, a figure and a measure (None: the plots and their area)."""

    place: Place
    figure: Figure
    measure: Measure | None = None


def places(county: County, levels: Iterable[str], *, undecided: bool) -> tuple[Place, ...]:
    """Return the places the products have rows for: towns, 督导组, basins, the county.

    levels: those of the products; undecided: whether plots without a known town have a row.
    """
    towns = {town.code: (town.code,) for town in county.towns}
    found = [
        _place(TOWN, town.name, towns[town.code], (town.code, *town.aliases))
        for town in county.towns
    ]
    if undecided:
        found.append(_place(TOWN, UNDECIDED, (UNDECIDED,), ("镇办未定",)))
    for level, column in ((GROUP, "group"), (BASIN, "basin")):
        if level in set(levels):
            names = dict.fromkeys(getattr(town, column) for town in county.towns)
            found += [
                _place(level, name, [t.code for t in county.towns if getattr(t, column) == name])
                for name in names
                if name
            ]
    everything = [*towns, UNDECIDED]
    return (*found, _place(COUNTY, WHOLE_COUNTY, everything, (county.name, county.code)))


def _place(level: str, name: str, towns: Iterable[str], more: Iterable[str] = ()) -> Place:
    texts = dict.fromkeys(map(spelling, (name, *more)))
    return Place(level=level, name=name, towns=tuple(towns), spellings=tuple(filter(None, texts)))


def ask(
    words: Sequence[str],
    measure: str | None,
    *,
    known: Sequence[Place],
    figures: Sequence[Figure],
    measures: Sequence[Measure],
) -> Asked:
    """Return what the words mean: a place first, then a figure, then, if wanted, a measure.

    Blanks between them may be there or not. A measure may stand behind the figure or in `measure`;
    a figure with measures of its own has no others.
    Raises UsageError naming the nearest places, figures or measures, or the two that a word means.
    """
    words = " ".join(words).split()
    text = spelling("".join(words))
    heads = [(s, p) for p in known for s in p.spellings if text.startswith(s)]
    heads.sort(key=lambda head: -len(head[0]))
    if not heads:
        raise UsageError(_no_place(words, text, known))
    for head, _ in heads:
        found = _figure(text.removeprefix(head), figures, measures)
        if found is None:
            continue
        same = [place for s, place in heads if s == head]
        if len(same) > 1:
            both = "、".join(f"{LEVELS[p.level]}{p.name}" for p in same)
            advice = "镇办写代码或全名，督导组、流域写全名"
            raise UsageError(Finding(" ".join(words), f"地名“{head}”指 {both}", advice))
        figure, behind = found
        own = figure.measures or measures
        return Asked(place=same[0], figure=figure, measure=_measure(measure, behind, own))
    if len(words) > 1 and spelling(words[0]) not in {head for head, _ in heads}:
        raise UsageError(_no_place(words, text, known))
    raise UsageError(_no_figure(words, text.removeprefix(heads[0][0]), figures))


def _figure(
    text: str, figures: Sequence[Figure], measures: Sequence[Measure]
) -> tuple[Figure, Measure | None] | None:
    """Return the figure a text names, and the measure it may end with."""
    by_name = {s: figure for figure in figures for s in figure.spellings}
    if text in by_name:
        return by_name[text], None
    for start, figure in sorted(by_name.items(), key=lambda item: -len(item[0])):
        rest = text.removeprefix(start)
        own = figure.measures or measures
        measure = next((m for m in own if text.startswith(start) and rest in m.spellings), None)
        if measure is not None:
            return figure, measure
    return None


def _measure(
    text: str | None, behind: Measure | None, measures: Sequence[Measure]
) -> Measure | None:
    """Return the measure asked for; UsageError for an unknown one or two different ones."""
    if text is None:
        return behind
    found = next((m for m in measures if spelling(text) in m.spellings), None)
    if found is None:
        near = _near(spelling(text), {s: m.label for m in measures for s in m.spellings})
        have = "、".join(measure.label for measure in measures)
        advice = f"{near}可用：{have}"
        raise UsageError(Finding("--measure", f"不认识的指标“{text}”", advice))
    if behind not in (None, found):
        advice = "两处写同一个，或只写一处"
        raise UsageError(Finding("--measure", f"{found.label}，前面却写了{behind.label}", advice))
    return found


def _no_place(words: Sequence[str], text: str, known: Sequence[Place]) -> Finding:
    first = spelling(words[0]) if len(words) > 1 else text
    starts = {s[: len(first)]: place.name for place in known for s in place.spellings}
    by_start = {s: place.name for place in known for s in place.spellings}
    near = _near(first[: max(map(len, by_start))], starts | by_start)
    have = "、".join(place.name for place in known)
    found = f"开头不是本县的地名（读到“{' '.join(words)}”）"
    return Finding("trace", found, f"先写地名，再写数字名；{near}可用地名：{have}")


def _no_figure(words: Sequence[str], text: str, figures: Sequence[Figure]) -> Finding:
    have = "、".join(f"{figure.label}（{figure.name}）" for figure in figures)
    if not text:
        return Finding("trace", f"“{' '.join(words)}”后面没有写数字名", f"可用：{have}")
    labels = {s: f"{f.label}（{f.name}）" for f in figures for s in f.spellings}
    found = f"没有叫“{text.lower()}”的数"
    return Finding("trace", found, f"{_near(text, labels)}可用：{have}")


def _near(text: str, labels: dict[str, str]) -> str:
    """Return the nearest names as Chinese advice, "" where nothing is near."""
    close = difflib.get_close_matches(text, labels, n=2 * NEAREST, cutoff=_CUTOFF)
    names = list(dict.fromkeys(labels[name] for name in close))[:NEAREST]
    return f"最接近的是 {'、'.join(names)}；" if names else ""
