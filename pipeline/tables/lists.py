"""Code lists, categories and field-name aliases, cross-checked while they are read."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.fields import BSM as BSM_FIELD
from pipeline.fields import DLTB, ROLE_FIELDS, SXRQ, Field
from pipeline.model import Category, Indicator
from pipeline.tables.reader import (
    Row,
    hint,
    one_of,
    package_file,
    raise_all,
    read_rows,
    unique,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.resources.abc import Traversable

    from pipeline.errors import Finding

GROUPS = ("cropland", "other_agri", "construction", "unused")
YES_NO = ("yes", "no")
SUBTOTALS = ("pbf_subtotal", "cropland_subtotal", "")
GAPS = (Indicator.PBF.value, Indicator.CROPLAND.value, Indicator.IN_OUT_BALANCE.value, "")
NEEDED = ("none", "review")
PARCELS = "parcels"
DLBM_COLUMNS = ("code", "name", "group", "wetland", "natural_host", "linear", "note")
LIST_COLUMNS = ("code", "label", "hosts")
CLASS_COLUMNS = (
    "name", "label", "short", "order", "task", "gap", "subtotal", "work_needed", "colour",
    "label_long",
)  # fmt: skip
_DLBM_FORM = re.compile(r"(09|\d{4}|\d{2}H\d)[AK]?")


@dataclass(frozen=True, slots=True)
class LandCode:
    """One row of codelists/dlbm.csv: a leaf class of 三调工作分类."""

    code: str
    name: str
    group: str
    wetland: bool
    natural_host: bool
    linear: bool
    note: str


@dataclass(frozen=True, slots=True)
class Code:
    """One row of another code list; hosts: the DLBM it may stand on, empty = any."""

    code: str
    label: str
    hosts: tuple[str, ...]


def zero_hint(value: str, known: Iterable[str]) -> str:
    """Return a Chinese question when a spreadsheet seems to have dropped a leading zero, or ""."""
    padded = f"0{value}"
    return f"；是否被表格软件去掉了 {padded} 的前导零？" if padded in set(known) else ""


@cache
def load_classes() -> tuple[Category, ...]:
    """Return the categories of classes.csv in their order; ConfigError with every fault in it."""
    return read_classes(package_file("classes.csv"))


def read_classes(source: Traversable) -> tuple[Category, ...]:
    """Return the categories of a classes table; ConfigError with every fault in it.

    Checked: names, short names, labels, orders and colours are unique, orders are 1..n, words
    are allowed ones, a task of a gap stands in that gap's list, `none` and `review` are there.
    """
    findings: list[Finding] = []
    rows = read_rows(source, "classes.csv", CLASS_COLUMNS, findings)
    for column in ("name", "label", "label_long", "short", "order", "colour"):
        unique(rows, column, findings)
    for number, row in enumerate(rows, 1):
        for column, allowed in (
            ("task", YES_NO), ("work_needed", YES_NO), ("gap", GAPS), ("subtotal", SUBTOTALS),
            ("order", (str(number),)),
        ):  # fmt: skip
            one_of(row, column, allowed, findings)
        if not re.fullmatch(r"#[0-9A-F]{6}", row["colour"]):
            found = f"{row['colour'] or '（空）'} 不是颜色"
            findings.append(row.finding("colour", found, "写成 #RRGGBB，大写十六进制"))
        if row["task"] == "no" and (row["gap"] or row["subtotal"] or row["work_needed"] == "yes"):
            found = f"{row['name']} 不是任务，却写了 gap、subtotal 或 work_needed"
            findings.append(row.finding("task", found, "改为 task = yes，或清空这几列"))
    names = {row["name"] for row in rows}
    if rows:
        findings += [
            rows[-1].finding("name", f"缺少类别 {name}", "补上这一行")
            for name in NEEDED
            if name not in names
        ]
    raise_all(findings)
    return tuple(_category(row) for row in rows)


def _category(row: Row) -> Category:
    texts = {name: row[name] for name in ("name", "label", "label_long", "short", "gap")}
    return Category(
        **texts,
        subtotal=row["subtotal"],
        colour=row["colour"],
        order=int(row["order"]),
        task=row["task"] == "yes",
        work_needed=row["work_needed"] == "yes",
    )


@cache
def load_land_codes() -> tuple[LandCode, ...]:
    """Return codelists/dlbm.csv; ConfigError with every fault in it."""
    return read_land_codes(package_file("codelists", "dlbm.csv"))


def read_land_codes(source: Traversable) -> tuple[LandCode, ...]:
    """Return a table of land classes; ConfigError with every fault in it.

    Checked: codes have the form of 三调工作分类 (a dropped leading zero is named), are unique,
    groups are known, 01xx and only they are cropland, wetland classes are other_agri.
    """
    findings: list[Finding] = []
    rows = read_rows(source, "codelists/dlbm.csv", DLBM_COLUMNS, findings)
    unique(rows, "code", findings)
    unique(rows, "name", findings)
    for row in rows:
        for column in ("wetland", "natural_host", "linear"):
            one_of(row, column, YES_NO, findings)
        one_of(row, "group", GROUPS, findings)
        code = row["code"]
        if not _DLBM_FORM.fullmatch(code):
            ask = (
                f"；是否被表格软件去掉了 0{code} 的前导零？"
                if _DLBM_FORM.fullmatch(f"0{code}")
                else ""
            )
            found = f"{code or '（空）'} 不是地类编码的写法{ask}"
            findings.append(row.finding("code", found, "按三调工作分类写全编码，列设为文本格式"))
        elif code.startswith("01") != (row["group"] == "cropland"):
            found = f"{code} 的 group 为 {row['group']}"
            findings.append(row.finding("group", found, "01 开头的编码且只有它们属 cropland"))
        if row["wetland"] == "yes" and row["group"] != "other_agri":
            found = f"湿地类 {code} 的 group 为 {row['group']}"
            findings.append(row.finding("group", found, "湿地类按其他农用地（other_agri）"))
    raise_all(findings)
    return tuple(
        LandCode(
            row["code"],
            row["name"],
            row["group"],
            row["wetland"] == "yes",
            row["natural_host"] == "yes",
            row["linear"] == "yes",
            row["note"],
        )
        for row in rows
    )


def land_frame(codes: Sequence[LandCode]) -> pd.DataFrame:
    """Return land classes as a frame: columns of dlbm.csv, text and bool, index 0..n-1."""
    return pd.DataFrame(
        {name: [getattr(code, name) for code in codes] for name in DLBM_COLUMNS},
        columns=list(DLBM_COLUMNS),
    )


def list_names() -> tuple[str, ...]:
    """Return the names of the code lists, sorted, dlbm left out."""
    files = (file.name for file in package_file("codelists").iterdir())
    return tuple(sorted(f[:-4] for f in files if f.endswith(".csv") and f != "dlbm.csv"))


@cache
def load_codes(name: str) -> tuple[Code, ...]:
    """Return codelists/NAME.csv; ConfigError with every fault in it."""
    return read_codes(package_file("codelists", f"{name}.csv"), name)


def read_codes(source: Traversable, name: str) -> tuple[Code, ...]:
    """Return a code list; ConfigError for repeated codes or labels and hosts that are no DLBM."""
    findings: list[Finding] = []
    rows = read_rows(source, f"codelists/{name}.csv", LIST_COLUMNS, findings)
    unique(rows, "code", findings)
    unique(rows, "label", findings)
    known = [code.code for code in load_land_codes()]
    for row in rows:
        if not row["code"] or not row["label"]:
            findings.append(row.finding("code", "编码或名称为空", "补全，或删去这一行"))
        for host in filter(None, row["hosts"].split("|")):
            if host not in known:
                found = f"{host} 不在地类编码表{zero_hint(host, known)}"
                findings.append(row.finding("hosts", found, hint(host, known)))
    raise_all(findings)
    return tuple(
        Code(r["code"], r["label"], tuple(filter(None, r["hosts"].split("|")))) for r in rows
    )


def fields_of(role: str) -> tuple[Field, ...] | None:
    """Return the fields a role may bring, None for an unknown role."""
    if role == PARCELS:
        return DLTB
    if role.startswith("task_") and role[5:] in {c.name for c in load_classes() if c.task}:
        return (BSM_FIELD, SXRQ)
    return ROLE_FIELDS.get(role)


def normal(name: str) -> str:
    """Return a delivered field name as aliases are compared: NFKC, upper case, no blanks."""
    return "".join(unicodedata.normalize("NFKC", name).upper().split())


def load_aliases(role: str) -> dict[str, str]:
    """Return alias → national field name of a role from all aliases/*.csv."""
    sources = sorted(package_file("aliases").iterdir(), key=lambda file: file.name)
    return read_aliases([file for file in sources if file.name.endswith(".csv")], role)


def read_aliases(sources: Sequence[Traversable], role: str) -> dict[str, str]:
    """Return alias → national field name of a role; ConfigError with every fault in any of them.

    Aliases are keyed as `normal` writes them. Checked in every row of every file: the role and
    the role's field are known, no alias names two fields of a role or stands for itself while
    being another standard field of that role.
    """
    findings: list[Finding] = []
    found: dict[str, dict[str, tuple[str, Row]]] = {}
    for source in sources:
        for row in read_rows(
            source, f"aliases/{source.name}", ("role", "field", "alias"), findings
        ):
            _collect(row, found, findings)
    raise_all(findings)
    return {alias: field for alias, (field, _) in found.get(role, {}).items()}


def _collect(
    row: Row, found: dict[str, dict[str, tuple[str, Row]]], findings: list[Finding]
) -> None:
    fields = fields_of(row["role"])
    if fields is None:
        advice = hint(row["role"], [PARCELS, *ROLE_FIELDS])
        findings.append(row.finding("role", f"不认识的图层 {row['role'] or '（空）'}", advice))
        return
    names = [field.national for field in fields]
    if not one_of(row, "field", names, findings):
        return
    alias, field = normal(row["alias"]), row["field"]
    if not alias:
        findings.append(row.finding("alias", "别名为空", "填写来件中的字段名，或删去这一行"))
    elif alias in names:
        what = "就是标准字段名" if alias == field else f"是另一个标准字段 {alias}"
        findings.append(row.finding("alias", f"{row['alias']} {what}", "删去这一行"))
    elif alias in found.setdefault(row["role"], {}):
        other, first = found[row["role"]][alias]
        text = f"别名 {row['alias']} 已在 {first.file} 第 {first.line} 行指向 {other}"
        findings.append(row.finding("alias", text, "一个别名只能出现一次，删去一处"))
    else:
        found[row["role"]][alias] = (field, row)
