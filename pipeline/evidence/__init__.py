"""Everything a rule may ask about a piece, gathered before any rule is asked."""

from pipeline.evidence.gathering import gather
from pipeline.evidence.lists import follow_lists, list_problems

__all__ = ["follow_lists", "gather", "list_problems"]
