"""maps/index.html: the products there are, with the tables a reader wants beside them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline.stages import drawing, reporting
from pipeline.stages.desk import Job, Outcome, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.freshness import State
    from pipeline.render.contact import Document, Shown
    from pipeline.stages.desk import Desk

TABLES = {
    "summary.csv": "分镇分类汇总",
    "gaps.csv": "缺口、进度与排名",
    "indicators.csv": "五项指标",
    "progress.csv": "周进度、计划与预测",
    "waterfall.csv": "缺口变动",
    "reconcile.csv": "与公布数核对",
    "history.csv": "每个任务每一期的变化",
    "returned.csv": "交回台账的填报：采用、冲突、没有着落",
    "ledger.gpkg": "台账图层（QGIS 直接打开）",
}
"""Tables worth a link, with what they hold; all are made before the maps."""


def job(desk: Desk, state: State) -> Job:
    """Return the job that writes the page; made when maps and office products are."""
    drawn, made = drawing.drawn(state), reporting.products(state)
    index = desk.maps / "index.html"
    tables = [
        (f"../data/processed/{name}", words)
        for name, words in TABLES.items()
        if (desk.processed / name).exists()
    ]

    def compute(_state: State) -> Outcome:
        from pipeline.render.contact import contact_sheet

        shown = list(_shown(desk, drawn))
        page = contact_sheet(desk.county, shown, tables, list(_documents(made)))

        def write() -> list[Path]:
            from pipeline import storage

            storage.write_bytes(index, page.encode())
            return [index]

        return Outcome(write=write, said=f"图件={len(shown)} 报表={len(made)}")

    return Job(
        name="目录",
        stage="maps",
        rooms=("render",),
        inputs=(),
        params={
            "county": settings(desk),
            "maps": drawn,
            "reports": [(item.spec.name, item.product_id, item.files) for item in made],
            "tables": tables,
        },
        compute=compute,
    )


def _shown(desk: Desk, drawn: Mapping[str, tuple[str, Sequence[str]]]) -> Iterator[Shown]:
    """Yield the maps there are, the newest export's first."""
    from pipeline.render import discover
    from pipeline.render.contact import Shown

    for day in reversed(desk.judged):
        folder = desk.maps if day == desk.county.newest else desk.maps / day.isoformat()
        for spec in discover():
            name = (folder / spec.name).relative_to(desk.out).as_posix()
            if name in drawn:
                product_id, files = drawn[name]
                yield Shown(
                    day=day,
                    title=spec.title,
                    answers=spec.answers,
                    product_id=product_id,
                    files=tuple(str(PurePosixPath(file).relative_to("maps")) for file in files),
                )


def _documents(made: Sequence[reporting.Made]) -> Iterator[Document]:
    """Yield the office products there are, their files as seen from maps/."""
    from pipeline.render.contact import Document

    for item in made:
        yield Document(
            title=item.spec.title,
            answers=item.spec.answers,
            product_id=item.product_id,
            files=tuple(
                file.removeprefix("maps/") if file.startswith("maps/") else f"../{file}"
                for file in item.files
            ),
        )
