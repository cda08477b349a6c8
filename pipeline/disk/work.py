"""Where a run makes its products: an image of their folder, on the same disk.

Links to the files that stand, replaced by files where a stage makes new ones. Stages read and
write here as if it were the folder itself; nothing outside changes until the exchange.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.disk.lock import HIDDEN
from pipeline.disk.replace import cannot_write
from pipeline.errors import Finding, OutputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


@dataclass(frozen=True, slots=True)
class Work:
    """The work folder of the products' folder `out`; for the holder of its lock."""

    out: Path

    @property
    def folder(self) -> Path:
        """Where the image lies: the same place at every run."""
        return self.out / HIDDEN / "work"

    def image(self, standing: Iterable[str], keep: Collection[str] = ()) -> None:
        """Make the image of `standing` names; of an earlier one only the files of `keep` stay.

        A name that doesn't stand in `out` gets no link. Raises OutputError.
        """
        try:
            self._clean(keep)
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in standing:
                spot, real = self.folder / name, self.out / name
                if real.is_file() and not spot.exists():
                    spot.parent.mkdir(parents=True, exist_ok=True)
                    _link(real, spot)
        except OSError as error:
            raise cannot_write(self.folder, error) from error

    def _clean(self, keep: Collection[str]) -> None:
        kept = {self.folder / name for name in keep}
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if path.is_symlink() or (path.is_file() and path not in kept):
                path.unlink()
            elif path.is_dir():
                with suppress(OSError):  # not empty
                    path.rmdir()

    def made(self, names: Iterable[str]) -> dict[str, Path]:
        """Return those names that this run made anew, with their files."""
        found = {}
        for name in names:
            spot, real = self.folder / name, self.out / name
            if spot.is_file() and not (real.is_file() and spot.samefile(real)):
                found[name] = spot
        return found

    def outward(self, error: OutputError) -> OutputError:
        """Return an error about a file of the image under the name a clerk knows."""
        inside, outside = str(self.folder), str(self.out)
        return OutputError(
            Finding(f.where.replace(inside, outside), f.found.replace(inside, outside), f.advice)
            for f in error.findings
        )

    def clear(self) -> None:
        """Remove the work folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _link(real: Path, spot: Path) -> None:
    """Let `spot` stand for `real`; where the system has no links, by a copy."""
    target = Path(os.path.abspath(real))  # noqa: PTH100 - resolve() would follow the user's links
    try:
        spot.symlink_to(target)
    except (OSError, NotImplementedError):
        try:
            spot.hardlink_to(target)
        except OSError:
            shutil.copy2(target, spot)
