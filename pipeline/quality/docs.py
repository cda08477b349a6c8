"""docs/quality-rules.md: every rule with its words, written from the checks themselves."""

from __future__ import annotations

from pipeline.quality.checks import discover, groups
from pipeline.quality.intake import INTAKE
from pipeline.quality.intake import TITLE as READING
from pipeline.tables.docs import markdown_table

NAME = "docs/quality-rules.md"
COMMAND = "gengbao docs"
ROLES = {"parcels": "图斑", "pbf": "永农", "target": "保护目标"}
HEADS = ("编号", "级别", "要求", "依据", "违反的例子", "处理办法", "图层", "大小")
READING_HEADS = ("编号", "级别", "要求", "依据")
INTRO = (
    f"本页由 `{COMMAND}` 依 `pipeline/quality/checks/` 生成，不要手改；改检查后重新运行。",
    "每条规则是一个函数，编号不变，可写进基线和脚本。",
    "“依据”里的四位数是国家质检软件的规则编号（据公开的同类软件，规则正文没有公开）。",
    "级别“错误”的问题使 `gengbao quality` 以 4 退出，“警告”不影响退出码。",
    "“大小”是 problems.csv 里 size 列的单位。",
    "读入时发现的问题与入库的问题同编号；检查里有同一编号的，以检查为准（看全部行，含剔除的）。",
)


def documents() -> dict[str, str]:
    """Return the generated document: path from the repository's root → text."""
    return {NAME: rules_markdown()}


def rules_markdown() -> str:
    """Return the table of all rules, by subject, those of reading last."""
    levels = [check.level for check in discover()]
    counted = "、".join(f"{level} {levels.count(level)} 条" for level in dict.fromkeys(levels))
    parts = [
        "# 质量检查规则",
        *INTRO,
        f"检查 {len(levels)} 条（{counted}），读入 {len(INTAKE)} 条。",
    ]
    for title, checks in groups():
        rows = (
            (
                f"`{check.code}`", check.level, check.text, check.source, check.example.said,
                check.advice, "、".join(ROLES[role] for role in check.roles), check.unit,
            )
            for check in checks
        )  # fmt: skip
        parts += [f"## {title}", markdown_table(HEADS, rows)]
    reading = ((f"`{r.code}`", r.level or "错误或警告", r.text, r.source) for r in INTAKE)
    return "\n\n".join([*parts, f"## {READING}", markdown_table(READING_HEADS, reading)]) + "\n"
