"""Words, colours and printed figures that all pages of the map book share."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.measure import mu_text, to_cm2
from pipeline.render.backdrop import paled
from pipeline.render.style import STYLE
from pipeline.tables import classes, land_codes, statuses

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_DONE = 0.75


@dataclass(frozen=True, slots=True)
class Words:
    """labels, colours: by task category; land: Chinese name by DLBM; states: by status, short."""

    labels: Mapping[str, str]
    colours: Mapping[str, str]
    land: dict[str, str]
    states: Mapping[str, str]

    def fill(self, category: str, status: str) -> tuple[str, str]:
        """Return fill and edge of a plot: full while there is work, pale when closed."""
        colour = self.colours[category]
        if status == "withdrawn":
            return STYLE.paper, STYLE.rule
        if status == "closed":
            return paled(colour, _DONE), colour
        return colour, STYLE.ink

    def legend(self) -> list[tuple[str, str, str]]:
        """Return label, fill, edge of every sign on detail maps."""
        rows = [(self.labels[name], colour, STYLE.ink) for name, colour in self.colours.items()]
        sign = next(iter(self.colours))
        return [
            *rows,
            ("浅色为已销号", *self.fill(sign, "closed")),
            ("白色为已撤出", *self.fill(sign, "withdrawn")),
            ("灰色见邻幅", paled("#8A9299", 0.45), "#8A9299"),
        ]


def words() -> Words:
    """Return the words of the tables."""
    tasks = [category for category in classes() if category.task]
    codes = land_codes()
    return Words(
        {c.name: c.label for c in tasks},
        {c.name: c.colour for c in tasks},
        dict(zip(codes["code"], codes["name"], strict=True)),
        {status.name: status.short for status in statuses()},
    )


def plot_mu(area_m2: float, places: int = 2) -> str:
    """Return a plot's 亩 as printed on its sheet: half-up, two decimals or fewer."""
    return mu_text(int(to_cm2(area_m2)), places)


def sum_mu(tasks: pd.DataFrame, places: int = 2) -> str:
    """Return the 亩 of several tasks: the exact sum, half-up to some decimals."""
    return f"{Decimal(mu_text(int(to_cm2(tasks['area_m2']).sum()), places)):,}"
