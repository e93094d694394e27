"""A container of Azure Blob or a bucket of S3, through obstore."""

from __future__ import annotations

import errno
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import AzureStore, S3Store

from collector.endpoint.stores.place import Found

_AT_ONCE = 500
_REMOVED_AT_ONCE = 200
_PIECE = 1 << 20


class Bucket:
    every = 10.0

    def __init__(self, name: str, store: AzureStore | S3Store) -> None:
        """`name`: its address as people may see it."""
        self.name = name
        self._store = store

    def local(self, name: str) -> None:
        return None

    def listing(self, prefix: str = "") -> Iterator[Sequence[Found]]:
        with _as_os_error(self.name):
            for chunk in obstore.list(self._store, prefix or None, chunk_size=_AT_ONCE):
                yield [
                    Found(one["path"], one["size"], one["last_modified"], _mark(one))
                    for one in chunk
                    if one["size"]  # folders of some tools are empty objects
                ]

    def pieces(self, name: str) -> Iterator[bytes]:
        with _as_os_error(self.name):
            for piece in obstore.get(self._store, name).stream(min_chunk_size=_PIECE):
                yield bytes(piece)

    def start(self, name: str, size: int) -> bytes:
        with _as_os_error(self.name):
            return bytes(obstore.get_range(self._store, name, start=0, length=size))

    def put(self, name: str, file: Path) -> None:
        with _as_os_error(self.name):
            obstore.put(self._store, name, file)

    def remove(self, names: Collection[str]) -> None:
        ordered = sorted(names)
        for start in range(0, len(ordered), _REMOVED_AT_ONCE):
            with _as_os_error(self.name):
                self._remove(ordered[start : start + _REMOVED_AT_ONCE])

    def _remove(self, names: Sequence[str]) -> None:
        """Azure refuses what is gone already, and does not say what became of the others."""
        try:
            obstore.delete(self._store, names)
        except FileNotFoundError:
            for name in names if len(names) > 1 else ():
                self._remove([name])

    def upload_address(self, name: str, seconds: int) -> tuple[str, dict[str, str]] | None:
        try:
            url = obstore.sign(self._store, "PUT", name, timedelta(seconds=seconds))
        except BaseError:  # a SAS can't sign another one, and an identity may lack the right to
            return None
        return url, {"x-ms-blob-type": "BlockBlob"} if isinstance(self._store, AzureStore) else {}


def _mark(found: obstore.ObjectMeta) -> str:
    tag = (found["e_tag"] or "").strip('"')
    return f"{tag or found['last_modified'].isoformat()}-{found['size']:x}"[:120]


@contextmanager
def _as_os_error(name: str) -> Iterator[None]:
    """In one line, and without what a signed address holds. FileNotFoundError is raised by the library itself."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, f"{name}: it is not there") from error
    except BaseError as error:
        refused = isinstance(error, (PermissionDeniedError, UnauthenticatedError))
        first = " ".join(re.sub(r"\?[^\s\"'<>]+", "?...", str(error).split("\n\nDebug source", 1)[0]).split())
        raise OSError(errno.EACCES if refused else errno.EIO, f"{name}: {first[:300]}") from error
