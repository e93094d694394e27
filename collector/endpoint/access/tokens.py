"""Who may send and who may read: bearer tokens, and sessions of the pages."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path

from collector.endpoint.reading.bundles import Index

COOKIE = "vmext_session"
SESSION_SECONDS = 12 * 3600


class Access:
    """Tokens are kept as hashes; the first one is made at the first start."""

    def __init__(self, data: Path, index: Index) -> None:
        """Raises OSError if the token or the key can't be kept."""
        self._index = index
        self._key = _kept(data / "session.key", lambda: secrets.token_bytes(32))
        self.token_file = data / "admin.token"
        self.is_first_start = not self.token_file.exists()
        token = _kept(self.token_file, lambda: (secrets.token_urlsafe(32) + "\n").encode()).decode().strip()
        index.add_token(_hash(token), "administrator")

    def knows(self, token: str) -> bool:
        """Compares with every token in constant time."""
        wanted = _hash(token)
        found = False
        for known in self._index.token_hashes():
            found |= hmac.compare_digest(known, wanted)
        return found

    def bearer(self, header: str | None) -> bool:
        """Whether an Authorization header holds a known token."""
        scheme, _, token = (header or "").partition(" ")
        return scheme.lower() == "bearer" and bool(token.strip()) and self.knows(token.strip())

    def session(self) -> str:
        """A cookie's value that is good for `SESSION_SECONDS`."""
        until = str(int(time.time()) + SESSION_SECONDS)
        return f"{until}.{self._signature(until)}"

    def is_session(self, value: str | None) -> bool:
        until, _, signature = (value or "").partition(".")
        if not until.isdigit() or not hmac.compare_digest(signature, self._signature(until)):
            return False
        return int(until) > time.time()

    def _signature(self, until: str) -> str:
        digest = hmac.new(self._key, until.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _kept(file: Path, make: object) -> bytes:
    """The content of a secret file, made at the first start, readable by its owner alone."""
    if file.exists():
        return file.read_bytes()
    content: bytes = make()  # type: ignore[operator]
    temporary = file.with_suffix(".partial")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
    return content
