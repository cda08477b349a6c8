"""What the offline page is made from, read from the products of a finished run."""

from __future__ import annotations

import pandas as pd

from pipeline import storage, tables
from pipeline.ingest.county import load_county
from pipeline.render import town_shapes
from pipeline.reports import ReportData
from pipeline.stages.desk import Desk

KEYS = ["first_seen", "bsm", "category"]


def page_data(raw, out):
    """Return the page's data; the tasks' pieces by a plain merge of every export's."""
    county = load_county(raw)
    desk = Desk(county, out)
    tables_of = {
        name: storage.read_table(desk.processed / f"{name}.csv") for name in ("history", "summary")
    }
    ledger = storage.read_frame(desk.export(county.newest, "ledger.parquet"))
    pieces = pd.concat(
        storage.read_frame(desk.export(day, "pieces.parquet"))
        .drop(columns="geometry")
        .assign(first_seen=day.isoformat())
        for day in desk.judged
    )
    sheets = pd.DataFrame(
        {"task_id": ledger["task_id"], "page": range(3, len(ledger) + 3), "number": 7}
    )
    return ReportData(
        county=county,
        classes=tables.classes(),
        pack=tables.load_pack(county.rules, county.root),
        export=county.newest,
        product_id="0123456789ab",
        ledger=ledger,
        opened=pd.DataFrame(ledger[KEYS]).merge(pieces, on=KEYS),
        sheets=sheets.iloc[1:],
        land=storage.read_frame(desk.export(county.newest, "parcels.parquet")),
        towns=town_shapes(storage.read_frame(desk.zone("towns", county.newest)), county),
        **tables_of,
    )
