"""The queries of the SQL engines: as anybody would write them, and as a specialist would.

What "described" and "tuned" mean, and that they are frozen: docs/decisions/0093-tuned-peers.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

PAIRS = """SELECT n.bsm, SUM(ST_Area(ST_Intersection(n.geometry, z.geometry))) AS m2
FROM now n JOIN {zone} z ON ST_Intersects(n.geometry, z.geometry) GROUP BY n.bsm"""
CHANGED = """SELECT n.bsm, SUM(CASE WHEN n.dlbm <> b.dlbm
THEN ST_Area(ST_Intersection(n.geometry, b.geometry)) ELSE 0.0 END) AS m2
FROM {now} n JOIN before b ON ST_Intersects(n.geometry, b.geometry) GROUP BY n.bsm"""
TOWNS = """SELECT n.bsm, t.xzqdm, ST_Area(ST_Intersection(n.geometry, t.geometry)) AS m2
FROM now n JOIN towns t ON ST_Intersects(n.geometry, t.geometry)"""
AREA = "SELECT bsm, ST_Area(geometry) AS m2 FROM now"

# As described beside the goals: plots of last year by their bytes, covered plots by their own area.
SAME = """SELECT n.bsm, MAX(CASE WHEN n.dlbm <> b.dlbm THEN ST_Area(n.geometry) ELSE 0.0 END) AS m2
FROM now n JOIN before b ON n.wkb = b.wkb GROUP BY n.bsm"""
MOVED = "SELECT * FROM now WHERE wkb NOT IN (SELECT wkb FROM before)"
COVERED = """SELECT n.bsm, SUM(CASE WHEN ST_Covers(z.geometry, n.geometry) THEN ST_Area(n.geometry)
ELSE ST_Area(ST_Intersection(n.geometry, z.geometry)) END) AS m2
FROM now n JOIN {zone} z ON ST_Intersects(n.geometry, z.geometry) GROUP BY n.bsm"""
TOWNS_COVERED = """SELECT n.bsm, t.xzqdm, CASE WHEN ST_Covers(t.geometry, n.geometry)
THEN ST_Area(n.geometry) ELSE ST_Area(ST_Intersection(n.geometry, t.geometry)) END AS m2
FROM now n JOIN towns t ON ST_Intersects(n.geometry, t.geometry)"""

# Tuned: neighbours that only touch fall first, covered plots count whole, only the rest is cut.
ALIGNED = """SELECT n.bsm, SUM(CASE WHEN ST_Touches(n.geometry, z.geometry) THEN 0.0
WHEN ST_Covers(z.geometry, n.geometry) THEN ST_Area(n.geometry)
ELSE ST_Area(ST_Intersection(n.geometry, z.geometry)) END) AS m2
FROM now n JOIN {zone} z ON ST_Intersects(n.geometry, z.geometry) GROUP BY n.bsm"""
CHANGED_MOVED = """SELECT n.bsm, SUM(CASE WHEN n.dlbm = b.dlbm OR ST_Touches(n.geometry, b.geometry)
THEN 0.0 ELSE ST_Area(ST_Intersection(n.geometry, b.geometry)) END) AS m2
FROM moved n JOIN before b ON ST_Intersects(n.geometry, b.geometry) GROUP BY n.bsm"""
# A plot within a town is told by a join that hands back codes only: no outline of a town is copied.
WITHIN = """SELECT n.bsm, t.xzqdm, 0.0 AS m2
FROM now n JOIN {towns} t ON ST_Within(n.geometry, t.geometry)"""
BORDER = "SELECT * FROM now WHERE bsm NOT IN (SELECT bsm FROM inside)"
TOWNS_OF_BORDER = """SELECT n.bsm, t.xzqdm,
SUM(ST_Area(ST_Intersection(n.geometry, t.geometry))) AS m2
FROM border n JOIN {towns} t ON ST_Intersects(n.geometry, t.geometry) GROUP BY n.bsm, t.xzqdm"""
LAYERS = ("now", "before", "pbf", "target", "towns")


def joined(
    area: pd.DataFrame, parts: Mapping[str, pd.DataFrame], towns: pd.DataFrame
) -> pd.DataFrame:
    """Return the figures of the job from the answers of the queries.

    area, and parts by the name of their figure: m2 by bsm; towns: xzqdm, m2 by bsm, of which the
    largest counts. Plots without an answer have 0.
    """
    figures = area.rename(columns={"m2": "area_m2"})
    for name, part in parts.items():
        figures[name] = part["m2"].reindex(figures.index, fill_value=0.0)
    most = towns.sort_values("m2")
    figures["xzqdm"] = most[~most.index.duplicated(keep="last")]["xzqdm"]
    return figures.reset_index()
