"""Serves the endpoint until it is stopped."""

from __future__ import annotations

import atexit
import errno
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.endpoint.crew import Crew
    from collector.endpoint.parts import Parts
    from collector.endpoint.settings import Settings


#: How long the processes of an endpoint may take until they work, in seconds.
_START_SECONDS = 120.0


def serve(settings: Settings, listen: str) -> None:
    """Raises ConfigError."""
    if not settings.workers and settings.indexers == 0:
        raise ConfigError("--workers 0 and --indexers 0 leave nothing to do", "Give at least one of either.")
    _count_together()
    _allow_many_files()
    from collector.endpoint.crew import Crew
    from collector.endpoint.metrics import forget
    from collector.endpoint.processes import Server, roles

    bound = bound_to(listen) if settings.workers else None
    parts = _opened(settings)
    access = parts.access
    if access.is_first_start:
        # what is no terminal may be a log, which others read and keep
        secret = access.token_file.read_text().strip() if sys.stderr.isatty() else f"in {access.token_file}"
        click.echo(f"vmext: first start; the administrator token is {secret}", err=True)
    crew = Crew(roles(settings, bound), ended=forget)
    crew.start()

    def tell() -> None:
        what = f"ready on {_address(bound)}" if bound else "ready to index"
        # of several hosts on one index, one has the file
        token = f", token in {access.token_file}" if access.token_file.exists() else ""
        click.echo(f"vmext endpoint {what} (data in {settings.data}{token})")

    if bound is not None and settings.workers == 1:
        Server(parts, ready=tell, over=crew.stop).run(sockets=[bound])
        crew.stop()
        return
    parts.close()
    _wait(crew, tell)


def _count_together() -> None:
    from collector.endpoint.counting import begin, end

    atexit.register(end)
    try:
        begin()
    except OSError as error:
        raise ConfigError(
            f"there is no place for counters: {error.strerror}", "Give a folder that may be written, as TMPDIR."
        ) from error


def _allow_many_files() -> None:
    """Each connection is one, and many systems allow a process 1,024 unless it asks."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _opened(settings: Settings) -> Parts:
    from collector.endpoint.parts import open_parts

    try:
        return open_parts(settings)
    except OSError as error:
        raise _unusable(settings, error) from error


def _unusable(settings: Settings, error: OSError) -> ConfigError:
    """Names the option to look at; addresses of stores and databases may hold secrets, and are not repeated."""
    from collector.endpoint.database.engine import OF_THE_INDEX

    reason = error.strerror or str(error)
    if settings.database and reason.startswith(OF_THE_INDEX):
        return ConfigError(
            f"--database: it can't be used: {reason.removeprefix(OF_THE_INDEX)}",
            "Give one that answers, in which this user may make tables; its password goes into PGPASSWORD.",
        )
    place = f"--data: {settings.data} or its index" if settings.store is None else f"--data {settings.data} or --store"
    return ConfigError(
        f"{place} can't be used: {reason}", "Give a folder that this user may write, on a disk with room."
    )


def _wait(crew: Crew, tell: Callable[[], None]) -> None:
    """Until this process is told to end. Raises ConfigError where its processes do not work."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: ended.set())
    try:
        if not crew.ready(_START_SECONDS):
            raise ConfigError("the endpoint's processes do not start", "What they say is on standard error.")
        tell()
        while not ended.wait(1.0):  # a wait without an end would keep signals from being seen on Windows
            pass
    finally:
        crew.stop()


def _address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def bound_to(listen: str) -> socket.socket:
    """A socket that listens at HOST:PORT. Raises ConfigError if it can't."""
    host, mark, port = listen.rpartition(":")
    if not mark or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"--listen: {listen!r} is no HOST:PORT", "Give for example 127.0.0.1:8765.")
    host = host.strip("[]") or "127.0.0.1"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        is_taken = error.errno == errno.EADDRINUSE
        raise ConfigError(
            f"--listen: {listen} can't be used: {error.strerror}",
            "Another program holds it; give another port." if is_taken else "Give an address that this machine has.",
        ) from error
    return bound
