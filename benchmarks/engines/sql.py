"""The queries of the SQL engines; {same}: how equal geometry is told, "" where it isn't."""

from __future__ import annotations

PAIRS = """SELECT n.bsm, SUM(ST_Area(ST_Intersection(n.geometry, z.geometry))) AS m2
FROM now n JOIN {zone} z ON ST_Intersects(n.geometry, z.geometry) GROUP BY n.bsm"""
CHANGED = """SELECT n.bsm, SUM(CASE WHEN n.dlbm <> b.dlbm
THEN ST_Area(ST_Intersection(n.geometry, b.geometry)) ELSE 0.0 END) AS m2
FROM {now} n JOIN before b ON ST_Intersects(n.geometry, b.geometry) GROUP BY n.bsm"""
TOWNS = """SELECT n.bsm, t.xzqdm, ST_Area(ST_Intersection(n.geometry, t.geometry)) AS m2
FROM now n JOIN towns t ON ST_Intersects(n.geometry, t.geometry)"""
AREA = "SELECT bsm, ST_Area(geometry) AS m2 FROM now"
SAME = """SELECT n.bsm, MAX(CASE WHEN n.dlbm <> b.dlbm THEN ST_Area(n.geometry) ELSE 0.0 END) AS m2
FROM now n JOIN before b ON n.wkb = b.wkb GROUP BY n.bsm"""
INSIDE = """SELECT n.bsm, SUM(CASE WHEN ST_Covers(z.geometry, n.geometry) THEN ST_Area(n.geometry)
ELSE ST_Area(ST_Intersection(n.geometry, z.geometry)) END) AS m2
FROM now n JOIN {zone} z ON ST_Intersects(n.geometry, z.geometry) GROUP BY n.bsm"""
TOWNS_INSIDE = """SELECT n.bsm, t.xzqdm, CASE WHEN ST_Covers(t.geometry, n.geometry)
THEN ST_Area(n.geometry) ELSE ST_Area(ST_Intersection(n.geometry, t.geometry)) END AS m2
FROM now n JOIN towns t ON ST_Intersects(n.geometry, t.geometry)"""
LAYERS = ("now", "before", "pbf", "target", "towns")
