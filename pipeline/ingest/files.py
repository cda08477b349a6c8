"""Which files belong to an export, a role, the county. Stdlib only; opens no data file."""

from __future__ import annotations

import difflib
import re
from datetime import date
from typing import TYPE_CHECKING

from pipeline.errors import Finding, InputError
from pipeline.ingest import checksums

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pipeline.model import County, LayerSource

EXPORTS, RETURNED = "exports", "returned"
LISTS = ("county.toml", "towns.csv", "targets.csv", "published.csv", "plan.csv")
FOLDER_FORMATS = frozenset({".gdb"})
FILEGDB_TABLES = "a0000000?.gdbtable"
SIDECARS = frozenset(
    {".cpg", ".prj", ".shx", ".dbf", ".sbn", ".sbx", ".qix", ".idx", ".ain", ".aih", ".atx"}
)
JOURNALS = ("-wal", "-shm", "-journal")
DOCUMENTS = frozenset(
    {
        ".txt", ".md", ".pdf", ".doc", ".docx", ".wps", ".ofd", ".jpg", ".jpeg", ".png", ".tif",
        ".xml", ".htm", ".html", ".lock", ".ini", ".db", ".qgz", ".qgs", ".mxd", ".aprx", ".lyr",
        ".lyrx", ".qml", ".sld", ".bak", ".log",
    }
)  # fmt: skip
"""Suffixes that never hold plots. Anything else counts as data, so that nothing is overlooked."""
DATE_PATTERN = r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})"


def parse_date(text: str) -> date | None:
    """Return the date written as YYYY-MM-DD or YYYYMMDD, None if it isn't one."""
    try:
        return date.fromisoformat(text) if text[:4].isdigit() and "W" not in text else None
    except ValueError:
        return None


def is_folder_format(path: Path) -> bool:
    """Tell whether a folder is one data set: named .gdb, or holding a FileGDB's tables."""
    return path.is_dir() and (
        path.suffix.lower() in FOLDER_FORMATS or any(path.glob(FILEGDB_TABLES))
    )


def entries(folder: Path) -> Iterator[Path]:
    """Yield all files below `folder` and, as one entry each, the folders that are a format."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "~$", "__MACOSX")):
            continue
        if path.is_dir() and not is_folder_format(path):
            yield from entries(path)
        else:
            yield path


def is_data(path: Path) -> bool:
    """Tell whether an entry may hold plots: not a part of another file, a document or a list."""
    suffix = path.suffix.lower()
    return (
        not checksums.is_list(path)
        and suffix not in SIDECARS
        and suffix not in DOCUMENTS
        and not path.name.lower().endswith(JOURNALS)
        and not re.search(r"\.shp\.", path.name.lower())
    )


def list_exports(root: Path) -> tuple[tuple[date, ...], list[Finding]]:
    """Return the dates of the folders exports/YYYY-MM-DD; all else found there is a finding."""
    folder = root / EXPORTS
    if not folder.is_dir():
        advice = f"建立 {EXPORTS}/年-月-日/ 文件夹（如 {EXPORTS}/2023-09-30/），放入该期地类图斑"
        return (), [Finding(f"{EXPORTS}/", "文件夹不存在", advice)]
    dates: list[date] = []
    findings: list[Finding] = []
    for path in sorted(folder.iterdir()):
        where = f"{EXPORTS}/{path.name}"
        if path.name.startswith("."):
            continue
        iso = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", path.name)
        day = parse_date(path.name) if iso else None
        if path.is_dir() and day is not None:
            dates.append(day)
            findings += _check_export(path, where)
        elif path.is_dir():
            findings.append(_misnamed(path, where))
        elif is_data(path) or path.suffix.lower() in SIDECARS:
            advice = f"移入 {EXPORTS}/年-月-日/ 文件夹，文件夹名即该期日期"
            findings.append(Finding(where, "数据文件没有放在按日期命名的文件夹里", advice))
    return tuple(dates), findings


def _misnamed(path: Path, where: str) -> Finding:
    """Say that a folder isn't named as an export is, and which export has its date already."""
    parts = re.fullmatch(r"([0-9]{4})\D?([0-9]{1,2})\D?([0-9]{1,2})(?:\D.*)?", path.name)
    text = "-".join((parts[1], parts[2].zfill(2), parts[3].zfill(2))) if parts else ""
    if parts and parse_date(text) and path.with_name(text).is_dir():
        found = f"文件夹名不合写法，与 {EXPORTS}/{text} 像是同一期，不知以哪个为准"
        return Finding(where, found, f"这一期只留一个文件夹，名为 {text}；另一个移出 {EXPORTS}/")
    advice = "把文件夹改名为该期数据的日期，如 2023-09-30（年-月-日，月日各两位）"
    return Finding(where, "文件夹名不是日期，不知道是哪一期", advice)


def _check_export(folder: Path, where: str) -> list[Finding]:
    findings = []
    if not any(is_data(path) for path in entries(folder)):
        advice = "放入该期地类图斑（SHP、GPKG、FileGDB 等），或删去这个空文件夹"
        findings.append(Finding(where, "文件夹里没有数据文件", advice))
    return findings + orphans(folder, where) + checksums.check_delivery(folder, where)


def orphans(folder: Path, where: str) -> list[Finding]:
    """Return a finding per part of a shapefile below `folder` whose .shp is missing."""
    found = list(entries(folder))
    names = {path.with_suffix("").as_posix().lower() + path.suffix.lower() for path in found}
    findings = []
    for path in found:
        orphan = path.suffix.lower() in {".dbf", ".shx"}
        if orphan and path.with_suffix("").as_posix().lower() + ".shp" not in names:
            place = f"{where}/{path.relative_to(folder).as_posix()}"
            advice = f"补齐 {path.stem}.shp，或移走这个残留文件"
            findings.append(Finding(place, "缺少同名的 .shp 文件", advice))
    return findings


def source_files(county: County, export: date) -> tuple[Path, ...]:
    """Return the data files of an export, sorted; a shapefile stands for its whole group.

    Raises InputError when the export doesn't exist or holds no data file.
    """
    folder = county.root / EXPORTS / export.isoformat()
    found = tuple(p for p in entries(folder) if is_data(p)) if folder.is_dir() else ()
    if not found:
        have = "、".join(day.isoformat() for day in county.exports) or "无"
        advice = f"放入该期数据；现有各期：{have}"
        raise InputError(Finding(f"{EXPORTS}/{export}", "没有这一期数据", advice))
    return found


def delivered_files(path: Path) -> tuple[Path, ...]:
    """Return the data files of a delivery anywhere on disk: a file, a folder of files, a .gdb.

    Sorted; a shapefile stands for its whole group. Raises InputError for a path that isn't there,
    a file that holds no plots by itself, and as an export's folder does.
    """
    where = path.as_posix()
    if not path.exists():
        advice = "核对路径；含空格或特殊字符的路径用引号括起"
        raise InputError(Finding(where, "没有这个文件或文件夹", advice))
    if path.is_dir() and not is_folder_format(path):
        findings = _check_export(path, where)
        if findings:
            raise InputError(findings)
        return tuple(p for p in entries(path) if is_data(p))
    if not is_data(path):
        advice = "改为图斑数据文件（SHP、GPKG、FileGDB、GeoJSON、GeoParquet）或放有它的文件夹"
        raise InputError(Finding(where, "是附属文件或文档，不是图斑数据", advice))
    return (path,)


def shown(path: Path, root: Path) -> str:
    """Return how findings name a file: from the county's folder where it lies there."""
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def role_files(county: County, role: str, export: date) -> tuple[Path, ...]:
    """Return the data files of a role as known on `export`'s date, sorted.

    With {date} in the path: those of the newest date ≤ export; none yet gives () for an optional
    role; a required one holds for the exports before the ledger as known at the ledger. A role
    the county doesn't bring gives (). Raises InputError for a path that fits no file.
    """
    source = county.layers.get(role)
    if source is None:
        return ()
    required = role in REQUIRED
    day = max(export, county.ledger) if required else export
    found, findings = find_role(county.root, source, day, required=required)
    if findings:
        raise InputError(findings)
    return found


REQUIRED = frozenset({"towns", "pbf", "target"})


def find_role(
    root: Path, source: LayerSource, export: date, *, required: bool
) -> tuple[tuple[Path, ...], list[Finding]]:
    """Return the files of `source` on a date, or the finding that says why there are none."""
    matched = _match(root, source.path)
    where = f"county.toml [layers] {source.role}"
    if not matched:
        advice = _nearest_files(root, source.path)
        return (), [Finding(where, f"“{source.path}”找不到文件", advice)]
    if not source.dated:
        return tuple(sorted(path for path, _ in matched)), []
    known = [day for _, day in matched if day is not None and day <= export]
    if not known:
        if not required:
            return (), []
        have = "、".join(sorted({str(day) for _, day in matched if day is not None})) or "无"
        found = f"“{source.path}”没有不晚于 {export} 的文件"
        return (), [Finding(where, found, f"补放更早的文件；现有日期：{have}")]
    newest = max(known)
    return tuple(sorted(path for path, day in matched if day == newest)), []


def _match(root: Path, pattern: str) -> list[tuple[Path, date | None]]:
    exact = root / pattern
    if exact.is_file() or is_folder_format(exact):
        return [(exact, None)]
    regex = re.compile(_translate(pattern), flags=re.IGNORECASE)
    found = []
    for path in entries(root) if root.is_dir() else ():
        match = regex.fullmatch(path.relative_to(root).as_posix())
        if match and (is_data(path) or "*" not in pattern):
            day = match.groupdict().get("date")
            found.append((path, parse_date(day) if day else None))
    return [f for f in found if f[1] is not None] if "{date}" in pattern else found


def _translate(pattern: str) -> str:
    """Return the regex of a path pattern: ** any folders, * and ? within a name, {date}."""
    parts = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]", "{date}": DATE_PATTERN}
    tokens = re.split(r"(\*\*/|\*|\?|\{date\})", pattern)
    return "".join(parts.get(token, re.escape(token)) for token in tokens)


def _nearest_files(root: Path, pattern: str) -> str:
    names = [p.relative_to(root).as_posix() for p in entries(root) if is_data(p)]
    names = [n for n in names if "/" in n and not n.startswith(EXPORTS + "/")]
    close = difflib.get_close_matches(pattern, names, n=3, cutoff=0.4)
    if close:
        return f"改正路径或补放文件；相近的有：{'、'.join(close)}"
    return f"改正路径或补放文件；县文件夹中现有：{'、'.join(names[:12]) or '无'}"


def file_group(path: Path) -> tuple[Path, ...]:
    """Return all files on disk that one data file consists of, sorted.

    Shapefile: same stem with any sidecar suffix; GeoPackage: with its journals; .gdb: all inside.
    """
    if path.is_dir():
        return tuple(sorted(p for p in path.rglob("*") if p.is_file() and p.suffix != ".lock"))
    group = [path]
    if path.suffix.lower() == ".shp":
        group += [
            p
            for p in path.parent.iterdir()
            if p.stem.lower() == path.stem.lower() and p.suffix.lower() in SIDECARS
        ]
    group += [p for p in (path.with_name(path.name + j) for j in JOURNALS) if p.is_file()]
    return tuple(sorted(group))


def members(paths: Iterable[Path], root: Path) -> tuple[Path, ...]:
    """Return every file on disk that decides how data files are read, sorted.

    Their groups and the checksum lists that are about them; an archive is one file.
    """
    found: set[Path] = set()
    for path in paths:
        found.update(file_group(path), checksums.lists_covering(path, root))
    return tuple(sorted(found))


def input_files(county: County) -> tuple[Path, ...]:
    """Return every file the results rest on, sorted: lists, exports, zones, rules, ledgers."""
    found: set[Path] = {county.root / name for name in LISTS if (county.root / name).is_file()}
    rules = county.root / county.rules
    if rules.is_file():
        found |= {rules, *rules.parent.glob(f"{rules.stem}_*.csv")}
    mains: set[Path] = set()
    for export in county.exports:
        mains |= set(source_files(county, export))
    for source in county.layers.values():
        mains |= {path for path, _ in _match(county.root, source.path)}
    found |= set(returned_files(county))
    return tuple(sorted(found.union(members(mains, county.root))))


def returned_files(county: County) -> tuple[Path, ...]:
    """Return the filled ledgers that came back, sorted; notes and pictures beside them aren't."""
    folder = county.root / RETURNED
    if not folder.is_dir():
        return ()
    return tuple(path for path in entries(folder) if path.suffix.lower() not in DOCUMENTS)


def check_roles(
    root: Path, layers: Iterable[LayerSource], exports: tuple[date, ...]
) -> list[Finding]:
    """Return what is missing of the roles' files, for all `exports` the lists are asked on."""
    findings: dict[Finding, None] = {}
    for source in layers:
        for export in exports:
            _, found = find_role(root, source, export, required=source.role in REQUIRED)
            findings |= dict.fromkeys(found)
    return list(findings)
