"""The ledger: tasks opened once, then followed through the exports."""

from pipeline.ledger.opening import COLUMNS, open_ledger
from pipeline.ledger.tracking import Tracked, printed, track

__all__ = ["COLUMNS", "Tracked", "open_ledger", "printed", "track"]
