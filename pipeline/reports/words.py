"""Chinese words for what tables hold as codes: verdicts, measures, indicators."""

VERDICTS = {"equal": "相等", "rounding": "取整", "definition": "口径", "real": "真差"}
CHECKS = {"printed-internal": "公布数自核", "printed-computed": "公布与计算"}
MEASURES = {"plots": "个数", "area_mu": "面积"}
UNITS = {"plots": "个", "area_mu": "亩"}
INDICATORS = {"cropland": "耕地保护目标", "pbf": "永久基本农田", "in_out_balance": "进出平衡"}
