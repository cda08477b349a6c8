"""contacts.csv: who answers for what. Optional; stdlib only; never in the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import Finding
from pipeline.ingest.lists import WHOLE_COUNTY
from pipeline.ingest.text import nearest, read_rows
from pipeline.model import Contact

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.model import Town

NAME = "contacts.csv"
COLUMNS = ("town", "village", "role", "unit", "person")
ROLE = "责任人"
"""The one role there is: the ledgers print who answers for a task, nothing prints another."""


def load_contacts(root: Path, towns: tuple[Town, ...]) -> tuple[tuple[Contact, ...], list[Finding]]:
    """Read contacts.csv where there is one; towns by name or alias, 全县 for the county.

    Findings name rows and columns, never a person.
    """
    path = root / NAME
    if not path.is_file():
        return (), []
    rows, findings = read_rows(path, COLUMNS)
    names = {name: town.name for town in towns for name in (town.name, *town.aliases)}
    names[WHOLE_COUNTY] = WHOLE_COUNTY
    found: dict[tuple[str, str], Contact] = {}
    for row in rows:
        where, cells = f"{NAME} 第 {row.line} 行", dict(row.cells)
        role = cells.pop("role")
        if len(names) > 1 and cells["town"] not in names:
            advice = nearest(cells["town"], names)
            findings.append(Finding(where, f"town“{cells['town']}”不在 towns.csv 中", advice))
        if role != ROLE:
            advice = f"只能写 {ROLE}：别的人员不印进任何成果，请删去这一行"
            findings.append(Finding(where, f"role“{role}”不认识", advice))
        if not cells["person"] and not cells["unit"]:
            findings.append(Finding(where, "unit、person 都为空", "至少填一样，或删去这一行"))
        contact = Contact(**{**cells, "town": names.get(cells["town"], cells["town"])})
        key = (contact.town, contact.village)
        if key in found:
            text = "同一镇办、村写了两行"
            findings.append(Finding(where, text, "只留一行；几个人写在同一格，用顿号隔开"))
        found[key] = contact
    return tuple(found.values()), findings


def contact_of(contacts: tuple[Contact, ...], town: str, village: str) -> Contact | None:
    """Return who answers for a village, else for its town, else for the county."""
    known = {(c.town, c.village): c for c in contacts}
    places = ((town, village), (town, ""), (WHOLE_COUNTY, ""))
    return next((known[place] for place in places if place in known), None)
