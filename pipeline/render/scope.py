"""What the places of a sheet are called: the towns of a county, or the counties of a province."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The words of a sheet's whole and parts, and what else its places make differ.

    whole: in sentences, and the name of its row in gaps; part: behind a number; each: before what
    parts have; lines: names of the outer and the inner border; note: what the borders are not;
    issue: which data it is, "" for an issue of one county; deadline: one for all parts; breaks:
    what classes of areas are called before the map's name in breaks.csv; crowded: of so many
    parts that a rank stands for a name that doesn't fit.
    """

    whole: str
    part: str
    each: str
    lines: tuple[str, str]
    note: str
    issue: str = ""
    deadline: bool = True
    breaks: str = ""
    crowded: bool = False


COUNTY = Scope(
    whole="全县",
    part="镇办",
    each="各镇",
    lines=("县界", "镇（办）界"),
    note="镇界为示意，不作为划界和权属依据。",
)


def province(issue: str, *, deadline: bool) -> Scope:
    """Return the words of a province; issue: which exports of its counties are shown."""
    return Scope(
        whole="全省",
        part="县区",
        each="各县区",
        lines=("各县区外界", "县（市、区）界"),
        note="县界为示意，不作为划界和权属依据。",
        issue=issue,
        deadline=deadline,
        breaks="province_",
        crowded=True,
    )
