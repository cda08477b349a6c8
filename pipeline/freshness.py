"""What must be done again: judged by content, in this one place.

A stage's key is a hash over the code it can reach, the tables it reads, its parameters and the
contents of its input files. It is fresh when the key is that of its last run and its products
still have the bytes it wrote. Size, times and inode only save reading a file again. Standard
library only: with nothing to do, a run ends before pandas is imported.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.disk import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PACKAGE = Path(__file__).parent
COMMON = (
    "__init__", "errors", "model", "fields", "tables", "disk", "storage", "measure", "stages",
    "freshness",
)  # fmt: skip
"""Rooms every stage stands on."""
SOURCES = {".py", ".csv", ".html", ".css", ".js", ".txt", ".typ"}
"""What a room is made of: code, tables, the parts of pages."""
PACKS = "rules"
"""The rule packs: inputs of the stage that uses one, not code of every stage."""


@dataclass(slots=True)
class Contents:
    """Content hashes of files and folders, remembered by size, times and inode."""

    known: dict[str, list[Any]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def of(self, path: Path) -> str:
        """Return the hash of a file, or of a folder by its files' names and contents."""
        if path.is_dir():
            digest = hashlib.sha256()
            for file in sorted(p for p in path.rglob("*") if p.is_file()):
                digest.update(f"{file.relative_to(path).as_posix()}\0{self.of(file)}\0".encode())
            return digest.hexdigest()
        now = [*marks(path)]
        name = str(path)
        self.seen.add(name)
        if name in self.known and self.known[name][:4] == now:
            return str(self.known[name][4])
        with path.open("rb") as handle:
            digest_text = hashlib.file_digest(handle, "sha256").hexdigest()
        self.known[name] = [*now, digest_text]
        return digest_text

    def moved(self, path: Path, place: Path) -> None:
        """Keep the hash of `path`, whose file has been moved to `place`: only its marks changed."""
        known = self.known.get(str(path))
        if known is not None:
            self.known[str(path)] = [*marks(place), known[4]]

    def of_all(self, paths: Iterable[Path], *, base: Path) -> dict[str, str]:
        """Return hashes by path relative to `base` (so that a moved folder keeps its keys)."""
        return {os.path.relpath(path, base): self.of(path) for path in sorted(set(paths))}


def marks(path: Path) -> tuple[int, ...]:
    """Return what changes when a file does, or another takes its place, without reading it."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def code_files(rooms: Sequence[str]) -> list[Path]:
    """Return the source and table files of these rooms and of the common ones, packs apart."""
    files: list[Path] = []
    for room in (*COMMON, *rooms):
        module = PACKAGE / f"{room}.py"
        if module.is_file():
            files.append(module)
            continue
        inside = (p for p in (PACKAGE / room).rglob("*") if p.suffix in SOURCES)
        files += [p for p in inside if p.parent.name != PACKS]
    return sorted(set(files))


def key_of(parts: Mapping[str, object]) -> str:
    """Return the hash of a JSON-able mapping."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(slots=True)
class State:
    """What the last run did, per stage: key, products with their hashes, account, facts."""

    path: Path
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: Contents = field(default_factory=Contents)

    @classmethod
    def load(cls, path: Path) -> State:
        """Read the state; a missing or damaged one means that everything is done again."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            return cls(path, document["stages"], Contents(document["files"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls(path)

    def fresh(self, stage: str, key: str, base: Path) -> bool:
        """Tell whether the stage's last run had this key and its products are untouched."""
        record = self.stages.get(stage)
        if record is None or record["key"] != key:
            return False
        products = {base / name: digest for name, digest in record["products"].items()}
        return all(p.exists() and self.contents.of(p) == digest for p, digest in products.items())

    def keep(self, stage: str, record: dict[str, Any]) -> None:
        """Remember a finished stage, at once: an interrupted run resumes behind it."""
        self.stages[stage] = record
        self.save()

    def retire(self, stages: Iterable[str]) -> list[str]:
        """Forget stages that are no longer in the plan; return their products' names."""
        gone = [name for name in self.stages if name not in set(stages)]
        return [product for name in gone for product in self.stages.pop(name)["products"]]

    def save(self) -> None:
        """Write the state beside and rename it. Raises OutputError."""
        files = {k: v for k, v in sorted(self.contents.known.items()) if k in self.contents.seen}
        document = {"stages": self.stages, "files": files}
        text = json.dumps(document, ensure_ascii=False, sort_keys=True)  # at once: dump is slow
        with replacing(self.path) as temporary:
            temporary.write_text(text, encoding="utf-8")
