"""Counted errors planted in a made county, and the truth about them beside it.

Written from the trade's rules alone: nothing of pipeline.quality or pipeline.ingest is used here,
so that the checks can't be right by construction.
"""

from pipeline.sample.defects.planting import SOUND, TRUTH, kinds, plant

__all__ = ["SOUND", "TRUTH", "kinds", "plant"]
