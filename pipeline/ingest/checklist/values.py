"""Records of a list to one frame: every row either read whole or set aside with its reason."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from pipeline.ingest.checklist.columns import SAME_AREA, is_personal
from pipeline.ingest.checklist.numbers import Amount, amount
from pipeline.ingest.checklist.places import PLACES, locate, why_nowhere
from pipeline.ingest.checklist.words import (
    Words,
    category_advice,
    category_of,
    is_empty,
    status_of,
)
from pipeline.ingest.values import DAMAGED_ID
from pipeline.tables.lists import normal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.ingest.checklist.rows import Record
    from pipeline.model import County

COLUMNS = (
    "sheet", "row", "readable", "field", "found", "advice", "bsm", "bsm_unread", "task_id",
    "tbbh", "zldwdm", "village", "town_code", "town_from", "categories", "category_from",
    "statuses", "status_unknown", "area", "unit", "decimals", "short", "area_too", "unit_too",
    "decimals_too", "x", "y", "spread_m",
)  # fmt: skip
KEY_ADVICE = "补写标识码（BSM）、图斑编号（并写明镇办和村）或坐标"
LOST_DIGITS = "在原表把标识码列设为文本后重新填写或导出，不要经 Excel 按数字另存"
LOST, NO_BSM = "按数字存放，位数已丢失", "不是标识码"
SHOWN = 24
_ID = re.compile(r"[0-9A-Z]{10,30}")
_TASK = re.compile(r"[A-Z]{2}-[0-9A-Z@\-]+")
_TBBH = re.compile(r"[0-9A-Z\-]{1,10}")
_CODE = re.compile(r"[0-9]{12,19}")
_EXACT_DIGITS = 15
_PHONE = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])|(?<![0-9])0[0-9]{2,3}-?[0-9]{7,8}(?![0-9])")
_CITIZEN = re.compile(
    r"(?<![0-9])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])[0-9]{3}[0-9Xx]"
)


class Fault(NamedTuple):
    """What can't be read in a row: the field's Chinese name, what stands there, what to do."""

    field: str
    found: str
    advice: str


def shown(text: str) -> str:
    """Return a cell for a message: short, nothing about persons, no telephone numbers."""
    if is_personal([text]):
        return "（涉及个人信息，已隐去）"
    hidden = _PHONE.sub("（号码已隐去）", _CITIZEN.sub("（证件号已隐去）", " ".join(text.split())))
    return hidden if len(hidden) <= SHOWN else hidden[:SHOWN] + "……"


def parse(records: Sequence[Record], county: County) -> pd.DataFrame:
    """Return one row per record, in order, with the columns COLUMNS.

    readable: no fault; field, found, advice: Chinese, of all faults of the row. bsm … town_code:
    text, "" where the list doesn't say; bsm_unread: why its BSM can't be read; categories,
    statuses: joined by a bar; area: decimal text with its unit and the decimals it stands for;
    short: it shows fewer than its column does; area_too: the same in another unit, where the list
    writes it twice; x, y: in the county's CRS, NaN where there are none, good to spread_m.
    """
    faults: defaultdict[int, list[Fault]] = defaultdict(list)
    words = Words(county)
    for at, record in enumerate(records):
        if record.excess:
            advice = "内容含逗号时用英文双引号括起；删去多余的列"
            faults[at].append(Fault("整行", "列数多于表头，内容可能错位", advice))
    frame = pd.DataFrame({"sheet": [r.sheet for r in records], "row": [r.row for r in records]})
    towns = _towns(records, words, faults)
    located = locate(records, county)
    frame = frame.join([_keys(records), towns, _kinds(records, words, faults), located])
    frame = frame.join(_areas(records, faults))
    frame["village"] = frame["village"].where(frame["village"] != "", frame.pop("village_in_town"))
    _check_keys(frame, records, faults)
    parts = [faults.get(at, []) for at in range(len(records))]
    frame["readable"] = [not found for found in parts]
    for name in Fault._fields:
        frame[name] = ["；".join(dict.fromkeys(getattr(f, name) for f in p)) for p in parts]
    return frame[list(COLUMNS)]


def _texts(records: Iterable[Record], name: str) -> list[str]:
    found = (record.text(name) for record in records)
    return ["" if is_empty(text) else text for text in found]


def _keys(records: Sequence[Record]) -> pd.DataFrame:
    tbbh = [normal(text).removesuffix(".0") for text in _texts(records, "tbbh")]
    bsm, unread = _bsm(records)
    moved = [not b and bool(_ID.fullmatch(t)) for b, t in zip(bsm, tbbh, strict=True)]
    return pd.DataFrame(
        {
            # eighteen digits in the column of plot numbers are a BSM
            "bsm": [t if m else b for b, t, m in zip(bsm, tbbh, moved, strict=True)],
            "bsm_unread": unread,
            "task_id": _matching(_texts(records, "task_id"), _TASK),
            "tbbh": [
                "" if m or not _TBBH.fullmatch(t) else t for t, m in zip(tbbh, moved, strict=True)
            ],
            "zldwdm": _matching(_texts(records, "zldwdm"), _CODE),
            "village": _texts(records, "village"),
        }
    )


def _matching(texts: Iterable[str], form: re.Pattern[str]) -> list[str]:
    spelled = (normal(text) for text in texts)
    return [text if form.fullmatch(text) else "" for text in spelled]


def _bsm(records: Sequence[Record]) -> tuple[list[str], list[str]]:
    """Return BSMs ("" where there is none to read) and, in Chinese, why one can't be read.

    Workbooks keep numbers as binary floats: a BSM kept as one has lost its last digits.
    """
    found, unread = [], []
    for record, text in zip(records, _texts(records, "bsm"), strict=True):
        spelled = normal(text)
        cut = record.is_number("bsm") and len(spelled) > _EXACT_DIGITS
        if cut or re.fullmatch(DAMAGED_ID, spelled):
            unread.append(LOST)
        else:
            unread.append("" if not spelled or _ID.fullmatch(spelled) else NO_BSM)
        found.append("" if unread[-1] else spelled)
    return found, unread


def _towns(
    records: Sequence[Record], words: Words, faults: defaultdict[int, list[Fault]]
) -> pd.DataFrame:
    rows = []
    named = zip(
        *(_texts(records, f) for f in ("town", "town_code", "zldwdm", "village")), strict=True
    )
    for at, (name, code, village_code, village) in enumerate(named):
        own = [(text, words.town(text)) for text in (name, code) if text]
        unknown = [text for text, (found, _) in own if found is None]
        codes = dict.fromkeys(found for _, (found, _) in own if found is not None)
        faults_here = [
            Fault("镇办", f"“{shown(text)}”不是本县的镇办", words.town_advice(text))
            for text in unknown
        ]
        if len(codes) > 1:
            found = f"“{shown(name)}”与代码 {shown(code)} 不是同一个镇办"
            faults_here.append(Fault("镇办", found, "改正其中一个"))
        if faults_here:
            faults[at] += faults_here
        rest = own[0][1][1] if own else ""
        if own:
            rows.append((next(iter(codes), "") if not faults_here else "", "列", rest))
        else:
            rows.append((*_town_elsewhere(records[at], words, village_code, village), rest))
    return pd.DataFrame(rows, columns=["town_code", "town_from", "village_in_town"])


def _town_elsewhere(record: Record, words: Words, code: str, village: str) -> tuple[str, str]:
    """Return the town by the village's code or name, the heading, the title or the sheet."""
    for text, source in ((code, "坐落单位代码"), (village, "坐落")):
        found = words.town(text)[0] if text else None
        if found:
            return found, source
    for text in reversed(record.context):
        found = words.in_text(text)[0]
        if found:
            return found, "工作表名、标题或分段标题"
    return "", ""


def _kinds(
    records: Sequence[Record], words: Words, faults: defaultdict[int, list[Fault]]
) -> pd.DataFrame:
    kinds, statuses = _texts(records, "category"), _texts(records, "status")
    rows = []
    for at, (kind, status) in enumerate(zip(kinds, statuses, strict=True)):
        categories, source = category_of(kind), "列"
        if kind and not categories:
            found = f"“{shown(kind)}”不是任务类别"
            faults[at].append(Fault("类别", found, category_advice(kind)))
        if not kind:
            context = (words.in_text(text)[1] for text in reversed(records[at].context))
            categories = next((found for found in context if found), ())
            source = "工作表名、标题或分段标题" if categories else ""
        covered = status_of(status)
        unknown = bool(status) and not covered
        rows.append(("|".join(categories), source, "|".join(covered), unknown))
    names = ["categories", "category_from", "statuses", "status_unknown"]
    return pd.DataFrame(rows, columns=names)


def _areas(records: Sequence[Record], faults: defaultdict[int, list[Fault]]) -> pd.DataFrame:
    read = _amounts(records, "area")
    most: defaultdict[str, int] = defaultdict(int)
    for record, found in zip(records, read, strict=True):
        if found is not None:
            most[record.sheet] = max(most[record.sheet], found.decimals)
    rows = []
    for at, (record, found) in enumerate(zip(records, read, strict=True)):
        text = record.text("area")
        if found is None and not is_empty(text):
            faults[at].append(Fault("面积", f"“{shown(text)}”不是面积", "写成数字，单位写在表头"))
        short = found is not None and found.decimals < most[record.sheet]
        rows.append((*_cells(found, record.unit), short))
    table = pd.DataFrame(rows, columns=["area", "unit", "decimals", "short"])
    units = [r.header.columns[SAME_AREA].unit if SAME_AREA in r.cells else "" for r in records]
    others = [
        _cells(found, unit) for found, unit in zip(_amounts(records, SAME_AREA), units, strict=True)
    ]
    return table.join(pd.DataFrame(others, columns=["area_too", "unit_too", "decimals_too"]))


def _amounts(records: Sequence[Record], name: str) -> list[Amount | None]:
    """Return the areas of a column, None where there is none to read.

    A spreadsheet drops the last zeros of a number: its column tells how many digits it stands for.
    """
    texts = _texts(records, name)
    read = [amount(text) if text else None for text in texts]
    read = [None if found is None or found.value < 0 else found for found in read]
    most: defaultdict[str, int] = defaultdict(int)
    for record, found in zip(records, read, strict=True):
        if found is not None:
            printed = record.cells[name].decimals or 0
            most[record.sheet] = max(most[record.sheet], found.decimals, printed)
    return [
        found._replace(decimals=most[record.sheet])
        if found is not None and record.is_number(name)
        else found
        for record, found in zip(records, read, strict=True)
    ]


def _cells(found: Amount | None, unit: str) -> tuple[str, str, int]:
    """Return a number as text, its unit (of the cell, else of the column) and its decimals."""
    if found is None:
        return "", "", -1
    return f"{found.value:f}", found.unit or unit, found.decimals


def _check_keys(
    frame: pd.DataFrame, records: Sequence[Record], faults: defaultdict[int, list[Fault]]
) -> None:
    """Note rows by which no plot can be told."""
    placed = frame["x"].notna()
    keyed = (frame[["bsm", "task_id", "tbbh"]] != "").any(axis=1) | placed
    unread = frame["bsm_unread"].to_numpy()
    for at in np.flatnonzero(~keyed).tolist():
        record = records[at]
        bsm, tbbh = record.text("bsm"), record.text("tbbh")
        if unread[at]:
            advice = LOST_DIGITS if unread[at] == LOST else KEY_ADVICE
            faults[at].append(Fault("标识码", f"“{shown(bsm)}”{unread[at]}", advice))
        elif not is_empty(tbbh):
            faults[at].append(Fault("图斑编号", f"“{shown(tbbh)}”不是图斑编号", KEY_ADVICE))
        elif any(record.text(name) for name in (*PLACES, "point")):
            advice = "写成经纬度（度），或国家 2000 坐标系 3 度带的东坐标、北坐标（米）"
            faults[at].append(Fault("坐标", why_nowhere(record), advice))
        else:
            found = "没有标识码、图斑编号或坐标，不知指哪个图斑"
            faults[at].append(Fault("整行", found, KEY_ADVICE))
