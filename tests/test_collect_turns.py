"""Two `vmext collect` at the same time, as real processes: the second waits, takes over, or does the work itself."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from collector.config import Config
from collector.service.run import Run
from collector.service.turn import asked
from tests.collecting import STDERR, collect, failing_disk, put, vmext
from tests.deliver.receiver import Receiver

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a terminal tells here when the second one waits")
GUARD = 90  # seconds


class Gate(Receiver):
    """Holds the first upload until it is opened, so that the one who sends runs as long as a test needs."""

    def __init__(self) -> None:
        super().__init__(["store"])
        self.arrived, self.opened = threading.Event(), threading.Event()

    def next(self) -> str:
        self.arrived.set()
        assert self.opened.wait(GUARD)
        return super().next()


class Process:
    """A collect whose standard error is a terminal."""

    def __init__(self, arguments: Sequence[object]) -> None:
        self._terminal, other = os.openpty()
        environ = {key: value for key, value in os.environ.items() if not key.startswith("VMEXT_")}
        command = [sys.executable, "-m", "collector", "collect", *map(str, arguments)]
        self.popen = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=other, env=environ)
        os.close(other)
        self.said = ""

    def waits(self) -> None:
        """Until it says on its terminal that it waits."""
        while "vmext: waits for" not in self.said:
            self.said += os.read(self._terminal, 4_096).decode()

    def end(self) -> tuple[int, str]:
        out, _ = self.popen.communicate(timeout=GUARD)
        return self.popen.returncode, out.decode()

    def close(self) -> None:
        self.popen.kill()
        self.popen.communicate(timeout=GUARD)
        os.close(self._terminal)


@pytest.fixture
def gate() -> Iterator[Gate]:
    server = Gate()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.opened.set()
        server.shutdown()
        server.server_close()
        thread.join(GUARD)


@contextmanager
def started(*arguments: object) -> Iterator[Process]:
    process = Process(arguments)
    try:
        yield process
    finally:
        process.close()


@contextmanager
def running(gate: Gate, *arguments: object) -> Iterator[Process]:
    """A first one that is in the middle of sending."""
    with started(*arguments) as process:
        assert gate.arrived.wait(GUARD)
        yield process


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return failing_disk(tmp_path / "disk")


@pytest.fixture
def flags(disk: Path, tmp_path: Path, gate: Gate) -> tuple[object, ...]:
    return ("--root", disk, "--state-dir", tmp_path / "state", "--upload", gate.url)


def test_the_second_reports_what_the_first_found(gate: Gate, flags: tuple[object, ...]):
    with (
        running(gate, *flags) as first,
        started(*flags) as second,
        started(*flags, "--format", "json") as third,
    ):
        second.waits()
        third.waits()
        assert f"(pid {first.popen.pid}): sending the bundle" in second.said
        gate.opened.set()
        told = first.end()
        assert second.end() == told
        code, out = third.end()
    assert (told[0], code) == (10, 10)
    assert "delivered" in told[1]
    assert json.loads(out)["bundle"]["id"] in told[1]
    assert len(gate.requests) == 1


def test_who_asks_for_something_else_waits_and_then_runs(gate: Gate, flags: tuple[object, ...]):
    with running(gate, *flags), started(*flags, "--format", "json", "--instance", "another") as second:
        second.waits()
        gate.opened.set()
        code, out = second.end()
    assert code == 10
    assert json.loads(out)["instance"] == "another"
    assert len(gate.requests) == 2


def test_who_wants_a_form_that_is_not_there_runs_too(gate: Gate, flags: tuple[object, ...]):
    with running(gate, *flags), started(*flags, "--inline") as second:
        second.waits()
        gate.opened.set()
        code, out = second.end()
    assert code == 10
    assert "vmext show" in out
    assert len(gate.requests) == 2


def test_the_first_is_killed_and_the_second_does_its_work(gate: Gate, flags: tuple[object, ...]):
    with running(gate, *flags) as first, started(*flags) as second:
        second.waits()
        first.popen.send_signal(signal.SIGKILL)
        first.popen.wait(GUARD)
        gate.opened.set()
        code, out = second.end()
    assert code == 10
    assert "delivered" in out
    assert gate.stored


@pytest.mark.parametrize("seconds", [0, 1.5])
def test_past_the_wait_the_progress_is_told(
    gate: Gate, flags: tuple[object, ...], disk: Path, tmp_path: Path, seconds: float
):
    with running(gate, *flags) as first:
        begun = time.monotonic()
        result = vmext("collect", "--root", disk, "--state-dir", tmp_path / "state", "--wait", seconds)
        assert time.monotonic() - begun >= seconds
        also = collect(disk, tmp_path / "state", "--wait", 0)
        assert first.popen.poll() is None
    assert (result.code, also.code) == (13, 13)
    assert result.out.startswith("VMEXT BUSY: another collect, running since 2")
    assert f"(pid {first.popen.pid}): sending the bundle" in result.out
    assert also.json["running"]["pid"] == first.popen.pid
    assert also.json["running"]["stage"] == "sending the bundle"
    assert also.json["running"]["sources"] == 2


def test_another_state_folder_is_another_agent(gate: Gate, flags: tuple[object, ...], disk: Path, tmp_path: Path):
    with running(gate, *flags) as first:
        assert collect(disk, tmp_path / "other").code == 10
        assert first.popen.poll() is None


def test_a_result_is_only_for_who_waited(disk: Path, tmp_path: Path):
    ids = {collect(disk, tmp_path / "state").json["bundle"]["id"] for _ in range(2)}
    assert len(ids) == 2  # each looked for itself


def test_what_is_kept_for_others_is_private_and_redacted(disk: Path, tmp_path: Path):
    put(disk, STDERR, "E: Unable to locate package nginx-plus AccountKey=hidden1234567==\n")
    collect(disk, tmp_path / "state")
    file = tmp_path / "state/collect.result"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "AccountKey=[" in file.read_text()
    assert "hidden1234567" not in file.read_text()
    assert not (tmp_path / "state/collect.running").exists()


def test_damaged_files_of_others_are_nothing(disk: Path, tmp_path: Path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state/collect.result").write_bytes(b"\0\xff{")
    (tmp_path / "state/collect.running").write_text('{"pid": []}')
    assert collect(disk, tmp_path / "state").code == 10


def test_where_no_lock_can_be_made_it_runs_without(disk: Path, tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    result = collect(disk, tmp_path / "file/state")
    assert result.code in (10, 20)
    assert result.json["verdict"] == "failed"


def test_a_wait_is_a_number():
    assert vmext("collect", "--wait", "-1").code == 2
    assert vmext("collect", "--wait", "soon").code == 2


def test_whatever_changes_what_a_run_finds_makes_it_another_run(tmp_path: Path):
    run = Run(None, (), None, None, None, timedelta(minutes=15), None, None, upload=True)
    config = Config(state_dir=tmp_path, upload_url="https://support.example")
    others: dict[str, Any] = {
        "root": tmp_path,
        "extensions": ("A.B",),
        "margin": timedelta(0),
        "instance": "vmss_3",
        "output": tmp_path / "out.zip",
        "upload": False,
        "probe_network": True,
        "live": True,
        "hang_seconds": 5.0,
        "hanging": ("A.B",),
        "config_file": tmp_path / "config.toml",
        "incident": "0123456789abcdef",
    }
    told_by_times = {"since", "until", "around"}
    assert {*others, *told_by_times, "trigger"} == set(Run._fields), "why it was asked for changes no finding"
    words = [asked(run, config, ())] + [
        asked(run._replace(**{name: value}), config, ()) for name, value in others.items()
    ]
    words += [asked(run, config, ("2h", None, None)), asked(run, config, (None, "2h", None))]
    assert len(set(words)) == len(words)
