"""The manners of the agent as a whole: while its share of the processor is used up it reads nothing, and goes on later."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest

from collector.cli import collect, watch
from collector.config import ENVIRONMENT, Config, WatchConfig
from collector.deliver.lock import held
from collector.read.tailing.tail import Tails
from collector.redact.redactor import Redactor
from collector.watch.incident import Notice
from collector.watch.limits import CpuShare
from collector.watch.loop import Loop
from collector.watch.order import Order
from collector.watch.own_folder import own_folder
from collector.watch.parts import assemble, collect_arguments
from collector.watch.waking import Changes, Waker

LINE = 'time=2026-11-26T10:00:00.000Z version=v2.1 level=info msg="an ordinary message of the handler"\n'


@dataclass
class Clock:
    """Goes on only when it is told to; the CPU that is used is that of the tests."""

    at: float = 1_000.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.at

    def now(self) -> datetime:
        return datetime(2026, 11, 26, 10, tzinfo=timezone.utc) + timedelta(seconds=self.at)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def read(loop: Loop) -> int:
    """Bytes of all logs so far."""
    return sum(one.offset for one in loop.sources.followed())


def turn_until(loop: Loop, wanted: int) -> None:
    """So many bytes are read within a few turns."""
    for _ in range(100):
        loop.turn()
        if read(loop) >= wanted:
            return
    raise AssertionError(f"{read(loop)} bytes were read, not {wanted}")


@pytest.mark.skipif(sys.platform == "win32", reason="its clock of CPU time ticks too seldom")
def test_what_is_owed_is_waited_for_before_anything_is_read(tmp_path: Path):
    log = tmp_path / "disk" / "var" / "log" / "azure" / "custom-script" / "handler.log"
    log.parent.mkdir(parents=True)
    log.write_text(LINE)
    config = Config(state_dir=tmp_path / "state", watch=WatchConfig(poll=True, poll_seconds=0.05))
    clock = Clock()
    loop = assemble(Order(tmp_path / "disk"), config, Redactor(b"0" * 32), clock)
    loop.share = CpuShare(1, burst_seconds=0.0)  # a millisecond of CPU is a tenth of a second
    loop.start()
    try:
        loop.turn()
        assert not any(clock.slept)
        clock.slept.clear()
        before = read(loop)
        with log.open("a") as stream:
            stream.write(LINE)
        for _ in range(5):
            loop.turn()
        assert len(clock.slept) >= 4  # a clock that ticks seldom has seen nothing of the first
        assert all(0 < seconds <= 1 for seconds in clock.slept)
        assert read(loop) == before
        loop.share = CpuShare(0)
        turn_until(loop, log.stat().st_size)
    finally:
        loop.stop()


def test_where_memory_is_short_less_is_read_at_a_time(tmp_path: Path):
    log = tmp_path / "disk" / "var" / "log" / "azure" / "custom-script" / "handler.log"
    log.parent.mkdir(parents=True)
    log.write_text(LINE)
    config = Config(state_dir=tmp_path / "state", watch=WatchConfig(poll=True, poll_seconds=0.05, cpu_percent=0))
    loop = assemble(Order(tmp_path / "disk"), config, Redactor(b"0" * 32), Clock())
    loop.start()
    try:
        loop.turn()
        before = read(loop)
        with log.open("a") as stream:
            stream.write(LINE * 4_000)
        for _ in range(5):  # less and less, but never nothing
            loop.read_less()
        turn_until(loop, before + 1)
        assert read(loop) <= before + 65_536
        loop.read_as_usual()
        turn_until(loop, log.stat().st_size)
    finally:
        loop.stop()


def test_a_lock_that_is_held_for_a_moment_only_delays_the_start(tmp_path: Path):
    """As ``vmext status`` holds it to see whether an agent runs."""
    (tmp_path / "watch").mkdir()
    released, entered = threading.Event(), threading.Event()

    def hold() -> None:
        with held(tmp_path / "watch" / "lock") as mine:
            assert mine
            entered.set()
            released.wait(0.3)

    other = threading.Thread(target=hold)
    other.start()
    assert entered.wait(30)
    try:
        with own_folder(tmp_path), held(tmp_path / "watch" / "lock") as free:
            assert not free
    finally:
        released.set()
        other.join()


def test_a_collect_of_the_agent_is_told_every_setting_that_both_commands_have(tmp_path: Path):
    """By a variable, which other users can't read, or by an argument."""
    file = tmp_path / "config.toml"
    order = Order(tmp_path, instance="vmss_3", config_file=file)
    config = Config(state_dir=tmp_path / "state", time_zone="Europe/Berlin", watch=WatchConfig(hang_seconds=90))
    told = collect.command.make_context("collect", collect_arguments(order, config)).params
    wanted = {"root": tmp_path, "live": True, "instance": "vmss_3", "config_file": file}
    wanted |= {"time_zone": "Europe/Berlin", "hang_seconds": 90.0}
    assert {name: told[name] for name in wanted} == wanted
    both = {option.name for option in watch.command.params} & {option.name for option in collect.command.params}
    assert both - set(ENVIRONMENT.values()) <= set(wanted)


def test_what_a_kill_left_half_written_is_taken_away_at_the_next_start(tmp_path: Path):
    folder = tmp_path / "watch"
    folder.mkdir()
    for name in (".checkpoint.json.1f2e3d4c.partial", ".status.json.4711.partial", "notebook.json"):
        (folder / name).write_text("{")
    with own_folder(tmp_path):
        assert sorted(file.name for file in folder.iterdir()) == ["lock", "notebook.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="folders are closed by other means there")
def test_a_folder_that_is_closed_meanwhile_ends_nothing(tmp_path: Path):
    log = tmp_path / "disk" / "var" / "log" / "azure" / "custom-script" / "handler.log"
    log.parent.mkdir(parents=True)
    log.write_text(LINE)
    config = Config(state_dir=tmp_path / "state", watch=WatchConfig(poll=True))
    loop = assemble(Order(tmp_path / "disk"), config, Redactor(b"0" * 32), Clock())
    loop.start()
    user = os.geteuid()
    try:
        log.parent.chmod(0)
        if user == 0:
            os.seteuid(65_534)  # root may look everywhere
        loop.sources.touch(Changes(came=frozenset({str(log)})))
        assert loop.sources.scan_wait(60.0) < 60.0
    finally:
        os.seteuid(user)
        log.parent.chmod(0o700)
        loop.stop()


def test_a_look_that_waits_more_than_it_works_is_made_again_soon(tmp_path: Path):
    """Else a new status file would be seen only minutes later where the machine is busy."""
    times, used = iter([100.0, 104.0, 104.0]), iter([1.0, 1.02])
    config = Config(state_dir=tmp_path / "state", watch=WatchConfig(poll=True))
    loop = assemble(Order(tmp_path), config, Redactor(b"0" * 32), Clock())
    loop.sources._clock, loop.sources._cpu = lambda: next(times), lambda: next(used)
    list(loop.sources.scan())
    loop.sources.touch(Changes(folders=True))
    assert loop.sources.scan_wait(60.0) == 8.0
    loop.waker.close()
    loop.sources.close()


def test_what_came_of_an_incident_is_kept_before_it_is_told(tmp_path: Path):
    """A kill right after it was told makes no second bundle."""
    told: list[object] = []
    notebook = tmp_path / "state" / "watch" / "notebook.json"
    config = Config(state_dir=tmp_path / "state", watch=WatchConfig(poll=True))

    def tell(text: str) -> None:
        if " bundle " in text:
            told.append(json.loads(notebook.read_text())["incidents"]["open"])

    order = Order(tmp_path / "disk", tell=tell)
    (tmp_path / "disk").mkdir()
    loop = assemble(order, config, Redactor(b"0" * 32), Clock())
    loop.start()
    try:
        now = datetime(2026, 11, 26, 10, tzinfo=timezone.utc)
        loop.incidents.add(Notice("failure", ("x",), "it failed", now), loop.clock.monotonic() - 100)
        for _ in range(600):
            loop.turn()
            if told:
                break
            time.sleep(0.1)
        assert told == [[]]
    finally:
        loop.stop()


class Deaf(Waker):
    """Every event gets lost."""

    def wait(self, seconds: float) -> Changes:
        return Changes()


def test_a_disk_in_which_nothing_came_or_went_is_looked_through_seldom(tmp_path: Path):
    """A look for new files costs most of what an idle agent costs; that a folder changed is seen without."""
    folder = tmp_path / "disk" / "var" / "log" / "azure" / "custom-script"
    folder.mkdir(parents=True)
    (folder / "handler.log").write_text(LINE)
    clock = Clock()
    config = Config(state_dir=tmp_path / "state", watch=WatchConfig(scan_seconds=60, cpu_percent=0))
    loop = assemble(Order(tmp_path / "disk"), config, Redactor(b"0" * 32), clock)
    loop.waker.close()
    loop.waker = Deaf()
    looks, folders = [], loop.folders

    def looked() -> Mapping[Path, bool]:
        """Asked for after each look."""
        looks.append(clock.at)
        return folders()

    loop.folders = looked
    loop.start()
    try:
        for _ in range(12):
            clock.at += 61
            loop.turn()
        assert 2 <= len(looks) - 1 <= 3, "each fifth, and the first that is due after the start"
        (folder / "other.log").write_text(LINE)
        clock.at += 61
        before = len(looks)
        loop.turn()
        assert len(looks) == before + 1
        assert any(one.path.endswith("other.log") for one in loop.sources.followed())
    finally:
        loop.stop()


def test_of_files_that_were_rotated_away_no_text_is_remembered(tmp_path: Path):
    """A log that is rotated every minute leaves a stream each time."""
    log = tmp_path / "disk" / "var" / "log" / "azure" / "custom-script" / "handler.log"
    log.parent.mkdir(parents=True)
    log.write_text(LINE)
    clock, minutes = Clock(), Clock()
    config = Config(state_dir=tmp_path / "state", watch=WatchConfig(poll=True, poll_seconds=0.01, cpu_percent=0))
    tails = partial(Tails, clock=minutes.monotonic, wall=minutes.monotonic)
    loop = assemble(Order(tmp_path / "disk"), config, Redactor(b"0" * 32), clock, tails)
    loop.start()
    try:
        for number in range(40):
            log.rename(log.with_name(f"handler.log.{number}"))
            log.with_name(f"handler.log.{number - 1}").unlink(missing_ok=True)
            log.write_text(f"{LINE[:-1]} {number}\n")
            minutes.at += 60
            list(loop.sources.scan())
            for piece, _ in loop.sources.read(65_536):
                assert piece is not None
            clock.at += 3  # nothing waits for more
            assert not loop.sources.quiet()
            loop.settle()
        text = "".join(file.read_text() for file in (tmp_path / "state" / "ring").glob("*.ring"))
        assert text.count("an ordinary message") >= 40
        assert 0 < len(loop.sources._recent._streams) < 20
    finally:
        loop.stop()
