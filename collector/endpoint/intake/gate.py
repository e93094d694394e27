"""Lets in as many requests as can be served, and tells the others when to come again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from collector.endpoint import metrics
from collector.endpoint.answers import RefusalError
from collector.endpoint.intake.turns import Turns
from collector.endpoint.pulse import Pulse

#: Seconds until it is worth trying again where an operator has to do something first.
_FULL_SECONDS = 60
#: Bytes up to which a bundle is received in memory; a larger one goes to the disk as it comes.
HELD = 1 << 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one process. Sizes in bytes."""

    requests: int = 256
    #: Of bodies that are held in memory; whoever reads them needs as much again for a moment.
    bytes: int = 64_000_000
    #: Bundles that wait for the indexer.
    waiting: int = 100_000


class Gate:
    """Of one thread, that of the event loop."""

    def __init__(self, pulse: Pulse, bounds: Bounds | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._pulse = pulse
        self._bounds = bounds or Bounds()
        self._clock = clock
        self._turns = Turns()
        self.requests = 0
        self.bytes = 0
        #: Connections that are dealt with, and first requests of these that bring a bundle and have no answer yet.
        self.served = 0
        self.bundles = 0
        #: Bytes of requests' heads that have come in part.
        self.heads = 0

    def away(self) -> int | None:
        """Seconds after which to come again, for who is not worth a closer look; None where there may be room."""
        bounds = self._bounds
        if max(self.bundles, self.requests) < bounds.requests and self._pulse.last.waiting < bounds.waiting:
            return None
        return _FULL_SECONDS if self._pulse.last.waiting >= bounds.waiting else self._turns.next(self._clock())

    @contextmanager
    def passage(self, length: int) -> Iterator[None]:
        """For a body of `length` bytes. Raises RefusalError before anything of it is read where there is no room."""
        self._check(length)
        held = min(length, HELD)
        self.requests += 1
        self.bytes += held
        try:
            yield
            self._turns.served(self._clock())
        finally:
            self.requests -= 1
            self.bytes -= held

    def _check(self, length: int) -> None:
        bounds, beat = self._bounds, self._pulse.last
        if beat.room is not None and length > beat.room:
            metrics.REFUSED.labels("disk").inc()
            raise RefusalError(
                507, "the endpoint's disk is full", "The operator has to make room.", retry_after=_FULL_SECONDS
            )
        if beat.waiting >= bounds.waiting:
            metrics.REFUSED.labels("queue").inc()
            raise RefusalError(
                429, "too many bundles wait to be indexed", "Try again later.", retry_after=_FULL_SECONDS
            )
        if self.requests >= bounds.requests or (self.requests and self.bytes + min(length, HELD) > bounds.bytes):
            metrics.REFUSED.labels("requests").inc()
            raise RefusalError(
                429, "the endpoint is busy", "Try again then.", retry_after=self._turns.next(self._clock())
            )
