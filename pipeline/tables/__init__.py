"""The tables: categories, code lists, aliases, vocabulary and rule packs, cross-checked at load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.tables.jumps import ClassJump, load_class_jumps
from pipeline.tables.lists import (
    land_frame,
    load_aliases,
    load_classes,
    load_codes,
    load_land_codes,
)
from pipeline.tables.packs import FlagRule, Rule, RulePack, load_pack
from pipeline.tables.statuses import load_statuses
from pipeline.tables.vocabulary import vocabulary

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.model import Category, Status
    from pipeline.tables.lists import Code

__all__ = [
    "ClassJump",
    "FlagRule",
    "Rule",
    "RulePack",
    "aliases",
    "class_jumps",
    "classes",
    "code_list",
    "land_codes",
    "load_pack",
    "statuses",
    "vocabulary",
]


def class_jumps() -> tuple[ClassJump, ...]:
    """Return the changes of class that can't be, or need a document, within a year."""
    return load_class_jumps()


def classes() -> tuple[Category, ...]:
    """Return the categories in the order of 附件2, then the others."""
    return load_classes()


def statuses() -> tuple[Status, ...]:
    """Return the states of a task in their order, with words, colours and marks."""
    return load_statuses()


def land_codes() -> pd.DataFrame:
    """Return 三调工作分类: code, name, group, wetland, natural_host, linear (bool), note.

    A fresh frame at each call, index 0..n-1, sorted as in codelists/dlbm.csv; group is cropland,
    other_agri, construction or unused. ConfigError if the table errs.
    """
    return land_frame(load_land_codes())


def code_list(name: str) -> tuple[Code, ...]:
    """Return another code list (zzsxdm, tbxhdm, qsxz, …): code, label, hosts."""
    return load_codes(name)


def aliases(role: str) -> dict[str, str]:
    """Return the known spellings of a role's fields: alias (NFKC, upper case) → national name.

    role: "parcels", a role of [layers], or task_<category>. ConfigError if any alias table errs.
    """
    return load_aliases(role)
