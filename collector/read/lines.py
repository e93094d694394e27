"""Lines of one source within a bounded memory, and what to write about it in the ledger."""

from __future__ import annotations

from collections.abc import Iterator

from collector.model import Line, Outcome, Source
from collector.read.decode import SAMPLE, Decoder, NulFilter, decoder, find_encoding
from collector.read.source import ByteSource
from collector.read.split import Splitter


class LineReader:
    """Iterate once over the lines of a source. Never raises for what is wrong with the file.

    Afterwards: `outcome`, `encoding`, `bytes_read` (of the file), `lines`, `note`.
    """

    def __init__(self, source: Source, *, limit_bytes: int = 150_000_000, line_limit: int = 65_536) -> None:
        """`limit_bytes`: of a longer file only the last so many bytes are read (of a packed one the
        first so many unpacked). `line_limit`: characters of a line that are kept."""
        self.encoding = ""
        self._bytes = ByteSource(source, limit_bytes=limit_bytes, tail=True)
        self._nuls = NulFilter()
        self._splitter = Splitter(line_limit)

    @property
    def outcome(self) -> Outcome:
        return self._bytes.outcome

    @property
    def bytes_read(self) -> int:
        return self._bytes.bytes_read

    @property
    def size(self) -> int:
        """Bytes of the file when it was opened."""
        return self._bytes.size

    @property
    def lines(self) -> int:
        return self._splitter.lines

    @property
    def note(self) -> str:
        return self._bytes.note

    def __iter__(self) -> Iterator[Line]:
        is_first = True
        for line in self._lines():
            if not (is_first and self._bytes.start):  # a part of a file begins inside a line
                yield line
            is_first = False
        self._remark()

    def _lines(self) -> Iterator[Line]:
        decode: Decoder | None = None
        for block in self._bytes.blocks():
            if decode is None:
                found = find_encoding(self._bytes.beginning(SAMPLE) if self._bytes.start else block[:SAMPLE])
                if found is None:
                    self._bytes.remark("binary content", "undecodable")
                    return
                name, mark = found
                decode = decoder(name)
                self.encoding = name
                if not self._bytes.start:
                    block = block[mark:]
            yield from self._splitter.feed(self._nuls.feed(decode.feed(block)))
        if decode is not None:
            yield from self._splitter.feed(self._nuls.feed(decode.feed(b"", final=True)))
            yield from self._splitter.close()
            self.encoding = decode.encoding

    def _remark(self) -> None:
        if self._nuls.removed:
            self._bytes.remark(f"{self._nuls.removed} NUL characters removed")
        if self._splitter.cut:
            self._bytes.remark(f"{self._splitter.cut} lines longer than the limit were cut")
