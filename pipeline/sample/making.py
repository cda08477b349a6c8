"""Making the sample: checks, a temporary folder beside the target, one rename."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, Finding, UsageError
from pipeline.sample.county import build
from pipeline.sample.dates import RHYTHMS, later_days, rhythm
from pipeline.sample.defects import plant
from pipeline.sample.figures import SCALES
from pipeline.sample.folder import MARK, write_folder
from pipeline.sample.place import place_at, within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST = 100  # weekly, nearly two years


def make_sample(  # noqa: PLR0913 - the options of the command line, all by keyword
    root: Path,
    *,
    scale: str = "small",
    exports: int = 2,
    every: str | None = None,
    code: str | None = None,
    name: str | None = None,
    seed: int = 611026,
    centre: tuple[float, float] | None = None,
    defects: int = 0,
) -> None:
    """Write a whole synthetic county folder to `root`.

    scale: a name of SCALES; exports: number of exports after the ledger's, before and after the
    deadline; every: month, half-month or week (default: the more exports the oftener);
    code, name: of the county, else the figures' own; defects: how many errors of every kind are
    planted, with truth.csv beside; centre: longitude and latitude of its middle (degrees), whose 3°
    zone is its CRS. The same arguments give the same bytes (but for .gdb, whose rows and WKB are
    equal). Raises, before anything is written, UsageError for an unknown scale or rhythm, a bad
    code, centre, number of exports or of defects; ConfigError for a folder that holds anything
    that wasn't made here.
    """
    every = every or rhythm(exports)
    wrong = [*_wrong_words(scale, every, code, centre), *_wrong_counts(exports, defects)]
    occupied = _occupied(root)
    if wrong:
        raise UsageError([*wrong, *occupied])
    if occupied:
        raise ConfigError(occupied)
    county = build(SCALES[scale], later_days(exports, every), (code, name), place_at(centre), seed)
    temp = root.parent / f".{root.name}.sample-tmp"
    shutil.rmtree(temp, ignore_errors=True)
    temp.mkdir(parents=True)
    try:
        write_folder(county, temp)
        if defects:
            plant(county, temp, seed=seed, count=defects)
        _replace(temp, root)
    finally:
        shutil.rmtree(temp, ignore_errors=True)


def _wrong_words(
    scale: str, every: str, code: str | None, centre: tuple[float, float] | None
) -> Iterator[Finding]:
    """Yield what is wrong with the arguments that name or place something."""
    if scale not in SCALES:
        yield Finding("参数 scale", f"没有规模“{scale}”", f"可用：{'、'.join(SCALES)}")
    if every not in RHYTHMS:
        yield Finding("参数 every", f"没有间隔“{every}”", f"可用：{'、'.join(RHYTHMS)}")
    if code is not None and not (len(code) == 6 and code.isdigit()):  # noqa: PLR2004 - 6 digits
        yield Finding("参数 code", f"“{code}”不是六位数字", "例如 611026")
    if centre is not None and not within(centre):
        advice = "经度 73.5 至 136.5、纬度 15 至 55（度），例如 109.8,33.6"
        yield Finding("参数 centre", f"{centre[0]:g},{centre[1]:g} 不在范围内", advice)


def _wrong_counts(exports: int, defects: int) -> Iterator[Finding]:
    """Yield what is wrong with the numbers asked for."""
    if not 0 <= exports <= _MOST:
        yield Finding("参数 exports", f"{exports}", f"取 0 至 {_MOST}")
    if defects < 0:
        yield Finding("参数 defects", f"{defects}", "取 0（不埋错）或正整数")


def _occupied(root: Path) -> list[Finding]:
    """Return why a folder can't be written: it holds what wasn't made here."""
    toml = root / "county.toml"
    if toml.exists() and not toml.read_text(encoding="utf-8", errors="replace").startswith(MARK):
        return [Finding(str(toml), "这个县文件夹不是 gengbao sample 生成的", "另选一个空文件夹")]
    if root.exists() and not toml.exists() and _foreign(root):
        return [Finding(str(root), "文件夹里已有别的文件", "另选一个空文件夹")]
    return []


def _foreign(root: Path) -> list[str]:
    return sorted(p.name for p in root.iterdir() if p.name not in {"README.md", ".gitkeep"})


def _replace(temp: Path, root: Path) -> None:
    """Put the new folder in the place of the old; a README of the folder is kept."""
    readme = root / "README.md"
    if readme.exists():
        shutil.copy2(readme, temp / "README.md")
    old = root.parent / f".{root.name}.sample-old"
    shutil.rmtree(old, ignore_errors=True)
    if root.exists():
        root.rename(old)
    temp.rename(root)
    shutil.rmtree(old, ignore_errors=True)
