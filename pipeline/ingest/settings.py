"""county.toml, checked key by key. Stdlib only."""

from __future__ import annotations

import re
import tomllib
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING

from pipeline.errors import Finding
from pipeline.ingest.layersettings import check_crs, read_layers
from pipeline.ingest.text import decode, nearest
from pipeline.model import Mode, Thresholds

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.model import LayerSource

FILE = "county.toml"
TEXT_KEYS = ("name", "code", "crs", "rules")
DATE_KEYS = ("previous", "ledger", "deadline")
KEYS = (
    *TEXT_KEYS, *DATE_KEYS, "publisher", "mode", "sample", "layers", "phases", "thresholds",
)  # fmt: skip
DATE_ADVICE = '写成 "年-月-日"，如 "2023-09-30"'

LIMITS: dict[str, tuple[float, float]] = {
    "sliver_area_m2": (0, 1000),
    "sliver_width_m": (0, 10),
    "sliver_width_area_m2": (0, 10_000),
    "sliver_share": (0, 0.5),
    "sliver_share_area_m2": (0, 10_000),
    "whole_share": (0.5, 1),
    "mask_share": (0.01, 1),
    "close_share": (0.01, 1),
    "tbmj_rel": (0, 0.1),
    "tbmj_abs_m2": (0, 100),
    "repair_abs_m2": (0, 1),
    "repair_rel": (0, 0.001),
    "grid_m": (1e-6, 0.001),
}
"""Lowest and highest value a county may set for each threshold."""


@dataclass(slots=True)
class Settings:
    """county.toml as read so far; `findings` says what is wrong with it.

    parcels: what is stated of an export's plots, by its date (YYYY-MM-DD); "" for all others.
    """

    text: dict[str, str] = field(default_factory=dict)
    dates: dict[str, date] = field(default_factory=dict)
    mode: Mode = Mode.DERIVE
    sample: bool = False
    layers: dict[str, LayerSource] = field(default_factory=dict)
    parcels: dict[str, LayerSource] = field(default_factory=dict)
    phases: dict[str, tuple[date, date]] = field(default_factory=dict)
    thresholds: Thresholds = field(default_factory=Thresholds)
    findings: list[Finding] = field(default_factory=list)

    def wrong(self, where: str, found: str, advice: str) -> None:
        """Note one finding at `where` in county.toml."""
        self.findings.append(Finding(f"{FILE} {where}".rstrip(), found, advice))


def load_settings(path: Path) -> Settings:
    """Read county.toml; every problem is a finding of the result, none is raised."""
    settings = Settings()
    raw = _parse(path, settings)
    if raw is None:
        return settings
    for key in raw:
        if key not in KEYS:
            settings.wrong(key, f"不认识的键，值为 {_shown(raw[key])}", nearest(key, KEYS))
    _read_texts(raw, settings)
    _read_dates(raw, settings)
    _read_choices(raw, settings)
    read_layers(_table(raw, "layers", settings), settings)
    _read_phases(_table(raw, "phases", settings), settings)
    _read_thresholds(_table(raw, "thresholds", settings), settings)
    return settings


def _parse(path: Path, settings: Settings) -> dict[str, object] | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        advice = "在县文件夹中放入 county.toml，或用 --county 指向放有它的文件夹"
        settings.wrong("", f"{path.parent} 中没有 county.toml", advice)
        return None
    except OSError as error:
        settings.wrong("", f"文件读不出来（{error.strerror}）", "检查文件及其权限后重试")
        return None
    text, findings = decode(data, FILE)
    if findings:
        settings.findings += findings
        return None
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        advice = "文字和日期用英文双引号括起，一行一个“键 = 值”，同一个键只写一次"
        settings.wrong("", f"不合 TOML 语法（{error}）", advice)
        return None


def _shown(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else repr(value)


def _table(raw: dict[str, object], key: str, settings: Settings) -> dict[str, object]:
    value = raw.get(key, {})
    if isinstance(value, dict):
        return value
    settings.wrong(key, f"应为一节，实为 {value!r}", f"写成 [{key}] 一节，其下每行一个键")
    return {}


def _read_texts(raw: dict[str, object], settings: Settings) -> None:
    for key in (*TEXT_KEYS, "publisher"):
        value = raw.get(key, "" if key == "publisher" else None)
        if value is None:
            settings.wrong(key, "缺少这个键", f'补写 {key} = "……"')
        elif not isinstance(value, str) or (key != "publisher" and not value.strip()):
            settings.wrong(key, f"应为非空文字，实为 {value!r}", f'写成 {key} = "……"（英文双引号）')
        else:
            settings.text[key] = value.strip()
    code, crs = settings.text.get("code"), settings.text.get("crs")
    if code is not None and not re.fullmatch(r"[0-9]{6}", code):
        settings.wrong("code", f"“{code}”不是 6 位数字", "填写县级行政区划代码，如 611026")
    if crs is not None:
        check_crs(crs, "crs", settings, delivered=False)
        settings.text["crs"] = crs.upper()


def _date(value: object) -> date | None:
    if isinstance(value, date):
        return value if type(value) is date else None  # a TOML date-time is no date
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    return None


def _read_dates(raw: dict[str, object], settings: Settings) -> None:
    for key in DATE_KEYS:
        value = _date(raw.get(key))
        if key not in raw:
            settings.wrong(key, "缺少这个键", f'补写 {key} = "年-月-日"')
        elif value is None:
            settings.wrong(key, f"{raw[key]!r} 不是有效日期", DATE_ADVICE)
        else:
            settings.dates[key] = value
    for early, late in (("previous", "ledger"), ("ledger", "deadline")):
        first, last = settings.dates.get(early), settings.dates.get(late)
        if first and last and first >= last:
            advice = "应为 previous（上年调查）< ledger（建台账）< deadline（整改期限）"
            settings.wrong(late, f"{last} 不晚于 {early} 的 {first}", advice)


def _read_choices(raw: dict[str, object], settings: Settings) -> None:
    mode = raw.get("mode", Mode.DERIVE.value)
    if isinstance(mode, str) and mode in list(Mode):
        settings.mode = Mode(mode)
    else:
        settings.wrong("mode", f"值 {mode!r} 不认识", nearest(str(mode), list(Mode)))
    sample = raw.get("sample", False)
    if isinstance(sample, bool):
        settings.sample = sample
    else:
        settings.wrong("sample", f"应为 true 或 false，实为 {sample!r}", "去掉引号，或删去这一行")


def _read_phases(table: dict[str, object], settings: Settings) -> None:
    for name, value in table.items():
        days = [_date(day) for day in value] if isinstance(value, list) else []
        where = f"[phases] {name}"
        if len(days) != 2 or days[0] is None or days[1] is None:  # noqa: PLR2004 - first and last
            advice = '写成 ["首日", "末日"]，如 ["2023-10-01", "2023-10-31"]'
            settings.wrong(where, f"{value!r} 不是起止日期", advice)
        elif days[0] > days[1]:
            settings.wrong(where, f"首日 {days[0]} 晚于末日 {days[1]}", "对调或改正日期")
        else:
            settings.phases[name] = (days[0], days[1])
    ordered = sorted(settings.phases.items(), key=lambda item: item[1])
    for (name, (_, last)), (following, (first, _)) in combinations(ordered, 2):
        if first <= last:
            found = f"首日 {first} 不晚于阶段“{name}”的末日 {last}，两个阶段重叠"
            advice = "一天只能属于一个阶段，改正其中一个的日期"
            settings.wrong(f"[phases] {following}", found, advice)


def _read_thresholds(table: dict[str, object], settings: Settings) -> None:
    defaults = asdict(Thresholds())
    values: dict[str, float] = {}
    for name, value in table.items():
        where = f"[thresholds] {name}"
        if name not in defaults:
            settings.wrong(where, f"不认识的键，值为 {value!r}", nearest(name, defaults))
            continue
        low, high = LIMITS[name]
        number = value if isinstance(value, (int, float)) else float("nan")
        if not isinstance(value, bool) and low <= number <= high:
            values[name] = float(number)
        else:
            advice = f"填写 {low:g} 至 {high:g} 之间的数；删去这一行则用默认值 {defaults[name]:g}"
            settings.wrong(where, f"值 {value!r} 不在允许范围内", advice)
    settings.thresholds = Thresholds(**values)
