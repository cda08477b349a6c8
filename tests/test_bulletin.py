"""What the bulletins say: computed from figures, correct in every case, nothing claimed beyond."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib import resources
from pathlib import Path

import pytest
from bulletin_world import Task, towns, world
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigError, GengbaoError
from pipeline.reports.bulletin import half_month, monthly, weekly
from pipeline.reports.bulletin import period as periods
from pipeline.reports.bulletin.document import Notes, Paragraph, Table, numeral
from pipeline.reports.bulletin.sentences import read_sentences, sentences
from pipeline.reports.bulletin.words import moved, signed, two
from pipeline.reports.returned import COLUMNS as RETURNED

D = [date(2023, 9, 30), date(2023, 10, 15), date(2023, 10, 31), date(2023, 11, 15)]
A, B, C = "990001001", "990001002", "990001003"  # 甲镇, 乙镇, 丙街办 of conftest
PBF = "pbf_restore_in_place"


def prose(document):
    """Return the sentences of a bulletin, 附件 apart."""
    return [block.text for block in document.blocks if isinstance(block, Paragraph)]


def said(document):
    return "\n".join(prose(document))


def tables(document):
    blocks = [*document.blocks, *(b for annex in document.annexes for b in annex.blocks)]
    return [block for block in blocks if isinstance(block, Table)]


def all_of(data):
    return weekly.document(data), half_month.document(data), monthly.document(data)


# --- periods ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "week", "half", "half_since", "month_since"),
    [
        (D[0], None, "2023年9月下半月", None, None),
        (D[1], D[0], "2023年10月上半月", D[0], D[0]),
        (D[2], D[1], "2023年10月下半月", D[1], D[0]),
        (D[3], D[2], "2023年11月上半月", D[2], D[2]),
    ],
)
def test_each_export_is_held_against_the_last_one_before_its_period(
    day, week, half, half_since, month_since
):
    assert periods.week(day, D).since == week
    assert (periods.half_month(day, D).name, periods.half_month(day, D).since) == (half, half_since)
    assert periods.month(day, D).since == month_since


def test_a_period_without_an_export_before_it_is_held_against_its_own_first():
    days = [date(2023, 10, 17), date(2023, 10, 20), date(2023, 10, 29)]
    assert periods.half_month(days[2], days).since == days[0]
    assert periods.month(days[2], days).since == days[0]
    assert periods.month(days[0], days).since is None
    assert periods.half_month(date(2024, 2, 16), []).last == date(2024, 2, 29)


# --- words ------------------------------------------------------------------------------------


def test_a_figure_rounds_half_up_and_what_is_left_is_never_printed_as_nothing():
    assert [two(Decimal(n)) for n in ("1.005", "0", "0.004999", "2", "0.005")] == [
        "1.01", "0.00", "不足0.01", "2.00", "0.01",
    ]  # fmt: skip


def test_a_fall_is_said_in_words_and_signed_in_tables_alone():
    assert moved(Decimal(-3), "area", "9月30日") == "，比9月30日减少3.00亩"
    assert moved(Decimal("0.5"), "points", "9月30日") == "，比9月30日提高0.50个百分点"
    assert moved(Decimal(0), "area", "9月30日") == "，与9月30日持平"
    assert moved(None, "area", "") == ""
    assert [signed(Decimal(n)) for n in ("-3", "0", "1.005", "-0.001")] == [
        "−3.00", "0.00", "+1.01", "0.00",
    ]  # fmt: skip


def test_numbers_of_chapters_are_chinese():
    assert [numeral(n) for n in (1, 10, 11, 20, 35, 60)] == [
        "一", "十", "十一", "二十", "三十五", "六十",
    ]  # fmt: skip


def test_whoever_rewords_a_sentence_may_leave_figures_out_but_not_invent_any(tmp_path):
    table = tmp_path / "sentences.csv"
    table.write_text("key,figures,text\na,plots,{plots}个\nb,plots,{plot}个\nc,,\na,,{x\n", "utf-8")
    with pytest.raises(ConfigError) as error:
        read_sentences(table)
    text = str(error.value)
    assert "没有叫 plot 的数" in text
    assert "最接近的是 plots" in text
    assert "没有句子" in text
    assert "花括号不成对" in text
    assert "重复" in text
    table.write_text("key,figures,text\na,plots area,{plots}个\n", "utf-8")
    known = read_sentences(table)
    assert known.say("a", plots="3", area="1") == "3个"
    with pytest.raises(GengbaoError, match="应为 area、plots"):
        known.say("a", plots="3")


def test_every_sentence_is_used_and_every_one_used_is_there():
    room = Path(str(resources.files("pipeline.reports.bulletin")))
    code = "\n".join(path.read_text("utf-8") for path in sorted(room.glob("*.py")))
    quoted = set(re.findall(r'"([a-z_]+)"', code))
    made = re.compile("moved_(more|less)|(up|down|same)_|step_|ahead_|published_")
    unused = [key for key in sentences().texts if key not in quoted and not made.match(key)]
    assert unused == []


# --- what is said -----------------------------------------------------------------------------


def test_with_one_export_nothing_is_compared_and_it_is_said(county):
    data = world(county, {D[0]: [Task("1", A), Task("2", B), Task("3", C, category=PBF)]})
    for document in all_of(data):
        text = said(document)
        assert "本期为建账首期，没有上期可比" in text
        assert "持平" not in text
        assert not re.search("比\\d+月", text)
    text = said(monthly.document(data))
    assert "缺口变化自下一期起统计" in text
    assert "期数太少，不作推算" in text
    assert "耕地保护目标台账任务6.00亩，已恢复0.00亩，完成率0.00%；剩余6.00亩" in text


def test_without_any_task_every_chapter_says_so(county):
    data = world(county, {D[0]: [], D[1]: []})
    text = said(monthly.document(data))
    for name in ("耕地保护目标", "永久基本农田", "进出平衡"):
        assert f"{name}没有任务。" in text
        assert f"{name}：各镇办都没有任务，不排名次。" in text
    assert "没有任务，缺口没有变动。" in text
    assert "没有任务，不作推算。" in text
    assert "目前没有反弹图斑。" in text
    note = half_month.document(data)
    assert said(note).count("没有恢复类任务。") == 2
    assert "反弹图斑清单" not in [annex.title for annex in note.annexes]


def test_gap_restored_remaining_and_withdrawn_stand_in_one_sentence(county):
    """Two tasks of 3 亩: one reopened with 100 ㎡ = 0.15 亩 restored, one withdrawn."""
    one, other = Task("1", A), Task("2", B)
    data = world(
        county,
        {
            D[0]: [one, other],
            D[1]: [one.now("closed"), other],
            D[2]: [one.now("reopened", 100.0), other.now("withdrawn")],
        },
    )
    text = said(weekly.document(data))
    assert (
        "耕地保护目标台账任务6.00亩，已恢复0.15亩，完成率2.50%，比10月15日降低47.50个百分点；"
        "剩余2.85亩，未销号图斑1个，另有3.00亩未经恢复而撤出。" in text
    )
    assert (
        "耕地保护目标反弹图斑1个、2.85亩，其中10月15日以来新反弹1个：甲镇（1个、2.85亩）。" in text
    )
    month = said(monthly.document(data))
    assert (
        "耕地保护目标9月30日剩余6.00亩，其后因恢复减少3.00亩（1个图斑），因反弹增加2.85亩（1个图斑），"
        "因撤出减少3.00亩（1个图斑），期末剩余2.85亩。" in month
    )
    (listed,) = [a for a in half_month.document(data).annexes if a.title == "反弹图斑清单"]
    assert listed.blocks[0].rows == (
        ("1", "甲镇", "柳沟村", "1", "耕地保护目标就地恢复", "2.85", "是"),
    )  # fmt: skip


def test_a_gap_that_was_wholly_withdrawn_is_not_called_done(county):
    one = Task("1", A)
    data = world(county, {D[0]: [one], D[1]: [one.now("withdrawn")]})
    text = said(weekly.document(data))
    assert "没有在办任务，另有3.00亩未经恢复而撤出" in text
    assert "全部销号" not in text


def test_ties_share_a_rank_and_equal_towns_are_not_ranked(county):
    tasks = [Task("1", A), Task("2", B), Task("3", C)]
    data = world(county, {D[0]: tasks, D[1]: [t.now("closed") for t in tasks[:2]] + tasks[2:]})
    text = said(monthly.document(data))
    assert "完成率名次：甲镇（100.00%）、乙镇（100.00%）并列第1名、丙街办第3名（0.00%）。" in text
    data = world(county, {D[0]: tasks})
    assert "3个镇办完成率相同（0.00%），不分先后。" in said(monthly.document(data))
    data = world(county, {D[0]: tasks[:2]})
    assert "2个镇办完成率相同（0.00%），不分先后；没有任务的镇办1个，按100%计，列第1名。" in said(
        monthly.document(data)
    )


def test_a_county_of_one_town_has_no_ranking(county):
    data = world(county, {D[0]: [Task("1", A)]}, towns=county.towns[:1])
    document = monthly.document(data)
    assert "耕地保护目标：有任务的只有甲镇（0.00%），不分先后。" in said(document)
    assert tables(weekly.document(data))[0].rows[0][:4] == ("1", "", "甲镇", "0.00%")


def test_sixty_towns_are_all_in_the_table_and_the_sentence_names_the_ends(county):
    many = towns(60, groups=7)
    start = [Task(f"{n:02d}", town.code) for n, town in enumerate(many)]
    now = [t.now("partial", 20.0 * n) for n, t in enumerate(start)]
    data = world(county, {D[0]: start, D[1]: now}, towns=many)
    (text,) = [t for t in prose(monthly.document(data)) if "耕地保护目标完成率名次" in t]
    assert text == (
        "耕地保护目标完成率名次居前的：镇59第1名（59.00%）、镇58第2名（58.00%）、镇57第3名（57.00%）；"
        "居后的：镇2第58名（2.00%）、镇1第59名（1.00%）、镇0第60名（0.00%）。"
    )
    assert len(tables(weekly.document(data))[0].rows) == 61
    headings = [block.text for block in half_month.document(data).blocks if hasattr(block, "level")]
    assert "七、第7督导组" in headings


def test_many_towns_of_one_rank_are_counted_not_named(county):
    many = towns(10)
    start = [Task(f"{n}", town.code) for n, town in enumerate(many)]
    now = [t.now("closed") if n < 8 else t for n, t in enumerate(start)]
    text = said(monthly.document(world(county, {D[0]: start, D[1]: now}, towns=many)))
    assert "8个镇办并列第1名（100.00%）" in text


PLAN = (("甲镇", "cropland", D[1], "2"), ("甲镇", "cropland", D[3], "3"))


def test_towns_below_the_plan_are_listed_by_how_much_and_never_judged(county):
    tasks = [Task("1", A), Task("2", B)]
    plan = (*PLAN, ("乙镇", "cropland", D[1], "3"), ("丙街办", "cropland", D[1], "0"))
    data = world(county, {D[0]: tasks, D[1]: tasks}, plan=plan)
    text = said(weekly.document(data))
    assert (
        "耕地保护目标全县计划累计完成5.00亩，已办0.00亩，低于计划5.00亩；列入计划的3个镇办中"
        "低于计划的2个：乙镇低3.00亩、甲镇低2.00亩。" in text
    )
    for word in ("约谈", "批评", "不力", "滞后", "问责", "落后"):
        assert word not in text
    assert "永久基本农田没有倒排工期，不与计划对比。" in text
    assert "下一步计划节点：耕地保护目标11月15日计划累计完成6.00亩。" in said(
        monthly.document(data)
    )


def test_a_plan_for_some_towns_alone_is_not_held_against_the_county(county):
    tasks = [Task("1", A), Task("2", B)]
    done = [tasks[0].now("closed"), tasks[1]]
    text = said(weekly.document(world(county, {D[0]: tasks, D[1]: done}, plan=PLAN)))
    assert "耕地保护目标列入计划的1个镇办都不低于计划；没有列入计划的镇办1个，不作对比。" in text


def test_without_a_plan_nothing_is_held_against_it(county):
    document = weekly.document(world(county, {D[0]: [Task("1", A)]}))
    assert "县里没有提供倒排工期，不与计划对比。" in said(document)
    notes = [item for b in document.blocks if isinstance(b, Notes) for item in b.items]
    assert not [item for item in notes if "倒排工期" in item]


def verdict(**changes):
    row = {
        "indicator": "cropland", "number": "1", "name": "耕地保有量", "label": "耕地保有量",
        "value": "900.5", "limit": "1000", "unit": "亩", "headroom": "-99.5", "verdict": "不达标",
        "overall": "不达标",
    }  # fmt: skip
    return row | changes


def test_an_indicator_without_its_target_is_not_judged_and_says_what_is_missing(county):
    rows = [
        verdict(),
        verdict(
            indicator="replenishment_grain", number="3", label="补充耕地产能", unit="万公斤",
            value=None, limit="38.07764", headroom=None, verdict="缺数", overall="缺数",
        ),
    ]  # fmt: skip
    document = monthly.document(world(county, {D[0]: [Task("1", A)]}, indicators=rows))
    assert "五项考核指标中，不达标1项、缺数1项。" in said(document)
    (table,) = [t for t in tables(document) if t.title == "五项考核指标表"]
    assert table.rows[0][3:] == ("900.50", "不小于1000.00", "−99.50", "不达标")
    assert table.rows[1][3:] == ("—", "不小于38.07764", "—", "缺数")
    assert table.notes == ("补充耕地产能：县里没有提供已补充产能，不作判定。",)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ((), "县里没有提供公布数，未作核对。"),
        (
            [{"check": "printed-computed", "verdict": v} for v in ("equal", "equal", "real")],
            "公布数核对（建账期）：相等2项、确有差异1项，逐项见reconcile.csv。",
        ),
    ],
)
def test_published_figures_are_counted_only_where_there_are_any(county, rows, text):
    document = monthly.document(world(county, {D[0]: [Task("1", A)]}, reconcile=rows))
    (notes,) = [b for b in document.blocks if isinstance(b, Notes)]
    assert text in notes.items


def claim(task, column, text):
    empty = dict.fromkeys(RETURNED, "")
    return empty | {"task_id": task, "column": column, "text": text, "verdict": "采用"}


def test_planting_is_what_filled_ledgers_claim_or_is_left_to_the_ground(county):
    tasks = [Task("1", A), Task("2", A), Task("3", B), Task("4", C)]
    exports = {D[0]: tasks, D[1]: [*(t.now("closed") for t in tasks[:3]), tasks[3]]}
    text = said(half_month.document(world(county, exports)))
    assert "交回的台账中没有种植责任落实的填报，不作统计。恢复类任务已销号图斑3个，由督导组" in text
    assert "恢复类任务没有已销号图斑，暂无种植责任可核查。" in text  # 第二督导组: 丙街办
    claims = [
        claim("1", "planting", "已落实"), claim("2", "planting", "未落实"),
        claim("4", "planting", "已落实"), claim("1", "inspected", "符合"),
    ]  # fmt: skip
    text = said(half_month.document(world(county, exports, returned=claims)))
    assert (
        "据交回台账的填报（未经核查），种植责任落实填报2个：已落实1个、未落实1个。"
        "已销号而没有填报的1个。" in text
    )
    assert "督导结果填报1个：符合1个。" in text


def test_no_person_is_ever_in_a_bulletin(county):
    claims = [claim("1", "remark", "张三 13900000000"), claim("1", "unit", "张三")]
    data = world(county, {D[0]: [Task("1", A)]}, returned=claims)
    for document in all_of(data):
        assert "张三" not in repr(document)


def test_villages_are_named_without_county_and_town_before_them(county):
    one = Task("1", A, village="测试县甲镇柳沟村")
    data = world(county, {D[0]: [one], D[1]: [one.now("closed")], D[2]: [one.now("reopened", 1.0)]})
    (annex,) = [a for a in half_month.document(data).annexes if a.title == "反弹图斑清单"]
    assert annex.blocks[0].rows[0][2] == "柳沟村"


def test_after_the_deadline_its_days_are_counted_up(county):
    for deadline, text in (
        (date(2023, 10, 20), "距整改期限（2023年10月20日）还有5天。"),
        (D[1], "数据日期即整改期限（2023年10月15日）。"),
        (date(2023, 10, 1), "整改期限（2023年10月1日）已过14天。"),
    ):
        data = world(county, {D[0]: [Task("1", A)], D[1]: [Task("1", A)]}, deadline=deadline)
        assert text in said(monthly.document(data))
    assert "耕地保护目标整改期限已到，未销号3.00亩。" in said(monthly.document(data))


def test_towns_without_a_group_have_a_chapter_of_their_own(county):
    bare = tuple(replace(town, group="") for town in county.towns[:1]) + county.towns[1:]
    document = half_month.document(world(county, {D[0]: [Task("1", A)]}, towns=bare))
    headings = [block.text for block in document.blocks if hasattr(block, "level")]
    assert headings[0] == "一、未分督导组的镇办"
    assert "督查范围：甲镇。" in said(document)


status = st.sampled_from(["open", "partial", "closed", "reopened", "withdrawn"])
tasks = st.lists(
    st.tuples(
        st.sampled_from([A, B, C]),
        st.sampled_from([PBF, "target_restore_in_place", "in_out_balance", "pbf_self_submitted"]),
        st.integers(1, 5_000_000),
        st.lists(st.tuples(status, st.integers(0, 100)), min_size=3, max_size=3),
    ),
    max_size=6,
)
STANDING = re.compile("台账任务(.+?)亩，已恢复(.+?)亩，")


@settings(deadline=None, max_examples=6)
@given(rows=tasks)
def test_whatever_happens_prose_has_no_signs_and_its_figures_are_the_tables(county, rows):
    exports = {D[0]: [], D[1]: [], D[2]: [], D[3]: []}
    for number, (town, category, cm2, course) in enumerate(rows):
        task = Task(f"{number}", town, category=category, area=cm2 / 100)
        exports[D[0]].append(task)
        for day, (state, share) in zip(D[1:], course, strict=True):
            done = 100 if state == "closed" else 0 if state == "withdrawn" else share
            exports[day].append(task.now(state, cm2 * done // 100 / 100))
    data = world(county, exports, indicators=[verdict()])
    for document in all_of(data):
        text = said(document)
        assert not re.search(r"[-−+]\d|None|nan|[{}]|，，|。。|，。", text), text
    found = STANDING.findall(said(weekly.document(data)))
    county_rows = data.table("progress")
    county_rows = county_rows[county_rows["level"] == "county"]
    wanted = [
        (two(Decimal(gap)), two(Decimal(restored)))
        for gap, restored in zip(county_rows["gap_mu"], county_rows["restored_mu"], strict=True)
        if Decimal(gap)
    ]
    assert sorted(found) == sorted(wanted)
