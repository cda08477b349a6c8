"""Words of a list to our values: towns, categories, statuses, in cells and in free text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.ingest.text import nearest
from pipeline.tables import classes
from pipeline.tables.checklist import load_checklist_words
from pipeline.tables.lists import normal

if TYPE_CHECKING:
    from pipeline.model import County

SHORTEST_IN_TEXT = {"town": 3, "category": 4}
"""Shorter spellings are believed in a cell of their own, not inside a title."""
LONGEST_TEXT = 80
TOWN_DIGITS = 9
_PROPER = ("镇", "乡", "街办", "街道", "街道办", "办事处")
_VILLAGE = ("村", "社区", "居委", "组", "坪", "沟")
_NUMBERING = re.compile(r"^[(]?(?:[一二三四五六七八九十]+|[0-9]{1,2})[)、.:]")
_TAIL = re.compile(r"(?:图斑|地块|任务|清单|明细|台账|类)+$")
_AROUND = re.compile(r"^[(\[【]|[)\]】]$")


@dataclass(slots=True)
class Words:
    """What one county's lists may say; answers are remembered, as lists repeat themselves.

    A town is (code, village named after it); a category the tuple of those it can mean.
    """

    county: County
    _towns: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    _found: dict[str, tuple[str | None, tuple[str, ...]]] = field(default_factory=dict)

    def town(self, text: str) -> tuple[str | None, str]:
        """Return a town's code by name, alias or code, and the village that follows it."""
        if text not in self._towns:
            self._towns[text] = self._town(normal(text))
        return self._towns[text]

    def _names(self) -> dict[str, str]:
        return {
            normal(name): town.code
            for town in self.county.towns
            for name in (town.name, *town.aliases)
        }

    def _town(self, spelled: str) -> tuple[str | None, str]:
        codes = {town.code for town in self.county.towns}
        if spelled.isdigit():
            code = spelled[:TOWN_DIGITS]
            return (code if code in codes else None), ""
        names = self._names()
        bare = spelled.rpartition(normal(self.county.name))[2]
        for name in (spelled, bare):
            if name in names:
                return names[name], ""
        heads = [n for n in names if n.endswith(_PROPER) and bare.startswith(n)]
        rest = bare.removeprefix(max(heads, key=len)) if heads else ""
        if not any(mark in rest for mark in _VILLAGE):
            return None, ""
        return names[max(heads, key=len)], rest

    def town_advice(self, text: str) -> str:
        """Return the nearest town and what to do about an unknown one."""
        close = nearest(text, [town.name for town in self.county.towns])
        return f"改正镇办名称（{close}）；确是别名时，在 towns.csv 的 aliases 列补上"

    def in_text(self, text: str) -> tuple[str | None, tuple[str, ...]]:
        """Return the one town and the one task category a title, heading or sheet name names."""
        if text not in self._found:
            self._found[text] = (self._town_in(text), self._category_in(text))
        return self._found[text]

    def _town_in(self, text: str) -> str | None:
        if len(text) > LONGEST_TEXT:
            return None
        exact = self.town(text)[0]
        names = {n: c for n, c in self._names().items() if len(n) >= SHORTEST_IN_TEXT["town"]}
        codes = {names[name] for name in _contained(normal(text), names)}
        return exact or (codes.pop() if len(codes) == 1 else None)

    def _category_in(self, text: str) -> tuple[str, ...]:
        if len(text) > LONGEST_TEXT:
            return ()
        exact = category_of(text)
        if exact:
            return exact
        tasks = {c.name for c in classes() if c.task}
        known = {
            spelled: names
            for spelled, names in load_checklist_words().categories.items()
            if len(spelled) >= SHORTEST_IN_TEXT["category"]
        }
        found = {known[spelled] for spelled in _contained(normal(text), known)}
        leaves = {names for names in found if len(names) == 1 and names[0] in tasks}
        return leaves.pop() if len(leaves) == 1 else ()


def _contained(text: str, names: dict[str, str] | dict[str, tuple[str, ...]]) -> list[str]:
    """Return the names that stand in a text, a longer one hiding the shorter inside it."""
    found = []
    for name in sorted(names, key=lambda n: (-len(n), n)):
        if name in text:
            found.append(name)
            text = text.replace(name, "\0")
    return found


def category_of(text: str) -> tuple[str, ...]:
    """Return the categories a cell can mean: several for a sum, none for an unknown word."""
    known = load_checklist_words().categories
    spelled = normal(text)
    bare = _AROUND.sub("", _NUMBERING.sub("", spelled))
    for name in (spelled, bare, _TAIL.sub("", bare), _TAIL.sub("", spelled)):
        if name in known:
            return known[name]
    return ()


def category_advice(text: str) -> str:
    """Return the nearest category and what to do about an unknown one."""
    close = nearest(text, [c.label for c in classes() if c.task])
    table = "pipeline/tables/checklists/categories.csv"
    return f"改正类别（{close}）；确是通行写法时，在 {table} 加一行"


def status_of(text: str) -> tuple[str, ...]:
    """Return the statuses a cell covers, none for an unknown word."""
    known = load_checklist_words().statuses
    spelled = normal(text)
    return known.get(spelled) or known.get(_AROUND.sub("", spelled), ())


def is_empty(text: str) -> bool:
    """Whether a cell says nothing: blank, a dash, “无”."""
    spelled = normal(text)
    return not spelled or spelled in load_checklist_words().words["empty"]
