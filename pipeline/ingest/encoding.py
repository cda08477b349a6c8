"""Which encoding a layer's bytes are in: decided from the bytes, never by luck.

Strict UTF-8, then strict GB18030, over field names and all text values of one layer together;
single values are ambiguous (潜山 in GBK is valid UTF-8), and Big5, Shift-JIS, EUC-KR bytes pass
as GB18030 too, so plausibility decides: everyday characters and words known beforehand (DLMC,
town names, statuses). .cpg and LDID are heard as witnesses only: both lie often.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

CANDIDATES = ("utf-8", "gb18030")
PLAUSIBLE = 0.7  # share of everyday characters; Chinese text in its own encoding has nearly 1
POSSIBLE = 0.3  # enough when a known word is there, e.g. beside rare village names
STRANGERS = 5  # from so many values on, Chinese survey text holds some word of the trade
TRADE = frozenset("村镇乡组街社区地田林园草水路县国")
TRADE_SHARE, AT_HOME = 0.2, 0.4  # of the values hold one of these; random characters: 0.02
ASCII = 0x7F
FIRST_HANZI = 0xB0  # rows 16 to 87 of GB2312; before: kana, Greek, Cyrillic, signs
PUNCTUATION = "，。、；：（）《》“”—·－／％＋０１２３４５６７８９"
SAID = {
    "UTF-8": "utf-8", "UTF8": "utf-8", "65001": "utf-8", "CP65001": "utf-8",
    "GBK": "gb18030", "936": "gb18030", "CP936": "gb18030", "GB2312": "gb18030",
    "GB18030": "gb18030", "54936": "gb18030", "ANSI 936": "gb18030", "WINDOWS-936": "gb18030",
    "MS936": "gb18030", "BIG5": "big5", "950": "big5", "CP950": "big5", "ANSI 950": "big5",
}  # fmt: skip
"""What a .cpg says, where it says something we know."""
LDIDS = {0x4D: "gb18030", 0x7A: "gb18030", 0x4F: "big5", 0x78: "big5"}
"""What the language driver id of a DBF says (0x57, "ANSI", says nothing)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A distinct non-ASCII value: field, first record number, bytes, field width (0: none)."""

    field: str
    row: int
    data: bytes
    width: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """The encoding, and in Chinese why, what the witnesses got wrong, or why none can be chosen."""

    encoding: str
    evidence: str
    findings: tuple[Finding, ...] = ()
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What stands beside the bytes: text of the .cpg (None: no such file), LDID of the DBF."""

    cpg: str | None = None
    ldid: int = 0

    def __str__(self) -> str:
        """Return both as shown in evidence."""
        return f".cpg：{(self.cpg or '无')[:20]}，LDID：0x{self.ldid:02X}"

    def warning(self, encoding: str) -> str:
        """Return what a clerk should know when they don't bear `encoding` out, "" if they do."""
        said = SAID.get((self.cpg or "").strip().upper())
        said = said or (None if self.cpg else LDIDS.get(self.ldid))
        if said == encoding:
            return ""
        word = "没有说明" if said is None else "说错了"
        return f"文件{word}文字编码（{self}），已按字节判定为 {encoding.upper()}"


@dataclass(frozen=True, slots=True)
class Reading:
    """How all values read in one encoding: share of everyday characters, values with a known word.

    trade: share of values with a character of the trade (村, 镇, 地, 林 …).
    """

    encoding: str
    share: float
    known: int
    trade: float

    @property
    def rank(self) -> tuple[bool, float, bool]:
        """Return what makes one reading better than another."""
        return bool(self.known), round(self.share, 6), self.encoding == "utf-8"


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
    samples: Sequence[Sample],
    *,
    witnesses: Witnesses | None,
    words: Collection[str],
    stated: str | None,
    where: str,
) -> Decision:
    """Choose the encoding of a layer's non-ASCII values.

    witnesses: .cpg and LDID, None where a format has none; words: known beforehand; stated: the
    county's `encoding`, taken if all values decode. Findings name the first value that fails.
    """
    heard = f"；{witnesses}" if witnesses else ""
    if not samples:
        return Decision(stated or "utf-8", f"全部为 ASCII 字符，无须判断{heard}")
    if stated:
        return _stated(samples, stated, where)
    fitting = [r for r in (_read(samples, e, words) for e in CANDIDATES) if r is not None]
    if not fitting:
        return Decision("", "", (_mixed(samples, where),))
    best = max(fitting, key=lambda reading: reading.rank)
    doubt = _doubt(samples, best, alone=len(fitting) == 1)
    if doubt:
        return Decision("", "", (_doubtful(samples[0], best, doubt, where),))
    return Decision(
        best.encoding,
        _evidence(samples, best, fitting) + heard,
        warning=witnesses.warning(best.encoding) if witnesses else "",
    )


def _evidence(samples: Sequence[Sample], best: Reading, fitting: Sequence[Reading]) -> str:
    name = best.encoding.upper()
    reason = f"{name}：{len(samples)} 个不同的非 ASCII 值全部可按 {name} 严格解码"
    others = [e.upper() for e in CANDIDATES if e not in {r.encoding for r in fitting}]
    if others:
        reason += f"，按 {'、'.join(others)} 不能"
    else:
        other = next(r for r in fitting if r is not best)
        reason += f"（按 {other.encoding.upper()} 也能解码，但常用汉字只占 {other.share:.0%}）"
    return f"{reason}；常用汉字占 {best.share:.0%}，{best.known} 个值含已知地类名、地名"


def _stated(samples: Sequence[Sample], stated: str, where: str) -> Decision:
    for sample in samples:
        try:
            decode_value(sample.data, stated, sample.width)
        except UnicodeDecodeError:
            found = f"按 county.toml 写明的编码 {stated.upper()} 解不开 {_quote(sample.data)}"
            advice = "改正或删去 county.toml 中该图层的 encoding；个别值损坏的，在原数据中改正"
            return Decision("", "", (Finding(_place(sample, where), found, advice),))
    return Decision(stated, f"{stated.upper()}：由 county.toml 写明，全部值可严格解码")


def _read(samples: Sequence[Sample], encoding: str, words: Collection[str]) -> Reading | None:
    """Return how the values read in an encoding, None if any of them doesn't decode."""
    try:
        texts = [decode_value(s.data, encoding, s.width)[0] for s in samples]
    except UnicodeDecodeError:
        return None
    counts = Counter("".join(texts))
    odd = {character: n for character, n in counts.items() if ord(character) > ASCII}
    found = re.compile("|".join(map(re.escape, sorted(words))) or r"\Z.")
    return Reading(
        encoding,
        share=sum(n for c, n in odd.items() if _everyday(c)) / max(sum(odd.values()), 1),
        known=sum(found.search(text) is not None for text in texts),
        trade=sum(not TRADE.isdisjoint(text) for text in texts) / len(texts),
    )


def _everyday(character: str) -> bool:
    """Return whether a character is a GB2312 ideograph or Chinese punctuation."""
    try:
        data = character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return data[0] >= FIRST_HANZI or character in PUNCTUATION


def _doubt(samples: Sequence[Sample], reading: Reading, *, alone: bool) -> str:
    """Return why a reading isn't to be trusted, "" if it is.

    Strict UTF-8 that is no GB18030 is proof enough; all else must look like Chinese survey text.
    """
    if reading.encoding == "utf-8" and alone:
        return ""
    at_home = reading.known or reading.trade >= AT_HOME
    if reading.share < (POSSIBLE if at_home else PLAUSIBLE):
        return f"常用汉字只占 {reading.share:.0%}" + (
            "" if at_home else "，又没有一个已知地类名、地名"
        )
    strange = not reading.known and reading.trade < TRADE_SHARE
    if strange and len(samples) >= STRANGERS:
        return f"{len(samples)} 个值里没有一个已知地类名、地名"
    return ""


def _place(sample: Sample, where: str) -> str:
    return f"{where} 第 {sample.row} 行 字段 {sample.field}" if sample.row else f"{where} 字段名"


def _quote(data: bytes) -> str:
    return "字节 " + data[:16].hex(" ").upper() + ("……" if len(data) > 16 else "")  # noqa: PLR2004 - shown


def _doubtful(sample: Sample, reading: Reading, doubt: str, where: str) -> Finding:
    found = (
        f"文字编码可疑：按 {reading.encoding.upper()} 虽能解码，但{doubt}，"
        f"可能是 Big5、Shift-JIS 等其他编码（{_quote(sample.data)}）"
    )
    place = "parcels" if where.startswith("exports/") else "该图层"
    advice = (
        f"请原单位按 UTF-8 或 GBK 重新导出；确知编码时，在 county.toml 的 [layers] 为 {place} "
        '写明 encoding（如 encoding = "GBK"、encoding = "Big5"）'
    )
    return Finding(_place(sample, where), found, advice)


def _fails(samples: Iterable[Sample], encoding: str) -> list[Sample]:
    failing = []
    for sample in samples:
        try:
            decode_value(sample.data, encoding, sample.width)
        except UnicodeDecodeError:
            failing.append(sample)
    return failing


def _mixed(samples: Sequence[Sample], where: str) -> Finding:
    """Name the first values that don't fit the encoding most values are in."""
    failing = {encoding: _fails(samples, encoding) for encoding in CANDIDATES}
    encoding = min(failing, key=lambda e: len(failing[e]))
    bad = sorted(failing[encoding], key=lambda s: (s.row, s.field))
    others = "、".join(f"第 {s.row} 行 {s.field}" for s in bad[1:4])
    found = (
        f"同一图层混用编码：{len(samples) - len(bad)} 个值可按 {encoding.upper()} 解码，"
        f"{len(bad)} 个不能，首个为 {_quote(bad[0].data)}"
        + (f"，其余如 {others}" if others else "")
    )
    advice = (
        "在原数据中改正所列各值后按 UTF-8 或 GBK 重新导出整层；整层确是另一种编码的，"
        '在 county.toml 的 [layers] 写明 encoding（如 encoding = "GBK"）'
    )
    return Finding(_place(bad[0], where), found, advice)
