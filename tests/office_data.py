"""What the office's workbooks are made from, read from finished products; LibreOffice by hand."""

from __future__ import annotations

import io
import shutil
import subprocess

import openpyxl
import pandas as pd
import pytest

from pipeline import storage, tables
from pipeline.ingest.county import load_county
from pipeline.ingest.returned import COLUMNS
from pipeline.reports import ReportData
from pipeline.reports.returned import merge
from pipeline.stages.desk import Desk

TABLES = ("summary", "gaps", "progress", "indicators", "reconcile", "waterfall")


def office_data(raw, out, **members):
    """Return the data of both workbooks; members: instead of what the run made."""
    county = load_county(raw)
    desk = Desk(county, out)
    read = {name: storage.read_table(desk.processed / f"{name}.csv") for name in TABLES}
    file = desk.export(county.newest, "ledger.parquet")
    if file.is_file() and "ledger" not in members:
        ledger = storage.read_frame(file)
        members = {"ledger": ledger, "sheets": sheets_of(ledger), **members}
        nothing = pd.DataFrame(columns=list(COLUMNS), dtype=object)
        members = {"returned": merge(nothing, ledger, county.newest), **members}
    return ReportData(
        county=county, classes=tables.classes(), export=county.newest,
        pack=tables.load_pack(county.rules, county.root), product_id="0123456789ab",
        **{**read, **members},
    )  # fmt: skip


def sheets_of(ledger):
    """Return pages as if the first task were in no map book."""
    rows = {"task_id": ledger["task_id"], "page": range(3, len(ledger) + 3), "frame": 5}
    return pd.DataFrame({**rows, "number": 7}).iloc[1:]


def opened(data, *, values=True):
    """Return a workbook read by openpyxl: cached values, or formulas."""
    return openpyxl.load_workbook(io.BytesIO(data), data_only=values)


def by_libreoffice(folder, name, data, *, to="xlsx"):
    """Return the file as LibreOffice saves it, computed anew; skips loudly where there is none."""
    office = shutil.which("soffice") or shutil.which("localc")
    if office is None:
        pytest.skip("没有 LibreOffice：没有核对它打开、重算、另存工作簿的结果")
    (folder / name).write_bytes(data)
    target = folder / "saved"
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = [office, "--headless", profile, "--convert-to", to, "--outdir", target, folder / name]
    subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=120)  # noqa: S603
    return next(target.glob(f"{(folder / name).stem}.{to}")).read_bytes()
