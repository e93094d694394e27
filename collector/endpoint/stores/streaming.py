"""A stored bundle as an answer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO

from starlette.responses import Response, StreamingResponse

from collector.endpoint.stores.store import Store

_PIECE = 1 << 18


def streamed(store: Store, sha256: str, filename: str) -> Response:
    """Piece by piece, to be kept under that name. Raises OSError."""
    with ExitStack() as held:
        file = held.enter_context(store.opened(sha256, as_stored=True))
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        pieces = _pieces(file, held.pop_all())
    headers = {"Content-Length": str(size), "Content-Disposition": f'attachment; filename="{filename}"'}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


def _pieces(file: BinaryIO, held: ExitStack) -> Iterator[bytes]:
    """Lets go of the file in the end, also where nobody reads on."""
    with held:
        while piece := file.read(_PIECE):
            yield piece
