"""Filled ledgers merged: a pure function of the files; the order of files has no say.

A workbook says which ledgers its own issue had taken in, so a later word replaces an earlier one
only where its writer had the earlier one before him; words that don't know of each other and
differ are a conflict. An empty cell says nothing: no word is lost as long as its file is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.measure import mu_text, to_cm2
from pipeline.tables import statuses
from pipeline.tables.ledgerform import load_ledger_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    import pandas as pd

COLUMNS = (
    "file", "digest", "saved", "issued", "row", "task_id", "bsm", "town_code", "town", "column",
    "label", "text", "verdict", "note",
)  # fmt: skip
TAKEN, SAME, OLDER, CONFLICT, AGAINST, NOWHERE, REFUSED = (
    "采用", "未改动", "已更新", "冲突", "与调查不符", "没有着落", "未采用",
)  # fmt: skip
WORDS = ["task_id", "saved", "file", "label", "text", "verdict"]
SHOWN = (TAKEN, AGAINST)
"""Verdicts of the claims that the next ledger shows in their own column."""
CLAIM, RESTORED = "claim", "已恢复"
NOT_DONE = ("未整改", "整改中", "无法恢复")
NEVER_SAVED = "未知日期"


@dataclass(frozen=True, slots=True)
class _Word:
    """A claim: where in the table it stands, its file, what it says."""

    at: int
    file: str
    digest: str
    saved: str
    text: str


@dataclass(slots=True)
class _Cell:
    """All words about one cell of one task; before: by file, the files its issue had taken in."""

    words: Sequence[_Word]
    before: Mapping[str, frozenset[str]]
    known: dict[frozenset[str], str] = field(default_factory=dict)

    def heads(self, files: frozenset[str]) -> list[_Word]:
        """Return the words of these files that no later one of them has replaced."""
        own = [word for word in self.words if word.digest in files]
        live = [word for word in own if word.text != self.value(self._before(word, files))]
        return [w for w in live if not any(w.digest in self.before[o.digest] for o in live)]

    def value(self, files: frozenset[str]) -> str:
        """Return what a ledger that had taken in these files shows."""
        if not files:
            return ""
        if files not in self.known:
            last = max(self.heads(files), key=lambda word: (word.saved, word.text), default=None)
            self.known[files] = last.text if last else ""
        return self.known[files]

    def _before(self, word: _Word, files: frozenset[str]) -> frozenset[str]:
        return self.before[word.digest] & files - {word.digest}


def merge(read: pd.DataFrame, ledger: pd.DataFrame, export: date) -> pd.DataFrame:
    """Return one row per filled cell of all files, and per problem, with its verdict (COLUMNS).

    read: what `ingest.returned` read, as text; ledger: task_id, bsm, town_code, town, status,
    restored_m2 of the newest export. Claims against the survey are shown beside it and change
    nothing in the ledger.
    """
    rows = read.fillna("").reset_index(drop=True)
    tasks = {
        str(row["task_id"]): row
        for row in ledger.drop(columns="geometry", errors="ignore").to_dict("records")
    }
    verdicts: dict[int, tuple[str, str]] = {}
    before: dict[str, frozenset[str]] = {}
    cells: dict[tuple[str, str], list[_Word]] = {}
    for at, row in enumerate(rows.to_dict("records")):
        before[row["digest"]] = frozenset(filter(None, row["merged"].split("|")))
        reason = _nowhere(tasks.get(row["task_id"]), row["bsm"])
        if row["found"]:
            verdicts[at] = (REFUSED, f"{row['found']}；{row['advice']}")
        elif reason:
            verdicts[at] = (NOWHERE, reason)
        else:
            word = _Word(at, row["file"], row["digest"], row["saved"], row["text"])
            cells.setdefault((row["task_id"], row["column"]), []).append(word)
    for (task_id, column), words in cells.items():
        verdicts |= _judged(_Cell(words, before))
        if column == CLAIM:
            verdicts |= _against(words, verdicts, tasks[task_id], export)
    return _table(rows, verdicts, tasks)


def _nowhere(task: Mapping[object, object] | None, bsm: str) -> str:
    """Return why a claim can't be placed, "" where it can."""
    if task is None:
        return "台账里没有这个任务编号"
    if bsm and bsm != task["bsm"]:
        return "任务编号与标识码不是同一个图斑"
    return ""


def _judged(cell: _Cell) -> dict[int, tuple[str, str]]:
    """Return verdict and note of every word of a cell."""
    files = frozenset(word.digest for word in cell.words)
    heads = cell.heads(files)
    value = cell.value(files)
    leading = {word.at for word in heads}
    said: dict[int, tuple[str, str]] = {}
    for word in cell.words:
        others = sorted({(w.text, w.file, w.saved) for w in heads if w.text != word.text})
        if word.at not in leading:
            said[word.at] = (SAME if word.text == value else OLDER, "")
        elif others:
            told = "；".join(
                f"{file}（{saved or NEVER_SAVED}）写“{text}”" for text, file, saved in others
            )
            note = f"与另一份台账不同：{told}；暂用{'本条' if word.text == value else '较晚的一条'}"
            said[word.at] = (CONFLICT, note)
        else:
            said[word.at] = (TAKEN, "")
    return said


def _against(
    words: Sequence[_Word],
    verdicts: Mapping[int, tuple[str, str]],
    task: Mapping[object, object],
    export: date,
) -> dict[int, tuple[str, str]]:
    """Return the notes of claims that the survey contradicts; it is never overridden."""
    labels = {status.name: status.label for status in statuses()}
    status = str(task["status"])
    found = {}
    for word in words:
        verdict, note = verdicts[word.at]
        wrong = (word.text == RESTORED) != (status == "closed") and (
            word.text == RESTORED or word.text in NOT_DONE
        )
        if wrong and verdict in (TAKEN, CONFLICT):
            restored = mu_text(int(to_cm2(float(str(task["restored_m2"])))), 2)
            told = f"自报{word.text}，{export.isoformat()}调查为{labels[status]}"
            told += f"（已恢复 {restored} 亩），以调查为准"
            kept = verdict if verdict == CONFLICT else AGAINST
            found[word.at] = (kept, "；".join(filter(None, (note, told))))
    return found


def _table(
    rows: pd.DataFrame,
    verdicts: Mapping[int, tuple[str, str]],
    tasks: Mapping[str, Mapping[object, object]],
) -> pd.DataFrame:
    labels = {column.name: column.label for column in load_ledger_columns()}
    own = [tasks.get(task_id, {}) for task_id in rows["task_id"]]
    table = rows.assign(
        town_code=[str(task.get("town_code") or "") for task in own],
        town=[str(task.get("town") or "") for task in own],
        label=rows["column"].map(lambda name: labels.get(name, name)),
        verdict=[verdicts[at][0] for at in rows.index],
        note=[verdicts[at][1] for at in rows.index],
    )
    return table[list(COLUMNS)]


def adopted(merged: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return what the next ledger shows, by task and column: the latest word where two conflict."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    live = merged[merged["verdict"].isin([*SHOWN, CONFLICT])]
    for row in live[["task_id", "column", "saved", "text"]].itertuples(index=False):
        key, word = (str(row.task_id), str(row.column)), (str(row.saved), str(row.text))
        found[key] = max(found.get(key, word), word)
    return {key: text for key, (_, text) in found.items()}


def notes(merged: pd.DataFrame) -> dict[str, str]:
    """Return by task what its clerk must see: conflicts, contradictions, what wasn't taken."""
    told = merged[(merged["note"] != "") & (merged["town"] != "") & (merged["verdict"] != NOWHERE)]
    return _lines(
        told,
        (
            f"{label}：{note}" if label else note
            for label, note in told[["label", "note"]].itertuples(index=False, name=None)
        ),
    )


def history(merged: pd.DataFrame) -> dict[str, str]:
    """Return by task and file what was filled in: words that show by their column, others whole."""
    said = merged[~merged["verdict"].isin([REFUSED, NOWHERE, SAME])]
    parts: dict[tuple[str, str, str], list[str]] = {}
    for task, saved, file, label, text, verdict in said[WORDS].itertuples(index=False, name=None):
        own = parts.setdefault((task, saved or NEVER_SAVED, file.rpartition("/")[2]), [])
        own.append(label if verdict in SHOWN else f"{label}“{text}”（{verdict}）")
    found: dict[str, list[str]] = {}
    for (task, saved, name), own in sorted(parts.items()):
        found.setdefault(task, []).append(f"{saved} {name}：{'、'.join(sorted(own))}")
    return {task: "；\n".join(lines) for task, lines in found.items()}


def _lines(rows: pd.DataFrame, lines: Iterable[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for task_id, line in zip(rows["task_id"], lines, strict=True):
        found.setdefault(str(task_id), []).append(line)
    return {task: "；\n".join(dict.fromkeys(sorted(own))) for task, own in found.items()}
