"""Bodies as they come in: each has a least speed, so that nobody holds a place by sending slowly or nothing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import anyio
from starlette.requests import ClientDisconnect, Request

from collector.endpoint.answers import RefusalError


@dataclass(frozen=True, slots=True)
class Pace:
    """The least: no silence longer than `seconds`, and in all no more than these and what `rate` bytes a second takes.

    Source of the form: Kestrel's MinRequestBodyDataRate (240 bytes a second after 5 seconds).
    """

    seconds: float = 20.0
    rate: float = 8_000.0


PACE = Pace()


async def pieces(request: Request, name: str, pace: Pace = PACE) -> AsyncIterator[bytes]:
    """The body of a request. Raises RefusalError where it comes too slowly, or its connection ends before that.

    `name`: what is being sent, as people call it. What is done with a piece does not count.
    """
    received, waited = 0, 0.0
    stream = request.stream()
    while True:
        began = time.monotonic()
        try:
            with anyio.fail_after(pace.seconds + min(0.0, received / pace.rate - waited)):
                block = await anext(stream, None)
        except TimeoutError as error:
            raise RefusalError(408, f"the {name} comes too slowly", "Send it again.") from error
        except ClientDisconnect as error:
            raise RefusalError(400, f"the connection ended before the {name} was whole") from error
        waited += time.monotonic() - began
        if block is None:
            return
        received += len(block)
        yield block


async def whole_body(request: Request, most: int, *, name: str, too_long: str, pace: Pace = PACE) -> bytes:
    """All of one that is held in memory. Raises RefusalError as `pieces`, and with `too_long` above `most` bytes.

    `name`: what is being sent, as people call it.
    """
    body = bytearray()
    async for block in pieces(request, name, pace):
        body += block
        if len(body) > most:
            raise RefusalError(413, too_long)
    return bytes(body)
