"""Deadlines, calls that are killed, and two at once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.run_command.azure import Ran
from tests.run_command.machine import Machine, debian
from tests.run_command.server import PROGRAM, package, serving, sha256
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="makes chroots, as root")

PATIENCE = 60.0  # seconds; only a guard against waiting for ever
#: Goes on once the file is there.
SLOW = PROGRAM.replace("#!/bin/sh\n", "#!/bin/sh\n: >/tmp/runs\nwhile [ ! -e /tmp/go ]; do sleep 0.1; done\n")
HANGS = "#!/bin/sh\necho 'VMEXT FAI'\n: >/tmp/runs\nsleep 1000 & sleep 1000\n"


@pytest.fixture(params=["setsid", "no setsid"])
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Machine]:
    machine = debian(tmp_path / "machine", ["curl", *(["setsid"] if request.param == "setsid" else [])])
    yield machine
    kill_all(machine)


def kill_all(machine: Machine) -> None:
    """All at one time, as where a machine is cut off: none may see that another has gone, and tidy up behind it."""
    seen: set[int] = set()
    while new := [process for process in inside(machine) if process.pid not in seen]:
        for process in new:
            seen.add(process.pid)
            with suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile
                process.suspend()
    for process in inside(machine):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def inside(machine: Machine) -> list[psutil.Process]:
    """Processes that run in the machine."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(f"/proc/{process.pid}/root").readlink() == machine.root:
                found.append(process)
        except OSError:
            continue
    return found


def started(machine: Machine, program: str, **environment: str) -> subprocess.Popen[bytes]:
    """A call whose vmext runs by now."""
    machine.put("vmext", program)
    child = machine.start(**environment)
    until((machine.root / "tmp/runs").exists)
    return child


def result(child: subprocess.Popen[bytes]) -> Ran:
    out, err = child.communicate(timeout=PATIENCE)
    return Ran(child.returncode, out, err)


def test_the_deadline_ends_what_hangs_and_a_verdict_comes(machine: Machine):
    child = started(machine, HANGS, VMEXT_COLLECT_SECONDS="2")
    ran = result(child)
    assert ran.code == 0
    assert ran.verdict.line.startswith("FAILED CustomScript exit 100"), ran.message
    assert machine.remains() == []
    until(lambda: not inside(machine))


def test_the_deadline_holds_for_the_whole_where_the_network_swallows_everything(machine: Machine):
    machine.put("curl", "#!/bin/sh\n: >/tmp/runs\nsleep 1000\n")
    ran = machine.run("http://127.0.0.1:9/x", "0" * 64, VMEXT_COLLECT_SECONDS="1")
    assert ran.verdict.line.startswith("FAILED CustomScript exit 100"), ran.message
    assert "at: fetching the package" in ran.verdict.parts["Why"].replace("\n", " ")
    assert (machine.root / "tmp/runs").exists()
    assert machine.remains() == []


def test_the_work_goes_on_where_run_command_gives_up(machine: Machine):
    """It kills the shell that it started, and no more."""
    child = started(machine, SLOW)
    front = next(one for one in inside(machine) if one.pid == child.pid)
    front.kill()
    child.communicate(timeout=PATIENCE)
    waiting = machine.start(VMEXT_COLLECT_WAIT="60")
    time.sleep(0.3)
    (machine.root / "tmp/go").touch()
    ran = result(waiting)
    assert ran.verdict.bundle == "247252e2eafad389", "the answer of the first call"
    assert machine.remains() == []


def test_a_whole_process_group_that_is_killed_takes_no_worker_with_it(tmp_path: Path):
    machine = debian(tmp_path / "machine", ["setsid"])
    child = started(machine, SLOW)
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate(timeout=PATIENCE)
    (machine.root / "tmp/go").touch()
    until(lambda: list(machine.root.glob("run/vmext-run-command/answer.*")))
    until(lambda: machine.remains() == [])


def test_a_second_call_tells_how_far_the_first_is(machine: Machine):
    first = started(machine, SLOW)
    second = machine.run(VMEXT_COLLECT_WAIT="1")
    assert second.code == 0
    assert second.verdict.line.startswith("FAILED CustomScript exit 100")
    assert "another call has been at it for" in second.verdict.parts["Why"]
    assert "collecting with the vmext that is installed" in second.verdict.parts["Why"].replace("\n", " ")
    (machine.root / "tmp/go").touch()
    assert result(first).verdict.bundle == "247252e2eafad389", "and leaves it in peace"


def test_a_second_call_waits_for_the_first_one_s_answer(machine: Machine):
    first = started(machine, SLOW)
    second = machine.start(VMEXT_COLLECT_WAIT="60")
    time.sleep(0.3)
    (machine.root / "tmp/go").touch()
    assert result(first).out == result(second).out


@pytest.mark.parametrize("restarted", [False, True])
def test_what_a_killed_call_left_goes_with_the_next_one(machine: Machine, restarted: bool):
    """`restarted`: the machine, which empties /run, and with it what the call had noted."""
    data = package(SLOW)
    with serving(data) as server:
        child = machine.start(server.url, sha256(data))
        until((machine.root / "tmp/runs").exists)
        kill_all(machine)
        child.communicate(timeout=PATIENCE)
        assert [name for name in machine.remains() if name.startswith("opt/.vmext-run.")], "killed half way"
        if restarted:
            shutil.rmtree(machine.root / "run/vmext-run-command")
        (machine.root / "tmp/go").touch()
        ran = machine.run(server.url, sha256(data))
    assert ran.verdict.delivered == "yes", ran.message
    assert machine.remains() == []


def test_a_call_that_was_ended_leaves_the_lock_of_the_next_one(machine: Machine):
    """The next one takes the lock as soon as the worker is gone, while the call that was ended still reads the files."""
    child = started(machine, SLOW)
    lock = machine.root / "run/vmext-run-command/now"
    worker = int((lock / "pid").read_text().split()[0])
    (lock / "id").write_text("the next one's\n")
    for process in [psutil.Process(worker), *psutil.Process(worker).children(recursive=True)]:
        if process.pid != child.pid:
            process.kill()
    assert result(child).verdict.line.startswith("FAILED CustomScript exit 100")
    assert (lock / "id").read_text() == "the next one's\n"


def test_a_number_that_another_process_has_by_now_holds_no_lock(machine: Machine):
    lock = machine.root / "run/vmext-run-command/now"
    lock.mkdir(parents=True)
    (machine.root / "run/vmext-run-command").chmod(0o700)
    (lock / "pid").write_text(f"{os.getpid()} 1\n")
    (lock / "id").write_text("1.1\n")
    machine.put("vmext", PROGRAM)
    assert machine.run().verdict.bundle == "247252e2eafad389"


def test_many_at_once_all_get_a_verdict(machine: Machine):
    machine.put("vmext", PROGRAM.replace("#!/bin/sh\n", "#!/bin/sh\necho x >>/tmp/count; sleep 0.5\n"))
    calls = [machine.start(VMEXT_COLLECT_WAIT="60") for _ in range(6)]
    verdicts = [result(call).verdict.bundle for call in calls]
    assert set(verdicts) == {"247252e2eafad389"}
    assert machine.remains() == []
