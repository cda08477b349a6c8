"""The field dictionary: our column, the national field name, Chinese label, type, unit.

Code says ``fields.BSM`` and never a bare ``"BSM"``. Our column is the national name in lower
case where there is one; everything we compute carries its unit in its name.
Source for the national names, types and lengths: 《第三次全国国土调查数据库标准》(TD/T 1057-2020)
as implemented in public software; see docs/fields.md.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One column. dtype: text, int, real, bool, date; length and decimals as in the standard."""

    name: str
    national: str
    label: str
    dtype: str
    unit: str = ""
    length: int = 0
    decimals: int = 0
    required: bool = False


def _f(  # noqa: PLR0913 - a table row, read as a table
    national: str,
    label: str,
    dtype: str,
    length: int,
    decimals: int = 0,
    unit: str = "",
    *,
    required: bool = False,
) -> Field:
    return Field(national.lower(), national, label, dtype, unit, length, decimals, required)


BSM = _f("BSM", "标识码", "text", 18, required=True)
YSDM = _f("YSDM", "要素代码", "text", 10)
TBYBH = _f("TBYBH", "图斑预编号", "text", 18)
TBBH = _f("TBBH", "图斑编号", "text", 8)
DLBM = _f("DLBM", "地类编码", "text", 5, required=True)
DLMC = _f("DLMC", "地类名称", "text", 60)
QSXZ = _f("QSXZ", "权属性质", "text", 2)
QSDWDM = _f("QSDWDM", "权属单位代码", "text", 19)
QSDWMC = _f("QSDWMC", "权属单位名称", "text", 60)
ZLDWDM = _f("ZLDWDM", "坐落单位代码", "text", 19, required=True)
ZLDWMC = _f("ZLDWMC", "坐落单位名称", "text", 60)
TBMJ = _f("TBMJ", "图斑面积", "real", 15, 2, "㎡", required=True)
KCDLBM = _f("KCDLBM", "扣除地类编码", "text", 5)
KCXS = _f("KCXS", "扣除系数", "real", 6, 4)
KCMJ = _f("KCMJ", "扣除地类面积", "real", 15, 2, "㎡")
TBDLMJ = _f("TBDLMJ", "图斑地类面积", "real", 15, 2, "㎡")
GDLX = _f("GDLX", "耕地类型", "text", 2)
GDPDJB = _f("GDPDJB", "耕地坡度级别", "text", 2)
XZDWKD = _f("XZDWKD", "线状地物宽度", "real", 5, 1, "m")
TBXHDM = _f("TBXHDM", "图斑细化代码", "text", 6)
TBXHMC = _f("TBXHMC", "图斑细化名称", "text", 20)
ZZSXDM = _f("ZZSXDM", "种植属性代码", "text", 6)
ZZSXMC = _f("ZZSXMC", "种植属性名称", "text", 20)
GDDB = _f("GDDB", "耕地等别", "int", 2)
FRDBS = _f("FRDBS", "飞入地标识", "text", 1)
CZCSXM = _f("CZCSXM", "城镇村属性码", "text", 4)
SJNF = _f("SJNF", "数据年份", "int", 4)
MSSM = _f("MSSM", "描述说明", "text", 2)
HDMC = _f("HDMC", "海岛名称", "text", 100)
BZ = _f("BZ", "备注", "text", 254)

DLTB: tuple[Field, ...] = (
    BSM, YSDM, TBYBH, TBBH, DLBM, DLMC, QSXZ, QSDWDM, QSDWMC, ZLDWDM, ZLDWMC, TBMJ, KCDLBM, KCXS,
    KCMJ, TBDLMJ, GDLX, GDPDJB, XZDWKD, TBXHDM, TBXHMC, ZZSXDM, ZZSXMC, GDDB, FRDBS, CZCSXM, SJNF,
    MSSM, HDMC, BZ,
)  # fmt: skip

XZQDM = _f("XZQDM", "行政区代码", "text", 12, required=True)
XZQMC = _f("XZQMC", "行政区名称", "text", 100, required=True)
DCMJ = _f("DCMJ", "调查面积", "real", 15, 2, "㎡")
JSMJ = _f("JSMJ", "计算面积", "real", 15, 2, "㎡")
YJJBNTTBBH = _f("YJJBNTTBBH", "永久基本农田图斑编号", "text", 20)
YJJBNTTBMJ = _f("YJJBNTTBMJ", "永久基本农田图斑面积", "real", 15, 2, "㎡")
YJJBNTMJ = _f("YJJBNTMJ", "永久基本农田面积", "real", 15, 2, "㎡")

# status lists (names as agreed with the county; see docs/architecture.md)
ZT = _f("ZT", "监测状态", "text", 10)
SHZT = _f("SHZT", "审核状态", "text", 10)
DCZT = _f("DCZT", "调出状态", "text", 10)
GLBH = _f("GLBH", "关联编号", "text", 20)
FX = _f("FX", "进出方向", "text", 4)
LY = _f("LY", "批准来源", "text", 40)
SXRQ = _f("SXRQ", "生效日期", "date", 10)

ROLE_FIELDS: dict[str, tuple[Field, ...]] = {
    "towns": (XZQDM, XZQMC, DCMJ, JSMJ),
    "pbf": (BSM, XZQDM, YJJBNTTBBH, DLBM, ZLDWDM, YJJBNTTBMJ, KCXS, YJJBNTMJ),
    "target": (BSM, DLBM, ZLDWDM, TBMJ, KCXS, TBDLMJ),
    "monitoring": (BSM, ZT, SXRQ),
    "self_submitted": (BSM, SHZT, DCZT, GLBH, SXRQ),
    "relocation": (BSM, GLBH, SXRQ),
    "supplement": (BSM, GLBH, SXRQ),
    "balance": (BSM, FX, SXRQ),
    "approved": (BSM, LY, SXRQ),
}
"""What each role of [layers] brings besides geometry; task_<category> layers bring (BSM, SXRQ)."""

REQUIRED_ROLE_FIELDS: dict[str, tuple[Field, ...]] = {
    "towns": (XZQDM, XZQMC),
    "monitoring": (ZT,),
    "self_submitted": (SHZT,),
    "supplement": (GLBH,),
    "balance": (FX,),
}

DATED_ROLES: tuple[str, ...] = tuple(role for role, own in ROLE_FIELDS.items() if SXRQ in own)
"""Lists that grow and change: without {date} in the path they must say from when a row holds."""

# what we compute
SOURCE_FILE = Field("source_file", "", "来源文件", "text")
SOURCE_ROW = Field("source_row", "", "来源行号", "int")
TOWN_CODE = Field("town_code", "", "镇办代码", "text")
TOWN = Field("town", "", "镇办", "text")
VILLAGE = Field("village", "", "村", "text")
AREA_M2 = Field("area_m2", "", "椭球面积", "real", "㎡")
BASE_M2 = Field("base_m2", "", "计算基数面积", "real", "㎡")
PLANAR_M2 = Field("planar_m2", "", "平面面积", "real", "㎡")
TBMJ_TRUSTED = Field("tbmj_trusted", "", "采用图斑面积", "bool")
BASE_REASON = Field("base_reason", "", "面积采用理由", "text")
FLAGS = Field("flags", "", "标记", "text")
GEOMETRY = Field("geometry", "", "图形", "geometry")

PARCELS: tuple[Field, ...] = (
    *DLTB, TOWN_CODE, TOWN, VILLAGE, AREA_M2, BASE_M2, PLANAR_M2, TBMJ_TRUSTED, BASE_REASON, FLAGS,
    SOURCE_FILE, SOURCE_ROW, GEOMETRY,
)  # fmt: skip
