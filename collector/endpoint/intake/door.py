"""The first to hear of a connection: who can't be served now is told so before anything is made for it.

What is behind it costs some 20 KB for each connection and a millisecond for each request, which ten thousand at once
would not leave; here it is a head and an answer that stands ready.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from collector.endpoint import metrics
from collector.endpoint.intake.gate import Gate
from collector.endpoint.intake.heads import BUSY, TOO_LONG, Answer, is_bundle, is_probe, is_whole, may_be_http


@dataclass(frozen=True, slots=True)
class Manners:
    """What one process puts up with. Sizes in bytes, times in seconds."""

    #: Connections that are open (one costs 5 KB), and those of them whose requests are dealt with.
    open: int = 16_000
    served: int = 512
    #: A request's head, of which Azure's proof of an instance takes up to 8 KB; and all heads that have come in part.
    head: int = 16_384
    heads: int = 8_000_000
    #: How long a head may take, and what else is waited for that is no body.
    seconds: float = 20.0
    #: Who is sent away is still sending: an end before its answer is read would take the answer with it.
    unread: int = 2_000_000
    linger: float = 5.0


class Door(asyncio.Protocol):
    """Reads a head, and lets it in or answers it; `uvicorn` makes one for each connection."""

    __slots__ = ("_head", "_held", "_is_answered", "_made_with", "_open", "_timer", "_transport", "_unread")
    gate: ClassVar[Gate]
    manners: ClassVar[Manners]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._made_with = (config, server_state, app_state, _loop or asyncio.get_running_loop())
        self._open = cast("set[Any]", server_state.connections)
        self._head = b""
        self._held = self._unread = 0
        self._is_answered = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if len(self._open) >= self.manners.open:
            self._transport.abort()
            return
        self._open.add(self)
        self._time(self.manners.seconds)

    def data_received(self, data: bytes) -> None:
        if self._is_answered:
            self._unread += len(data)
            if self._unread > self.manners.unread:
                self._transport.abort()
            return
        self._head = self._head + data if self._head else data
        if not is_whole(self._head) and may_be_http(self._head):
            self.gate.heads += len(data)
            self._held += len(data)
            if len(self._head) > self.manners.head:
                self._answer(TOO_LONG)
            elif self.gate.heads > self.manners.heads:
                self._answer(BUSY, 5)
            return
        gate, bundle = self.gate, is_bundle(self._head)
        if bundle and (seconds := gate.away()) is not None:
            metrics.REFUSED.labels("requests").inc()
            self._answer(BUSY, seconds)
        elif gate.served >= self.manners.served and not is_probe(self._head):
            self._answer(BUSY, 5)
        else:
            self._let_in(bundle)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self)
        self._give_back()
        self._stop_timer()

    def shutdown(self) -> None:
        """The server ends."""
        self._transport.close()

    def _let_in(self, bundle: bool) -> None:
        self._stop_timer()
        self._give_back()
        self._open.discard(self)
        served = Served(*self._made_with)
        served.enter(self.gate, bundle, self.manners.seconds)
        served.connection_made(self._transport)
        self._transport.set_protocol(served)
        head, self._head = self._head, b""
        served.data_received(head)

    def _answer(self, answer: Answer, seconds: int | None = None) -> None:
        self._is_answered, self._head = True, b""
        self._give_back()
        metrics.REQUESTS.labels("door", "other", answer.status).inc()
        self._transport.write(answer.bytes(seconds))
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._time(self.manners.linger)

    def _give_back(self) -> None:
        self.gate.heads -= self._held
        self._held = 0

    def _time(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self._made_with[3].call_later(seconds, self._transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Served(H11Protocol):
    """A connection that was let in. Its later heads have their time, too, and the rest of a body that nobody reads."""

    _gate: Gate
    _seconds: float
    _is_counted = False
    _late: asyncio.TimerHandle | None = None

    def enter(self, gate: Gate, bundle: bool, seconds: float) -> None:
        self._gate, self._is_counted, self._seconds = gate, bundle, seconds
        gate.served += 1
        gate.bundles += bundle

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_late()
        elif self._late is None and not self.transport.is_closing():
            self._late = self.loop.call_later(self._seconds, self.transport.abort)

    def on_response_complete(self) -> None:
        self._answered()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._answered()
        self._gate.served -= 1
        self._stop_late()
        super().connection_lost(exc)

    def _answered(self) -> None:
        if self._is_counted:
            self._is_counted = False
            self._gate.bundles -= 1

    def _stop_late(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def door_to(gate: Gate, manners: Manners = Manners()) -> type[Door]:
    """What `uvicorn` makes of each connection of this process."""
    return type("Door", (Door,), {"gate": gate, "manners": manners, "__slots__": ()})
