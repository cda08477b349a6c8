"""maps/index.html: the products there are, with the tables a reader wants beside them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.stages.desk import Desk

TABLES = {
    "summary.csv": "分镇分类汇总",
    "gaps.csv": "缺口、进度与排名",
    "indicators.csv": "五项指标",
    "progress.csv": "周进度、计划与预测",
    "waterfall.csv": "缺口变动",
    "reconcile.csv": "与公布数核对",
    "history.csv": "每个任务每一期的变化",
    "ledger.gpkg": "台账图层（QGIS 直接打开）",
}
"""Tables worth a link, with what they hold; all are made before the maps."""


def page(desk: Desk, files: Mapping[str, Sequence[str]], ids: Mapping[str, str]) -> str:
    """Return the page over all products there are.

    files, ids: by product (its path without ending, relative to the out folder).
    """
    from pipeline.render import discover
    from pipeline.render.contact import Shown, contact_sheet

    shown = []
    for day in reversed(desk.judged):
        folder = desk.maps if day == desk.county.newest else desk.maps / day.isoformat()
        for spec in discover():
            name = (folder / spec.name).relative_to(desk.out).as_posix()
            if name in files:
                own = [str(PurePosixPath(file).relative_to("maps")) for file in files[name]]
                shown.append(
                    Shown(
                        day=day,
                        title=spec.title,
                        answers=spec.answers,
                        product_id=ids[name],
                        files=tuple(own),
                    )
                )
    tables = [
        (f"../data/processed/{name}", words)
        for name, words in TABLES.items()
        if (desk.processed / name).exists()
    ]
    return contact_sheet(desk.county, shown, tables)
