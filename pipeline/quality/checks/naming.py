"""Names that go with their codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import tables
from pipeline.quality.check import ERROR, NOTHING, WARNING, Check, Example, Hits, where
from pipeline.quality.sources import CODE_LOGIC

if TYPE_CHECKING:
    from pipeline.quality.subject import Subject

TITLE, ORDER = "名称与编码", 6


def _named(subject: Subject, code: F.Field, name: F.Field, names: dict[str, str]) -> Hits:
    """Find names that aren't their code's."""
    if not subject.has(code, name):
        return NOTHING
    given, wanted = subject.text(name), subject.text(code).map(names)
    rows = where((wanted.notna() & (given != "") & (given != wanted)).to_numpy(dtype=bool))
    codes = subject.text(code).iloc[rows]
    found = [
        f"{code.national} {c} 的名称是“{w}”，写作“{g}”"
        for c, w, g in zip(codes, wanted.iloc[rows], given.iloc[rows], strict=True)
    ]
    return Hits(rows=rows, found=found, field=name.national)


def class_name(subject: Subject) -> Hits:
    """Find DLMCs that aren't the name of their DLBM."""
    codes = tables.land_codes()
    return _named(subject, F.DLBM, F.DLMC, dict(zip(codes["code"], codes["name"], strict=True)))


def refined_name(subject: Subject) -> Hits:
    """Find TBXHMCs that aren't the name of their TBXHDM."""
    names = {code.code: code.label for code in tables.code_list("tbxhdm")}
    return _named(subject, F.TBXHDM, F.TBXHMC, names)


def planting_name(subject: Subject) -> Hits:
    """Find ZZSXMCs that aren't the name of their ZZSXDM."""
    names = {code.code: code.label for code in tables.code_list("zzsxdm")}
    return _named(subject, F.ZZSXDM, F.ZZSXMC, names)


def village_name(subject: Subject) -> Hits:
    """Find plots whose ZLDWMC isn't the one that most plots of their village code have."""
    if not subject.has(F.ZLDWDM, F.ZLDWMC):
        return NOTHING
    code, name = subject.text(F.ZLDWDM), subject.text(F.ZLDWMC)
    known = (code != "") & (name != "")
    usual = name[known].groupby(code[known]).agg(lambda names: names.mode().iloc[0])
    wanted = code.map(usual)
    rows = where((known & (name != wanted)).to_numpy(dtype=bool))
    found = [
        f"坐落单位 {c} 多数写作“{w}”，本图斑写作“{n}”"
        for c, w, n in zip(code.iloc[rows], wanted.iloc[rows], name.iloc[rows], strict=True)
    ]
    return Hits(rows=rows, found=found, field="ZLDWMC")


CHECKS = (
    Check(
        code="DLMC_MISMATCH", level=ERROR, text="地类名称与地类编码一致",
        source="TD/T 1057-2020 地类代码表；国家质检规则 3104；TDDC3D FrmCheckData",
        advice="确认编码无误后，用字段计算器按代码表重填地类名称",
        example=Example(bad=({"dlmc": "水田"},), good=({},), said="DLBM 0103，DLMC 写作水田"),
        find=class_name,
    ),
    Check(
        code="TBXHMC_MISMATCH", level=WARNING, text="图斑细化名称与代码一致", source=CODE_LOGIC,
        advice="用字段计算器按代码表重填图斑细化名称",
        example=Example(
            bad=({"tbxhdm": "HDGD", "tbxhmc": "林区耕地"},),
            good=({"tbxhdm": "HDGD", "tbxhmc": "河道耕地"},), said="HDGD 写作林区耕地",
        ),
        find=refined_name,
    ),
    Check(
        code="ZZSXMC_MISMATCH", level=WARNING, text="种植属性名称与代码一致", source=CODE_LOGIC,
        advice="用字段计算器按代码表重填种植属性名称",
        example=Example(bad=({"zzsxmc": "未耕种"},), good=({},), said="LS 写作未耕种"),
        find=planting_name,
    ),
    Check(
        code="ZLDWMC_MIXED", level=WARNING, text="同一坐落单位代码只有一个名称",
        source="TD/T 1057-2020 坐落单位代码与名称一一对应",
        advice="按坐落单位代码分组，统一改为村级调查区图层的名称",
        example=Example(
            bad=({}, {}, {"zldwmc": "另一个村"}), good=({}, {}), said="同一代码下出现两个村名"
        ),
        find=village_name,
    ),
)  # fmt: skip
