"""Which data files lie at the paths given, in which county, and what that county wants of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.errors import Finding, GengbaoError
from pipeline.ingest import checksums
from pipeline.ingest.county import load_county, role_files
from pipeline.ingest.files import (
    EXPORTS,
    entries,
    is_data,
    is_folder_format,
    orphans,
    shown,
    source_files,
)
from pipeline.ingest.names import PARCELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pipeline.model import County, LayerSource

SETTINGS = "county.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a county wants of a file: a role, as it states it; group: the export it belongs to."""

    role: str
    source: LayerSource | None
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A data file: the folder its name is told from, the county and what that wants of it."""

    path: Path
    root: Path
    claims: tuple[Claim, ...] = ()

    @property
    def where(self) -> str:
        """The name the file goes by in messages."""
        return shown(self.path, self.root)


@dataclass(slots=True)
class Found:
    """What lies at the paths: data files, findings beyond single files, other files passed over."""

    places: list[Place] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    passed_over: int = 0


def county_of(paths: Iterable[Path], stated: Path | None) -> tuple[County | None, list[Finding]]:
    """Return the county whose settings count: the one stated, else the one the paths lie in."""
    root = stated
    if root is None:
        folders = {next(_counties_above(path), None) for path in paths}
        root = folders.pop() if len(folders) == 1 else None
    if root is None:
        return None, []
    try:
        return load_county(root), []
    except GengbaoError as error:
        return None, list(error.findings)


def _counties_above(path: Path) -> Iterator[Path]:
    resolved = path.absolute()
    yield from (p for p in (resolved, *resolved.parents) if (p / SETTINGS).is_file())


def find(paths: Iterable[Path], county: County | None) -> Found:
    """Return the data files at the paths, each once, in order; a shapefile stands for its parts."""
    found = Found()
    claims = _claims(county) if county else {}
    seen: set[Path] = set()
    for path in paths:
        for file in _files(path, claims, found):
            if file.absolute() in seen:
                continue
            seen.add(file.absolute())
            mine = tuple(claims.get(file.absolute(), ()))
            root = county.root if county and mine else path.parent
            found.places.append(Place(path=file, root=root, claims=mine))
    return found


def _files(path: Path, claims: dict[Path, list[Claim]], found: Found) -> list[Path]:
    """Return the data files at one path, note what is wrong with it as a folder."""
    if not path.exists():
        advice = "核对路径；含空格或特殊字符的路径用引号括起"
        found.findings.append(Finding(path.as_posix(), "没有这个文件或文件夹", advice))
        return []
    if path.is_dir() and (path / SETTINGS).is_file():
        return [file for file in claims if file.is_relative_to(path.absolute())]
    if not path.is_dir() or is_folder_format(path):
        return [_main(path)]
    try:
        listed = list(entries(path))
        found.findings += orphans(path, path.as_posix())
        found.findings += checksums.check_delivery(path, path.as_posix())
    except OSError as error:
        text = f"文件夹读不出来（{error.strerror or error}）"
        found.findings.append(Finding(path.as_posix(), text, "检查访问权限"))
        return []
    data = [file for file in listed if is_data(file)]
    found.passed_over += len(listed) - len(data)
    if not data:
        advice = "给出放有 SHP、GPKG、FileGDB 等数据的文件夹"
        found.findings.append(Finding(path.as_posix(), "文件夹里没有数据文件", advice))
    return data


def _main(path: Path) -> Path:
    """Return the file that a part of a shapefile belongs to, else the file itself."""
    for other in sorted(path.parent.iterdir()) if path.suffix.lower() != ".shp" else ():
        same = other.stem.lower() == path.stem.lower() and other.suffix.lower() == ".shp"
        if same and not is_data(path):
            return other
    return path


def _claims(county: County) -> dict[Path, list[Claim]]:
    """Return, per data file of the county, what it is read for; exports first, then roles."""
    claims: dict[Path, list[Claim]] = {}
    for day in county.exports:
        for file in source_files(county, day):
            group = f"{EXPORTS}/{day.isoformat()}"
            stated = county.stated_of(day)
            claims[file.absolute()] = [Claim(role=PARCELS, source=stated, group=group)]
    for role, source in county.layers.items():
        for day in county.exports:
            for file in role_files(county, role, day):
                wanted = claims.setdefault(file.absolute(), [])
                claim = Claim(role=role, source=source)
                if claim not in wanted:
                    wanted.append(claim)
    return claims
