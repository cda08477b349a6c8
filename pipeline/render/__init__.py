"""Maps: the only room that imports matplotlib. Values in, bytes out."""

from pipeline.render.data import MapData, MapSpec, town_shapes
from pipeline.render.maps import discover
from pipeline.render.output import Pages, join, render, render_part

__all__ = [
    "MapData",
    "MapSpec",
    "Pages",
    "discover",
    "join",
    "render",
    "render_part",
    "town_shapes",
]
