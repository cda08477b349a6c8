"""Attributes that follow from each other: hosts of codes, widths, guests, town codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import tables
from pipeline.quality.check import ERROR, NOTHING, WARNING, Check, Example, Hits, where
from pipeline.quality.sources import CODE_LOGIC

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.quality.subject import Subject

    Bools = NDArray[np.bool_]

TITLE, ORDER = "细化与种植、权属、城镇村", 6
PUBLIC = "公开质检软件 shp_checker_DLTB、TDDC3D 的属性逻辑"
UNSETTLED_WIDTH = ("1002",)
"""Classes of which programs differ whether they carry a width."""
ROAD, ROAD_WIDEST_M = "1006", 8.0
CROP_REFINED = ("LS", "FLS", "LYFL")
ORCHARD_REFINED = "LQYD"
RESTORABLE = ("JKHF", "GCHF")
SETTLED = ("05", "06", "07", "08", "09")
ALSO_SETTLED = ("1004", "1005", "1201")
TOWN_CODES = {"0602": "204", "0603": "204", "09": "205"}


def _hits(rows: NDArray[np.int64], found: list[str], field: str) -> Hits:
    return Hits(rows=rows, found=found, field=field)


def _linear(subject: Subject) -> Bools:
    codes = tables.land_codes()
    return subject.text(F.DLBM).isin(codes["code"][codes["linear"]]).to_numpy(dtype=bool)


def width_elsewhere(subject: Subject) -> Hits:
    """Find widths on plots that are no line on the ground."""
    width, dlbm = subject.number(F.XZDWKD), subject.text(F.DLBM)
    free = _linear(subject) | dlbm.isin(["", *UNSETTLED_WIDTH]).to_numpy(dtype=bool)
    rows = where(~free & (np.nan_to_num(width) != 0))
    return _hits(
        rows, [f"地类 {dlbm.iloc[r]} 不应填宽度，填了 {width[r]:g}" for r in rows], "XZDWKD"
    )


def width_missing(subject: Subject) -> Hits:
    """Find lines on the ground without a width."""
    if not subject.has(F.XZDWKD):
        return NOTHING
    rows = where(_linear(subject) & (np.nan_to_num(subject.number(F.XZDWKD)) == 0))
    return _hits(rows, ["线状地物没有宽度"] * len(rows), "XZDWKD")


def road_width(subject: Subject) -> Hits:
    """Find rural roads wider than 8 m."""
    width = subject.number(F.XZDWKD)
    with np.errstate(invalid="ignore"):
        road = (subject.text(F.DLBM) == ROAD).to_numpy(dtype=bool)
        rows = where(road & (width > ROAD_WIDEST_M))
    return _hits(rows, [f"农村道路宽 {width[r]:g} 米，超过 8 米" for r in rows], "XZDWKD")


def _host(subject: Subject, wanted: F.Field) -> Bools:
    """Return rows whose code is known and stands on a class that can't bear it."""
    code, dlbm = subject.text(wanted), subject.text(F.DLBM)
    wrong = np.zeros(len(subject), dtype=bool)
    for known in tables.code_list(wanted.name):
        if known.hosts:
            wrong |= ((code == known.code) & (dlbm != "") & ~dlbm.isin(known.hosts)).to_numpy()
    return wrong


def refined_host(subject: Subject) -> Hits:
    """Find refinement codes on classes that can't bear them."""
    code, dlbm = subject.text(F.TBXHDM), subject.text(F.DLBM)
    rows = where(_host(subject, F.TBXHDM))
    found = [f"图斑细化代码 {code.iloc[r]} 不能用于地类 {dlbm.iloc[r]}" for r in rows]
    return _hits(rows, found, "TBXHDM")


def _restore_on_crop(subject: Subject) -> Bools:
    return subject.cropland & subject.text(F.ZZSXDM).isin(RESTORABLE).to_numpy(dtype=bool)


def planting_host(subject: Subject) -> Hits:
    """Find planting codes on classes that can't bear them; 恢复 on cropland is a warning."""
    code, dlbm = subject.text(F.ZZSXDM), subject.text(F.DLBM)
    rows = where(_host(subject, F.ZZSXDM) & ~_restore_on_crop(subject))
    found = [f"种植属性代码 {code.iloc[r]} 不能用于地类 {dlbm.iloc[r]}" for r in rows]
    return _hits(rows, found, "ZZSXDM")


def restore_on_crop(subject: Subject) -> Hits:
    """Find cropland marked as to be restored."""
    rows = where(_restore_on_crop(subject))
    found = [f"现状已是耕地，种植属性仍是 {c}" for c in subject.text(F.ZZSXDM).iloc[rows]]
    return _hits(rows, found, "ZZSXDM")


def refined_planting(subject: Subject) -> Hits:
    """Find planting codes that don't go with the refinement code of the plot."""
    refined, planted = subject.text(F.TBXHDM), subject.text(F.ZZSXDM)
    crop_codes = [
        code.code for code in tables.code_list("tbxhdm") if any(h[:2] == "01" for h in code.hosts)
    ]
    wrong = refined.isin(crop_codes) & (planted != "") & ~planted.isin(CROP_REFINED)
    wrong |= (refined == ORCHARD_REFINED) & (planted != "")
    rows = where(wrong.to_numpy(dtype=bool))
    found = [f"图斑细化 {refined.iloc[r]} 不能与种植属性 {planted.iloc[r]} 同用" for r in rows]
    return _hits(rows, found, "ZZSXDM")


def guest(subject: Subject) -> Hits:
    """Find FRDBS that doesn't follow from unit codes and kind of ownership."""
    if not subject.has(F.FRDBS, F.ZLDWDM, F.QSDWDM, F.QSXZ):
        return NOTHING
    here, owner = subject.text(F.ZLDWDM), subject.text(F.QSDWDM)
    kind, mark = subject.text(F.QSXZ), subject.text(F.FRDBS)
    known = (here != "") & (owner != "") & (kind != "") & mark.isin(["0", "1"])
    wanted = (here.str[:12] != owner.str[:12]) & kind.str[:1].isin(["3", "4"])
    rows = where((known & (wanted != (mark == "1"))).to_numpy(dtype=bool))
    found = [
        f"坐落 {here.iloc[r][:12]}、权属 {owner.iloc[r][:12]}、权属性质 {kind.iloc[r]}，"
        f"飞入地标识应为 {int(wanted.iloc[r])}"
        for r in rows
    ]
    return _hits(rows, found, "FRDBS")


def _settled(subject: Subject) -> Bools:
    dlbm = subject.text(F.DLBM)
    return (dlbm.str[:2].isin(SETTLED) | dlbm.isin(ALSO_SETTLED)).to_numpy(dtype=bool)


def town_code_empty(subject: Subject) -> Hits:
    """Find settled land without CZCSXM."""
    if not subject.has(F.CZCSXM):
        return NOTHING
    rows = where(_settled(subject) & (subject.text(F.CZCSXM) == "").to_numpy(dtype=bool))
    found = [f"地类 {c} 必填城镇村属性码" for c in subject.text(F.DLBM).iloc[rows]]
    return _hits(rows, found, "CZCSXM")


def town_code(subject: Subject) -> Hits:
    """Find mines, salt works and special land with another CZCSXM than theirs."""
    code, wanted = subject.text(F.CZCSXM), subject.text(F.DLBM).map(TOWN_CODES)
    rows = where(((code != "") & wanted.notna() & (code != wanted)).to_numpy(dtype=bool))
    found = [f"城镇村属性码 {code.iloc[r]}，应为 {wanted.iloc[r]}" for r in rows]
    return _hits(rows, found, "CZCSXM")


_ORCHARD = {"dlbm": "0201"}
_ROAD = {"dlbm": "1006", "xzdwkd": 5.0}
_HOUSE = {"dlbm": "0702", "czcsxm": "203"}
EDIT = "在属性表中改正；拿不准的查调查底册和举证照片"
CHECKS = (
    Check(
        code="WIDTH_ELSEWHERE", level=ERROR, text="只有线状地类填线状地物宽度",
        source=PUBLIC + "（规则 5、20）", advice="选出非线状地类，用字段计算器把宽度改为 0",
        example=Example(bad=({"xzdwkd": 4.0},), good=({}, _ROAD), said="旱地填了宽度 4 米"),
        find=width_elsewhere,
    ),
    Check(
        code="WIDTH_MISSING", level=WARNING, text="线状地类填线状地物宽度",
        source=PUBLIC, advice="在影像上量取平均宽度填入",
        example=Example(bad=({"dlbm": "1006", "xzdwkd": 0.0},), good=(_ROAD,),
        said="农村道路宽度为 0"),
        find=width_missing,
    ),
    Check(
        code="ROAD_WIDTH", level=ERROR, text="农村道路（1006）宽度不超过 8 米",
        source="GB/T 21010-2017 农村道路 2–8 米；" + PUBLIC + "（规则 21）",
        advice="量取宽度：超过 8 米的改为公路用地 1003 或城镇村道路用地 1004",
        example=Example(bad=({"dlbm": "1006", "xzdwkd": 9.0},), good=(_ROAD,),
        said="农村道路宽 9 米"),
        find=road_width,
    ),
    Check(
        code="TBXHDM_HOST", level=ERROR, text="图斑细化代码用在规定的地类上", source=CODE_LOGIC,
        advice=EDIT,
        example=Example(
            bad=({**_ORCHARD, "tbxhdm": "HDGD"},), good=({**_ORCHARD, "tbxhdm": "LQYD"},),
            said="果园填了 HDGD（河道耕地）",
        ),
        find=refined_host,
    ),
    Check(
        code="ZZSXDM_HOST", level=ERROR, text="种植属性代码用在规定的地类上", source=CODE_LOGIC,
        advice=EDIT,
        example=Example(
            bad=({**_ORCHARD, "zzsxdm": "LS"},), good=({**_ORCHARD, "zzsxdm": "JKHF"},),
            said="果园填了 LS（种植粮食作物）",
        ),
        find=planting_host,
    ),
    Check(
        code="ZZSXDM_RESTORE_CROP", level=WARNING, text="已是耕地的图斑不再标恢复属性",
        source=CODE_LOGIC + "；2025 年有的县如此填（shp_checker_DLTB），故为警告",
        advice="已恢复耕种的改填 LS、FLS 等；当年方案另有规定的确认即可",
        example=Example(bad=({"zzsxdm": "JKHF"},), good=({},), said="旱地填了 JKHF（即可恢复）"),
        find=restore_on_crop,
    ),
    Check(
        code="TBXHDM_PLANTING", level=ERROR,
        text="有耕地细化代码的，种植属性为 LS、FLS 或 LYFL；LQYD 的种植属性为空", source=CODE_LOGIC,
        advice=EDIT,
        example=Example(
            bad=({"tbxhdm": "HDGD", "zzsxdm": "WG"},
            {**_ORCHARD, "tbxhdm": "LQYD", "zzsxdm": "JKHF"}),
            good=({"tbxhdm": "HDGD", "zzsxdm": "LS"},), said="河道耕地（HDGD）的种植属性是 WG",
        ),
        find=refined_planting,
    ),
    Check(
        code="FRDBS_LOGIC", level=ERROR,
        text="坐落与权属不同村的集体土地，飞入地标识为 1，其余为 0",
        source="TD/T 1057-2020 飞入地标识；TDDC3D FrmDealAttribute",
        advice="核对坐落、权属单位代码和权属性质，用字段计算器重填飞入地标识",
        example=Example(
            bad=({"frdbs": "1"}, {"qsdwdm": "9900010010020000000"}),
            good=({}, {"qsdwdm": "9900010010020000000", "frdbs": "1"}),
            said="坐落与权属同村，FRDBS 却是 1",
        ),
        find=guest,
    ),
    Check(
        code="CZCSXM_EMPTY", level=ERROR,
        text="05–09 类和 1004、1005、1201 必填城镇村属性码", source=PUBLIC + "（规则 18–19）",
        advice="按城镇村等用地图层（CZCDYD）的范围填写 201、202 或 203",
        example=Example(bad=({"dlbm": "0702", "czcsxm": None},), good=({}, _HOUSE),
        said="农村宅基地没有 CZCSXM"),
        find=town_code_empty,
    ),
    Check(
        code="CZCSXM_LOGIC", level=ERROR, text="采矿、盐田的城镇村属性码为 204，特殊用地为 205",
        source=PUBLIC + "（规则 18–19）", advice="用字段计算器改为 204 或 205",
        example=Example(
            bad=({"dlbm": "0602", "czcsxm": "203"},),
            good=({"dlbm": "0602", "czcsxm": "204"}, _HOUSE),
            said="采矿用地的 CZCSXM 是 203",
        ),
        find=town_code,
    ),
)  # fmt: skip
