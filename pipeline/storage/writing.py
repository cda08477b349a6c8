"""One file of ours: written beside, read again and compared, fsynced, renamed; or not at all."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyogrio

from pipeline.disk import cannot_write, replacing
from pipeline.errors import Finding, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

REFUSALS = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pyogrio.errors.FieldError,
    pyogrio.errors.GeometryError,
    pa.ArrowException,
    sqlite3.Error,
)
"""What the writing libraries raise besides OSError, on a full disk too."""


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a temporary path for `path`; a library's refusal is an OutputError as a system's is."""
    try:
        with replacing(path) as temporary:
            yield temporary
    except REFUSALS as error:
        raise cannot_write(path, error) from error


def require(path: Path, what: str, wanted: object, found: object) -> None:
    """Raise OutputError where a file read again isn't what was to be written."""
    if wanted != found:
        text = f"写出后重新打开核对不符：{what}应为 {wanted}，实为 {found}"
        advice = "检查磁盘和内存是否正常后重新运行；反复出现请联系开发者；原有成果未改动"
        raise OutputError(Finding(f"文件 {path}", text, advice))


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes atomically, compared after writing. Raises OutputError."""
    with writing(path) as temporary:
        temporary.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        require(path, "sha256", digest, hashlib.sha256(temporary.read_bytes()).hexdigest())


def read_bytes(path: Path) -> bytes:
    """Read one of our own files."""
    return path.read_bytes()


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON document, keys sorted, Chinese readable; dates and decimals as text."""
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str)
    write_bytes(path, (text + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read one of our own JSON documents; a damaged one is empty."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder by its files' names and contents."""
    if path.is_file():
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(str(file.relative_to(path)).encode() + b"\0" + bytes.fromhex(sha256(file)))
    return digest.hexdigest()
