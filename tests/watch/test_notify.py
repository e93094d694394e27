"""What systemd is told, read from a real socket."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collector.redact.redactor import Redactor
from collector.watch.notify import Notifier

if sys.platform == "win32":
    pytest.skip("Windows has no such sockets", allow_module_level=True)

redacted = Redactor(b"0" * 32).text


@contextmanager
def systemd(name: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        receiver.settimeout(30)
        yield receiver


def received(receiver: socket.socket) -> list[str]:
    """The datagrams that have come."""
    receiver.setblocking(False)
    told = []
    while True:
        try:
            told.append(receiver.recv(4_096).decode())
        except BlockingIOError:
            return told


def test_a_life_of_the_service(tmp_path: Path):
    name = str(tmp_path / "notify")
    with systemd(name) as receiver:
        notifier = Notifier({"NOTIFY_SOCKET": name})
        before = time.monotonic_ns() // 1_000
        notifier.ready(redacted("follows\n12 files"))
        notifier.reloading()
        notifier.ready()
        notifier.stopping()
        ready, reloading, again, stopping = received(receiver)
    assert ready == "READY=1\nSTATUS=follows 12 files"
    assert (again, stopping) == ("READY=1", "STOPPING=1")
    word, stamp = reloading.split("\n")
    assert word == "RELOADING=1"
    assert before <= int(stamp.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1_000


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has names of sockets that are no files")
def test_an_abstract_socket():
    name = f"@vmext-{secrets.token_hex(8)}"
    with systemd(name) as receiver:
        Notifier({"NOTIFY_SOCKET": name}).ready()
        assert received(receiver) == ["READY=1"]


def test_the_watchdog_is_pinged_at_half_of_its_period(tmp_path: Path):
    name = str(tmp_path / "notify")
    with systemd(name) as receiver:
        notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())})
        assert notifier.ping_seconds == 10
        for now in range(100, 131):
            notifier.alive(float(now))
        assert received(receiver) == ["WATCHDOG=1"] * 4  # 100, 110, 120, 130


@pytest.mark.parametrize(
    "variables",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "9000000", "WATCHDOG_PID": "1"}],
)
def test_a_watchdog_that_is_not_ours_is_not_pinged(tmp_path: Path, variables: dict[str, str]):
    name = str(tmp_path / "notify")
    with systemd(name) as receiver:
        notifier = Notifier({"NOTIFY_SOCKET": name, **variables})
        assert notifier.ping_seconds is None
        notifier.alive(1.0)
        assert received(receiver) == []


def test_children_do_not_get_the_variables():
    environ = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "PATH": "/bin"}
    Notifier(environ)
    assert environ == {"PATH": "/bin"}


@pytest.mark.parametrize("name", ["", "relative", "vsock:2:1", "/", "/nowhere/notify", "@nobody-listens-there"])
def test_without_a_listener_nothing_happens(name: str):
    notifier = Notifier({"NOTIFY_SOCKET": name} if name else {})
    notifier.ready()
    notifier.alive(1.0)
    notifier.stopping()


def test_a_listener_that_reads_nothing_never_blocks(tmp_path: Path):
    name = str(tmp_path / "notify")
    with systemd(name) as receiver:
        notifier = Notifier({"NOTIFY_SOCKET": name})
        for _ in range(5_000):  # far more than the socket holds
            notifier.ready()
        assert 0 < len(received(receiver)) < 5_000
        notifier.stopping()
        assert received(receiver) == ["STOPPING=1"]


def test_only_redacted_text_is_told():
    with pytest.raises(TypeError):
        Notifier({}).ready("plain")  # type: ignore[arg-type]
