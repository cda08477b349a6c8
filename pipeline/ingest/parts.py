"""Rows of several layers and files put together, and kept between runs file by file.

What a file gives doesn't depend on its neighbours, so that it need not be read again when one of
them changes. A kept part is a frame (columns, figures and shapes) and a document (all the rest).
"""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import shapely

from pipeline.ingest import drawn
from pipeline.ingest.drawn import Drawn
from pipeline.ingest.geometry import Fault
from pipeline.ingest.layer import Rows
from pipeline.ingest.names import role_fields
from pipeline.ingest.result import WARNING, Problem
from pipeline.storage import Register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.ingest.layer import Taken
    from pipeline.ingest.placing import Task
    from pipeline.storage import Shelf

FIGURES = ("own_cm2", "area_cm2", "planar_m2", "length_m")
T = TypeVar("T")


def joined(taken: Taken, task: Task) -> Rows:
    """Return the rows of all that one path held as one table, with what is known of each."""
    parts = [replace(part, log=_log([part.log], [])) for part in taken.parts]
    rows = combined(parts or [_no_rows(task)])
    found = "是其他图层，不是地类图斑，未读入"
    rows.problems += [
        Problem(name, None, None, "FILE_IGNORED", WARNING, "", found, "") for name in taken.ignored
    ]
    rows.log["ignored"] = taken.ignored
    rows.digests, rows.remarks = taken.digests, taken.remarks
    return rows


def combined(parts: Sequence[Rows]) -> Rows:
    """Return the rows of several paths as one table, with what is known of each.

    parts: what `joined` returns, at least one; those that hold no file of the role add no rows.
    """
    filled = [part for part in parts if part.log["files"]] or list(parts[:1])
    starts = np.cumsum([0, *(len(part.table) for part in filled)]).tolist()

    def moved(each: Callable[[Rows], dict[int, T]]) -> dict[int, T]:
        """Return what is known of rows of all parts, by their new positions."""
        pairs = zip(starts, filled, strict=False)
        return {start + at: said for start, part in pairs for at, said in each(part).items()}

    return Rows(
        Register.joined([part.table for part in filled]),
        drawn.joined([part.drawn for part in filled]),
        spatial=any(part.spatial for part in filled),
        faults=moved(lambda part: part.faults),
        repairs=moved(lambda part: part.repairs),
        wkb=moved(lambda part: part.wkb),
        problems=[problem for part in parts for problem in part.problems],
        log=_log(
            [log for part in parts for log in part.log["files"]],
            [name for part in parts for name in part.log["ignored"]],
        ),
        digests={path: digest for part in parts for path, digest in part.digests.items()},
        remarks=[remark for part in parts for remark in part.remarks],
    )


def columns_of(rows: Rows) -> Register:
    """Return the columns of a part as they are kept: the table, then the shapes' figures."""
    figures = {name: getattr(rows.drawn, name) for name in FIGURES}
    return rows.table.assign(pd.DataFrame(figures))


def document_of(rows: Rows) -> dict[str, Any]:
    """Return the rest of a part as it is kept, ready for JSON."""
    drawn_as = {at: shapely.to_wkb(shape).hex() for at, shape in rows.drawn.as_drawn.items()}
    return {
        "spatial": rows.spatial,
        "faults": {at: astuple(fault) for at, fault in rows.faults.items()},
        "repairs": {at: astuple(fault) for at, fault in rows.repairs.items()},
        "as_drawn": drawn_as,
        "wkb": {at: data.hex() for at, data in rows.wkb.items()},
        "problems": rows.problems,
        "log": rows.log,
    }


def kept(columns: Register, shapes: Shelf, boxes: drawn.Floats, document: dict[str, Any]) -> Rows:
    """Return a part as it was before it was kept; digests and remarks are of the moment."""
    figures = {name: columns[name].to_numpy() for name in FIGURES}
    as_drawn = {
        int(at): shapely.from_wkb(bytes.fromhex(data)) for at, data in document["as_drawn"].items()
    }
    return Rows(
        columns.without(*FIGURES),
        Drawn(shapes=shapes, boxes=boxes, as_drawn=as_drawn, **figures),
        spatial=document["spatial"],
        faults={int(at): Fault(*fault) for at, fault in document["faults"].items()},
        repairs={int(at): Fault(*fault) for at, fault in document["repairs"].items()},
        wkb={int(at): bytes.fromhex(data) for at, data in document["wkb"].items()},
        problems=[Problem(*problem) for problem in document["problems"]],
        log=document["log"],
    )


def _log(files: list[dict[str, Any]], ignored: list[str]) -> dict[str, Any]:
    """Return what is known of files that were read, and the names of those passed over."""
    return {"files": files, "ignored": ignored}


def _no_rows(task: Task) -> Rows:
    names = [f.name for f in role_fields(task.role)]
    table = pd.DataFrame({name: pd.Series(dtype="str") for name in [*names, "source_file"]})
    table = table.assign(source_row=pd.Series(dtype="int64"), tbmj_text=pd.Series(dtype="str"))
    return Rows(Register.lay([table]), drawn.nothing(0), spatial=True, log=_log([], []))
