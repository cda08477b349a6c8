"""Class breaks of choropleths: fixed in a table for the whole campaign, so issues compare."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import storage
from pipeline.errors import ConfigError, Finding

if TYPE_CHECKING:
    from collections.abc import Hashable

TABLE = Path(__file__).parent.parent / "tables" / "breaks.csv"
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


@dataclass(frozen=True, slots=True)
class Break:
    """One class: whole 亩 from lower to upper, both included (upper None: no limit)."""

    lower: int
    upper: int | None
    colour: str
    label: str

    def holds(self, whole_mu: int) -> bool:
        """Tell whether a whole number of 亩 falls into this class."""
        return self.lower <= whole_mu and (self.upper is None or whole_mu <= self.upper)


@dataclass(frozen=True, slots=True)
class Breaks:
    """The classes of one map, lowest first, and a short hash to print on the sheet."""

    classes: tuple[Break, ...]
    fingerprint: str

    def of(self, mu: Decimal) -> Break:
        """Return the class of an amount ≥ 0 by its half-up whole 亩.

        An amount above 0 that rounds to 0 goes to the first class above zero: "no gap" is said
        only of exactly 0.
        """
        whole = int(half_up(mu, 0))
        if mu > 0:
            whole = max(whole, 1)
        return next(item for item in self.classes if item.holds(whole))


def half_up(value: Decimal, places: int) -> Decimal:
    """Round half-up to a number of decimals."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def load_breaks(name: str, table: Path = TABLE) -> Breaks:
    """Read the classes of a map from breaks.csv (map, indicator, lower, upper, colour, label).

    Raises ConfigError listing every fault: no rows for the map, a bound that is no whole number,
    classes that don't start at 0..0, leave a hole, overlap or end, an invalid colour, an empty
    label.
    """
    frame = storage.read_table(table)
    rows = frame[frame["map"] == name].fillna("").reset_index(drop=True)
    where = f"{table.name}(map = {name})"
    faults = [
        Finding(f"{where} 第 {n} 级", found, advice)
        for n, row in enumerate(rows.to_dict("records"), 1)
        for found, advice in _row_faults(row, last=n == len(rows))
    ]
    if rows.empty:
        faults = [Finding(where, "没有分级", "请为这幅图添加分级行")]
    if faults:
        raise ConfigError(faults)
    classes = tuple(
        Break(int(lower), int(upper) if upper else None, colour, label)
        for lower, upper, colour, label in rows[["lower", "upper", "colour", "label"]].to_numpy()
    )
    starts = [0, 1, *(item.upper + 1 for item in classes[1:-1] if item.upper is not None)]
    if classes[0].upper != 0 or [item.lower for item in classes] != starts:
        raise ConfigError(
            Finding(
                where,
                "分级不相接：" + "、".join(f"{c.lower}–{c.upper}" for c in classes),
                "第一级须为 0–0，其后每级下限须等于上一级上限加 1",
            )
        )
    digest = hashlib.sha256(rows.to_csv(index=False, lineterminator="\n").encode()).hexdigest()
    return Breaks(classes, digest[:8])


def _row_faults(row: dict[Hashable, str], *, last: bool) -> list[tuple[str, str]]:
    """Return (found, advice) of what is wrong within one row."""
    faults = []
    if not row["lower"].isdigit() or not (row["upper"].isdigit() or (last and not row["upper"])):
        faults.append(
            (f"界限“{row['lower']}–{row['upper']}”不是整数", "请填整亩数，最后一级上限留空")
        )
    if last and row["upper"]:
        faults.append((f"最高级有上限 {row['upper']}", "最后一级上限须留空"))
    if not _COLOUR.fullmatch(row["colour"]):
        faults.append((f"颜色“{row['colour']}”无法识别", "请写成 #RRGGBB"))
    if not row["label"]:
        faults.append(("没有图例文字", "请填 label"))
    return faults
