"""Faulty deliveries: small shapefiles with one fault each, in bytes, in a header or a field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline.sample import deliver
from pipeline.sample.defects import dbf

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    Fault = Callable[[gpd.GeoDataFrame, Path, date], None]

PLOTS = 40
"""How many plots a small delivery has."""
_XIAN_80 = (
    'PROJCS["Xian_1980_3_Degree_GK_Zone_36",GEOGCS["GCS_Xian_1980",DATUM["D_Xian_1980",'
    'SPHEROID["Xian_1980",6378140.0,298.257]],PRIMEM["Greenwich",0.0],'
    'UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],'
    'PARAMETER["False_Easting",36500000.0],PARAMETER["False_Northing",0.0],'
    'PARAMETER["Central_Meridian",108.0],PARAMETER["Scale_Factor",1.0],'
    'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
)
_CHINESE = {"DLBM": "地类编码", "TBMJ": "图斑面积"}


def shapefile(frame: gpd.GeoDataFrame, path: Path, day: date) -> None:
    """Deliver a layer without any fault."""
    deliver.shapefile(frame, path, day)
    dbf.narrow(path.with_suffix(".dbf"))


def _with(change: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]) -> Fault:
    """Return what delivers a changed layer."""

    def write(frame: gpd.GeoDataFrame, path: Path, day: date) -> None:
        shapefile(change(frame.copy()), path, day)

    return write


def _after(change: Callable[[Path], None]) -> Fault:
    """Return what delivers the layer and then changes its files."""

    def write(frame: gpd.GeoDataFrame, path: Path, day: date) -> None:
        shapefile(frame, path, day)
        change(path)

    return write


def _cut(suffix: str, share: float) -> Fault:
    """Return what cuts a file short."""

    def change(path: Path) -> None:
        file = path.with_suffix(suffix)
        data = file.read_bytes()
        file.write_bytes(data[: int(len(data) * share)])

    return _after(change)


def _removed(suffix: str) -> Fault:
    return _after(lambda path: path.with_suffix(suffix).unlink())


def _written(suffix: str, text: str) -> Fault:
    """Return what writes another file beside the layer."""

    def change(path: Path) -> None:
        path.with_suffix(suffix).write_text(text, encoding="ascii")

    return _after(change)


def _cells(name: str, cell: bytes) -> Fault:
    """Return what writes other bytes into a field of the tenth record of the DBF."""

    def change(path: Path) -> None:
        file = path.with_suffix(".dbf")
        data = bytearray(file.read_bytes())
        place = dbf.cell_at(data, name, 9)
        data[place : place + len(cell)] = cell
        file.write_bytes(bytes(data))

    return _after(change)


def _wide(frame: gpd.GeoDataFrame, path: Path, day: date) -> None:
    """Deliver DLBM as a field of 40 letters."""
    shapefile(frame.assign(DLBM=frame["DLBM"].where(frame.index > 0, "0" * 40)), path, day)
    file = path.with_suffix(".dbf")
    data = bytearray(file.read_bytes())
    place = dbf.cell_at(data, "DLBM", 0)
    data[place : place + 40] = frame["DLBM"].iloc[0].encode().ljust(40)
    file.write_bytes(bytes(data))


def _swapped(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    shapes = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy[:, ::-1])
    return frame.set_geometry(shapes, crs=frame.crs)


def _numbers(codes: pd.Series) -> pd.Series:
    return codes.str.extract(r"(\d+)", expand=False).astype(np.int32)


def _rounded(codes: pd.Series) -> pd.Series:
    return codes.astype(float).map("{:.5E}".format)


def _planar(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    area = frame.geometry.area.round(2)
    off = (area * frame["KCXS"]).round(2)
    return frame.assign(TBMJ=area, KCMJ=off, TBDLMJ=(area - off).round(2))


def _in_mu(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame.assign(**{n: (frame[n] * 0.0015).round(2) for n in ("TBMJ", "KCMJ", "TBDLMJ")})


FILES: dict[str, tuple[str, Fault]] = {
    "shp_cut": (".shp 被截断", _cut(".shp", 0.7)),
    "dbf_cut": (".dbf 被截断", _cut(".dbf", 0.7)),
    "shx_cut": (".shx 被截断", _cut(".shx", 0.7)),
    "dbf_gone": ("没有 .dbf", _removed(".dbf")),
    "prj_gone": ("没有 .prj", _removed(".prj")),
    "prj_xian80": (".prj 是西安 80", _written(".prj", _XIAN_80)),
    "cpg_wrong": (".cpg 写 UTF-8，文字是 GBK", _written(".cpg", "UTF-8")),
    "text_damaged": ("文字里有坏字节", _cells("DLMC", b"\xb5\xff\xff\xfe")),
    "text_garbled": (
        "文字成了“锟斤拷”",
        _with(lambda f: f.assign(QSDWMC=f["QSDWMC"].where(f.index > 0, "锟斤拷"))),
    ),
    "codes_numeric": ("地类编码按数值存", _with(lambda f: f.assign(DLBM=_numbers(f["DLBM"])))),
    "height": ("坐标带高程", _with(lambda f: f.set_geometry(shapely.force_3d(f.geometry, 800.0)))),
    "number_letters": ("数值字段里是字母", _cells("TBMJ", b"12a4")),
    "axes_swapped": ("坐标 X、Y 颠倒", _with(_swapped)),
    "degrees": ("坐标是经纬度", _with(lambda f: f.to_crs("EPSG:4490"))),
    "nul": ("文字字段里有空字符", _cells("QSDWMC", b"\0\0")),
    "bsm_excel": ("标识码经 Excel 成了科学计数", _with(lambda f: f.assign(BSM=_rounded(f["BSM"])))),
    "field_gone": ("少了坡度级别字段", _with(lambda f: f.drop(columns="GDPDJB"))),
    "field_chinese": ("字段用中文名", _with(lambda f: f.rename(columns=_CHINESE))),
    "field_twice": (
        "同一字段有两列",
        _with(lambda f: f.rename(columns={"DLBM": "地类编码"}).assign(地类代码=f["DLBM"])),
    ),
    "field_number": ("坡度级别按数值存", _with(lambda f: f.assign(GDPDJB=np.int32(0)))),
    "field_wide": ("地类编码字段过宽", _wide),
    "personal": ("带有责任人证件号字段", _with(lambda f: f.assign(ZRRZJHM=""))),
    "all_planar": ("图斑面积全是平面面积", _with(_planar)),
    "all_mu": ("图斑面积全按亩填", _with(_in_mu)),
}  # fmt: skip


def sections(frame: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return plots of one place for a small delivery: some neighbours in a row."""
    start = int(rng.integers(0, max(len(frame) - PLOTS, 1)))
    return frame.iloc[start : start + PLOTS].reset_index(drop=True)
