"""Reads one file of a watched place: is it a bundle, and which?"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import BinaryIO

from collector.bundle.encryption import Identities
from collector.bundle.envelope import ENVELOPE
from collector.bundle.reader import Bundle, Limits, glance_received
from collector.bundle.sealed import content, open_envelope
from collector.endpoint.indexing.rows import Row, bundle_row
from collector.endpoint.stores.cache import Cache
from collector.endpoint.stores.place import Found, Place
from collector.errors import BundleError, EncryptedError

#: How every zip begins that holds something (APPNOTE 4.3.7).
_ZIP = b"PK\x03\x04"
_MOST_NAME = 1_024  # bytes: as S3, and what both engines of the index take as a key
#: What an endpoint keeps in its own store besides bundles: what is no bundle yet.
_UNFINISHED = re.compile(r"\.(block|partial)$|(^|/)grants/[0-9a-f]{2}/[0-9a-f]{64}\.zip$")
_HASHED_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class Taken:
    """A file's row in the index, and that of the bundle which it is."""

    file: Row
    bundle: Row | None


def is_looked_at(name: str) -> bool:
    """Whether a file of this name can be a bundle that somebody has finished writing."""
    if any(part.startswith(".") for part in name.split("/")) or _UNFINISHED.search(name) or "\0" in name:
        return False
    try:
        return len(name.encode()) <= _MOST_NAME
    except UnicodeEncodeError:  # a file name of Linux may be any bytes
        return False


def take(place: Place, found: Found, cache: Cache, limits: Limits, identities: Identities | None) -> Taken:
    """Raises OSError where it can't be read now, FileNotFoundError where it is gone."""
    row = {"name": found.name, "mark": found.mark, "bytes": found.bytes, "modified": found.modified, "gone": False}
    if not found.name.endswith(".zip") and place.start(found.name, len(_ZIP)) != _ZIP:
        return Taken(row | {"state": "other", "problem": "", "sha256": None}, None)
    try:
        if found.bytes > limits.file_bytes:
            raise BundleError(f"it has {found.bytes} bytes, more than {limits.file_bytes}")
        with _fetched(place, found.name, cache) as (file, sha256), readable(file, identities, limits) as plain:
            received = min(found.modified, datetime.now(timezone.utc))
            received = received.replace(microsecond=received.microsecond // 1000 * 1000)
            bundle = bundle_row(glance_received(plain, limits), sha256, found.bytes, received)
    except BundleError as error:
        return refused(Taken(row, None), str(error))
    return Taken(row | {"state": "bundle", "problem": "", "sha256": sha256}, bundle)


def refused(one: Taken, problem: str) -> Taken:
    """The same file as one that is no bundle."""
    problem = problem.replace("\0", " ").encode("utf-8", "replace").decode()[:300]
    return Taken(one.file | {"state": "problem", "problem": problem, "sha256": None}, None)


@contextmanager
def _fetched(place: Place, name: str, cache: Cache) -> Iterator[tuple[BinaryIO, str]]:
    """The file and its SHA-256; of what lies elsewhere the copy is kept, since it is indexed next."""
    local = place.local(name)
    if local is None:
        with cache.fetched(place.pieces(name)) as (stream, sha256):
            yield stream, sha256
        return
    with local.open("rb") as stream:
        digest = hashlib.sha256()
        while piece := stream.read(_HASHED_AT_ONCE):
            digest.update(piece)
        yield stream, digest.hexdigest()


@contextmanager
def readable(file: BinaryIO, identities: Identities | None, limits: Limits) -> Iterator[BinaryIO]:
    """The bundle in an encrypted one, in memory, where one of the identities opens it; else the file itself.

    Raises BundleError.
    """
    if identities is None or ENVELOPE not in Bundle(file, limits).names:
        yield file
        return
    try:
        plain: BinaryIO = content(file, open_envelope(file, limits), identities, limits)
    except EncryptedError:  # for somebody else
        plain = file
    yield plain
