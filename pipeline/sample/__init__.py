"""The synthetic county: a whole county folder whose figures are the published ones."""

from pipeline.sample.making import make_sample

__all__ = ["make_sample"]
