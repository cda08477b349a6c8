"""The synthetic county: a whole county folder whose figures are the published ones."""

from pipeline.sample.county import make_sample

__all__ = ["make_sample"]
