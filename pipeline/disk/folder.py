"""A folder of products that belong together, made aside and exchanged all at once."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pipeline.disk.exchange import exchange, settle
from pipeline.disk.lock import locked
from pipeline.disk.work import Work
from pipeline.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path


@contextmanager
def replacing_folder(path: Path, ours: Collection[str]) -> Iterator[Path]:
    """Yield an empty folder; on success its files take their places in `path`, all or none.

    ours: names of earlier products, dropped unless written again; whatever else a person keeps in
    the folder stays. On any failure `path` is as it was. Raises OutputError where the system
    refuses or another run is writing there.
    """
    try:
        with locked(path):
            settle(path)
            work = Work(path)
            work.image(())
            try:
                yield work.folder
                files = (file for file in sorted(work.folder.rglob("*")) if file.is_file())
                made = {file.relative_to(work.folder).as_posix(): file for file in files}
                gone = [name for name in ours if name not in made and (path / name).exists()]
                exchange(path, made, sorted(gone))
            except OutputError as error:
                raise work.outward(error) from error
            finally:
                work.clear()
    except BaseException:
        with suppress(OSError):  # not empty: it was there before
            path.rmdir()
        raise
