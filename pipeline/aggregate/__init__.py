"""From the ledger to the figures of towns, 督导组 and county."""

from pipeline.aggregate.gaps import gaps
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

__all__ = [
    "SUBTOTALS",
    "UNDECIDED",
    "WHOLE_COUNTY",
    "exact_m2",
    "exact_mu",
    "gaps",
    "phase_of",
    "progress",
    "standings",
    "summarise",
]
