"""Checksum lists beside a delivery (sha256sums): found, parsed, compared. Stdlib only.

A flipped byte inside a stored value is as plausible as the right one; only a checksum made where
the data was exported can tell. `sha256sum * > sha256sums` makes one, and so do most tools.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.errors import Finding
from pipeline.ingest.text import decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

NAMES = re.compile(r"sha256sums?(\.txt)?|.+\.sha256(sums?)?", re.IGNORECASE)
LINE = re.compile(r"\\?(?P<digest>[0-9a-fA-F]{64})(?: [ *](?P<name>.+))?")
BSD_LINE = re.compile(r"SHA256 \((?P<name>.+)\) = (?P<digest>[0-9a-fA-F]{64})")
LEVELS = 3
UTF16 = (b"\xff\xfe", b"\xfe\xff")  # what a Windows console writes with ">"
ADVICE = "请交来方重新拷贝、核对；确属有意改动的，重新生成 sha256sums"


def is_list(path: Path) -> bool:
    """Tell whether a file's name says that it holds sha256 checksums."""
    return NAMES.fullmatch(path.name) is not None


def lists_covering(path: Path, root: Path) -> tuple[Path, ...]:
    """Return the checksum lists in the folder of `path` and the folders above it, up to `root`.

    Of a path outside `root`: in its folder and the LEVELS - 1 above.
    """
    above = [folder for folder in path.parents if folder.is_relative_to(root)]
    found: set[Path] = set()
    for folder in above or path.parents[:LEVELS]:
        found |= {p for p in folder.iterdir() if is_list(p) and p.is_file()}
    return tuple(sorted(found))


def parse(path: Path, where: str) -> tuple[dict[str, str], list[Finding]]:
    """Return file name (relative to the list's folder) → digest; unreadable lines are findings.

    Forms: GNU (digest, two spaces or space and asterisk, name), BSD (SHA256 (name) = digest), and
    a bare digest in NAME.sha256, which is about NAME.
    """
    data = path.read_bytes()
    text, findings = (data.decode("utf-16"), []) if data[:2] in UTF16 else decode(data, where)
    stated: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip("\ufeff \t")
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line) or BSD_LINE.fullmatch(line)
        name = _tidy((match["name"] or path.stem) if match else "")
        if match is None or name.startswith("/") or ".." in name.split("/"):
            found = f"第 {number} 行不是“校验值  文件名”：{line[:60]}"
            advice = "用 sha256sum * > sha256sums 重新生成；一行一个文件，文件名相对于本文件夹"
            findings.append(Finding(where, found, advice))
        elif stated.setdefault(name, match["digest"].lower()) != match["digest"].lower():
            findings.append(Finding(where, f"对 {name} 写了两个不同的校验值", ADVICE))
    return stated, findings


def _tidy(name: str) -> str:
    return name.replace("\\", "/").removeprefix("./")


def check_delivery(folder: Path, where: str) -> list[Finding]:
    """Return what is wrong with the lists below a folder: unreadable lines, files that are gone."""
    findings: list[Finding] = []
    for path in sorted(p for p in folder.rglob("*") if is_list(p) and p.is_file()):
        place = f"{where}/{path.relative_to(folder).as_posix()}"
        stated, found = parse(path, place)
        findings += found
        gone = [name for name in stated if not (path.parent / name).is_file()]
        if gone:
            shown = "、".join(gone[:5]) + (f" 等 {len(gone)} 个" if len(gone) > 5 else "")  # noqa: PLR2004 - shown
            text = f"列有文件夹里没有的文件：{shown}"
            findings.append(Finding(place, text, "补齐文件；清单写错了就重新生成"))
    return findings


def compare(
    digests: Mapping[Path, str], main: Path, root: Path, within: str = ""
) -> tuple[list[Finding], list[str], bool]:
    """Compare the bytes that were read with what the lists say.

    digests: every file of one delivery; main: the file or folder it is known by; within: the
    archive that `root` holds unpacked, for messages. Returns findings (differing files), names
    that no list mentions, and whether there is a list at all.
    """
    findings: list[Finding] = []
    listed: set[Path] = set()
    lists = lists_covering(main, root)
    for path in lists:
        stated, _ = parse(path, path.name)
        for file, digest in _named(digests, stated, path.parent):
            listed.add(file)
            if digests[file] != digest:
                where, name = (f"{within}{_shown(p, root)}" for p in (file, path))
                found = (
                    f"内容与 {name} 不符：清单写 {digest[:12]}……，"
                    f"文件是 {digests[file][:12]}……，交来后被改动或拷贝时损坏"
                )
                findings.append(Finding(where, found, ADVICE))
    loose = sorted(file.name for file in set(digests) - listed) if lists else []
    return findings, loose, bool(lists)


def _shown(path: Path, root: Path) -> str:
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _named(
    digests: Mapping[Path, str], stated: Mapping[str, str], folder: Path
) -> Iterator[tuple[Path, str]]:
    for file in digests:
        digest = stated.get(file.relative_to(folder).as_posix())
        if digest is not None:
            yield file, digest
