"""Chinese type from a pip package: Noto Sans SC, Regular and a real Bold, made once.

The package ships one variable face, of which matplotlib would draw the thinnest weight. Instances
of it are kept in a cache folder under a name that is the hash of everything they are made from.
There are two pairs: one of the common characters (GB 2312, Latin, signs), which nearly all texts
need and which is quick to make and to embed; and one of all characters, made when a text has one
beyond them, as village names do (垯, 圲, 𬒈).
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import fontTools
import numpy as np
from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer
from matplotlib.ft2font import FT2Font

from pipeline import storage
from pipeline.errors import ConfigError, Finding, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

WEIGHTS = {"Regular": 400, "Bold": 700}
PACKAGE, VARIABLE_FACE = "justmytype_intl_cjk", "fonts/ofl/notosanssc/NotoSansSC[wght].ttf"
_DROPPED = ("BASE", "GDEF", "GPOS", "GSUB", "HVAR", "STAT", "vhea", "vmtx")
_SIGNS = ((0x20, 0x250), (0x2000, 0x2800), (0x3000, 0x3400), (0xFF00, 0xFFF0))
"""Unicode ranges of signs: Latin, punctuation to dingbats, CJK symbols and units, full width."""
_WHOLE_FILE_SUM = 0xB1B0AFBA  # OpenType 1.9, table head: checkSumAdjustment


@dataclass(frozen=True, slots=True)
class Faces:
    """What the fonts can draw, and the files of its common part.

    common, characters: code points of the common pair, and of all there are.
    """

    common_regular: Path
    common_bold: Path
    common: frozenset[int]
    characters: frozenset[int]

    @property
    def regular(self) -> Path:
        """The Regular of all characters, made the first time (a quarter of a minute)."""
        return whole_face("Regular")

    @property
    def bold(self) -> Path:
        """The Bold of all characters, made the first time (a quarter of a minute)."""
        return whole_face("Bold")

    def file(self, text: str, *, bold: bool) -> Path:
        """Return the font file that a text is drawn with."""
        if self.common.issuperset(map(ord, text)):
            return self.common_bold if bold else self.common_regular
        return self.bold if bold else self.regular


@cache
def faces() -> Faces:
    """Return the fonts, making the common ones the first time (a few seconds).

    Raises ConfigError without the font package, OutputError without a folder to keep them.
    """
    source, folders = shipped(PACKAGE, VARIABLE_FACE), cache_folders()
    regular, bold = (cached(source, name, folders, common=True) for name in WEIGHTS)
    return Faces(
        regular,
        bold,
        frozenset(FT2Font(str(regular)).get_charmap()),
        frozenset(FT2Font(str(source)).get_charmap()),
    )


@cache
def whole_face(name: str) -> Path:
    """Return an instance (Regular, Bold) of all characters; raises as `faces` does."""
    return cached(shipped(PACKAGE, VARIABLE_FACE), name, cache_folders())


@cache
def common_characters() -> frozenset[int]:
    """Return GB 2312, Latin letters with accents, and the signs that maps and tables use."""
    pairs = (bytes((high, low)) for high in range(0xA1, 0xF8) for low in range(0xA1, 0xFF))
    chinese = (pair.decode("gb2312", errors="ignore") for pair in pairs)
    signs = (code for first, last in _SIGNS for code in range(first, last))
    return frozenset((*(ord(char) for char in chinese if char), *signs))


def shipped(package: str, name: str) -> Path:
    """Return a font file of an installed package. Raises ConfigError when it isn't there."""
    try:
        path = Path(str(files(package))) / name
    except ModuleNotFoundError:
        path = Path(package) / name
    if not path.is_file():
        raise ConfigError(
            Finding(f"字体包 {package}", f"没有安装或缺少 {name}", "请运行 make setup 重新安装依赖")
        )
    return path


def cache_folders() -> tuple[Path, ...]:
    """Return where the Bold may be kept: the user's cache, else the system's temporary folder."""
    spare = Path(tempfile.gettempdir()) / "gengbao" / "fonts"
    try:
        return Path.home() / ".cache" / "gengbao" / "fonts", spare
    except RuntimeError:  # an account without a home
        return (spare,)


def cached(source: Path, name: str, folders: Sequence[Path], *, common: bool = False) -> Path:
    """Return an instance (Regular, Bold) of a variable face from the first folder that has it.

    common: only of the common characters.
    If none has it, it is made and kept. A file that was cut off or altered (its OpenType check sum
    is wrong) is made anew. Raises OutputError when none of the folders can be written.
    """
    recipe = hashlib.sha256(source.read_bytes())
    recipe.update(f"wght={WEIGHTS[name]};fontTools={fontTools.version};-{_DROPPED};quick".encode())
    only = common_characters() if common else None
    recipe.update(repr(only and sorted(only)).encode())
    places = [folder / f"NotoSansSC-{name}-{recipe.hexdigest()[:16]}.ttf" for folder in folders]
    for place in places:
        if place.is_file() and whole(place.read_bytes()):
            return place
    data = instance(source.read_bytes(), name, only)
    refused: list[Finding] = []
    for place in places:
        try:
            storage.write_bytes(place, data)
        except OutputError as error:
            refused += error.findings
        else:
            return place
    raise OutputError(refused)


def whole(data: bytes) -> bool:
    """Tell whether a font file is complete, by the check sum that every OpenType file carries."""
    words = np.frombuffer(data + b"\0" * (-len(data) % 4), dtype=">u4")
    return int(words.sum(dtype=np.uint64)) & 0xFFFFFFFF == _WHOLE_FILE_SUM


def instance(source: bytes, name: str, only: AbstractSet[int] | None = None) -> bytes:
    """Return a static instance of a variable font, named after its weight; same bytes always.

    only: the characters to keep, where not all.
    """
    font = TTFont(io.BytesIO(source), recalcTimestamp=False, recalcBBoxes=False, lazy=True)
    for table in _DROPPED:
        if table in font:
            del font[table]
    if only is not None:
        _cut(font, only)
    static = instancer.instantiateVariableFont(font, {"wght": WEIGHTS[name]}, inplace=True)
    names = {1: "Noto Sans SC", 2: name, 4: f"Noto Sans SC {name}", 6: f"NotoSansSC-{name}"}
    for number, text in names.items():
        static["name"].setName(text, number, 3, 1, 0x409)
    _quick_to_subset(static)
    target = io.BytesIO()
    static.save(target)
    return target.getvalue()


def _cut(font: TTFont, only: AbstractSet[int]) -> None:
    """Keep the glyphs of some characters."""
    options = subset.Options()
    options.notdef_outline = options.glyph_names = options.legacy_cmap = True
    options.recalc_timestamp = False
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=only)
    cutter.subset(font)


def _quick_to_subset(font: TTFont) -> None:
    """Keep one character map and the glyphs' names: what reads a font reads both."""
    font.getGlyphOrder()  # named by the maps that go
    tables = font["cmap"].tables
    whole_maps = [table for table in tables if (table.format, table.platformID) == (12, 3)]
    font["cmap"].tables = whole_maps or tables
    font["post"].formatType = 2.0
    font["post"].extraNames, font["post"].mapping = [], {}


def check_characters(texts: Iterable[str], known: frozenset[int]) -> None:
    """Raise ConfigError naming every character that the fonts can't draw, with its text."""
    findings = [
        Finding(
            f"图上文字“{text}”",
            f"字体里没有字符“{char}”（U+{ord(char):04X}）",
            "请在来源表中改用字体所含的字形，或换用含此字的字体包",
        )
        for text in texts
        for char in dict.fromkeys(text)
        if char != "\n" and ord(char) not in known
    ]
    if findings:
        raise ConfigError(findings)
