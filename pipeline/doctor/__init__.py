"""What ingest sees in any vector file or table: read by ingest's own code, nothing written.

`examine` gathers, `as_text` and `as_document` say it. What is accepted here is accepted there:
every verdict comes from the functions that read an export or a role, never from a copy of them.
"""

from __future__ import annotations

from pipeline.doctor.gather import examine
from pipeline.doctor.seen import Checkup, Verdict
from pipeline.doctor.words import as_document, as_text

__all__ = ["Checkup", "Verdict", "as_document", "as_text", "examine"]
