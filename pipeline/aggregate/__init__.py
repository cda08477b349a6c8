"""From the ledger to the figures of towns, 督导组 and county."""

from pipeline.aggregate.gaps import gaps
from pipeline.aggregate.indicators import PIECES, Assessment, Measured, assess, measured
from pipeline.aggregate.members import PLOTS, members
from pipeline.aggregate.progress import phase_of, progress
from pipeline.aggregate.standings import standings
from pipeline.aggregate.summary import (
    SUBTOTALS,
    UNDECIDED,
    WHOLE_COUNTY,
    exact_m2,
    exact_mu,
    summarise,
)
from pipeline.aggregate.waterfall import movements, printed_movements, waterfall

__all__ = [
    "PIECES",
    "PLOTS",
    "SUBTOTALS",
    "UNDECIDED",
    "WHOLE_COUNTY",
    "Assessment",
    "Measured",
    "assess",
    "exact_m2",
    "exact_mu",
    "gaps",
    "measured",
    "members",
    "movements",
    "phase_of",
    "printed_movements",
    "progress",
    "standings",
    "summarise",
    "waterfall",
]
