"""How much one transaction does, and how long the next one waits for others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds that a transaction is to take: in SQLite all who write wait for it. Most of a small one is the disk's.
_LONG = 0.2
_FEWEST, _MOST = 10, 100
#: Who waits for a lock of SQLite asks again after 0.1 seconds at the latest; a pause must be longer.
_PAUSE = 0.11


class Pace:
    """Begins small, and grows as long as transactions stay short."""

    def __init__(self) -> None:
        self.most = _FEWEST
        self._began = 0.0

    @contextmanager
    def step(self) -> Iterator[None]:
        """Around a transaction of `most`; rests after it for as long as it took, so that others get their turn."""
        self.begun()
        yield
        took = time.monotonic() - self._began
        if took > _LONG:
            self.most = max(_FEWEST, self.most * 2 // 3)
        elif took < _LONG / 2:
            self.most = min(_MOST, self.most * 3 // 2)
        time.sleep(max(_PAUSE, took))

    def begun(self) -> None:
        """The transaction has what it waited for: until now it kept nobody else waiting."""
        self._began = time.monotonic()
