"""What a run says of itself while it works, and at the end."""

from __future__ import annotations

import logging

from pipeline.cli import showing
from pipeline.stages import Pace
from pipeline.stages import pace as pace_room


class Clock:
    """Seconds that pass when told to."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


def test_a_stage_says_name_count_rate_and_time_left(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(pace_room, "time", clock)
    pace = Pace()
    with pace.at("取证 2023-09-30", 40_000_000):
        clock.now += 3
        assert pace.line() == "取证 2023-09-30：第 1 步，读 40 MB，已 3 秒"  # nothing to go by yet
        clock.now += 5
    with pace.at("取证 2023-10-31", 80_000_000):
        clock.now += 4
        # 40 MB in 8 s: 5 MB/s, so 80 MB take 16 s, of which 4 are gone
        assert pace.line().endswith("已 4 秒，同类每秒 5.0 MB，约剩 12 秒")
    assert pace.slowest() == "取证 2023-09-30 8.0秒（67%）、取证 2023-10-31 4.0秒（33%）"


def test_a_whole_export_is_not_expected_to_go_at_the_rate_of_its_parts(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(pace_room, "time", clock)
    pace = Pace()
    for town in ("杏坪镇", "下梁镇"):
        with pace.at(f"取证 2023-09-30 {town}", 400):  # it reads the hash of what it is made from
            clock.now += 12
            assert pace.line().endswith("读 0 MB，已 12 秒")
    with pace.at("取证 2023-09-30", 2_000_000_000):
        clock.now += 2
        assert pace.line().endswith("读 2000 MB，已 2 秒")


def test_a_log_gets_plain_lines_of_long_stages_only(monkeypatch, caplog):
    clock = Clock()
    monkeypatch.setattr(pace_room, "time", clock)
    ticks = []

    class Every:
        def __init__(self, _seconds, act):
            ticks.append(act)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(showing, "_every", Every)
    pace = Pace()
    with caplog.at_level(logging.INFO, "gengbao"), showing.shown(pace):
        with pace.at("短 步", 0):
            clock.now += 1
            ticks[0]()
        with pace.at("长 步", 0):
            for _ in range(14):
                clock.now += 1
                ticks[0]()
    said = [record.message.strip() for record in caplog.records]
    assert said == [
        "长 步：第 2 步，读 0 MB，已 2 秒",
        "长 步：第 2 步，读 0 MB，已 12 秒",
        "用时最多：长 步 14.0秒（93%）、短 步 1.0秒（7%）",
    ]
