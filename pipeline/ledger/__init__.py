"""The ledger: tasks opened once, then followed through the exports."""

from pipeline.ledger.opening import open_ledger
from pipeline.ledger.tracking import Tracked, track

__all__ = ["Tracked", "open_ledger", "track"]
