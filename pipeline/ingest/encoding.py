"""Which encoding a layer's bytes are in: decided from the bytes, never by luck.

Strict UTF-8, then strict GB18030, over field names and all text values of one layer together;
single values are ambiguous (潜山 in GBK is valid UTF-8), so plausibility decides between the two.
.cpg and LDID are heard as witnesses only: both lie often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CANDIDATES = ("utf-8", "gb18030")
PLAUSIBLE = 0.7  # share of everyday (GB2312) characters; Chinese text in its own encoding has ~1
POSSIBLE = 0.3  # enough when half of the values hold a word of the trade, e.g. rare village names
KANA_SHARE = 0.1  # EUC-JP passes as GB2312, but no Chinese survey is written in kana
WORDS = ("村", "镇", "乡", "组", "街", "社区", "地", "田", "林", "园", "草", "水", "路", "县", "国")
DAMAGED = ("\ufffd", "锟斤拷", "烫烫烫")


@dataclass(frozen=True, slots=True)
class Sample:
    """A distinct non-ASCII value: field, first record number, bytes, field width (0: none)."""

    field: str
    row: int
    data: bytes
    width: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """The encoding, and in Chinese why, or why none can be chosen."""

    encoding: str
    evidence: str
    findings: tuple[Finding, ...] = ()


def decode_value(data: bytes, encoding: str, width: int = 0) -> tuple[str, bool]:
    """Decode strictly; a character cut off by the field's width is dropped and reported (True).

    Raises UnicodeDecodeError for anything else.
    """
    try:
        return data.decode(encoding), False
    except UnicodeDecodeError as error:
        cut = width and len(data) >= width - 1 and error.start >= len(data) - 3
        if not cut or not _incomplete(error):
            raise
        return data[: error.start].decode(encoding), True


def _incomplete(error: UnicodeDecodeError) -> bool:
    return "unexpected end of data" in error.reason or "incomplete multibyte" in error.reason


def decide(
    samples: Sequence[Sample], *, witnesses: str, stated: str | None, where: str
) -> Decision:
    """Choose the encoding of a layer's non-ASCII values.

    witnesses: what .cpg and LDID say, for the evidence; stated: the county's `encoding`, taken
    if all values decode. Findings name the first value that fails.
    """
    if not samples:
        return Decision(stated or "utf-8", f"全部为 ASCII 字符,无须判断({witnesses})")
    if stated:
        return _stated(samples, stated, where)
    scores = {encoding: _score(samples, encoding) for encoding in CANDIDATES}
    fitting = {encoding: score for encoding, score in scores.items() if score is not None}
    if not fitting:
        return Decision("", "", (_mixed(samples, where),))
    best = max(fitting, key=lambda e: (round(fitting[e], 6), e == "utf-8"))
    if not _plausible(samples, best, fitting[best]):
        return Decision("", "", (_doubtful(samples[0], best, fitting[best], where),))
    others = "、".join(e.upper() for e in CANDIDATES if e not in fitting)
    reason = f"{len(samples)} 个不同的非 ASCII 值全部可按 {best.upper()} 严格解码"
    reason += f",按 {others} 不能" if others else "(另一编码也能解码,但常用汉字比例较低)"
    return Decision(best, f"{best.upper()}:{reason};常用汉字占 {fitting[best]:.0%};{witnesses}")


def _stated(samples: Sequence[Sample], stated: str, where: str) -> Decision:
    for sample in samples:
        try:
            decode_value(sample.data, stated, sample.width)
        except UnicodeDecodeError:
            found = f"按 county.toml 写明的编码 {stated.upper()} 解不开 {_quote(sample.data)}"
            advice = "改正 county.toml 中该图层的 encoding,或删去它由程序判断"
            return Decision("", "", (Finding(_place(sample, where), found, advice),))
    return Decision(stated, f"{stated.upper()}:由 county.toml 写明,全部值可严格解码")


def _texts(samples: Iterable[Sample], encoding: str) -> list[str]:
    return [decode_value(s.data, encoding, s.width)[0] for s in samples]


def _score(samples: Sequence[Sample], encoding: str) -> float | None:
    """Return the share of everyday Chinese characters, None if any value doesn't decode."""
    try:
        characters = [c for text in _texts(samples, encoding) for c in text if ord(c) > 0x7F]  # noqa: PLR2004 - ASCII
    except UnicodeDecodeError:
        return None
    return sum(_everyday(c) for c in characters) / max(len(characters), 1)


def _everyday(character: str) -> bool:
    try:
        return len(character.encode("gb2312")) == 2  # noqa: PLR2004 - a GB2312 character
    except UnicodeEncodeError:
        return False


def _plausible(samples: Sequence[Sample], encoding: str, score: float) -> bool:
    texts = _texts(samples, encoding)
    joined = "".join(texts)
    kana = sum("\u3040" <= c <= "\u30ff" for c in joined)
    if kana > KANA_SHARE * len(joined):
        return False
    if score >= PLAUSIBLE:
        return True
    known = sum(any(word in text for word in (*WORDS, *DAMAGED)) for text in texts)
    return encoding == "utf-8" or (score >= POSSIBLE and 2 * known >= len(texts))


def _place(sample: Sample, where: str) -> str:
    return f"{where} 第 {sample.row} 行 字段 {sample.field}" if sample.row else f"{where} 字段名"


def _quote(data: bytes) -> str:
    return "字节 " + data[:16].hex(" ").upper() + ("……" if len(data) > 16 else "")  # noqa: PLR2004 - shown


def _advice(where: str) -> str:
    place = "parcels" if where.startswith("exports/") else "该图层"
    return (
        f"请原单位按 UTF-8 或 GBK 重新导出;确知编码时,在 county.toml 的 [layers] 为 {place} "
        '写明 encoding(如 encoding = "GBK")'
    )


def _doubtful(sample: Sample, encoding: str, score: float, where: str) -> Finding:
    found = (
        f"文字编码可疑:按 {encoding.upper()} 虽能解码,常用汉字只占 {score:.0%},"
        f"可能是 Big5、Shift-JIS 等其他编码({_quote(sample.data)})"
    )
    return Finding(_place(sample, where), found, _advice(where))


def _mixed(samples: Sequence[Sample], where: str) -> Finding:
    """Name the first value that doesn't fit the encoding most values are in."""
    failing: dict[str, list[Sample]] = {}
    for encoding in CANDIDATES:
        failing[encoding] = [s for s in samples if _score([s], encoding) is None]
    encoding = min(failing, key=lambda e: len(failing[e]))
    bad = min(failing[encoding], key=lambda s: s.row)
    most = len(samples) - len(failing[encoding])
    found = (
        f"同一图层混用编码:{most} 个值可按 {encoding.upper()} 解码,"
        f"{len(failing[encoding])} 个不能,首个为 {_quote(bad.data)}"
    )
    return Finding(_place(bad, where), found, _advice(where))
