"""What a file is, by its bytes; its suffix is heard only where they say nothing. Stdlib only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HEAD = 512
FOLDER, ZIP, WORKBOOK = ".gdb", ".zip", ".xlsx"
ZIP_NAME_AT = 30
WORKBOOK_MEMBERS = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/")
"""How the first member of an Office document is called, whoever wrote it."""
UNPACK = "先解压，再把其中的数据文件放进文件夹；或改为 zip（不加密）打包"
EXPORT = "用 ArcGIS 或 QGIS 导出为 FileGDB、GPKG 或 SHP"
DOWNLOAD = "多半是下载失败时存下的网页，请重新下载或拷贝"
RESAVE = "另存为 .xlsx 或 CSV（UTF-8）"
TEXT_DATA = "用 QGIS 打开后另存为 GPKG 或 SHP"


class Foreign(NamedTuple):
    """A format that isn't read: where its mark stands, the mark, its name, what to do."""

    offset: int
    mark: bytes
    suffix: str
    label: str
    advice: str


FOREIGN = (
    Foreign(0, b"Rar!\x1a\x07", ".rar", "RAR 压缩包", UNPACK),
    Foreign(0, b"7z\xbc\xaf\x27\x1c", ".7z", "7z 压缩包", UNPACK),
    Foreign(0, b"\x1f\x8b", ".gz", "gzip 压缩包", UNPACK),
    Foreign(4, b"1AY&SY", ".bz2", "bzip2 压缩包", UNPACK),
    Foreign(0, b"\xfd7zXZ\0", ".xz", "xz 压缩包", UNPACK),
    Foreign(257, b"ustar", ".tar", "tar 归档", UNPACK),
    Foreign(4, b"Standard Jet DB", ".mdb", "Access 数据库（个人地理数据库）", EXPORT),
    Foreign(4, b"Standard ACE DB", ".accdb", "Access 数据库", EXPORT),
    Foreign(0, b"HeadBegin", ".vct", "VCT 交换文件", "用建库软件导出为 FileGDB、GPKG 或 SHP"),
    Foreign(0, b"fgb\x03", ".fgb", "FlatGeobuf 文件", EXPORT),
    Foreign(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls", "旧版 Office 文档（xls、doc）", RESAVE),
    Foreign(0, b"%PDF", ".pdf", "PDF 文档", "放入数据文件；文档以 .pdf 为后缀存放"),
    Foreign(0, b"<!doctype html", ".html", "网页", DOWNLOAD),
    Foreign(0, b"<html", ".html", "网页", DOWNLOAD),
    Foreign(0, b"<?xml", ".xml", "XML 文件（GML、KML 等）", TEXT_DATA),
)
"""Formats told by their bytes and refused with what to do; found whatever the suffix says."""
BY_NAME = {entry.suffix: entry for entry in reversed(FOREIGN)} | {
    ".kml": FOREIGN[-1],
    ".gml": FOREIGN[-1],
    ".kmz": FOREIGN[-1],
}


def kind_of(path: Path, marks: Mapping[bytes, str]) -> str:
    """Return the suffix of the format that `path` is in.

    marks: first bytes → suffix, of the formats that are read. A folder is a FileGDB or nothing.
    """
    if path.is_dir():
        return FOLDER
    with path.open("rb") as handle:
        head = handle.read(HEAD)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return WORKBOOK if head[ZIP_NAME_AT:].startswith(WORKBOOK_MEMBERS) else ZIP
    for mark, suffix in marks.items():
        if head.startswith(mark):
            return suffix
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for entry in FOREIGN:
        if head[entry.offset :].startswith(entry.mark) or (
            not entry.offset and entry.mark.isascii() and text.startswith(entry.mark.lower())
        ):
            return entry.suffix
    return path.suffix.lower()
