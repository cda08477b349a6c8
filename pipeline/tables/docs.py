"""docs/fields.md and docs/rules.md, written from the tables so that they can't drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.fields import PARCELS, REQUIRED_ROLE_FIELDS, ROLE_FIELDS, Field
from pipeline.tables.lists import (
    list_names,
    load_aliases,
    load_classes,
    load_codes,
    load_land_codes,
)
from pipeline.tables.packs import RulePack, load_pack, pack_names
from pipeline.tables.vocabulary import MISSING, Column, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COMMAND = "gengbao docs"
GENERATED = f"本页由 `{COMMAND}` 依表格生成，不要手改；改表格后重新运行。"
SOURCE = (
    "国家字段名、类型、长度据《第三次全国国土调查数据库标准》（TD/T 1057-2020）的公开软件实现；"
    "没有国家字段名的由本项目计算。"
)
HOW = (
    "图斑按永久基本农田、耕地保护目标两个范围切成块，逐块自上而下判定：第一条不是“不成立”的规则"
    "作数——成立则归入其类别，资料缺失而无法判定则转待核，并写明缺什么。"
    "依据中写“推定”的，没有可查的公开条文。"
)
RULE_HEADS = (
    "次序", "规则", "条件（同时满足）", "类别", "依据", "情形", "成立的例子", "不成立的例子",
    "说明",
)  # fmt: skip
_TYPES = {
    "text": "文本", "int": "整数", "real": "小数", "bool": "是否", "date": "日期",
    "geometry": "图形",
}  # fmt: skip
_GROUPS = {
    "cropland": "耕地",
    "other_agri": "其他农用地",
    "construction": "建设用地",
    "unused": "未利用地",
}


def documents() -> dict[str, str]:
    """Return the generated documents: path from the repository's root → text."""
    return {"docs/fields.md": fields_markdown(), "docs/rules.md": rules_markdown()}


def fields_markdown() -> str:
    """Return docs/fields.md: fields of plots and roles, evidence columns, code lists."""
    parts = [
        "# 字段与编码",
        GENERATED,
        "## 图斑（parcels）",
        SOURCE,
        _field_table(PARCELS, (), load_aliases("parcels")),
        "## 各图层（county.toml 的 [layers]）",
    ]
    for role, fields in ROLE_FIELDS.items():
        required = REQUIRED_ROLE_FIELDS.get(role, ())
        parts += [f"### {role}", _field_table(fields, required, load_aliases(role))]
    parts += [
        "## 证据列（规则可问的列与允许的值）",
        "“平常值”是规则示例未写明该列时的值；任何列都可能缺失（示例中写 `?`），缺失即“不明”。",
        _evidence_table(vocabulary().values()),
        "## 类别",
        _class_table(),
        "## 编码表",
        "### dlbm 地类编码",
        _land_table(),
    ]
    for name in list_names():
        parts += [f"### {name}", _code_table(name)]
    return "\n\n".join(parts) + "\n"


def rules_markdown() -> str:
    """Return docs/rules.md: every rule pack with conditions in words, clauses and examples."""
    parts = [
        "# 规则",
        GENERATED,
        HOW,
    ]
    for name in pack_names():
        parts += _pack(load_pack(name))
    return "\n\n".join(parts) + "\n"


def _pack(pack: RulePack) -> list[str]:
    labels = {category.name: category.label_long for category in load_classes()}
    rules = [
        (
            str(rule.order), rule.rule_id, rule.when.words, labels[rule.category], rule.basis,
            rule.case_no, _examples(rule.example_yes), _examples(rule.example_no), rule.note,
        )
        for rule in pack.rules
    ]  # fmt: skip
    flags = [(flag.flag, flag.when.words, flag.label) for flag in pack.flags]
    return [
        f"## {pack.name}（版本 {pack.version}）",
        markdown_table(RULE_HEADS, rules),
        "### 标记",
        "不论哪条规则判定，条件成立即加标记；同一标记有几行时，任一行成立即加。",
        markdown_table(("标记", "条件（同时满足）", "含义"), flags),
    ]


def _examples(examples: Sequence[Mapping[str, str]]) -> str:
    columns = vocabulary()
    said = [
        "，".join(columns[name].say(value or MISSING) for name, value in example.items())
        for example in examples
    ]
    return "<br>".join(said)


def _field_table(
    fields: Iterable[Field], required: Sequence[Field], aliases: Mapping[str, str]
) -> str:
    rows = []
    for field in fields:
        size = f"{field.length},{field.decimals}" if field.decimals else str(field.length or "")
        other = "、".join(alias for alias, name in aliases.items() if name == field.national)
        need = "是" if field.required or field in required else ""
        kind = _TYPES[field.dtype]
        rows.append((field.name, field.national, field.label, kind, size, field.unit, need, other))
    heads = ("列", "国家字段名", "名称", "类型", "长度", "单位", "必填", "认得的其他写法")
    return markdown_table(heads, rows)


def _evidence_table(columns: Iterable[Column]) -> str:
    rows = []
    for column in columns:
        listed = [] if column.kind.startswith("code:") else column.values.items()
        values = "<br>".join(f"`{value}` {label}" for value, label in listed)
        if column.kind.startswith("code:"):
            values = f"编码表 {column.kind.removeprefix('code:')}"
        rows.append(
            (column.name, column.label, values, column.usual, "可" if column.askable else "")
        )
    return markdown_table(("列", "名称", "值", "平常值", "规则可问"), rows)


def _class_table() -> str:
    rows = [
        (
            str(c.order), c.name, c.label_long, c.short, "是" if c.task else "", c.gap, c.subtotal,
            "是" if c.work_needed else "",
        )
        for c in load_classes()
    ]  # fmt: skip
    return markdown_table(
        ("次序", "类别", "名称", "简码", "任务", "计入缺口", "小计", "须整改"), rows
    )


def _land_table() -> str:
    rows = [
        (
            code.code, code.name, _GROUPS[code.group], "是" if code.wetland else "",
            "是" if code.natural_host else "", "是" if code.linear else "", code.note,
        )
        for code in load_land_codes()
    ]  # fmt: skip
    return markdown_table(("编码", "名称", "三大类", "湿地", "难以恢复", "线状", "说明"), rows)


def _code_table(name: str) -> str:
    rows = [(code.code, code.label, "、".join(code.hosts)) for code in load_codes(name)]
    return markdown_table(("编码", "名称", "可依附的地类"), rows)


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as Markdown has it; a bar in a cell stays one."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(
        "| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in lines
    )
