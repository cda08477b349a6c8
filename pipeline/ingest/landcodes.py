"""Land codes as delivered: a lost leading zero, the second survey's codes, codes of no list."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pipeline import tables

if TYPE_CHECKING:
    import pandas as pd

SHORT = frozenset({1, 3})  # lengths of a land code that lost its leading zero


@cache
def second_survey() -> dict[str, str]:
    """Return the leaf classes of the second survey (GB/T 21010-2007 as used there): code → name."""
    text = files("pipeline.tables").joinpath("second_survey.csv").read_text(encoding="utf-8")
    return {row["code"]: row["name"] for row in csv.DictReader(text.splitlines())}


def known() -> frozenset[str]:
    """Return all codes of 三调工作分类."""
    return frozenset(tables.land_codes()["code"])


def restore_zeros(values: pd.Series) -> pd.Series:
    """Give codes their leading zero back, where it is certain that a whole layer lost it.

    Certain: no code begins with 0, every short one is known with it, and the layer isn't one of
    the second survey (some full code is known, or some short one is none of its codes).
    """
    given = values[values.notna()]
    short = values.str.len().isin(SHORT) & values.notna()
    padded = "0" + values
    brief = given[given.str.len().isin(SHORT)]
    full = given[~given.str.len().isin(SHORT)]
    certain = (
        len(brief) > 0
        and not given.str.startswith("0").any()
        and bool(("0" + brief).isin(known()).all())
        and bool(full.isin(known()).any() or (~brief.isin(second_survey())).any())
    )
    return values.where(~short, padded) if certain else values


def is_second_survey(values: pd.Series) -> bool:
    """Return whether a layer holds the second survey's codes throughout."""
    given = values[values.notna()]
    own = set(second_survey()) - {code[1:] for code in known() if code.startswith("0")}
    return bool(len(given) and given.isin(second_survey()).all() and given.isin(own).any())


def reading(code: str) -> str:
    """Return in Chinese what an unknown code may mean."""
    found = []
    if f"0{code}" in known():
        found.append(f"少了前导零的 0{code}")
    if code in second_survey():
        found.append(f"二调编码 {code} {second_survey()[code]}")
    return "，可能是" + "或".join(found) if found else ""
