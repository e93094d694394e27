"""Real processes that hang in real ways, and the sentence that says in what."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from collector.discover.facts import gather, gather_more
from collector.discover.processes import agent_roles, running
from collector.discover.waiting import Waiting
from collector.model import LockHolder, ProcessFacts

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only the Linux kernel tells it")

HANDLER = "/var/lib/waagent/Acme.Apps.Setup-1.2.3/bin/enable"
PATIENCE = 10.0  # seconds


@contextmanager
def started(*command: str | bytes, **more: object) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, start_new_session=True, **more) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGCONT)
            os.killpg(process.pid, signal.SIGKILL)


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code, HANDLER)


def soon(ask: Callable[[], str], wanted: str) -> str:
    """The answer when it has the wanted words in it, or the last one."""
    end = time.monotonic() + PATIENCE
    while wanted not in (answer := ask()) and time.monotonic() < end:
        time.sleep(0.02)
    return answer


def waits(pid: int, held: tuple[LockHolder, ...] = ()) -> str:
    everything = running()
    return Waiting(everything, held).sentence(pid, everything[pid].process.status()) if pid in everything else ""


def test_a_terminal():
    master, slave = os.openpty()
    with started("sh", "-c", "read answer", stdin=slave) as process:
        assert soon(lambda: waits(process.pid), "input") == "input (terminal)"
    os.close(master)
    os.close(slave)


def test_a_terminal_that_is_watched():
    master, slave = os.openpty()
    with started(*python("import select; select.select([0], [], [])"), stdin=slave) as process:
        assert soon(lambda: waits(process.pid), "input") == "input (terminal)"
    os.close(master)
    os.close(slave)


def test_a_pipe_that_nothing_comes_out_of(tmp_path: Path):
    with started("sh", "-c", "read answer", stdin=subprocess.PIPE) as process:
        name = running()[os.getpid()].name
        assert soon(lambda: waits(process.pid), "input") == f"input (a pipe from pid {os.getpid()} ({name}))"
    os.mkfifo(tmp_path / "fifo")
    with started("sh", "-c", "exec 3<>fifo; read answer <&3", cwd=tmp_path) as process:
        assert soon(lambda: waits(process.pid), "someone") == f"someone to write to {tmp_path / 'fifo'}"


def test_a_pipeline_waits_for_the_one_that_writes():
    with started("sh", "-c", "sleep 60 | cat") as process:
        said = soon(lambda: waits(process.pid), "time to pass")
        assert said.startswith("child ")
        assert "input" not in said
        cat = next(one.pid for one in running().values() if one.parent == process.pid and one.name == "cat")
        said = soon(lambda: waits(cat), "time to pass")
    assert said.startswith("output of sleep (pid ")
    assert said.endswith("), which waits for time to pass (sleep)")


def test_two_that_wait_for_each_other():
    code = (
        "import os, subprocess; (r, w), (s, x) = os.pipe(), os.pipe(); subprocess.Popen(['cat'], stdin=r, stdout=x);"
        "last = subprocess.Popen(['cat'], stdin=s, stdout=w); [os.close(one) for one in (r, w, s, x)]; last.wait()"
    )
    with started(*python(code)) as process:
        said = soon(lambda: waits(process.pid), "which waits for output of cat (pid ")
    assert said.startswith("child cat (pid ")
    assert said.count("output of cat (pid ") == 2


def test_the_deepest_child_is_named():
    with started("sh", "-c", "sh -c 'sh -c \"sleep 60; :\"; :'; :") as process:
        said = soon(lambda: waits(process.pid), "sleep (pid")
    assert said.count("child sh (pid ") == 2
    assert "which waits for child sleep (pid " in said
    assert said.endswith("which waits for time to pass (sleep)")


def test_of_several_children_the_one_that_can_not_go_on_is_named():
    master, slave = os.openpty()
    with started("sh", "-c", "exec 3<&0; sleep 60 & sh -c 'read answer' <&3 & wait", stdin=slave) as process:
        said = soon(lambda: waits(process.pid), "input")
    os.close(master)
    os.close(slave)
    assert said.startswith("child sh (pid ")
    assert said.endswith("), which waits for input (terminal)")


LOCKING = "import fcntl, time; f = open({path!r}, 'w'); fcntl.{call}(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(60)"


@pytest.mark.parametrize("call", ["lockf", "flock"])
def test_a_lock_and_who_holds_it(tmp_path: Path, call: str):
    path = str(tmp_path / "lock-frontend")
    code = LOCKING.format(path=path, call=call)
    with started(*python(code), stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        with started(*python(code)) as process:
            name = running()[holder.pid].name
            wanted = f"a lock on {path} held by pid {holder.pid} ({name})"
            assert soon(lambda: waits(process.pid), "a lock") == wanted


def test_a_package_manager_asks_again_and_again(tmp_path: Path):
    apt = tmp_path / "apt-get"
    apt.symlink_to("/bin/sleep")
    with started(str(apt), "60") as process, started("sleep", "60") as other:
        soon(lambda: waits(process.pid), "sleep")
        held = LockHolder("/var/lib/dpkg/lock-frontend", other.pid, "sleep")
        wanted = f"a lock on {held.path} held by pid {other.pid} (sleep), probably: it asks again and again"
        assert waits(process.pid, (held,)) == wanted
        assert waits(other.pid, (held,)) == "time to pass (sleep)"
        assert waits(process.pid, (replace(held, pid=os.getpid()),)) == "time to pass (sleep)"  # who started it


@contextmanager
def silent_listener() -> Iterator[int]:
    """A port whose queue is full: it takes no connection and refuses none."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        full = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            full.append(one)
        time.sleep(0.1)
        try:
            yield port
        finally:
            for one in full:
                one.close()


CONNECTING = "import socket; s = socket.socket(); s.settimeout({timeout}); s.connect(('127.0.0.1', {port}))"


@pytest.mark.parametrize("timeout", [None, 60])
def test_a_connection_that_no_one_answers(timeout: float | None):
    with silent_listener() as port, started(*python(CONNECTING.format(port=port, timeout=timeout))) as process:
        assert soon(lambda: waits(process.pid), "connection") == f"connection to 127.0.0.1:{port} (no answer)"


def test_an_answer():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        port = listener.getsockname()[1]
        with started(*python(CONNECTING.format(port=port, timeout=None) + "; s.recv(1)")) as process:
            assert soon(lambda: waits(process.pid), "answer") == f"an answer of 127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import time; time.sleep(60)", "time to pass (sleep)"),
        ("import signal; signal.pause()", "a signal"),
        ("import threading; e = threading.Lock(); e.acquire(); e.acquire()", "another of its own threads"),
        ("import subprocess; subprocess.run(['sleep', '60'], capture_output=True)", "child sleep (pid "),
        ("import os; r, w = os.pipe(); os.write(w, b'x' * 1000000)", "someone to read what it writes"),
    ],
)
def test_other_things(code: str, said: str):
    with started(*python(code)) as process:
        assert said in soon(lambda: waits(process.pid), said)


def test_a_process_that_works_waits_for_nothing():
    with started(*python("while True: pass")) as process:
        time.sleep(0.3)
        assert waits(process.pid) == ""


def test_a_process_that_was_stopped():
    with started("sleep", "60") as process:
        process.send_signal(signal.SIGSTOP)
        assert soon(lambda: waits(process.pid), "stopped") == "a signal to go on (it was stopped)"


# ---- whose processes -----------------------------------------------------------------------------------


def told_now() -> dict[int, ProcessFacts]:
    facts = gather_more(gather(live=True, zone=None), Path("/"))
    return {one.pid: one for one in facts.processes}


def test_the_whole_tree_of_a_handler_is_told_with_its_extension():
    with started("sh", "-c", "sleep 60; :", HANDLER) as process:
        soon(lambda: waits(process.pid), "sleep (pid")
        found = told_now()
    child = next(one for one in found.values() if one.parent == process.pid)
    assert found[process.pid].extension == child.extension == "Acme.Apps.Setup"
    assert found[process.pid].waits_for == f"child sleep (pid {child.pid}), which waits for time to pass (sleep)"
    assert found[process.pid].connections == 0
    assert child.name == "sleep"
    assert child.started is not None


@pytest.mark.parametrize(
    "environment",
    [{"AZURE_GUEST_AGENT_EXTENSION_PATH": "/var/lib/waagent/Acme.Apps.Setup-1.2.3"}, {}],
    ids=["environment", "folder"],
)
def test_a_process_whose_command_line_tells_nothing(tmp_path: Path, environment: dict[str, str]):
    folder = tmp_path / "waagent" / "Acme.Apps.Setup-1.2.3"
    folder.mkdir(parents=True)
    with started("sleep", "60", env={**os.environ, **environment}, cwd=folder if not environment else None) as process:
        soon(lambda: waits(process.pid), "sleep")
        assert told_now()[process.pid].extension == "Acme.Apps.Setup"


def test_the_run_command_that_carries_this_process_is_left_out():
    code = (
        "import os\nfrom collector.discover.processes import of_handlers, running\n"
        "from collector.discover.waiting import extension_of\n"
        "print(sorted(of_handlers(running(), extension_of, os.getpid()).values(), key=str))"
    )
    script = f"{sys.executable} -c '{code}' | cat; :"
    carrier = f"/var/lib/waagent/Acme.Carrier{os.getpid()}.Run-1.0.0/script.sh"
    environment = {**os.environ, "AZURE_GUEST_AGENT_EXTENSION_PATH": ""}
    with (
        started("sh", "-c", "sleep 60; :", HANDLER),
        started("sh", "-c", script, carrier, stdout=subprocess.PIPE, env=environment) as process,
    ):
        assert process.stdout
        said = process.stdout.read().decode()
    assert "Acme.Apps.Setup" in said
    assert f"Acme.Carrier{os.getpid()}" not in said


def test_the_agent_is_told_apart_from_what_it_starts():
    code = "import subprocess; subprocess.run(['sh', '-c', 'sleep 60; :', '/var/lib/' + 'waagent/Acme.Apps.Setup-1.2.3/bin/x'])"
    with started(sys.executable, "-c", code, "/usr/sbin/waagent", "-run-exthandlers") as process:
        soon(lambda: waits(process.pid), "time to pass")
        found = told_now()
    below = [one for one in found.values() if one.parent == process.pid]
    assert found[process.pid].extension is None
    assert [one.extension for one in below] == ["Acme.Apps.Setup"]
    assert agent_roles([found[process.pid]]).keys() == {"run-exthandlers"}
    assert agent_roles(below) == {}


def test_names_that_are_no_text(tmp_path: Path):
    code = b"import time; time.sleep(60)"
    hostile = b"/var/lib/waagent/Acme.Apps.Setup-1.2.3/\xff\x1b[31m\nVMEXT HEALTHY"
    with started(sys.executable.encode(), b"-c", code, hostile) as process:
        soon(lambda: waits(process.pid), "sleep")
        command = told_now()[process.pid].command
    assert command.isprintable()
    assert command.encode("utf-8")
    assert "\\xff" in command
