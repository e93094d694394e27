"""Processes that begin loaded: forked off one that has the libraries of the endpoint already.

Tests start many endpoints, and loading these takes longer than all that most of them do. What runs is the same as
`python -m collector`, in a process of its own with its own end; only who loads is another one.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

_ROOT = Path(__file__).parents[1]
#: Not the counters: where they lie is decided when they are loaded.
_LOADED = (
    *("fastapi", "fastapi.staticfiles", "uvicorn", "uvicorn.protocols.http.auto", "uvicorn.lifespan.on", "jinja2"),
    *("sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg", "psycopg", "argon2", "requests"),
    *("alembic.command", "collector.endpoint.database.migrate", "collector.bundle.reader", "collector.diagnose.rules"),
    *("collector.endpoint.api.shapes", "collector.endpoint.reading.matrix"),
    *("collector.endpoint.access.access", "collector.endpoint.stores.addresses", "collector.endpoint.pages.templates"),
)
_MOST = 1 << 20  # bytes of a request


class ForkedProcess:
    """What tests use of `subprocess.Popen`."""

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str], stderr: IO[str]) -> None:
        """`vmext` with these arguments and this environment, its standard output in `stdout`."""
        out, theirs = os.pipe()
        self._told, telling = os.pipe()
        request = json.dumps(
            {"arguments": list(arguments), "environ": dict(environ), "folder": str(Path.cwd())}
        ).encode()
        socket.send_fds(_server(), [request], [theirs, stderr.fileno(), telling])
        os.close(theirs)
        os.close(telling)
        self.stdout: IO[str] = os.fdopen(out)
        self.pid = int(self._line())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("vmext", timeout or 0)
            self._end()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _end(self) -> None:
        self.returncode = int(self._line())
        os.close(self._told)

    def _line(self) -> str:
        found = b""
        while not found.endswith(b"\n"):
            byte = os.read(self._told, 1)
            assert byte, "the process that forks has ended"
            found += byte
        return found.decode()


_CONNECTIONS: dict[int, socket.socket] = {}


def _server() -> socket.socket:
    """The connection to the one that forks for this process; it ends with this process."""
    if os.getpid() not in _CONNECTIONS:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("VMEXT_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.forking", str(theirs.fileno())],
            cwd=_ROOT,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env=environ,
        )
        theirs.close()
        process.returncode = 0  # it ends with us; nobody waits for it, and none is to be warned of that
        _CONNECTIONS[os.getpid()] = ours
    return _CONNECTIONS[os.getpid()]


def _serve(connection: socket.socket) -> None:
    """Until the other side is gone. Returns in each process that is to work, too, by SystemExit."""
    for name in _LOADED:
        importlib.import_module(name)
    assert "prometheus_client" not in sys.modules
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, passed, _, _ = socket.recv_fds(connection, _MOST, 3)
        if not request:
            return
        if os.fork() == 0:
            connection.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _begin(json.loads(request), *passed)
        for descriptor in passed:
            os.close(descriptor)


def _begin(request: dict[str, object], out: int, err: int, telling: int) -> NoReturn:
    """Forks the process that works, tells its number, waits for it, tells how it ended."""
    if (pid := os.fork()) == 0:
        os.close(telling)
        _work(request, out, err)
    os.close(out)
    os.close(err)
    os.write(telling, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(BrokenPipeError):
        os.write(telling, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _work(request: dict[str, object], out: int, err: int) -> NoReturn:
    for theirs, standard in ((out, 1), (err, 2)):
        os.dup2(theirs, standard)
        os.close(theirs)
    os.environ.clear()
    os.environ.update(request["environ"])  # type: ignore[call-overload]
    time.tzset()
    os.chdir(str(request["folder"]))
    sys.path[0] = str(request["folder"])
    arguments = request["arguments"]
    assert isinstance(arguments, list)
    sys.argv = ["vmext", *arguments]
    runpy.run_module("collector", run_name="__main__", alter_sys=True)
    raise SystemExit(0)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
