"""A checkup as Chinese text for a person, or as a document for a program. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import __version__, fields
from pipeline.doctor.seen import Verdict, plain
from pipeline.ingest.names import PARCELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.doctor.seen import Checkup, FileSeen, LayerSeen, Tally
    from pipeline.errors import Finding

VERDICTS = {
    Verdict.OTHER: "可读，但不是入库所需的图层",
    Verdict.ACCEPTED: "可入库",
    Verdict.NOTED: "可入库，有提示",
    Verdict.REJECTS: "可入库，但有行会被剔除",
    Verdict.REFUSED: "不能入库",
}
ROLES = {
    PARCELS: "地类图斑", "towns": "行政区", "pbf": "永久基本农田", "target": "耕地保护目标",
    "monitoring": "疑似变化监测", "self_submitted": "核实处置自提", "relocation": "异地调整补划",
    "supplement": "补划", "balance": "进出平衡方案", "approved": "合法批准",
}  # fmt: skip
FEW = 20
"""Files up to which each is shown whole; of more, one line each and what is wrong."""
SHOWN_FIELDS = 40


def as_document(checkup: Checkup) -> dict[str, Any]:
    """Return the checkup as JSON holds it: keys as in `seen`, verdicts in English."""
    return {"format": 1, "program": f"gengbao {__version__}", **plain(checkup)}


def as_text(checkup: Checkup) -> str:
    """Return the checkup as Chinese text."""
    whole = len(checkup.files) <= FEW
    lines: list[str] = []
    for file in checkup.files:
        lines += _whole(file) if whole else _short(file)
    if checkup.findings:
        lines += ["", "另外：", *_findings(checkup.findings)]
    return "\n".join([*lines, "", *_summary(checkup, whole=whole)]).strip("\n") + "\n"


def _summary(checkup: Checkup, *, whole: bool) -> Iterator[str]:
    counts = {
        verdict: sum(file.verdict is verdict for file in checkup.files)
        for verdict in reversed(Verdict)
    }
    told = "，".join(f"{VERDICTS[v]} {count} 个" for v, count in counts.items() if count)
    yield f"共 {len(checkup.files)} 个数据文件" + (f"：{told}" if told else "")
    if checkup.passed_over:
        yield f"另有 {checkup.passed_over} 个附属文件或文档，未单独检查"
    if checkup.county:
        yield f"按 {checkup.county} 的 county.toml、镇办和行政区图层核对"
    elif any(layer.not_checked for file in checkup.files for layer in file.layers):
        yield "没有按县核对：文件不在县文件夹里，也没有给 --county；镇办、县代码等要到入库时才核对"
    if not whole:
        yield "逐项情况：单独检查该文件，或用 --json"
    yield f"结论：{VERDICTS[checkup.verdict]}"


def _short(file: FileSeen) -> list[str]:
    rows = [layer.rows for layer in file.layers if layer.rows is not None]
    told = f"（{file.kind or '？'}，{sum(rows)} 行）" if rows else ""
    findings = [*file.findings, *(f for layer in file.layers for f in layer.findings)]
    rejected = [tally for layer in file.layers for tally in layer.rejects]
    return [
        f"{VERDICTS[file.verdict]}  {file.path}{told}",
        *_findings(findings),
        *(f"    剔除 {_tally(tally)}" for tally in rejected),
    ]


def _whole(file: FileSeen) -> list[str]:
    lines = [f"{file.path}", f"  结论  {VERDICTS[file.verdict]}"]
    if file.kind:
        lines.append(f"  格式  {file.kind}（按文件内容认定），{_size(file.size)}")
    if file.sha256:
        lines.append(f"  校验  sha256 {file.sha256[:16]}……；sha256sums：{file.verified}")
    lines += [f"  提示  {remark}" for remark in file.remarks]
    lines += _findings(file.findings)
    for layer in file.layers:
        lines += _layer(layer)
    return [*lines, ""]


def _layer(layer: LayerSeen) -> Iterator[str]:
    role = ROLES.get(layer.role or "", layer.role or "入库不用")
    yield f"  图层 {layer.name}（{role}）：{VERDICTS[layer.verdict]}"
    yield f"    行数  {_rows(layer)}"
    if layer.encoding:
        yield f"    编码  {layer.encoding}"
    if layer.spatial:
        declared = " ".join((layer.crs_declared or "没有声明").split())
        yield f"    坐标系  {layer.crs or '不能确定'}"
        yield f"    声明  {declared[:100]}{'……' if len(declared) > 100 else ''}"  # noqa: PLR2004 - shown
        kinds = "，".join(f"{kind} {count}" for kind, count in layer.geometry.items())
        yield f"    图形  {kinds or '读不出来'}"
    else:
        yield "    图形  没有，是一张表"
    yield f"    字段  {_fields(layer)}"
    for tally in layer.rejects:
        yield f"    剔除  {_tally(tally)}"
    for tally in layer.notes:
        yield f"    提示  {_tally(tally)}"
    yield from (f"  {line}" for line in _findings(layer.findings))
    if layer.not_checked:
        yield f"    未核对  {'、'.join(layer.not_checked)}"


def _rows(layer: LayerSeen) -> str:
    if layer.rows is None:
        return "读不出来"
    told = f"文件 {layer.rows}，读出 {layer.read}"
    if layer.accepted is not None:
        told += f"，入库 {layer.accepted}，剔除 {layer.rejected}"
    return told


def _fields(layer: LayerSeen) -> str:
    shown = []
    for seen in layer.fields[:SHOWN_FIELDS]:
        text = seen.name
        if seen.national:
            text += "" if seen.national == seen.name else f"→{seen.national}"
            text += f"（{seen.label}）"
        if seen.note:
            text += f"（{seen.note}）"
        shown.append(text)
    rest = len(layer.fields) - SHOWN_FIELDS
    more = f" 等 {len(layer.fields)} 个" if rest > 0 else ""
    missing = _missing(layer)
    return ("、".join(shown) or "没有") + more + (f"；作地类图斑还缺 {missing}" if missing else "")


def _missing(layer: LayerSeen) -> str:
    """Return what a layer that no role asks for lacks to be plots, if it has some of it."""
    if layer.role is not None or not layer.spatial:
        return ""
    have = {seen.national for seen in layer.fields}
    needed = [field for field in fields.DLTB if field.required]
    lacking = [
        f"{field.national}（{field.label}）" for field in needed if field.national not in have
    ]
    return "、".join(lacking) if len(lacking) < len(needed) else ""


def _tally(tally: Tally) -> str:
    first = ""
    if tally.row is not None:
        which = f"，标识码 {tally.bsm}" if tally.bsm else ""
        first = f"（首个在第 {tally.row} 行{which}）"
    field = f"字段 {tally.field}：" if tally.field else ""
    count = f"{tally.count} 处：" if tally.count > 1 or tally.row is not None else ""
    advice = f"；{tally.advice}" if tally.advice else ""
    return f"{count}{field}{tally.found}{first}{advice}"


def _findings(findings: Sequence[Finding]) -> list[str]:
    return [f"    问题  {f.where}：{f.found}；处理办法：{f.advice}" for f in findings]


def _size(size: int) -> str:
    return f"{size / (1 << 20):.1f} MB" if size >= 1 << 20 else f"{size} 字节"
