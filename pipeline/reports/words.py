"""Chinese words for what tables hold as codes: categories, figures, verdicts, indicators."""

from __future__ import annotations

import re
from functools import cache

from pipeline.tables import classes
from pipeline.tables.figures import load_figures

VERDICTS = {"equal": "相等", "rounding": "取整", "definition": "口径", "real": "真差"}
CHECKS = {"printed-internal": "公布数自核", "printed-computed": "公布与计算"}
MEASURES = {"plots": "个数", "area_mu": "面积"}
UNITS = {"plots": "个", "area_mu": "亩"}
INDICATORS = {"cropland": "耕地保护目标", "pbf": "永久基本农田", "in_out_balance": "进出平衡"}


@cache
def figure_words() -> dict[str, str]:
    """Return the Chinese label of every category, subtotal, gap and published item."""
    words = {category.name: category.label for category in classes()}
    for figure in load_figures():
        words |= {name: words.get(name, figure.label) for name in (figure.name, *figure.published)}
    return words | {"pbf_subtotal": "永农小计", "cropland_subtotal": "耕地小计", "total": "合计"}


def in_words(text: str | None) -> str:
    """Return a text of our tables with every code in it put into words."""
    known = figure_words()
    if not isinstance(text, str):
        return ""
    return re.sub(r"[a-z_]{3,}", lambda found: known.get(found[0], found[0]), text)
