"""What a selection keeps of the lines that go by."""

from __future__ import annotations

from collections.abc import Iterator

from collector.read.plan import Selection
from collector.read.sift import Sift
from collector.read.split import Chunk
from collector.read.window import WindowFilter


class Filters:
    """Feed it chunks in order, then `close`."""

    def __init__(self, selection: Selection | None) -> None:
        self.passed = 0  # bytes of the time frame
        self._window: WindowFilter | None = None
        self._sift: Sift | None = None
        self._room = 0
        if selection is None:
            return
        if selection.start is not None or selection.end is not None:
            self._window = WindowFilter(selection.bounds, selection.start, selection.end)
        if selection.words is not None:
            self._sift = Sift(selection.words, selection.bounds)
            self._room = selection.whole_bytes

    def feed(self, chunk: Chunk) -> Iterator[Chunk]:
        for part in self._window.feed(chunk) if self._window else (chunk,):
            self.passed += len(part.data)
            if self._sift is None:
                yield part
            elif self._room > 0:
                self._room -= len(part.data)
                if self._room <= 0:
                    self._sift.begin_inside()
                yield part
            else:
                yield from self._sift.feed(part)

    def close(self) -> Iterator[Chunk]:
        if self._sift is not None:
            yield from self._sift.close()
