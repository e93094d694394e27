"""Bodies that are small enough to be held in memory."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request

from collector.endpoint.answers import RefusalError


async def whole_body(request: Request, most: int, *, name: str, too_long: str) -> bytes:
    """All of it. Raises RefusalError with `too_long` above `most` bytes, and where the connection ends before that.

    `name`: what is being sent, as people call it.
    """
    body = bytearray()
    try:
        async for block in request.stream():
            body += block
            if len(body) > most:
                raise RefusalError(413, too_long)
    except ClientDisconnect as error:
        raise RefusalError(400, f"the connection ended before the {name} was whole") from error
    return bytes(body)
