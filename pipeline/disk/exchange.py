"""A set of files for another, all or none: journalled, undone on failure, ended by the next run.

New files are brought beside their places, the old ones held under a second name, then the
journal (the one file `exchange.PHASE` in the hidden folder) is renamed to the next phase:

    prepare   nothing has changed yet; found by a later run: new files dropped
    swap      everything is on disk; found by a later run: carried out to the end
    back      something failed in between; found by a later run: old files put back

Renaming the journal needs no space, so a full disk can't stop the way back.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.disk.lock import HIDDEN
from pipeline.disk.replace import cannot_write, flush, flush_folder, replacing
from pipeline.errors import Finding, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PREPARE, SWAP, BACK = "prepare", "swap", "back"
NEW, OLD = "new", "old"
JOURNALS = ("-wal", "-journal")
"""What SQLite keeps beside a GeoPackage that a program has open with changes; put beside a new
file of that name, they would be played back into it."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Names relative to the products' folder: files to come, to go, and those that stand now."""

    new: list[str]
    gone: list[str]
    had: list[str]


def exchange(out: Path, made: Mapping[str, Path], gone: Sequence[str]) -> None:
    """Put each file of `made` at its name below `out` and remove `gone`: all of it or nothing.

    The files of `made` are on disk (fsynced) and are moved away. Raises OutputError naming every
    place that is taken, or the one that failed; then all old files stand as before.
    """
    names = [*made, *gone]
    findings = blocked(out, names)
    if findings:
        raise OutputError(findings)
    plan = _Plan(list(made), list(gone), [name for name in names if (out / name).exists()])
    with replacing(_journal(out, PREPARE)) as temporary:
        temporary.write_text(json.dumps(asdict(plan), ensure_ascii=False), encoding="utf-8")
    try:
        _carry_out(out, plan, made)
    except OSError as error:
        raise cannot_write(_place_of(error, out), error) from error


def _carry_out(out: Path, plan: _Plan, made: Mapping[str, Path]) -> None:
    try:
        for name, file in made.items():
            _bring(file, _beside(out / name, NEW))
        for name in plan.had:
            _hold(out / name)
        _flush_folders(out, plan)
        _turn(out, SWAP)
        _forward(out, plan)
    except BaseException:
        _turn(out, BACK)
        _back(out, plan)
        raise
    with suppress(OSError):  # all is in place; what can't be tidied now, the next run does
        _finish(out, plan)


def settle(out: Path) -> str | None:
    """End an exchange that a dead run left half done; return its phase, None if there was none.

    Only for the holder of the lock. Raises OutputError when the system refuses.
    """
    try:
        for left in (out / HIDDEN).glob(".exchange.*"):  # a journal that was not yet one
            left.unlink()
        phase = _phase(out)
        if phase is None:
            return None
        plan = _Plan(**json.loads(_journal(out, phase).read_text(encoding="utf-8")))
        if phase == SWAP:
            _forward(out, plan)
            _finish(out, plan)
        else:
            _turn(out, BACK)
            _back(out, plan)
    except OSError as error:
        raise cannot_write(_place_of(error, out), error) from error
    return phase


def interrupted(out: Path) -> bool:
    """Tell whether an exchange was left half done below `out` (or is under way)."""
    return _phase(out) is not None


def blocked(out: Path, names: Iterable[str]) -> list[Finding]:
    """Return a finding per name below `out` where no file can be put."""
    findings: dict[Finding, None] = {}
    advice = "请关闭占用该文件的程序（Excel、WPS、QGIS 等）后重新运行；原有成果未改动"
    for name in names:
        path = out / name
        if path.is_dir():
            found = "该处是文件夹，不能写成文件"
            findings[Finding(f"文件 {path}", found, "移走或改名这个文件夹后重新运行")] = None
            continue
        open_in = [path.name + j for j in JOURNALS if path.with_name(path.name + j).exists()]
        if open_in and path.suffix == ".gpkg":
            found = f"正被其他软件打开编辑（旁边有 {'、'.join(open_in)}）"
            findings[Finding(f"文件 {path}", found, advice)] = None
        elif not _free(path):
            findings[Finding(f"文件 {path}", "正被其他程序占用", advice)] = None
        for folder in path.parents:
            if folder.exists() or folder == out:
                found = _unfit(folder)
                if found:
                    where = f"文件夹 {folder}"
                    findings[Finding(where, found, "改正后重新运行；原有成果未改动")] = None
                break
    return list(findings)


def _unfit(folder: Path) -> str:
    if folder.exists() and not folder.is_dir():
        return "该处是文件，不能当文件夹用"
    if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
        return "没有写权限"
    return ""


def _free(path: Path) -> bool:
    """Tell whether a file can be replaced; only Windows refuses for one that is open."""
    if os.name == "posix" or not path.exists():
        return True
    try:
        with path.open("rb+"):
            return True
    except OSError:
        return False


def _beside(path: Path, mark: str) -> Path:
    return path.with_name(f".{path.name}.gengbao-{mark}")


def _journal(out: Path, phase: str) -> Path:
    return out / HIDDEN / f"exchange.{phase}"


def _phase(out: Path) -> str | None:
    """Return the phase of the exchange under way below `out`, None if there is none."""
    return next((p for p in (PREPARE, SWAP, BACK) if _journal(out, p).is_file()), None)


def _turn(out: Path, phase: str) -> None:
    """Rename the journal to a phase and force that to disk."""
    was = _phase(out)
    if was is not None and was != phase:
        _journal(out, was).replace(_journal(out, phase))
    flush_folder(out / HIDDEN)


def _bring(file: Path, place: Path) -> None:
    """Move a file, copying where it lies on another disk."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        file.replace(place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copyfile(file, place)
        flush(place)


def _hold(path: Path) -> None:
    """Give a file a second name, under which it survives being replaced."""
    second = _beside(path, OLD)
    second.unlink(missing_ok=True)
    try:
        second.hardlink_to(path)
    except OSError:  # a disk without hard links (FAT)
        shutil.copy2(path, second)
        flush(second)


def _forward(out: Path, plan: _Plan) -> None:
    """Put new files in their places and remove the gone ones; those already done are passed."""
    for name in plan.new:
        new = _beside(out / name, NEW)
        if new.exists():
            new.replace(out / name)
    for name in plan.gone:
        (out / name).unlink(missing_ok=True)
    _flush_folders(out, plan)


def _finish(out: Path, plan: _Plan) -> None:
    """Let go of the old files; the journal last."""
    for name in plan.had:
        _beside(out / name, OLD).unlink(missing_ok=True)
    _journal(out, SWAP).unlink()
    flush_folder(out / HIDDEN)


def _back(out: Path, plan: _Plan) -> None:
    """Put old files back, remove what was not there before, drop the new ones."""
    for name in (*plan.new, *plan.gone):
        path, old = out / name, _beside(out / name, OLD)
        if old.exists():
            old.replace(path)
            old.unlink(missing_ok=True)  # renaming one name of a file to its other does nothing
        elif name not in plan.had:
            path.unlink(missing_ok=True)
    for name in plan.new:
        _beside(out / name, NEW).unlink(missing_ok=True)
    _flush_folders(out, plan)
    _journal(out, BACK).unlink()
    flush_folder(out / HIDDEN)


def _flush_folders(out: Path, plan: _Plan) -> None:
    for folder in sorted({(out / name).parent for name in (*plan.new, *plan.gone)}):
        with suppress(FileNotFoundError):
            flush_folder(folder)


def _place_of(error: OSError, out: Path) -> Path:
    """Return the file a system's refusal is about, under the name a clerk knows."""
    named = error.filename2 or error.filename
    if named is None:
        return out
    path = Path(os.fsdecode(named))
    for mark in (NEW, OLD):
        if path.name.endswith(f".gengbao-{mark}"):
            return path.with_name(path.name[1:].removesuffix(f".gengbao-{mark}"))
    return path
