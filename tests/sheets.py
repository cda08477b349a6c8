"""What every sheet must keep, measured with the renderer: texts apart, whole, readable, placed."""

from __future__ import annotations

import shapely
import shapely.affinity
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.text import Text

from pipeline.errors import ConfigError
from pipeline.render.fonts import check_characters, faces

NEATLINE_MM = 10.0
PLACED = {"label", "plot-number", "plot-area"}
"""Texts that stand on their polygon, or in a box of their own at the end of a leader."""
GROUND = ("town", "plot")


def texts(figure):
    return [t for t in figure.findobj(Text) if t.get_text() and t.get_visible()]


def written(figure):
    return [t.get_text() for t in texts(figure)]


def patches(figure, start):
    """The filled or stroked paths whose gid starts so, in the order drawn."""
    return [p for p in figure.findobj(PathPatch) if (p.get_gid() or "").startswith(start)]


def rings(patch):
    """The rings of a patch, as polygons in mm of the design."""
    return [shapely.Polygon(r) for r in patch.get_path().to_polygons() if len(r) > 3]


def mm_boxes(figure):
    """Every text with its box in mm of paper, as the renderer sets it."""
    renderer = figure.canvas.get_renderer()
    mm = 25.4 / figure.dpi
    return [
        (t, shapely.box(*(v * mm for v in t.get_window_extent(renderer).extents)))
        for t in texts(figure)
    ]


def faults(figure):
    """Return what a reader would complain of, in words; empty for a good sheet."""
    found = mm_boxes(figure)
    width, height = figure.get_size_inches() * 25.4
    edge = NEATLINE_MM * (max(width, height) / 420 if max(width, height) > 421 else 1)
    inner = shapely.box(edge, edge, width - edge, height - edge)
    least = 7.0 if max(width, height) > 1000 else 5.5
    said = [f"outside the neatline: {t.get_text()}" for t, box in found if not inner.covers(box)]
    said += [f"too small: {t.get_text()}" for t, _ in found if t.get_fontsize() < least - 1e-9]
    boxes = [box for _, box in found]
    for a, b in shapely.STRtree(boxes).query(boxes, predicate="intersects").T:
        if a < b and boxes[a].intersection(boxes[b]).area > 0:
            said.append(f"overlap: {found[a][0].get_text()} / {found[b][0].get_text()}")
    try:
        check_characters([t.get_text() for t, _ in found], faces().characters)
    except ConfigError as error:
        said.append(f"tofu: {error}")
    return said + _lost(figure, found)


def _lost(figure, found):
    """Texts of PLACED that lie neither within a polygon nor in a box with a leader."""
    wanted = [(t, box) for t, box in found if t.get_gid() in PLACED]
    if not wanted:
        return []
    longest = max(figure.get_size_inches()) * 25.4
    zoom = longest / 420 if longest > 421 else 1
    homes = [
        shapely.box(*(v * zoom for v in patch.get_bbox().extents))
        for patch in figure.findobj(Rectangle)
        if patch is not figure.patch
    ]
    for start in GROUND:
        for patch in patches(figure, start):
            grown = [shapely.affinity.scale(r, zoom, zoom, origin=(0, 0)) for r in rings(patch)]
            homes += [ring.buffer(1e-6) for ring in grown if ring.is_valid]
    tree = shapely.STRtree(homes)
    return [
        f"neither on its ground nor at a leader: {t.get_text()}"
        for t, box in wanted
        if not len(tree.query(box.buffer(-0.05), predicate="covered_by"))
    ]
