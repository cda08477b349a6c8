"""What a stage is made of, and where its files lie. Standard library only."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.errors import Finding, InputError
from pipeline.ingest.county import role_files, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from pipeline.freshness import State
    from pipeline.model import AccountRow, County

UNREADABLE = "确认文件没有被移走、网络盘没有断开、有读取权限后重新运行；成果没有改动"


STATE = "data/processed/.state.json"
"""Where a run keeps its notes, below the products' folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a stage found: how to write it, its account, facts for the manifest, its log line."""

    write: Callable[[], list[Path]]
    said: str
    account: Sequence[AccountRow] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One stage of one export: what it reads, what else decides its result, how to run it.

    stage: the command it belongs to; rooms: the code it can reach (besides freshness.COMMON);
    makes: its products, where they are known beforehand; params: values that decide its result;
    reads_survey: may find faults in the user's files.
    """

    name: str
    stage: str
    rooms: tuple[str, ...]
    inputs: tuple[Path, ...]
    makes: tuple[Path, ...] = ()
    params: Mapping[str, object]
    compute: Callable[[State], Outcome]
    reads_survey: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """A county and the folder its products go to.

    home: the folder where people look, where `out` is the work folder of a run.
    """

    county: County
    out: Path
    home: Path | None = None

    @property
    def processed(self) -> Path:
        """Where tables and layers go."""
        return self.out / "data" / "processed"

    @property
    def state_file(self) -> Path:
        """Where the last run's notes lie."""
        return self.out / STATE

    @property
    def maps(self) -> Path:
        """Where maps go."""
        return self.out / "maps"

    @property
    def refused(self) -> Path:
        """Where the rows of an export lie that was refused whole, until the next run."""
        return (self.home or self.out) / "data" / "processed" / "refused"

    def export(self, day: date, name: str) -> Path:
        """Return a product of one export."""
        return self.processed / "exports" / day.isoformat() / name

    def zone(self, role: str, day: date) -> Path:
        """Return a role's layer as it counts at one export."""
        source = self.county.layers[role]
        folder = self.processed / "zones"
        return (folder / day.isoformat() if source.dated else folder) / f"{role}.parquet"

    def delivered(self, day: date) -> tuple[str, ...]:
        """Return the roles known at an export, sorted; a {date} list not yet out isn't one."""
        roles = sorted(self.county.layers)
        return tuple(role for role in roles if role_files(self.county, role, day))

    @property
    def judged(self) -> tuple[date, ...]:
        """The exports that are classified: the ledger's and the later ones."""
        return tuple(day for day in self.county.exports if day >= self.county.ledger)

    def brought(self, state: State, paths: Iterable[Path]) -> dict[str, str]:
        """Return the content hashes of the user's files, by name in the county folder.

        Raises InputError naming every file that can't be read to its end.
        """
        hashes: dict[str, str] = {}
        findings = []
        for path in sorted(set(paths)):
            try:
                hashes |= state.contents.of_all([path], base=self.county.root)
            except OSError as error:
                where = shown(path, self.county.root)
                findings.append(Finding(where, f"文件读不出来（{error.strerror}）", UNREADABLE))
        if findings:
            raise InputError(findings)
        return hashes


def settings(desk: Desk) -> dict[str, Any]:
    """Return the county's settings as they are printed in the manifest."""
    printed = asdict(desk.county)
    del printed["root"]
    return printed
