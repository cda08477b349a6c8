"""Making the sample: checks, a temporary folder beside the target, one rename."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, Finding
from pipeline.sample.county import build
from pipeline.sample.dates import RHYTHMS, later_days, rhythm
from pipeline.sample.defects import plant
from pipeline.sample.figures import SCALES
from pipeline.sample.folder import MARK, write_folder
from pipeline.sample.place import place_at, within

if TYPE_CHECKING:
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
    equal). Raises ConfigError, before anything is written, for
    an unknown scale or rhythm, a bad code or number of exports, and for a folder with a
    county.toml that wasn't made here.
    """
    every = every or rhythm(exports)
    _check(root, scale, (exports, every), code, centre)
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


def _check(
    root: Path,
    scale: str,
    asked: tuple[int, str],
    code: str | None,
    centre: tuple[float, float] | None,
) -> None:
    exports, every = asked
    findings = []
    if scale not in SCALES:
        findings.append(Finding("参数 scale", f"没有规模“{scale}”", f"可用：{'、'.join(SCALES)}"))
    if not 0 <= exports <= _MOST:
        findings.append(Finding("参数 exports", f"{exports}", f"取 0 至 {_MOST}"))
    if every not in RHYTHMS:
        findings.append(Finding("参数 every", f"没有间隔“{every}”", f"可用：{'、'.join(RHYTHMS)}"))
    if code is not None and not (len(code) == 6 and code.isdigit()):  # noqa: PLR2004 - 6 digits
        findings.append(Finding("参数 code", f"“{code}”不是六位数字", "例如 611026"))
    if centre is not None and not within(centre):
        advice = "经度 73.5 至 136.5、纬度 15 至 55（度），例如 109.8,33.6"
        findings.append(Finding("参数 centre", f"{centre[0]:g},{centre[1]:g} 不在范围内", advice))
    toml = root / "county.toml"
    if toml.exists() and not toml.read_text(encoding="utf-8", errors="replace").startswith(MARK):
        findings.append(
            Finding(str(toml), "这个县文件夹不是 gengbao sample 生成的", "另选一个空文件夹")
        )
    elif root.exists() and not toml.exists() and _foreign(root):
        findings.append(Finding(str(root), "文件夹里已有别的文件", "另选一个空文件夹"))
    if findings:
        raise ConfigError(findings)


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
