"""Foreign files in: the county's settings and lists, survey exports and zones.

`county` is light (stdlib only) and safe to import everywhere; `read` brings pandas and GDAL.
"""
