"""整改任务分类分布图: where the plots of each of the seven task categories lie, in small maps."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pipeline.render import furniture as kit
from pipeline.render.breaks import load_breaks
from pipeline.render.data import MapSpec, table_of
from pipeline.render.gap_table import percent, whole_mu
from pipeline.render.multiples import Mark, Panel, Words
from pipeline.render.multiples import draw as draw_panels
from pipeline.render.style import STYLE, page
from pipeline.tables import classes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

    from pipeline.render.breaks import Breaks
    from pipeline.render.data import MapData
    from pipeline.render.sheet import Box, Sheet

TOTAL, COUNTY = "total", ""


class Cell(NamedTuple):
    """A cell of 附件2: plots and exact 亩."""

    plots: int
    mu: Decimal


Cells = Mapping[tuple[str, str], Cell]
"""(town code or COUNTY, category) → cell."""


def draw(data: MapData) -> Iterator[Figure]:
    """Yield the sheet: counts of summary.csv at the export, withdrawn tasks left out."""
    cells, breaks = _cells(data), load_breaks("category_plots")
    towns = {town.code: town.name for town in data.county.towns}
    tasks = {category.name: category for category in classes() if category.task}
    panels = [
        Panel(
            category.label_long,
            f"{cells[COUNTY, name].plots:,} 个图斑，{whole_mu(cells[COUNTY, name].mu)} 亩",
            {
                code: Mark(breaks.of(Decimal(cells[code, name].plots)).colour,
                           f"{cells[code, name].plots}")
                for code in towns
            },
            category.colour,
        )
        for name, category in tasks.items()
    ]  # fmt: skip
    leaves = [cells[code, name].plots for code in towns for name in tasks]
    labels = {name: category.label_long for name, category in tasks.items()}
    words = Words(
        title=f"{data.county.name}整改任务分类分布图（{data.county.ledger.year}年度）",
        headline=_headline(cells, towns, labels),
        legend_title="图例（一个镇办一类任务的图斑数）",
        heads=("镇办×类别", "图斑数"),
        legend=_legend(leaves, breaks),
        total=kit.LegendRow(STYLE.paper, "合计", (f"{len(leaves)}", f"{sum(leaves):,}")),
        notes=(
            "图斑数为台账中各类任务的图斑个数（含已销号，不含已撤出）；一个图斑分属几类的，各类各计一次。",
            "面积为任务面积（亩），四舍五入后列出；合计为未取整数之和再取整。分级界限各期不变。",
        ),
        fingerprint=breaks.fingerprint,
    )
    yield draw_panels(data, panels, words, partial(_ranking, cells=cells, towns=towns))


def _cells(data: MapData) -> Cells:
    """Return the cells of summary.csv at the export: towns and county."""
    table = table_of(data, "summary")
    own = table[table["level"].isin(["town", "county"]) & table["town_code"].notna()]
    columns = ("level", "town_code", "category", "plots", "area_mu")
    return {
        (COUNTY if level == "county" else code, category): Cell(int(plots), Decimal(mu))
        for level, code, category, plots, mu in zip(*(own[name] for name in columns), strict=True)
    }


def _legend(leaves: list[int], breaks: Breaks) -> list[kit.LegendRow]:
    """Return the classes, largest first, with the cells that fall into them and their plots."""
    members = {
        item: [plots for plots in leaves if breaks.of(Decimal(plots)) == item]
        for item in reversed(breaks.classes)
    }
    return [
        kit.LegendRow(item.colour, item.label, (f"{len(own)}", f"{sum(own):,}"))
        for item, own in members.items()
    ]


def _ranking(sheet: Sheet, box: Box, *, cells: Cells, towns: Mapping[str, str]) -> None:
    """Draw the last cell: all seven categories together, town by town."""
    panel = kit.band(sheet, box, "七类合计，按图斑数")
    order = sorted(towns, key=lambda code: (-cells[code, TOTAL].plots, code))
    most = kit.bar_rows(panel, len(order))
    longest = max(1, *(cells[code, TOTAL].plots for code in towns))
    rows = [
        kit.BarRow(
            str(1 + sum(cells[other, TOTAL].plots > cells[code, TOTAL].plots for other in towns)),
            towns[code], cells[code, TOTAL].plots / longest, STYLE.band,
            f"{cells[code, TOTAL].plots:,}", (whole_mu(cells[code, TOTAL].mu),),
        )
        for code in order[:most]
    ]  # fmt: skip
    if rest := [cells[code, TOTAL] for code in order[most:]]:
        plots, mu = sum(cell.plots for cell in rest), sum((cell.mu for cell in rest), Decimal(0))
        name = f"其余{len(rest)}个镇办"
        rows.append(kit.BarRow("", name, 0.0, "", f"{plots:,}", (whole_mu(mu),)))
    whole = cells[COUNTY, TOTAL]
    total = kit.BarRow("", "合计", 0.0, "", f"{whole.plots:,}", (whole_mu(whole.mu),))
    kit.bars(sheet, panel, ("图斑数", "亩"), rows, total)


def _headline(cells: Cells, towns: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """Name the largest category and the town with most plots, from the figures alone."""
    whole = cells[COUNTY, TOTAL]
    if not whole.plots:
        return "全县没有整改任务"
    first = max(labels, key=lambda name: cells[COUNTY, name].plots)
    most = max(towns, key=lambda code: cells[code, TOTAL].plots)
    share = percent(Decimal(cells[COUNTY, first].plots), Decimal(whole.plots))
    return (
        f"全县整改任务{whole.plots:,}个图斑{whole_mu(whole.mu)}亩，{labels[first]}占{share}，"
        f"{towns[most]}最多（{cells[most, TOTAL].plots:,}个）"
    )


SPECS = (
    MapSpec(
        name="categories",
        title="整改任务分类分布图",
        size=page("A3"),
        needs=("towns", "summary"),
        draw=draw,
        answers="七类任务各有多少图斑，集中在哪些镇办",
    ),
)
