"""Which category a piece falls into: by the rules, or by the task layers delivered from above.

`classify` is mode derive; in mode trust `apply_delivered` then lets the delivered layers decide.
In both modes `disagreements` lists where the two differ, plot by plot.
"""

from pipeline.classify.by_rules import classify
from pipeline.classify.crosscheck import disagreements
from pipeline.classify.delivered import apply_delivered

__all__ = ["apply_delivered", "classify", "disagreements"]
