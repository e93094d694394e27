"""What the processes of an endpoint do, each from its own start to its end."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

import uvicorn

from collector.endpoint.app import create_app
from collector.endpoint.crew import Role, hold, on_end
from collector.endpoint.intake.door import door_to
from collector.endpoint.parts import Parts, open_parts
from collector.endpoint.settings import Settings

#: How long answers may take once it is to end.
_GRACE_SECONDS = 5


class Server(uvicorn.Server):
    """Tells when it takes requests, and when it takes none any more."""

    def __init__(
        self,
        parts: Parts,
        ready: Callable[[], None],
        over: Callable[[], None] = lambda: None,
    ) -> None:
        proxies = list(parts.settings.access.trusted_proxies)
        super().__init__(
            uvicorn.Config(
                create_app(parts),
                http=door_to(parts.gate),
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
                backlog=parts.settings.backlog,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=proxies,
            )
        )
        self._ready = ready
        self._over = over

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        self._over()


def serve(tether: Connection, settings: Settings, bound: socket.socket) -> None:
    """A process that takes requests at a socket that others have as well."""
    parts = _parts(settings)
    Server(parts, ready=lambda: hold(tether)).run(sockets=[bound])


def index(tether: Connection, settings: Settings) -> None:
    """A process that indexes."""
    parts = _parts(settings)
    on_end(parts.indexer.stop)
    hold(tether)
    if parts.exporter is not None:
        parts.exporter.start()
    parts.indexer.run()
    parts.close()


def _parts(settings: Settings) -> Parts:
    """Where they can't be opened now this process ends with a line that says why, and is started again."""
    try:
        return open_parts(settings, is_first=False)
    except OSError as error:
        raise SystemExit(f"vmext: the index or the store can't be used now: {error}") from None


def roles(settings: Settings, bound: socket.socket | None) -> list[Role]:
    """The processes beside the first one, which serves by itself where one is enough."""
    told = replace(settings, indexers=settings.indexers or 0)
    more: list[Any] = [] if settings.workers == 1 or bound is None else [bound] * settings.workers
    serving = [Role(f"worker {number}", serve, (told, shared)) for number, shared in enumerate(more, start=1)]
    return serving + [Role(f"indexer {number}", index, (told,)) for number in range(1, (settings.indexers or 0) + 1)]
