"""``vmext endpoint``: the central endpoint and its review pages."""

from __future__ import annotations

import socket
from pathlib import Path

import click

from collector.errors import ConfigError


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Bundles, index and tokens."
)
@click.option(
    "--listen",
    default="127.0.0.1:8765",
    show_default=True,
    metavar="HOST:PORT",
    help="Port 0 takes a free one.",
)
@click.option(
    "--database",
    envvar="VMEXT_DATABASE",
    metavar="URL",
    help="The index: postgresql://USER@HOST/NAME; by default SQLite in DIR.",
)
def command(data: Path, listen: str, database: str | None) -> None:
    """Take bundles, store and index them, and show them.

    Binds to loopback unless told otherwise. The first token lies in DIR/admin.token.
    """
    try:
        import uvicorn

        from collector.endpoint.app import create_app
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the endpoint needs {error.name}, which is not installed",
            "Install it: pip install 'vmext[endpoint]'",
        ) from error
    bound = _bound(listen)
    try:
        app = create_app(data.absolute(), database)
    except OSError as error:
        raise ConfigError(
            f"--data: {data} or its index can't be used: {error.strerror}",
            "Give a folder that this user may write, on a disk with room, and a database that answers.",
        ) from error
    access = app.state.access
    if access.is_first_start:
        click.echo(
            f"vmext: first start; the administrator token is {access.token_file.read_text().strip()}",
            err=True,
        )
    host, port = bound.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            click.echo(f"vmext endpoint ready on http://{shown}:{port} (data in {data}, token in {access.token_file})")

    Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5)).run(sockets=[bound])


def _bound(listen: str) -> socket.socket:
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
        raise ConfigError(
            f"--listen: {listen} can't be used: {error.strerror}",
            "Another program may hold it; give another port.",
        ) from error
    return bound
