"""A wrong command line is answered in Chinese, with the right one; help pages are Chinese too."""

from __future__ import annotations

import re

import pytest
from command_line import gengbao

from pipeline import cli
from pipeline.errors import UsageError
from pipeline.stages.workers import most_workers
from pipeline.terminal import width


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "缺少 命令"),
        (["alles"], "没有“alles”，可用：all、ingest、"),
        (["explain"], "缺少 标识码"),
        (["explain", "1", "2"], "不认识：2"),
        (["sample", "--scale", "riesig"], "--scale：没有“riesig”，可用：tiny、small"),
        (["sample", "--seed", "abc"], "--seed：“abc”不是整数"),
        (["sample", "--centre", "109"], "--centre：应为“经度,纬度”：109"),
        (["sample", "--e", "3"], "--e 说的可能是 --exports、--every"),
        (["compare", "--list"], "--list：后面要写一个值"),
        (["trace", "--all=3", "x"], "--all：后面不写值，却写了“3”"),
        (["province", ".", "--maps", "--no-maps"], "--no-maps：不能与 --maps 同时写"),
    ],
)
def test_what_is_wrong_is_said_in_chinese_with_how_it_is_written(words, said, capsys):
    assert cli.run(words) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("命令用法有误：发现 1 处问题\n")
    assert said in complaint
    assert re.search(r"处理办法：写法：gengbao .*；说明见 gengbao( \w+)? --help", complaint)


def test_a_number_of_processes_that_is_none_is_told(monkeypatch):
    monkeypatch.setenv("GENGBAO_WORKERS", "两个")
    with pytest.raises(UsageError, match="GENGBAO_WORKERS：“两个”不是进程数"):
        most_workers()


def test_every_help_page_is_chinese():
    for command in cli.discover():
        page = gengbao(command.name, "--help").stdout
        assert page.startswith(f"用法：gengbao {command.name}")
        assert not re.search("usage|options|positional|show this|--[a-z-]+ [A-Z]+", page), (
            command.name
        )


def test_the_columns_of_a_help_page_line_up():
    page = gengbao("province", "--help").stdout
    heads = re.findall(r"^(  --\S+(?: \w+)?  +)\S", page, flags=re.MULTILINE)
    assert len(heads) == 8  # --debug and the command's own seven
    assert len({width(head) for head in heads}) == 1
