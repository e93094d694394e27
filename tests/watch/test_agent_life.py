"""The guest agent's death, and what only looks like it."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from collector.model import iso
from collector.watch.agent_life import AgentLife, Process
from collector.watch.agent_processes import AgentProcesses
from tests.waiting import until
from tests.watch.instance import START

DAEMON, HANDLERS = Process(10, 1_000.0), Process(11, 1_001.0)
BOTH = {"daemon": DAEMON, "run-exthandlers": HANDLERS}


def looks(life: AgentLife, found: dict[str, Process] | None, begin: float, end: float) -> list[str]:
    """A look every half minute."""
    told = []
    for seconds in range(int(begin), int(end), 30):
        told += [notice.text for notice in life.look(found, START + timedelta(seconds=seconds))]
    return told


def test_a_process_that_is_gone_is_told_once_and_after_several_looks():
    life = AgentLife()
    assert looks(life, BOTH, 0, 90) == []
    assert looks(life, {}, 90, 180) == []
    told = looks(life, {}, 180, 3_000)
    assert len(told) == 2
    assert told[0].startswith("the guest agent's daemon (pid 10) is gone since 2026-05-04T03:13:30Z")


def test_an_agent_that_was_never_there_is_not_missed():
    assert looks(AgentLife(), {}, 0, 3_600) == []


def test_an_update_replaces_the_process():
    life = AgentLife()
    looks(life, BOTH, 0, 60)
    assert looks(life, {"daemon": DAEMON}, 60, 120) == []
    assert looks(life, {"daemon": DAEMON, "run-exthandlers": Process(12, 1_100.0)}, 120, 3_600) == []


def test_each_death_is_another():
    life = AgentLife()
    keys = []
    for pid in (11, 12):
        life.look({"run-exthandlers": Process(pid, float(pid))}, START)
        for seconds in range(0, 200, 30):
            keys += [notice.key for notice in life.look({}, START + timedelta(seconds=seconds))]
    assert len(set(keys)) == len(keys) == 2


def test_a_heart_that_is_not_heard_for_an_hour():
    life = AgentLife()
    looks(life, BOTH, 0, 60)
    life.heard(START + timedelta(seconds=60))
    assert looks(life, BOTH, 60, 3_660) == []
    told = looks(life, BOTH, 3_690, 9_000)
    assert len(told) == 1
    assert "no heart-beat line since 2026-05-04T03:13:00Z" in told[0]
    life.heard(START + timedelta(seconds=9_000))
    assert len(looks(life, BOTH, 9_000, 20_000)) == 1


@pytest.mark.parametrize("found", [{}, BOTH, None])
def test_no_heart_is_missed_that_was_never_heard(found: dict[str, Process] | None):
    assert looks(AgentLife(), found, 0, 20_000) == []


def test_an_agent_that_has_begun_anew_has_its_time():
    life = AgentLife()
    life.heard(START - timedelta(hours=5))
    assert looks(life, BOTH, 0, 3_600) == []


def test_on_a_disk_only_a_heart_that_beat_while_we_listened_is_missed():
    life = AgentLife()
    life.heard(START - timedelta(hours=5))
    assert looks(life, None, 0, 20_000) == []
    life.heard(START + timedelta(seconds=20_000))
    assert len(looks(life, None, 20_000, 40_000)) == 1


def test_what_is_known_outlives_a_restart():
    life = AgentLife()
    looks(life, BOTH, 0, 60)
    life.heard(START)
    assert len(looks(life, BOTH, 60, 9_000)) == 1
    after = AgentLife()
    after.load(life.dump())
    assert after.dump()["heard"] == iso(START)
    AgentLife().load({"heard": 3, "silence_told": "x"})


@pytest.mark.skipif(sys.platform != "linux", reason="a process can be given the agent's command line only there")
def test_real_processes(tmp_path: Path):
    """One that is called like the agent, as long as it lives."""
    program = tmp_path / "waagent"
    program.write_text("import time; time.sleep(60)")
    found = AgentProcesses()
    with subprocess.Popen([sys.executable, "-u", program, "-run-exthandlers"]) as process:
        try:
            told = until(lambda: found.look().get("run-exthandlers"))
            assert told.pid == process.pid
            assert found.look()["run-exthandlers"] == told
        finally:
            process.kill()
            process.wait()
    after = found.look().get("run-exthandlers")
    assert after is None or after.pid != process.pid


@pytest.mark.skipif(sys.platform == "win32", reason="a process of the Linux agent")
def test_a_process_that_tells_nothing_of_itself_hides_no_other(monkeypatch: pytest.MonkeyPatch):
    """Windows refuses some with errors that are none of psutil's own."""
    import psutil

    def refused(self: psutil.Process) -> str:
        raise OSError(22, "Invalid parameter")

    monkeypatch.setattr(psutil.Process, "name", refused)
    with subprocess.Popen(
        [sys.executable, "-c", "input()", "waagent", "-run-exthandlers"], stdin=subprocess.PIPE
    ) as one:
        try:
            assert one.pid in {found.pid for found in AgentProcesses().look().values()}
        finally:
            one.kill()
