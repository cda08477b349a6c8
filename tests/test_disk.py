"""A set of files is exchanged all or none: killed or refused at every single change on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from faulty import faulty

from pipeline import disk
from pipeline.errors import OutputError

ROOT = Path(__file__).parent.parent
OLD = {"a.csv": b"old a", "b.csv": b"old b"}
NEW = {"a.csv": b"new a", "neu/c.csv": b"new c"}


def lay_out(out):
    for base, files in ((out, OLD), (out / ".gengbao/work", NEW)):
        for name, data in files.items():
            (base / name).parent.mkdir(parents=True, exist_ok=True)
            (base / name).write_bytes(data)
    return out


def content(out):
    return {
        p.relative_to(out).as_posix(): p.read_bytes()
        for p in out.rglob("*")
        if p.is_file() and ".gengbao/work" not in p.as_posix()
    }


def settled(out):
    with disk.locked(out):
        disk.settle(out)
        disk.Work(out).clear()
    return content(out)


def changes(tmp_path, what="exchange"):
    done = faulty("count", 0, lay_out(tmp_path / "count"), what)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_an_exchange_replaces_adds_and_removes(tmp_path):
    done = faulty("count", 0, lay_out(tmp_path), "exchange")
    assert done.returncode == 0, done.stderr
    assert settled(tmp_path) == NEW
    assert not (tmp_path / ".gengbao").exists()


def test_killed_at_every_change_all_is_old_or_all_is_new(tmp_path):
    outcomes = []
    for at in range(1, changes(tmp_path) + 1):
        out = lay_out(tmp_path / str(at))
        done = faulty("kill", at, out, "exchange")
        assert done.returncode == -signal.SIGKILL, (at, done.stderr)
        for name, data in content(out).items():  # even before anyone cleans up: no half file
            assert name.startswith(".") or "/." in name or data in {OLD.get(name), NEW.get(name)}
        assert (out / "a.csv").exists()
        assert settled(out) in (OLD, NEW), at
        outcomes.append(settled(out) == NEW)
    assert outcomes == sorted(outcomes), "new only from one moment on"
    assert {True, False} == set(outcomes)


def test_refused_at_every_change_all_is_old_and_nothing_is_left(tmp_path):
    refusals = 0
    for at in range(1, changes(tmp_path) + 1):
        out = lay_out(tmp_path / str(at))
        done = faulty("fail", at, out, "exchange")
        assert done.returncode in {0, 5}, (at, done.stderr)
        assert not disk.interrupted(out), at
        found = content(out)
        assert found == (NEW if done.returncode == 0 else OLD), (at, done.stderr)
        refusals += done.returncode == 5
        if done.returncode == 5:
            assert "磁盘已满" in done.stderr
    assert refusals > 8


@pytest.mark.parametrize("share", [0.4, 0.75, 0.9])
def test_killed_while_ending_what_a_killed_run_began(tmp_path, share):
    at = round(changes(tmp_path) * share)

    def killed_once(name):
        out = lay_out(tmp_path / name)
        faulty("kill", at, out, "exchange")
        return out

    more = int(faulty("count", 0, killed_once("first"), "settle").stdout)
    for again in range(1, more + 1):
        out = killed_once(str(again))
        done = faulty("kill", again, out, "settle")
        assert done.returncode == -signal.SIGKILL, (again, done.stderr)
        assert settled(out) in (OLD, NEW), again


def test_killed_on_the_way_back_the_next_run_goes_all_the_way_back(tmp_path):
    """As if a rename had been refused in the swap and the process killed before it put all back."""
    turned = 0
    for at in range(changes(tmp_path), 0, -1):
        out = lay_out(tmp_path / str(at))
        faulty("kill", at, out, "exchange")
        journal = out / ".gengbao/exchange.swap"
        if journal.exists() and all((out / f".{name}.gengbao-old").exists() for name in OLD):
            journal.rename(journal.with_suffix(".back"))
            assert settled(out) == OLD, at
            turned += 1
    assert turned > 3


def test_every_taken_place_is_named_at_once_and_nothing_changes(tmp_path):
    out = lay_out(tmp_path)
    (out / "neu/c.csv").mkdir(parents=True)
    (out / "b.csv").unlink()
    (out / "b.csv").mkdir()
    made = {name: out / ".gengbao/work" / name for name in NEW}
    with disk.locked(out), pytest.raises(OutputError) as caught:
        disk.exchange(out, made, ["b.csv"])
    assert [f.found for f in caught.value.findings] == ["该处是文件夹，不能写成文件"] * 2
    assert (out / "a.csv").read_bytes() == OLD["a.csv"]
    assert not disk.interrupted(out)


def test_a_file_where_a_folder_is_needed_is_named(tmp_path):
    out = lay_out(tmp_path)
    (out / "neu").write_bytes(b"")
    made = {name: out / ".gengbao/work" / name for name in NEW}
    with disk.locked(out), pytest.raises(OutputError, match="该处是文件，不能当文件夹用"):
        disk.exchange(out, made, [])
    assert content(out)["a.csv"] == OLD["a.csv"]


@pytest.mark.skipif(os.geteuid() == 0, reason="权限对 root 不起作用")
def test_a_folder_without_write_permission_is_named(tmp_path):
    out = lay_out(tmp_path)
    (out / "neu").mkdir()
    (out / "neu").chmod(0o555)
    made = {name: out / ".gengbao/work" / name for name in NEW}
    with disk.locked(out), pytest.raises(OutputError, match="没有写权限"):
        disk.exchange(out, made, [])


def test_a_disk_without_hard_links_is_served_by_copies(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(1, "Operation not permitted")

    out = lay_out(tmp_path)
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    monkeypatch.setattr(Path, "symlink_to", refuse)
    with disk.locked(out):
        work = disk.Work(out)
        work.image(["b.csv"], keep=NEW)
        made = work.made([*NEW, "b.csv"])
        assert set(made) == {*NEW, "b.csv"}  # a copy can't be told from a new file: written again
        disk.exchange(out, made, [])
        work.clear()
    assert content(out) == NEW | {"b.csv": OLD["b.csv"]}


def test_the_image_shows_what_stands_and_tells_what_is_new(tmp_path):
    out = lay_out(tmp_path)
    work = disk.Work(out)
    (work.folder / "half.tmp").write_bytes(b"left by a killed run")
    work.image([*OLD, "never.csv"], keep=["a.csv"])
    assert (work.folder / "b.csv").read_bytes() == OLD["b.csv"]
    assert (work.folder / "a.csv").read_bytes() == NEW["a.csv"]
    assert not (work.folder / "half.tmp").exists()
    assert not (work.folder / "neu").exists()
    assert list(work.made([*OLD, "never.csv"])) == ["a.csv"]
    work.clear()
    assert content(out) == OLD


def test_a_file_is_replaced_whole_or_stays(tmp_path):
    path = tmp_path / "表.csv"
    path.write_bytes(b"old")

    def fail():
        with disk.replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="磁盘已满，写不下"):
        fail()
    assert content(tmp_path) == {"表.csv": b"old"}


def test_what_a_killed_process_left_beside_a_file_is_removed_what_a_live_one_writes_is_not(
    tmp_path,
):
    path = tmp_path / "a[1].csv"
    gone = subprocess.run([sys.executable, "-c", ""], check=True)
    assert gone.returncode == 0
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / f".a[1].csv.{dead.pid}.x1y2.tmp.csv"
    alive = tmp_path / f".a[1].csv.{os.getppid()}.x1y2.tmp.csv"
    left.write_bytes(b"")
    alive.write_bytes(b"")
    with disk.replacing(path) as temporary:
        temporary.write_bytes(b"new")
    assert sorted(p.name for p in tmp_path.iterdir()) == [alive.name, "a[1].csv"]


def test_room_is_asked_for_before_anything_is_done(tmp_path):
    disk.require_room(tmp_path, 1, "测试")
    with pytest.raises(OutputError, match=r"磁盘空间不足：测试至少要 [0-9.]+ MB，只剩"):
        disk.require_room(tmp_path, 1 << 60, "测试")


def test_a_held_folder_is_refused_with_pid_and_time_a_dead_holders_is_taken_over(tmp_path):
    hold = (
        "import sys; from pathlib import Path; from pipeline import disk\n"
        f"with disk.locked(Path({str(tmp_path)!r})):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    holder = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", hold], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(OutputError) as caught, disk.locked(tmp_path):
            pass
        assert f"pid {holder.pid}" in str(caught.value)
        assert "另一次运行正在进行（20" in str(caught.value)
        holder.kill()
    with disk.locked(tmp_path) as died:
        assert died.pid == holder.pid
    assert content(tmp_path) == {}


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}', "[]"])
def test_a_damaged_lock_file_of_no_one_locks_nothing(tmp_path, text):
    (tmp_path / ".gengbao").mkdir()
    (tmp_path / ".gengbao/lock").write_text(text)
    with disk.locked(tmp_path) as died:
        assert died is None
    assert content(tmp_path) == {}


def test_a_folder_of_products_is_replaced_whole_and_what_a_person_keeps_there_stays(tmp_path):
    path = tmp_path / "甲_乙"
    with disk.replacing_folder(path, ()) as fresh:
        (fresh / "a.csv").write_bytes(b"1")
        (fresh / "b.csv").write_bytes(b"1")
    (path / "批注.docx").write_bytes(b"note")
    with disk.replacing_folder(path, ["a.csv", "b.csv"]) as fresh:
        (fresh / "a.csv").write_bytes(b"2")
    assert content(path) == {"a.csv": b"2", "批注.docx": b"note"}

    def fail():
        with disk.replacing_folder(path, ["a.csv"]) as fresh:
            (fresh / "a.csv").write_bytes(b"3")
            raise disk.cannot_write(fresh / "a.csv", OSError(28, "No space left on device"))

    with pytest.raises(OutputError) as caught:
        fail()
    assert f"文件 {path / 'a.csv'}" in str(caught.value)
    assert content(path) == {"a.csv": b"2", "批注.docx": b"note"}


def test_a_folder_that_was_not_there_is_not_there_after_a_failure(tmp_path):
    def fail():
        with disk.replacing_folder(tmp_path / "x", ()):
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    assert list(tmp_path.iterdir()) == []
