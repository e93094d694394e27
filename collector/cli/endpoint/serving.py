"""Serves the endpoint until it is stopped."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import click

from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.endpoint.settings import Settings


def serve(settings: Settings, listen: str) -> None:
    """Raises ConfigError."""
    import uvicorn

    from collector.endpoint.app import create_app
    from collector.endpoint.parts import open_parts

    bound = bound_to(listen)
    try:
        parts = open_parts(settings)
    except OSError as error:
        raise ConfigError(
            f"--data: {settings.data} or its index can't be used: {error.strerror}",
            "Give a folder that this user may write, on a disk with room, and a database that answers.",
        ) from error
    access = parts.access
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
            click.echo(
                f"vmext endpoint ready on http://{shown}:{port} (data in {settings.data}, token in {access.token_file})"
            )

    app = create_app(parts)
    proxies = list(settings.access.trusted_proxies)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
    )
    Server(config).run(sockets=[bound])


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
        raise ConfigError(
            f"--listen: {listen} can't be used: {error.strerror}",
            "Another program may hold it; give another port.",
        ) from error
    return bound
