"""Which category a piece falls into: by the rules, or by the task layers delivered from above.

`classify` is mode derive; in mode trust `apply_delivered` then lets the delivered layers decide.
In both modes `disagreements` lists where the two differ, plot by plot.
"""

from pipeline.classify.by_rules import JUDGED, REVIEW, classify
from pipeline.classify.crosscheck import differs, disagreements
from pipeline.classify.delivered import apply_delivered

PIECES = (
    "bsm", "piece", "town_code", "town", "village", "town_known", "cultivated", "delivered",
    "base_m2",
)  # fmt: skip
"""What this room reads of the pieces besides their flags and what a rule pack asks."""

__all__ = ["JUDGED", "PIECES", "REVIEW", "apply_delivered", "classify", "differs", "disagreements"]
