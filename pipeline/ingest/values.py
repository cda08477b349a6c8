"""Delivered text to standard columns: codes tidied, numbers and dates by our own parsers.

Nothing is coerced: what doesn't parse stays missing and becomes a problem with its raw text.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import fields, tables
from pipeline.errors import Finding
from pipeline.ingest.names import role_fields
from pipeline.ingest.raw import FLOAT, TEXT
from pipeline.ingest.result import ERROR, WARNING, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.fields import Field
    from pipeline.ingest.raw import RawLayer

IDS = frozenset({"BSM", "TBYBH", "QSDWDM", "ZLDWDM", "XZQDM", "GLBH"})
CODES = IDS | {
    "YSDM", "TBBH", "DLBM", "QSXZ", "KCDLBM", "GDLX", "GDPDJB", "TBXHDM", "ZZSXDM", "FRDBS",
    "CZCSXM", "MSSM",
}  # fmt: skip
EMPTY = frozenset({"NULL", "<NULL>", "<空>", "(NULL)", "NONE", "NAN"})
NUMBER_PATTERN = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
DAMAGED_ID = r"[0-9]+(?:\.[0-9]*)?[eE][+-]?[0-9]+|[0-9]+\.[0-9]*[1-9][0-9]*"
DATE_PATTERN = r"([0-9]{4})[-/.年]?([0-9]{1,2})[-/.月]?([0-9]{1,2})日?(?:[ T].*)?"
EXACT = 2**53  # a binary float holds whole numbers exactly only below this
SHORT = frozenset({1, 3})  # lengths of a land code that lost its leading zero


class Reader:
    """Turns one raw layer into standard columns and collects what it had to do."""

    def __init__(self, raw: RawLayer, found: Mapping[Field, str], source_file: str) -> None:
        """Take a layer and its resolved fields; source_file names it in problems."""
        self.raw, self.found, self.source_file = raw, found, source_file
        self.problems: list[Problem] = []
        self.findings: list[Finding] = []
        self.bsm = pd.Series(pd.NA, index=raw.table.index, dtype="str")

    def frame(self, role: str) -> pd.DataFrame:
        """Return all fields of the role, missing ones all NA, rows as in the layer.

        text: str; int: Int64; real: float64; date: ISO text.
        """
        columns = {}
        for field in (fields.BSM, *role_fields(role)):
            columns[field.name] = self._column(field)
            if field == fields.BSM:
                self.bsm = columns[field.name]
        wanted = [field.name for field in role_fields(role)]
        return pd.DataFrame(columns, index=self.raw.table.index)[wanted]

    def tbmj_text(self) -> pd.Series:
        """Return TBMJ exactly as delivered."""
        return self._raw(fields.TBMJ)

    def _raw(self, field: Field) -> pd.Series:
        if field in self.found:
            return self.raw.table[self.found[field]]
        return pd.Series(pd.NA, index=self.raw.table.index, dtype="str")

    def _column(self, field: Field) -> pd.Series:
        raw = self._raw(field)
        if field.dtype in {"real", "int"}:
            return self._numbers(field, raw)
        if field.dtype == "date":
            return self._dates(field, raw)
        if field.national in CODES:
            return self._codes(field, raw)
        return _blank_to_missing(raw.str.strip())

    def _note(self, field: Field, at: int, rule: str, found: str, advice: str) -> None:
        bsm = self.bsm.iloc[at]
        self.problems.append(
            Problem(
                self.source_file,
                int(self.raw.rows[at]),
                None if pd.isna(bsm) else str(bsm),
                rule,
                ERROR,
                field.national,
                found,
                advice,
            )
        )

    def _codes(self, field: Field, raw: pd.Series) -> pd.Series:
        tidy = _tidy_codes(raw)
        kind = self.raw.kinds.get(self.found.get(field, ""), TEXT)
        if kind == FLOAT:
            tidy = tidy.str.replace(r"\.0*$", "", regex=True)
        if field.national in IDS:
            self._check_ids(field, tidy, kind)
        if field == fields.DLBM and kind != TEXT:
            tidy = self._restore_zeros(tidy)
        changed = (tidy != raw) & raw.notna() & ~(raw.str.strip() == "")
        if kind == FLOAT:
            changed &= raw.str.replace(r"\.0*$", "", regex=True) != tidy
        if changed.any():
            first = int(np.flatnonzero(changed)[0])
            found = (
                f"{int(changed.sum())} 个值已规范(如“{raw.iloc[first]}”→“{_shown(tidy, first)}”)"
            )
            self.problems.append(
                Problem(
                    self.source_file, int(self.raw.rows[first]), None, "CODE_TIDIED", WARNING,
                    field.national, found, "在原数据中去掉空格、换行,改用半角大写",
                )
            )  # fmt: skip
        return tidy

    def _check_ids(self, field: Field, values: pd.Series, kind: str) -> None:
        """Refuse ids whose digits may have been lost on the way through a number or Excel."""
        damaged = values.str.fullmatch(DAMAGED_ID).to_numpy(dtype=bool).copy()
        if kind == FLOAT:
            numeric = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
            damaged |= np.abs(numeric) >= EXACT
        if damaged.any():
            first = int(np.flatnonzero(damaged)[0])
            where = f"{self.source_file} 第 {self.raw.rows[first]} 行 字段 {field.national}"
            found = (
                f"{int(damaged.sum())} 个{field.label}按数字存放,位数可能已丢失"
                f"(如“{values.iloc[first]}”)"
            )
            advice = "从原数据库按文本型重新导出该字段,不要经 Excel 另存"
            self.findings.append(Finding(where, found, advice))

    def _restore_zeros(self, values: pd.Series) -> pd.Series:
        """Give a land code stored as a number its leading zero back, where it is certain.

        Certain: with zeros all short codes are known and the column holds known full codes too.
        """
        known = set(tables.land_codes()["code"])
        short = values.str.len().isin(SHORT).to_numpy(dtype=bool)
        padded = "0" + values
        full = values[~short & values.notna().to_numpy()]
        if short.any() and padded[short].isin(known).all() and full.isin(known).any():
            return values.where(~short, padded)
        return values

    def _numbers(self, field: Field, raw: pd.Series) -> pd.Series:
        text = raw.str.strip()
        given = text.notna() & (text != "") & ~text.str.upper().isin(EMPTY)
        good = given & text.str.fullmatch(NUMBER_PATTERN)
        number = pd.to_numeric(text.where(good), errors="coerce").astype("float64")
        bad = given & (~good | ~np.isfinite(number))
        if field.dtype == "int":
            bad |= number.notna() & (number != np.floor(number))
        number = number.mask(bad)
        for at in np.flatnonzero(bad):
            found = f"“{raw.iloc[at]}”不是有效数字,按缺失处理"
            self._note(field, int(at), "NUMBER_BAD", found, "在原数据中改为普通数字后重新导出")
        if field == fields.TBMJ and field in self.found:
            self._check_tbmj(~given.to_numpy(dtype=bool), number)
        return number.astype("Int64") if field.dtype == "int" else number

    def _check_tbmj(
        self, missing: np.ndarray[tuple[int], np.dtype[np.bool_]], tbmj: pd.Series
    ) -> None:
        advice = "在原数据中补正图斑面积;本次改用按图形计算的椭球面积"
        for at in np.flatnonzero(missing):
            self._note(fields.TBMJ, int(at), "TBMJ_MISSING", "图斑面积为空", advice)
        for at in np.flatnonzero(tbmj <= 0):
            found = f"图斑面积 {tbmj.iloc[at]:g} 不大于零"
            self._note(fields.TBMJ, int(at), "TBMJ_BAD", found, advice)

    def _dates(self, field: Field, raw: pd.Series) -> pd.Series:
        text = raw.str.strip()
        given = (text.notna() & (text != "") & ~text.str.fullmatch("0+")).to_numpy(dtype=bool)
        parts = text.str.extract(rf"^{DATE_PATTERN}$")
        joined = parts[0] + "-" + parts[1].str.zfill(2) + "-" + parts[2].str.zfill(2)
        day = pd.to_datetime(joined, format="%Y-%m-%d", errors="coerce")
        bad = given & day.isna().to_numpy()
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            where = f"{self.source_file} 第 {self.raw.rows[first]} 行 字段 {field.national}"
            found = f"{int(bad.sum())} 个{field.label}不是有效日期(如“{raw.iloc[first]}”)"
            advice = "改为 年-月-日(如 2023-09-30);空着表示始终有效,所以不能按空处理"
            self.findings.append(Finding(where, found, advice))
        return joined.where(given & ~bad).astype("str")


def _tidy_code(value: str) -> str | None:
    text = "".join(unicodedata.normalize("NFKC", value).split()).upper()
    return None if not text or text in EMPTY or value.strip().upper() in EMPTY else text


def _tidy_codes(values: pd.Series) -> pd.Series:
    plain = (values.isna() | values.str.fullmatch(r"[0-9A-Z]*")).to_numpy(dtype=bool)
    odd = {value: _tidy_code(value) for value in values[~plain].unique()}
    tidy = values.where(plain, values.map(odd)) if odd else values
    return tidy.mask(tidy == "").astype("str")


def _blank_to_missing(values: pd.Series) -> pd.Series:
    return values.mask((values == "") | values.str.upper().isin(EMPTY))


def _shown(values: pd.Series, at: int) -> str:
    value = values.iloc[at]
    return "(空)" if pd.isna(value) else str(value)
