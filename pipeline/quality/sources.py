"""What the checks of several subjects rest on, as `Check.source` says it."""

MANDATORY = "TD/T 1057-2020 约束条件 M；国家质检规则 3106（程序中报为 3105）"
DICTIONARY = "TD/T 1057-2020 值域表；国家质检规则 3104"
RANGE = "TD/T 1057-2020 值域；国家质检规则 3105"
CODE_LOGIC = "国家质检规则 6101（TBXHDM、ZZSXDM 与 DLBM 的逻辑）"
