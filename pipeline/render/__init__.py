"""Maps: the only room that imports matplotlib. Values in, bytes out."""

from pipeline.render.data import MapData, MapSpec, town_shapes
from pipeline.render.maps import discover
from pipeline.render.output import render

__all__ = ["MapData", "MapSpec", "discover", "render", "town_shapes"]
