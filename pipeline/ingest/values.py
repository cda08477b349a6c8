"""Delivered text to standard columns: codes tidied, numbers and dates by our own parsers.

Nothing is coerced: what doesn't parse stays missing and becomes a problem with its raw text.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import fields
from pipeline.errors import Finding
from pipeline.ingest import landcodes, tidy
from pipeline.ingest.names import PARCELS, required_fields, role_fields
from pipeline.ingest.raw import FLOAT, TEXT, UNREADABLE
from pipeline.ingest.result import ERROR, WARNING, Problem
from pipeline.storage import Register

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pipeline.fields import Field
    from pipeline.ingest.raw import RawLayer

    Bools = NDArray[np.bool_]

IDS = frozenset({"BSM", "TBYBH", "QSDWDM", "ZLDWDM", "XZQDM", "GLBH"})
CODES = IDS | {
    "YSDM", "TBBH", "DLBM", "QSXZ", "KCDLBM", "GDLX", "GDPDJB", "TBXHDM", "ZZSXDM", "FRDBS",
    "CZCSXM", "MSSM",
}  # fmt: skip
DAMAGED_ID = r"[0-9]+(?:\.[0-9]*)?[eE][+-]?[0-9]+|[0-9]+\.[0-9]*[1-9][0-9]*"
EXACT = 2**53  # a binary float holds whole numbers exactly only below this
LARGEST = 1e13  # no field holds such a figure, and areas beyond it would not sum exactly
KEPT_DIGITS = 15  # of a number that went through a spreadsheet; zeros stand for the rest
FEW = 3  # rows from which on so many zeros are no chance
UNIT_LENGTHS = (12, 19)  # ZLDWDM: a village, or filled up as the standard has it


class Reader:
    """Turns one raw layer into standard columns and collects what it had to do."""

    def __init__(self, raw: RawLayer, found: Mapping[Field, str], source_file: str) -> None:
        """Take a layer and its resolved fields; source_file names it in problems."""
        self.raw, self.found, self.source_file = raw, found, source_file
        self.problems: list[Problem] = []
        self.findings: list[Finding] = []
        self.bsm = self._nothing()

    def table(self, role: str) -> Register:
        """Return all fields of the role, missing ones all NA, rows as in the layer.

        text: str; int: Int64; real: float64; date: ISO text.
        """
        self._check_kinds(role)
        # first, for the notes on all other columns name a plot by it
        self.bsm = self._column(fields.BSM)
        others = [field for field in role_fields(role) if field != fields.BSM]
        columns = ((field.name, self._column(field)) for field in others)
        own = ((fields.BSM.name, self.bsm),)
        laid = Register.by_column(len(self.raw.table), chain(own, columns))
        if role == PARCELS and fields.DLBM in self.found:
            self._check_land(laid[fields.DLBM.name])
        if role == PARCELS and fields.ZLDWDM in self.found:
            self._check_units(laid[fields.ZLDWDM.name])
        return laid.only(field.name for field in role_fields(role))

    def tbmj_text(self) -> pd.Series:
        """Return TBMJ exactly as delivered."""
        return self._raw(fields.TBMJ)

    def raw_values(self) -> pd.DataFrame:
        """Return the resolved fields exactly as delivered, under their national names."""
        read = self.raw.table[list(dict.fromkeys(self.found.values()))]
        return pd.DataFrame(
            {field.national: read[column] for field, column in self.found.items()},
            index=pd.RangeIndex(len(self.raw.table)),
        )

    def _raw(self, field: Field) -> pd.Series:
        if field in self.found:
            return self.raw.table[self.found[field]]
        return self._nothing()

    def _nothing(self) -> pd.Series:
        return pd.Series(pd.NA, index=pd.RangeIndex(len(self.raw.table)), dtype="str")

    def _kind(self, field: Field) -> str:
        return self.raw.kinds.get(self.found.get(field, ""), TEXT)

    def _column(self, field: Field) -> pd.Series:
        raw = self._raw(field)
        if field.dtype in {"real", "int"}:
            return self._numbers(field, raw)
        if field.dtype == "date":
            return self._dates(field, raw)
        if field.national in CODES:
            return self._codes(field, raw)
        return self._texts(field, raw)

    def _check_kinds(self, role: str) -> None:
        """Note columns stored in a way that can't be read as text; a required one is refused."""
        needed = required_fields(role, spatial=self.raw.wkb is not None)
        for field in self.found:
            if self._kind(field) != UNREADABLE:
                continue
            found = "是备注型或二进制型字段，读不出文字"
            if field in needed:
                where = f"{self.source_file} 字段 {field.national}"
                self.findings.append(Finding(where, found, "改为文本型或数值型后重新导出"))
            else:
                found += "，按空处理"
                self._whole(field, 0, "FIELD_TYPE", found, "需要时改为文本型或数值型后重新导出")

    def _note(self, field: Field, at: int, rule: str, found: str, advice: str) -> None:
        """Note an error of one row."""
        bsm = self.bsm.iloc[at]
        name = None if pd.isna(bsm) else str(bsm)
        row = int(self.raw.rows[at])
        self.problems.append(
            Problem(self.source_file, row, name, rule, ERROR, field.national, found, advice)
        )

    def _whole(self, field: Field, at: int, rule: str, found: str, advice: str) -> None:
        """Note a warning about a column, at its first row concerned."""
        row = int(self.raw.rows[at]) if len(self.raw.rows) else None
        self.problems.append(
            Problem(self.source_file, row, None, rule, WARNING, field.national, found, advice)
        )

    def _tidied(self, field: Field, raw: pd.Series, tidied: pd.Series) -> None:
        """Note how many values were changed by tidying, with an example."""
        changed = ((tidied != raw) & raw.notna() & (raw.str.strip() != "")).to_numpy(dtype=bool)
        if changed.any():
            first = int(np.flatnonzero(changed)[0])
            shown = "（空）" if pd.isna(tidied.iloc[first]) else tidied.iloc[first]
            found = f"{int(changed.sum())} 个值已规范（如“{raw.iloc[first]}”→“{shown}”）"
            advice = "在原数据中去掉空格、换行，改用半角大写"
            self._whole(field, first, "CODE_TIDIED", found, advice)

    def _texts(self, field: Field, raw: pd.Series) -> pd.Series:
        text = raw.str.strip()
        text = text.mask((text == "") | text.str.upper().isin(tidy.EMPTY))
        ruined: dict[str, list[str]] = {}
        for value in text.dropna().unique():
            ruined.setdefault(tidy.damage(value), []).append(value)
        for fault in sorted(ruined.keys() - {""}):
            rows = np.flatnonzero(text.isin(ruined[fault]))
            found = f"{len(rows)} 个值{fault}（如“{text.iloc[rows[0]]}”），原样保留"
            advice = "从没有损坏的原数据重新导出"
            self._whole(field, int(rows[0]), "TEXT_DAMAGED", found, advice)
        return text

    def _codes(self, field: Field, raw: pd.Series) -> pd.Series:
        tidied = tidy.each(raw, tidy.code, r"[0-9A-Z]*")
        base = raw
        if self._kind(field) != TEXT:  # 123.00 and 123.0 are how a number is written, no change
            tidied = tidied.str.replace(r"\.0*$", "", regex=True)
            base = raw.str.replace(r"\.0*$", "", regex=True)
        if field.national in IDS:
            self._check_ids(field, tidied)
        if field == fields.DLBM:
            tidied = landcodes.restore_zeros(tidied)
        self._tidied(field, base, tidied)
        return tidied

    def _check_ids(self, field: Field, values: pd.Series) -> None:
        """Refuse ids whose digits may have been lost on the way through a number or Excel."""
        damaged = values.str.fullmatch(DAMAGED_ID).to_numpy(dtype=bool).copy()
        if self._kind(field) == FLOAT:
            numeric = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
            damaged |= np.abs(numeric) >= EXACT
        if field == fields.BSM:
            damaged |= _rounded(values)
        if damaged.any():
            first = int(np.flatnonzero(damaged)[0])
            where = f"{self.source_file} 第 {self.raw.rows[first]} 行 字段 {field.national}"
            found = (
                f"{int(damaged.sum())} 个{field.label}按数字存放，位数可能已丢失"
                f"（如“{values.iloc[first]}”），像是经 Excel 另存所致"
            )
            advice = "从原数据库按文本型重新导出该字段，不要经 Excel 另存"
            self.findings.append(Finding(where, found, advice))

    def _check_land(self, dlbm: pd.Series) -> None:
        """Note every code that is in no list; refuse a layer of the second survey."""
        if landcodes.is_second_survey(dlbm):
            where = f"{self.source_file} 字段 DLBM"
            found = f"整个图层都是二调地类编码（如“{dlbm.dropna().iloc[0]}”），不是三调编码"
            advice = "换用第三次国土调查（国土变更调查）的地类图斑"
            self.findings.append(Finding(where, found, advice))
            return
        known = landcodes.known()
        for at in np.flatnonzero(~dlbm.isin(known)):
            code = dlbm.iloc[at]
            if pd.isna(code):
                rule, found = "DLBM_EMPTY", "地类编码为空，列入待核"
            else:
                rule = "DLBM_UNKNOWN"
                found = f"地类编码“{code}”不在三调地类表中{landcodes.reading(code)}，列入待核"
            self._note(fields.DLBM, int(at), rule, found, "在原数据中改为三调工作分类的末级编码")

    def _check_units(self, zldwdm: pd.Series) -> None:
        """Note codes of 坐落单位 of unusual length; the town is told by the first nine digits."""
        odd = np.flatnonzero(zldwdm.notna() & ~zldwdm.str.len().isin(UNIT_LENGTHS))
        if len(odd):
            code = zldwdm.iloc[odd[0]]
            found = f"{len(odd)} 个坐落单位代码不是 12 位或 19 位（如“{code}”，{len(code)} 位）"
            advice = "按“村级代码 12 位 + 7 个 0”补齐；镇办按前 9 位认定，不足 9 位的按位置认定"
            self._whole(fields.ZLDWDM, int(odd[0]), "ZLDWDM_LENGTH", found, advice)

    def _numbers(self, field: Field, raw: pd.Series) -> pd.Series:
        text = tidy.each(raw, tidy.figure, tidy.NUMBER_PATTERN)
        good = text.str.fullmatch(tidy.NUMBER_PATTERN)
        number = pd.to_numeric(text.where(good), errors="coerce").astype("float64")
        bad = text.notna() & (~good | ~(np.abs(number) < LARGEST))
        if field.dtype == "int":
            bad |= number.notna() & (number != np.floor(number))
        number = number.mask(bad)
        for at in np.flatnonzero(bad):
            found = f"“{raw.iloc[at]}”不是有效数字，按缺失处理"
            self._note(field, int(at), "NUMBER_BAD", found, "在原数据中改为普通数字后重新导出")
        self._tidied(field, raw.str.strip(" ").where(~bad), text.where(~bad))
        if field == fields.TBMJ and field in self.found:
            self._check_tbmj(text.isna().to_numpy(dtype=bool), number)
        return number.astype("Int64") if field.dtype == "int" else number

    def _check_tbmj(self, missing: Bools, tbmj: pd.Series) -> None:
        advice = "在原数据中补正图斑面积；本次改用按图形计算的椭球面积"
        for at in np.flatnonzero(missing):
            self._note(fields.TBMJ, int(at), "TBMJ_MISSING", "图斑面积为空", advice)
        for at in np.flatnonzero(tbmj <= 0):
            found = f"图斑面积 {tbmj.iloc[at]:g} 不大于零"
            self._note(fields.TBMJ, int(at), "TBMJ_BAD", found, advice)

    def _dates(self, field: Field, raw: pd.Series) -> pd.Series:
        text = tidy.each(raw, tidy.figure, "[0-9]*")
        given = (text.notna() & ~text.str.fullmatch("0+")).to_numpy(dtype=bool)
        parts = text.str.extract(rf"^{tidy.DATE_PATTERN}$")
        month, day = parts[1].fillna(parts[3]), parts[2].fillna(parts[4])
        joined = parts[0] + "-" + month.str.zfill(2) + "-" + day.str.zfill(2)
        bad = given & pd.to_datetime(joined, format="%Y-%m-%d", errors="coerce").isna().to_numpy()
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            where = f"{self.source_file} 第 {self.raw.rows[first]} 行 字段 {field.national}"
            found = f"{int(bad.sum())} 个{field.label}不是有效日期（如“{raw.iloc[first]}”）"
            advice = "改为 年-月-日（如 2023-09-30）；空着表示始终有效，所以不能按空处理"
            self.findings.append(Finding(where, found, advice))
        return joined.where(given & ~bad).astype("str")


def _rounded(values: pd.Series) -> Bools:
    """Return ids that end in zeros from the 16th digit on, where all long ids of a layer do."""
    long = values.str.fullmatch(rf"[0-9]{{{KEPT_DIGITS + 1},}}")
    zeros = values.str[KEPT_DIGITS:].str.fullmatch("0+")
    every = long.sum() >= FEW and bool(zeros[long].all())
    return (long & zeros & every).to_numpy(dtype=bool)
