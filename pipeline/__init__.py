"""耕保 (gengbao): a survey export in; classified plots, a ledger that adds up, and maps out."""

__version__ = "0.1.0"
