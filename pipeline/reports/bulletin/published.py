"""What the check of the published figures says, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.reports.bulletin.words import listed, say

if TYPE_CHECKING:
    from pipeline.reports.data import ReportData

VERDICTS = ("equal", "rounding", "definition", "real")


def published_sentence(data: ReportData) -> str:
    """Say how many published figures agree with the plots; data: reconcile."""
    table = data.whole("reconcile")
    computed = table[table["check"] == "printed-computed"]
    if computed.empty:
        return say("published_none")
    counts = computed["verdict"].value_counts()
    said = [
        say(f"published_{name}", count=str(counts[name])) for name in VERDICTS if name in counts
    ]
    return say("published", counts=listed(said))
