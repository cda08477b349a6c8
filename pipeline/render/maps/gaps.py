"""缺口分布图 and 完成率图 of every indicator, A3: where the gap lies and who is behind."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pipeline.model import Indicator
from pipeline.render.choropleth import draw
from pipeline.render.data import MapSpec
from pipeline.render.gap_themes import Named, rate_theme, remaining_theme
from pipeline.render.style import page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.figure import Figure

    from pipeline.render.choropleth import Theme
    from pipeline.render.data import MapData

_INDICATORS = (
    (
        Named(
            Indicator.CROPLAND, "耕地保护目标缺口", "任务",
            "缺口为台账中计入耕地保护目标、尚未完成的任务面积。",
        ),
        "cropland", "耕地缺口分布图", "耕地整改完成率图",
    ),
    (
        Named(
            Indicator.PBF, "永久基本农田缺口", "任务",
            "缺口为台账中就地恢复、核实处置自提、异地调整补划三类尚未完成的任务面积。",
        ),
        "pbf", "永久基本农田缺口分布图", "永久基本农田整改完成率图",
    ),
    (
        Named(
            Indicator.IN_OUT_BALANCE, "进出平衡剩余任务", "任务",
            "为台账中进出平衡（进）尚未完成的任务面积。",
        ),
        "balance", "进出平衡任务分布图", "进出平衡完成率图",
    ),
)  # fmt: skip


def _sheet(
    data: MapData, *, theme: Callable[[MapData, Named, str], Theme], named: Named, name: str
) -> Iterator[Figure]:
    """Yield the one sheet of a theme."""
    yield draw(theme(data, named, name), data, page("A3"))


SPECS = tuple(
    MapSpec(
        name=f"{short}_{kind}",
        title=title,
        size=page("A3"),
        needs=("towns", "gaps"),
        draw=partial(_sheet, theme=theme, named=named, name=f"{short}_{kind}"),
        answers=answers,
    )
    for named, short, gap_title, rate_title in _INDICATORS
    for kind, theme, title, answers in (
        ("gap", remaining_theme, gap_title, f"{named.gap}还剩多少亩，在哪些镇办"),
        ("rate", rate_theme, rate_title, f"{named.gap}完成了百分之几，哪些镇办落后"),
    )
)
