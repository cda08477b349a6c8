"""The counties of a province: one folder each, as `gengbao all` takes it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, Finding, GengbaoError, UsageError
from pipeline.ingest.county import load_county

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.model import County

SETTINGS = "county.toml"


@dataclass(frozen=True, slots=True)
class Folder:
    """A county's folder: its settings, or why it can't be taken."""

    path: Path
    county: County | None
    refused: GengbaoError | None = None

    def size_bytes(self) -> int:
        """Return what its files take, which says how long it will take."""
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())


def find(root: Path) -> list[Folder]:
    """Return every folder directly below `root`, by county code, then by name.

    None is passed over: one without county.toml, with faulty settings or with the code of another
    is refused with its findings. Raises UsageError where there is no folder at all, and where
    `root` is itself a county's.
    """
    if not root.is_dir():
        raise UsageError(Finding(str(root), "没有这个文件夹", "写放各县文件夹的那个文件夹"))
    if (root / SETTINGS).is_file():
        advice = "写它的上一级，即放各县文件夹的那个文件夹；只做这一个县用 gengbao all --county"
        raise UsageError(Finding(str(root), f"这是一个县的文件夹（里面有 {SETTINGS}）", advice))
    inside = [p for p in sorted(root.iterdir()) if p.is_dir() and not p.name.startswith(".")]
    if not inside:
        advice = "每个县一个文件夹，内容按 data/raw/README.md"
        raise UsageError(Finding(str(root), "里面没有县文件夹", advice))
    found = _distinct([_load(path) for path in inside])
    return sorted(found, key=lambda f: (f.county.code if f.county else "~", f.path.name))


def _load(path: Path) -> Folder:
    if not (path / SETTINGS).is_file():
        finding = Finding(str(path / SETTINGS), "没有这个文件", "补上，或把这个文件夹移到别处")
        return Folder(path, None, ConfigError(finding))
    try:
        return Folder(path, load_county(path))
    except GengbaoError as error:
        return Folder(path, None, error)


def _distinct(folders: list[Folder]) -> list[Folder]:
    """Refuse all folders of a code that stands in more than one: none of them is the right one."""
    by_code: defaultdict[str, list[Folder]] = defaultdict(list)
    for folder in folders:
        if folder.county:
            by_code[folder.county.code].append(folder)
    twice = {code: same for code, same in by_code.items() if len(same) > 1}
    return [
        _refused(folder, twice[folder.county.code])
        if folder.county and folder.county.code in twice
        else folder
        for folder in folders
    ]


def _refused(folder: Folder, same: list[Folder]) -> Folder:
    code = folder.county.code if folder.county else ""
    names = "、".join(other.path.name for other in same)
    finding = Finding(
        str(folder.path / SETTINGS),
        f"县代码 {code} 有不止一个文件夹：{names}",
        "只留一个后重新运行",
    )
    return Folder(folder.path, None, ConfigError(finding))
