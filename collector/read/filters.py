"""What a selection keeps of the lines that go by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collector.read.plan import Selection
from collector.read.sift import Sift
from collector.read.split import Chunk
from collector.read.window import WindowFilter


class Filters:
    """Feed it chunks in order, then `close`."""

    def __init__(self, selection: Selection | None, is_much: bool) -> None:
        """`is_much`: whether much text will come. Then words are looked for first, which leaves few records whose
        stamps are to be read."""
        self.passed = 0  # bytes of the time frame, or of what was searched
        self._window: WindowFilter | None = None
        self._sift: Sift | None = None
        self._room = 0
        self._is_search = (
            is_much and selection is not None and selection.words is not None and selection.whole_bytes == 0
        )
        if selection is None:
            return
        if selection.start is not None or selection.end is not None:
            self._window = WindowFilter(selection.bounds, selection.start, selection.end)
        if selection.words is not None:
            self._sift = Sift(selection.words, selection.bounds)
            self._room = selection.whole_bytes

    def feed(self, chunk: Chunk) -> Iterator[Chunk]:
        if self._is_search:
            self.passed += len(chunk.data)
            yield from self._framed(self._sifted(chunk))
            return
        for part in self._framed((chunk,)):
            self.passed += len(part.data)
            if self._sift is None:
                yield part
            elif self._room > 0:
                self._room -= len(part.data)
                if self._room <= 0:
                    self._sift.begin_inside()
                yield part
            else:
                yield from self._sifted(part)

    def close(self) -> Iterator[Chunk]:
        if self._sift is not None:
            yield from self._framed(self._sift.close()) if self._is_search else self._sift.close()

    def _sifted(self, chunk: Chunk) -> Iterator[Chunk]:
        return self._sift.feed(chunk) if self._sift is not None else iter((chunk,))

    def _framed(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            yield from self._window.feed(chunk) if self._window else (chunk,)
