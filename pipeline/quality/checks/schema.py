"""Fields: there, named, stored and as wide as the standard has them; nothing about persons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline.quality.check import ALL_ROLES, ERROR, PLOTS_ONLY, WARNING, Check, Example, Hits
from pipeline.quality.subject import Column, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

TITLE, ORDER = "字段", 1
SCHEMA = "TD/T 1057-2020 数据库标准；国家质检规则 3102"
ADVICE = "在 GIS 中按标准建空图层，用“字段映射”导入原数据后重新导出"
NUMBERS = ("real", "int")
PERSONAL = ("ZRR", "LXDH", "JZDZ", "ZJHM", "SFZ", "SJHM", "身份证", "电话", "手机", "住址")


def _files(subject: Subject) -> list[str]:
    return list(dict.fromkeys(column.file for column in subject.columns))


def _said(found: Iterable[tuple[str, str, str]]) -> Hits:
    """Return hits of (file, national name, Chinese), one per name and text over all files."""
    first: dict[tuple[str, str], list[str]] = {}
    for file, national, text in found:
        first.setdefault((national, text), []).append(file)
    return Hits(
        rows=np.full(len(first), -1, dtype=np.int64),
        found=[
            text + (f"（共 {len(files)} 个文件如此）" if len(files) > 1 else "")
            for (_, text), files in first.items()
        ],
        field=[national for national, _ in first],
        file=[files[0] for files in first.values()],
    )


def missing(subject: Subject) -> Hits:
    """Find standard fields that a file doesn't have."""
    have = {(column.file, column.national) for column in subject.columns}
    return _said(
        (file, field.national, f"缺少字段 {field.national}（{field.label}）")
        for file in _files(subject)
        for field in subject.standard
        if (file, field.national) not in have
    )


def renamed(subject: Subject) -> Hits:
    """Find fields that go by another name than the national one."""
    return _said(
        (c.file, c.national, f"字段 {c.national} 写作“{c.name}”")
        for c in subject.columns
        if c.national and c.name.upper() != c.national
    )


def stored(subject: Subject) -> Hits:
    """Find fields stored as text that are numbers, or the other way."""
    kinds = {field.national: field for field in subject.standard}
    return _said(
        (c.file, c.national, f"字段 {c.national} 按{_KINDS[c.kind]}存放，应为{_wanted(field)}")
        for c in subject.columns
        if c.national
        and c.kind in _KINDS
        and (field := kinds.get(c.national)) is not None
        and field.dtype != "date"
        and (c.kind == "unreadable" or (c.kind == "text") == (field.dtype in NUMBERS))
    )


def _wanted(field: F.Field) -> str:
    return f"{_KINDS['number']}型" if field.dtype in NUMBERS else f"{_KINDS['text']}型"


_KINDS = {"text": "文本", "number": "数值", "float": "浮点数", "unreadable": "备注或二进制"}


def widths(subject: Subject) -> Hits:
    """Find fields declared narrower or wider than the standard, where the file declares it."""
    standard = {field.national: field for field in subject.standard}
    found = []
    for c in subject.columns:
        field = standard.get(c.national or "")
        if field is None or c.width is None or not field.length:
            continue
        wanted = (field.length, field.decimals)
        if c.width != wanted:
            have, asked = (",".join(map(str, w if w[1] else w[:1])) for w in (c.width, wanted))
            said = f"字段 {field.national} 的长度是 {have}，标准为 {asked}"
            found.append((c.file, field.national, said))
    return _said(found)


def personal(subject: Subject) -> Hits:
    """Find columns about persons; their values are never read."""
    return _said(
        (c.file, "", f"带有个人信息字段“{c.name}”")
        for c in subject.columns
        if any(mark in c.name.upper() for mark in PERSONAL)
    )


_PLAIN: tuple[dict[str, object], ...] = ({},)


def _columns(**changes: Column | None) -> dict[str, object]:
    """Return a world whose columns are the standard's but for these."""
    columns = {field.national: standard_column(field) for field in F.DLTB} | changes
    return {"columns": tuple(column for column in columns.values() if column is not None)}


def standard_column(field: F.Field) -> Column:
    """Return a column as the standard has it."""
    kind = "number" if field.dtype in NUMBERS else "text"
    return Column("甲.shp", field.national, field.national, kind, (field.length, field.decimals))


CHECKS = (
    Check(
        code="FIELD_MISSING",
        level=ERROR,
        text="图层有标准规定的全部字段",
        source=SCHEMA,
        advice=ADVICE,
        example=Example(
            bad=_PLAIN,
            good=_PLAIN,
            said="图层没有 GDPDJB 字段",
            world=_columns(GDPDJB=None),
            good_world=_columns(),
        ),
        find=missing,
        roles=ALL_ROLES,
    ),
    Check(
        code="FIELD_NAME",
        level=WARNING,
        text="字段用国家规定的名称",
        source=SCHEMA,
        advice="在属性表中改回国家字段名，或用“字段映射”导入标准图层",
        example=Example(
            bad=_PLAIN,
            good=_PLAIN,
            said="DLBM 写作“地类编码”",
            world=_columns(DLBM=Column("甲.shp", "地类编码", "DLBM", "text", (5, 0))),
            good_world=_columns(),
        ),
        find=renamed,
        roles=ALL_ROLES,
    ),
    Check(
        code="FIELD_TYPE",
        level=ERROR,
        text="字段类型与标准一致：编码为文本，面积、系数为数值",
        source=SCHEMA,
        advice=ADVICE + "；编码按数值存放会丢前导零，要从原数据库按文本导出",
        example=Example(
            bad=_PLAIN,
            good=_PLAIN,
            said="DLBM 按数值存放（0103 成了 103）",
            world=_columns(DLBM=Column("甲.shp", "DLBM", "DLBM", "number", (5, 0))),
            good_world=_columns(),
        ),
        find=stored,
        roles=ALL_ROLES,
    ),
    Check(
        code="FIELD_WIDTH",
        level=WARNING,
        text="字段长度、小数位与标准一致（只查写明长度的格式：SHP、GPKG）",
        source=SCHEMA,
        advice=ADVICE,
        example=Example(
            bad=_PLAIN,
            good=_PLAIN,
            said="ZZSXDM 长度 30，标准为 6",
            world=_columns(ZZSXDM=Column("甲.shp", "ZZSXDM", "ZZSXDM", "text", (30, 0))),
            good_world=_columns(),
        ),
        find=widths,
        roles=PLOTS_ONLY,
    ),
    Check(
        code="PERSONAL_DATA",
        level=WARNING,
        text="成果不带个人信息字段（身份证号、电话、住址等）",
        source="个人信息保护法第五、六条；三区三线数据库字段 ZRRZJHM、LXDH 等",
        advice="上报、外传前删去这些字段；本程序不读其内容",
        example=Example(
            bad=_PLAIN,
            good=_PLAIN,
            said="图层带有 ZRRZJHM（责任人证件号）",
            world=_columns(extra=Column("甲.shp", "ZRRZJHM", None, "text")),
            good_world=_columns(extra=Column("甲.shp", "FID_1", None, "number")),
        ),
        find=personal,
        roles=ALL_ROLES,
    ),
)
