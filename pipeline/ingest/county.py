"""A county folder, read and checked before any data is touched. Stdlib only, quick to import."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, Finding, InputError
from pipeline.ingest.contacts import load_contacts
from pipeline.ingest.files import (
    EXPORTS,
    check_roles,
    file_group,
    input_files,
    list_exports,
    members,
    role_files,
    shown,
    source_files,
)
from pipeline.ingest.lists import load_targets, load_towns
from pipeline.ingest.plan import load_plan
from pipeline.ingest.published import load_published
from pipeline.ingest.settings import Settings, load_settings
from pipeline.model import County

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from pipeline.model import Target, Town

DATED_KEYS = ("previous", "ledger")

__all__ = [
    "file_group", "input_files", "load_county", "members", "role_files", "shown", "source_files",
]  # fmt: skip


def load_county(root: Path) -> County:
    """Read and check county.toml, the county's own tables and the folders and files they name.

    Opens no survey data. Raises ConfigError when a setting or list is wrong (data findings are
    told along), InputError when only export folders or layer files are; all findings at once.
    """
    settings = load_settings(root / "county.toml")
    towns, town_findings = load_towns(root / "towns.csv", settings.text.get("code"))
    targets, target_findings = load_targets(root / "targets.csv", towns)
    published, published_findings = load_published(root / "published.csv", towns)
    span = (settings.dates.get("ledger"), settings.dates.get("deadline"))
    plan, plan_findings = load_plan(root / "plan.csv", towns, span)
    _, contact_findings = load_contacts(root, towns)  # checked with the rest, but kept nowhere
    exports, data_findings = _look(root, settings)
    findings = [
        *settings.findings, *town_findings, *target_findings, *published_findings, *plan_findings,
        *contact_findings,
    ]  # fmt: skip
    if findings:
        raise ConfigError([*findings, *data_findings])
    if data_findings:
        raise InputError(data_findings)
    county = _county(root, settings, towns, targets, exports)
    return replace(county, published=published, plan=plan)


def _look(root: Path, settings: Settings) -> tuple[tuple[date, ...], list[Finding]]:
    """Return the exports, and what is wrong with the folders and files that settings name."""
    try:
        exports, findings = list_exports(root)
        findings += _check_dates(settings, exports)
        asked = tuple(d for d in exports if d >= settings.dates.get("ledger", d))
        return exports, findings + check_roles(root, settings.layers.values(), asked)
    except OSError as error:
        where = os.path.relpath(error.filename or root, root)
        advice = "确认文件夹没有被移走、网络盘没有断开、有读取权限后重新运行"
        raise InputError(Finding(where, f"文件夹读不出来（{error.strerror}）", advice)) from error


def _check_dates(settings: Settings, exports: tuple[date, ...]) -> list[Finding]:
    have = "、".join(day.isoformat() for day in exports) or "无"
    named = {
        key: settings.dates[key].isoformat() for key in DATED_KEYS if key in settings.dates
    } | {f"[layers.parcels.{day}]": day for day in settings.parcels if day}
    return [
        Finding(
            f"{EXPORTS}/{day}",
            f"county.toml 的 {key} 指的这一期不存在",
            f"放入该期数据，或改正 county.toml 的 {key}；现有各期：{have}",
        )
        for key, day in named.items()
        if day not in {export.isoformat() for export in exports}
    ]


def _county(
    root: Path,
    settings: Settings,
    towns: tuple[Town, ...],
    targets: tuple[Target, ...],
    exports: tuple[date, ...],
) -> County:
    return County(
        root=root,
        name=settings.text["name"],
        code=settings.text["code"],
        crs=settings.text["crs"],
        previous=settings.dates["previous"],
        ledger=settings.dates["ledger"],
        deadline=settings.dates["deadline"],
        rules=settings.text["rules"],
        publisher=settings.text.get("publisher", ""),
        mode=settings.mode,
        sample=settings.sample,
        layers=settings.layers,
        phases=settings.phases,
        thresholds=settings.thresholds,
        towns=towns,
        targets=targets,
        exports=exports,
        parcels=settings.parcels,
    )
