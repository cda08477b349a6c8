"""What reading a delivery finds before any check: rules of `ingest` that are part of the list.

Their codes are those of the rejects and problems of an export; where a check here bears the same
code (BSM_DUPLICATE, TBMJ_BAD …) it looks at all rows and stands in for ingest's.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.quality.check import ERROR, WARNING

TITLE = "读入"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeRule:
    """A rule found while reading: code, level ("" where it is either), what must hold, source."""

    code: str
    level: str
    text: str
    source: str


def _rule(code: str, level: str, text: str, source: str) -> IntakeRule:
    return IntakeRule(code=code, level=level, text=text, source=source)


_SHAPE = "国家质检规则“矢量数据规范性”；OGC 简单要素"
_CRS = "国家质检规则 2201、2203：CGCS2000，高斯-克吕格"
_FILE = "国家质检规则“成果完整性”"
INTAKE = (
    _rule("READ_REFUSED", ERROR, "文件、图层能完整读出", _FILE),
    _rule("VALUES_REFUSED", ERROR, "编码没有按数值存放或经 Excel 丢位数，不是二调编码", _FILE),
    _rule("CRS_REFUSED", ERROR, "坐标系是 CGCS2000，与坐标、县的位置相符", _CRS),
    _rule("FIELD_DOUBLED", ERROR, "同一字段没有两列", "国家质检规则 3102"),
    _rule("FILE_IGNORED", WARNING, "该期文件夹里只有地类图斑", _FILE),
    _rule("FILE_NOTE", WARNING, "旁边没有未保存完的日志、锁文件", _FILE),
    _rule("FORMAT_LOSS", WARNING, "读出时没有截断、空字符等损失", _FILE),
    _rule("ENCODING_INFERRED", WARNING, ".cpg、LDID 与文字的实际编码一致", _FILE),
    _rule("CRS_INFERRED", WARNING, "声明了坐标系（.prj）", _CRS),
    _rule("CRS_REPROJECTED", WARNING, "坐标系就是本县的工作坐标系", _CRS),
    _rule("TEXT_DAMAGED", WARNING, "文字没有乱码、替代符", "国家质检规则 3104"),
    _rule("NUMBER_BAD", ERROR, "数值字段里是数字", "国家质检规则 3105"),
    _rule("GEOM_NULL", ERROR, "图形不为空", _SHAPE),
    _rule("GEOM_UNREADABLE", ERROR, "图形能解析", _SHAPE),
    _rule("GEOM_TYPE", ERROR, "图形是面", _SHAPE),
    _rule("GEOM_COORD", ERROR, "坐标是有效数字", _SHAPE),
    _rule("GEOM_FRAME", ERROR, "图斑与本图层其余图斑在同一坐标范围", _CRS),
    _rule("GEOM_RINGS", "", "外环顺时针、洞逆时针，洞在外环内", _SHAPE),
    _rule("GEOM_INVALID", ERROR, "边界不自相交、环不重复（不能在容差内修复的）", _SHAPE),
    _rule("GEOM_ZERO", ERROR, "面积大于零", _SHAPE),
    _rule("GEOM_REPAIRED", WARNING, "边界不自相交、环不重复（可在容差内修复的）", _SHAPE),
    _rule("GEOM_DIMENSION", WARNING, "只有平面坐标，没有 Z、M", _SHAPE),
    _rule("GEOM_CURVE", WARNING, "边界是折线，没有圆弧", _SHAPE),
)  # fmt: skip
