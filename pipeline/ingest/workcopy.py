"""A private copy of a delivery: libraries repair, lock and leave files beside what they open."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import Finding, InputError
from pipeline.ingest.files import JOURNALS, file_group, shown
from pipeline.ingest.raw import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def private_copy(path: Path, root: Path, encoding: str | None = None) -> Iterator[Delivery]:
    """Yield a copy of `path` and all that belongs to it under a plain name, gone afterwards.

    A plain name because GDAL takes "!" in a path for an archive. Raises InputError when the
    delivery can't be read.
    """
    where = shown(path, root)
    with tempfile.TemporaryDirectory(prefix="gengbao-") as folder:
        try:
            copy = _copy(path, Path(folder))
        except OSError as error:
            advice = "确认文件没有被移走、网络盘没有断开、有读取权限后重新运行"
            found = f"文件读不出来({error.strerror or error})"
            raise InputError(Finding(where, found, advice)) from error
        yield Delivery(copy=copy, name=path.stem, where=where, encoding=encoding)


def _copy(path: Path, folder: Path) -> Path:
    target = folder / f"data{path.suffix.lower()}"
    members = file_group(path)
    if path.is_dir():
        target.mkdir()
    for member in members:
        if path.is_dir():
            copy = target / member.relative_to(path)
            copy.parent.mkdir(parents=True, exist_ok=True)
        else:
            journal = next((j for j in JOURNALS if member.name == path.name + j), None)
            name = target.name + journal if journal else f"data{member.suffix.lower()}"
            copy = folder / name
        shutil.copyfile(member, copy)
    return target
