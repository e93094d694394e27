"""Lines of keys that were seen as a whole, so that one is known where it stands alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collector.redact.search import Found

PIECE = "key-piece"
#: The end of a line of a key: long enough to matter, and mixed as no word is.
_PIECE = re.compile(
    r"(?=\S*[0-9+/=])(?=\S*[A-Z])(?=\S*[a-z])([A-Za-z0-9+/]{8,76}={0,2}|[A-Za-z0-9+/]{6,7}={1,2})\s*$", re.MULTILINE
)
#: Rows of which what is found is one line of a key, and no more.
_LINES = frozenset(("private-key-end", "key-line-rest"))
_MOST = 2_000


class Pieces:
    """Grows while texts are redacted."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, secret: str, row: str) -> bool:
        """Whether there was something new in what a row found: a key's last line, or a key of several lines."""
        if "\n" not in secret and row not in _LINES:
            return False
        new = {piece for piece in _PIECE.findall(secret) if piece not in self._known}
        if not new or len(self._known) >= _MOST:
            return False
        self._known |= new
        self._pattern = re.compile("|".join(map(re.escape, sorted(self._known, key=len, reverse=True))))
        return True

    def find(self, text: str) -> Iterator[Found]:
        """Where known lines of keys stand."""
        if self._pattern is not None:
            for piece in self._pattern.finditer(text):
                yield Found(*piece.span(), PIECE, "key", *piece.span())
