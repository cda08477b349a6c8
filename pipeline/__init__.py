"""耕保 (gengbao): from a land-survey export to classified plots, a ledger that adds up, and maps."""

__version__ = "0.1.0"
