"""`python -m pipeline` is `gengbao`."""

from __future__ import annotations

import sys

from pipeline.cli import run

sys.exit(run())
