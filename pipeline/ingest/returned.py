"""Ledgers that came back filled: cell by cell to claims, every cell taken or told why not."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline.errors import Finding, InputError
from pipeline.ingest.checklist.sheets import SAVE_AS, UNCALCULATED, read_sheets
from pipeline.ingest.county import shown
from pipeline.tables.ledgerform import (
    COUNTY,
    DIGEST_DIGITS,
    GUIDE,
    ISSUED,
    MERGED,
    SHEET,
    TASKS,
    load_ledger_columns,
    seal,
    sealed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.ingest.checklist.sheets import Line, Sheet
    from pipeline.model import County
    from pipeline.tables.ledgerform import LedgerColumn

SUFFIXES = (".xlsx", ".xlsm")
NOT_OURS = "只收本程序做的台账：用最新的台账填写，不要改表头和任务编号"
HEADS_NEEDED = ("task_id", "bsm")
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
_EXCEL_EPOCH = date(1899, 12, 30)
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]00:00:00)?")
_SAVED = re.compile(rb"<dcterms:modified[^>]*>(\d{4}-\d{2}-\d{2})")
_NEVER_SAVED = "2000-01-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One filled cell: the task's row, which column, the text taken."""

    row: int
    task_id: str
    bsm: str
    column: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What isn't taken, or was changed where nothing is to be filled: row (0: the file), words."""

    row: int
    column: str
    task_id: str
    found: str
    advice: str


@dataclass(slots=True, kw_only=True)
class Returned:
    """A workbook as read.

    name: path below data/raw; digest: first digits of its sha256; saved: date of saving, "" if
    never saved by a person; issued: data date of the ledger; merged: digests of the ledgers that
    its own issue had taken in; rows: tasks found; claims, problems: all of them.
    """

    name: str
    digest: str
    saved: str
    issued: str = ""
    merged: tuple[str, ...] = ()
    rows: int = 0
    claims: list[Claim] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def tell(self, row: int, column: str, task_id: str, found: str, advice: str) -> None:
        """Add a problem."""
        self.problems.append(
            Problem(row=row, column=column, task_id=task_id, found=found, advice=advice)
        )


def read_returned(path: Path, county: County) -> Returned:
    """Read a filled ledger; nothing of the 责任人 column is kept.

    A workbook of another county, or none of ours, has problems and no claims. Raises InputError
    for a file that can't be opened: its remarks would be lost without a word.
    """
    name = shown(path, county.root)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            Finding(name, f"不是 Excel 工作簿（{path.suffix or '没有后缀'}）", SAVE_AS)
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        found = f"文件读不出来（{error.strerror}）"
        raise InputError(Finding(name, found, "关闭占用它的程序后重新运行")) from error
    sheets = {sheet.name: sheet for sheet in read_sheets(data, name, ())}
    book = Returned(
        name=name, digest=hashlib.sha256(data).hexdigest()[:DIGEST_DIGITS], saved=_saved(data)
    )
    sheet = sheets.get(SHEET) or next(iter(sheets.values()))
    header = _header(sheet)
    if header is None:
        book.tell(0, "", "", "找不到有“任务编号”“标识码”的表头", NOT_OURS)
        return book
    at, places = header
    guide = sheets.get(GUIDE)
    said = _particulars([*(guide.lines if guide else ()), *sheet.lines[:at]])
    if said.get(COUNTY) != county.code:
        found = f"不是本县的台账（{COUNTY} {said.get(COUNTY, '没有写')}，本县 {county.code}）"
        book.tell(0, "", "", found, "移出 returned/，或核对是否放错文件")
        return book
    book.issued = said.get(ISSUED, "")
    book.merged = _merged(guide) if guide else ()
    _check_heads(book, sheet.lines[at], places)
    _read_rows(book, sheet.lines[at + 1 :], places)
    _check_count(book, said.get(TASKS, ""))
    return book


def _saved(data: bytes) -> str:
    """Return the date a person's program wrote the file, from the file itself."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        core = archive.read("docProps/core.xml") if "docProps/core.xml" in names else b""
    found = _SAVED.search(core)
    day = found[1].decode() if found else ""
    return "" if day == _NEVER_SAVED else day


def _header(sheet: Sheet) -> tuple[int, Mapping[str, int]] | None:
    """Return which line is the header, and where its columns stand."""
    labels = {column.label: column.name for column in load_ledger_columns()}
    for at, line in enumerate(sheet.lines):
        texts = ["".join(cell.text.split()) for cell in line.cells]
        places = {labels[text]: n for n, text in reversed([*enumerate(texts)]) if text in labels}
        if all(name in places for name in HEADS_NEEDED):
            return at, places
    return None


def _particulars(lines: Sequence[Line]) -> dict[str, str]:
    """Return what guide and lines above the header say of the workbook; the last word counts."""
    text = " ".join(cell.text for line in lines for cell in line.cells if cell.text)
    found = {}
    for word in (COUNTY, ISSUED, TASKS):
        said = re.findall(rf"{word}\s*([0-9-]+)", text)
        if said:
            found[word] = said[-1]
    return found


def _merged(guide: Sheet) -> tuple[str, ...]:
    for line in guide.lines:
        if line.cell(0).text == MERGED:
            return tuple(re.findall(rf"\b[0-9a-f]{{{DIGEST_DIGITS}}}\b", line.cell(1).text))
    return ()


def _check_heads(book: Returned, line: Line, places: Mapping[str, int]) -> None:
    """Tell which columns are gone and which are new."""
    missing = [c.label for c in load_ledger_columns() if c.name not in places]
    if missing:
        found = f"少了列：{'、'.join(missing)}"
        book.tell(line.number, "", "", found, "这些列里的内容没有读到；用最新的台账补填")
    known = {c.label for c in load_ledger_columns()}
    texts = ["".join(cell.text.split()) for cell in line.cells]
    extra = [text for text in texts if text and text not in known]
    if extra:
        found = f"多了 {len(extra)} 列"
        book.tell(line.number, "", "", found, "没有采用；要留下的内容写进“备注”")
    twice = [text for text, count in Counter(texts).items() if count > 1 and text in known]
    if twice:
        found = f"列重复：{'、'.join(twice)}"
        book.tell(line.number, "", "", found, "只读了最左边的一列；合并后删去多余的")


def _read_rows(book: Returned, lines: Sequence[Line], places: Mapping[str, int]) -> None:
    seen: dict[str, int] = {}
    for line in lines:
        texts = {
            name: "".join(line.cell(at).text.split()) if name in HEADS_NEEDED
            else line.cell(at).text.strip()
            for name, at in places.items()
        }  # fmt: skip
        task = texts["task_id"]
        filled = [c for c in load_ledger_columns() if c.fill and texts.get(c.name)]
        if not task:
            if filled or texts["bsm"]:
                words = "；".join(f"{c.label}“{texts[c.name]}”" for c in filled)
                found = f"没有任务编号，填的没有着落：{words or '只有标识码'}"
                book.tell(
                    line.number, "", "", found, "新任务以调查为准，不能自己加行；说明写进备注"
                )
            continue
        book.rows += task not in seen
        if task in seen:
            found = f"任务编号与第 {seen[task]} 行重复"
            book.tell(line.number, "任务编号", task, found, "两行都读，不同的作冲突列出；删去一行")
        seen.setdefault(task, line.number)
        _check_seal(book, line.number, texts)
        for column in filled:
            _take(book, line.number, column, texts)


def _check_seal(book: Returned, row: int, texts: Mapping[str, str]) -> None:
    """Tell where a locked cell isn't what was issued."""
    if "mark" not in texts or any(column.name not in texts for column in sealed()):
        return
    if seal(texts[column.name] for column in sealed()) != texts["mark"]:
        found = "这一行锁定的单元格被改动过"
        advice = "锁定的列以调查为准，改动没有采用；填的列照收，请核对任务编号没有改错"
        book.tell(row, "", texts["task_id"], found, advice)


def _take(book: Returned, row: int, column: LedgerColumn, texts: Mapping[str, str]) -> None:
    """Add a cell as a claim, or say why not."""
    text, task = texts[column.name], texts["task_id"]
    value: str | None = text
    if text == UNCALCULATED:
        book.tell(row, column.label, task, "是公式，没有算出值", "改写成文字或数")
        return
    if column.kind == "list":
        value = text if text in column.options else None
        advice = f"从下拉表里选：{'、'.join(column.options)}"
    elif column.kind == "date":
        value, advice = _day(text), "写成 2023-11-30 这样的日期"
    if value is None:
        book.tell(row, column.label, task, f"“{text}”没有采用", advice)
        return
    book.claims.append(
        Claim(row=row, task_id=task, bsm=texts["bsm"], column=column.name, text=value)
    )


def _day(text: str) -> str | None:
    """Return a date as people and spreadsheets write it, as YYYY-MM-DD."""
    found = _DAY.fullmatch(text)
    try:
        if found:
            day = date(*map(int, found.groups()))
        elif re.fullmatch(r"[0-9]{8}", text):
            day = date.fromisoformat(text)
        elif re.fullmatch(r"[0-9]{5}", text):
            day = _EXCEL_EPOCH + timedelta(days=int(text))
        else:
            return None
    except ValueError:
        return None
    return day.isoformat() if EARLIEST <= day <= LATEST else None


def _check_count(book: Returned, stated: str) -> None:
    """Tell when rows were taken away or added."""
    if stated.isdigit() and int(stated) != book.rows:
        less = int(stated) - book.rows
        found = f"发出时 {stated} 个任务，回来 {book.rows} 个"
        advice = "删去的行没有填报可收" if less > 0 else "多出的行如无此任务不会采用"
        book.tell(0, "", "", found, f"{advice}；不要增删行")


def records(books: Sequence[Returned]) -> Iterator[dict[str, str]]:
    """Yield every claim and problem as a row of text, in the order of files and rows."""
    for book in sorted(books, key=lambda item: (item.name, item.digest)):
        base = {
            "file": book.name, "digest": book.digest, "saved": book.saved, "issued": book.issued,
            "merged": "|".join(book.merged),
        }  # fmt: skip
        for claim in book.claims:
            yield base | {
                "row": str(claim.row), "task_id": claim.task_id, "bsm": claim.bsm,
                "column": claim.column, "text": claim.text, "found": "", "advice": "",
            }  # fmt: skip
        for told in book.problems:
            yield base | {
                "row": str(told.row), "task_id": told.task_id, "bsm": "",
                "column": told.column, "text": "", "found": told.found, "advice": told.advice,
            }  # fmt: skip


COLUMNS = (
    "file", "digest", "saved", "issued", "merged", "row", "task_id", "bsm", "column", "text",
    "found", "advice",
)  # fmt: skip
