"""Areas of a list as intervals of 亩: a printed number stands for all that rounds to it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from pipeline.measure import mu_text
from pipeline.reconcile import Printed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

FACTORS = {
    "亩": Decimal(1),
    "㎡": Decimal("0.0015"),
    "公顷": Decimal(15),
    "万亩": Decimal(10_000),
}
MU_PER_CM2 = Decimal("0.000015")
GUESSED = ("亩", "㎡", "公顷")
CLEAR_SHARE, ENOUGH = 0.8, 3
"""Share and number of plots that one unit must explain, and no other may, before it is taken."""
SHORT_MU_M2 = (Decimal("666.67"), Decimal("666.667"), Decimal("666.6667"))
"""m² per 亩 as calculators are fed; exact is 2000/3."""

EQUAL, ROUNDING, CONVERTED, DIFFERENT, UNSTATED = (
    "equal", "rounding", "converted", "different", "unstated",
)  # fmt: skip


class Unit(NamedTuple):
    """The unit taken for areas without one: "" if none fits; why, in Chinese."""

    unit: str
    why: str


def printed(area: str, decimals: int, unit: str) -> Printed | None:
    """Return a written area as an interval of 亩; None where the list has none or no unit."""
    if not area or unit not in FACTORS:
        return None
    value = Decimal(area)
    places = max(decimals, -int(value.as_tuple().exponent))
    read = Printed.parse(f"{value:.{places}f}")
    factor = FACTORS[unit]
    return Printed(read.value * factor, read.low * factor, read.high * factor)


def exact(cm2: int) -> Printed:
    """Return one of our areas: hundredths of a m², themselves rounded."""
    value = MU_PER_CM2 * int(cm2)
    half = MU_PER_CM2 / 2
    return Printed(value, max(value - half, Decimal(0)), value + half)


def verdict(theirs: Printed | None, cm2: int) -> str:
    """Return how a written area and ours agree: equal, rounding, converted, different, unstated.

    converted: as written with a rounded number of m² in a 亩.
    """
    if theirs is None:
        return UNSTATED
    ours = exact(cm2)
    if theirs.value == ours.value:
        return EQUAL
    if theirs.meets(ours):
        return ROUNDING
    m2 = Decimal(int(cm2)) / 100
    if any(theirs.low <= m2 / short <= theirs.high for short in SHORT_MU_M2):
        return CONVERTED
    return DIFFERENT


def contradict(one: Printed | None, other: Printed | None) -> bool:
    """Whether two writings of one area can't both be right, however they were rounded."""
    if one is None or other is None or one.meets(other):
        return False
    factors = [short * FACTORS["㎡"] for short in SHORT_MU_M2]
    ratios = [*factors, *(1 / factor for factor in factors)]
    return not any(other.low <= one.value * ratio <= other.high for ratio in ratios)


def settle_unit(rows: pd.DataFrame, cm2: Sequence[int]) -> Unit:
    """Return the unit of areas written without one, by what our areas of the same plots say.

    rows: located rows whose area has no unit (area, decimals); cm2: ours. A unit counts where it
    alone explains nearly all of them.
    """
    if rows.empty:
        return Unit("", "")
    fits = {
        unit: sum(
            verdict(printed(area, decimals, unit), ours) in {EQUAL, ROUNDING, CONVERTED}
            for area, decimals, ours in zip(rows["area"], rows["decimals"], cm2, strict=True)
        )
        for unit in GUESSED
    }
    best = max(fits, key=lambda unit: fits[unit])
    rest = sum(count for unit, count in fits.items() if unit != best)
    total = len(rows)
    if fits[best] >= max(ENOUGH, CLEAR_SHARE * total) and rest < fits[best] / 10:
        said = f"面积没有写单位；按{best}读，{total} 个图斑中 {fits[best]} 个与本方一致，按此采用"
        return Unit(best, said)
    return Unit("", "面积没有写单位，由与本方相同的图斑也定不下来，没有比较面积；请在表头写明单位")


def explain_area(theirs: Printed, cm2: int, others: Mapping[str, int]) -> str:
    """Return in Chinese how an area differs, and what else of ours it equals.

    others: Chinese name → another of our areas that the list may mean, in hundredths of a m².
    """
    ours = exact(cm2)
    difference = theirs.value - ours.value
    said = (
        f"清单 {plain(theirs.value)} 亩，本方 {mu_text(cm2, 6)} 亩（{cm2 / 100:.2f} ㎡），"
        f"相差 {plain(difference)} 亩，超出清单所写小数位的取整范围"
    )
    equal = [name for name, other in others.items() if other > 0 and theirs.meets(exact(other))]
    if equal:
        return f"{said}；清单数等于{'、'.join(equal)}"
    slips = {"亩写成了公顷或相反": Decimal(15), "亩写成了㎡或相反": Decimal(2000) / 3}
    for name, factor in slips.items():
        for scaled in (ours.value * factor, ours.value / factor):
            if theirs.low <= scaled < theirs.high:
                return f"{said}；数值恰差 {factor:.0f} 倍，可能是{name}"
    return said


def plain(value: Decimal) -> str:
    """Return a decimal without exponent and without zeros behind the last digit."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def total(cells: Sequence[Printed]) -> Printed:
    """Add written areas and their intervals."""
    zero = Printed(Decimal(0), Decimal(0), Decimal(0))
    for cell in cells:
        zero += cell
    return zero
