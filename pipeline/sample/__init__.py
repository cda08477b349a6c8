"""The sample county: a synthetic land survey that adds up to the published figures."""

from pipeline.sample.making import make_sample

__all__ = ["make_sample"]
