"""Lines of one source within a bounded memory, and what to write about it in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from collector.model import Line, Outcome, Source
from collector.read import gaps
from collector.read.encoding import SAMPLE, find_encoding
from collector.read.filters import Filters
from collector.read.normal import Normalizer, ends_in_carriage
from collector.read.numbers import first_number, real_numbers
from collector.read.plan import Choose, Plan, Planner, Selection
from collector.read.source import BLOCK, HEAD, ByteSource
from collector.read.split import Chunk, LineMaker, WholeLines

__all__ = ["FIRST_LINES", "Choose", "LineReader", "Selection"]

#: Lines of the beginning that tell the format.
FIRST_LINES = 60


class LineReader:
    """Iterate once over the lines of a source. Never raises for what is wrong with the file.

    Afterwards: `outcome`, `encoding`, `bytes_read` (of the file), `lines` (gone through), `note`, `guarantee`.
    A line's number counts from the place at which its part of the file begins; `numbers` tells the real ones.
    """

    def __init__(
        self,
        source: Source,
        *,
        choose: Choose | None = None,
        limit_bytes: int = 150_000_000,
        line_limit: int = 65_536,
        block: int = BLOCK,
        effort: gaps.Effort = gaps.DEFAULT,
    ) -> None:
        """`limit_bytes`: of more than that only the last so many bytes are read (of a packed file the first so
        many unpacked). `line_limit`: characters of a line that are kept. `block`: bytes asked for in one read.
        `effort`: what the search for a time frame may cost."""
        self.encoding = ""
        self.guarantee = ""
        self.lines = 0
        self._source = source
        self._block = block
        self._bytes = ByteSource(source, block)
        self._choose = choose
        self._limit = limit_bytes
        self._effort = effort
        self._maker = LineMaker(line_limit)
        self._line_limit = line_limit
        self._begin = 0  # after the mark
        self._carriage = False
        self._plan = Plan(())
        self._removed = 0

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
    def note(self) -> str:
        return self._bytes.note

    @property
    def is_partial(self) -> bool:
        """Whether parts of the file were left out without a look."""
        return self._plan.ranges not in ((), ((self._begin, None),))

    @property
    def knows_numbers(self) -> bool:
        """Whether `numbers` tells the real ones. In a part of a very large file a number is the byte offset of the
        part and the lines from there: counting the lines before it would take too long."""
        return not self.is_partial or self._bytes.size <= self._effort.most_scanned

    def __iter__(self) -> Iterator[Line]:
        with self._bytes.opened() as is_open:
            if is_open and (beginning := self._detect()) is not None:
                for chunk in self._wanted(beginning):
                    yield from self._maker.lines(chunk)
        if self._removed:
            self._bytes.remark(f"{self._removed} NUL characters removed")
        if self._maker.cut:
            self._bytes.remark(f"{self._maker.cut} lines longer than the limit were cut")
        if self._maker.legacy and self.encoding.startswith("utf-8"):
            self.encoding = "utf-8, windows-1252"

    def numbers(self) -> Callable[[int], int]:
        """From the numbers that the lines were given to those that an editor shows.

        The lines before a part that was read are counted now, if `knows_numbers`.
        """
        if not self.is_partial or not self.knows_numbers:
            return lambda number: number
        return real_numbers(self._source, self._block, self.encoding, self._carriage, self._begin, self._plan.ranges)

    def _detect(self) -> bytes | None:
        """Finds encoding and line ends; gives the beginning after a mark, or None if it is not text."""
        beginning = self._bytes.beginning
        if self._bytes.packed:
            beginning = b""
            for piece in self._bytes.unpacked(HEAD):
                beginning += piece
            self._bytes.forget()
        found = find_encoding(beginning[:SAMPLE])
        if found is None:
            self._bytes.remark("binary content", "undecodable")
            return None
        self.encoding, self._begin = found
        beginning = beginning[self._begin :]
        self._carriage = ends_in_carriage(self.encoding, beginning)
        return beginning

    def _wanted(self, beginning: bytes) -> Iterator[Chunk]:
        selection = self._choose(list(self._first_lines(beginning))) if self._choose else None
        self._plan = self._planned(selection)
        self.guarantee = self._plan.guarantee
        size = self._bytes.size
        coming = sum((size if end is None else end) - begin for begin, end in self._plan.ranges)
        filters = Filters(selection, is_much=coming > self._effort.much)
        gone_through = 0
        for begin, end in self._plan.ranges:
            for chunk in self._chunks(begin, end):
                self.lines += chunk.lines
                gone_through += len(chunk.data)
                yield from filters.feed(chunk)
        yield from filters.close()
        if self._bytes.outcome == "truncated":  # the note says what was not read
            self.guarantee = ""
            return
        found = self._plan.found
        if found is not None and not found.whole and (beside := gone_through - filters.passed):
            self.guarantee += f"; {beside} bytes beside the window were read to be sure"

    def _planned(self, selection: Selection | None) -> Plan:
        if self._bytes.packed:
            is_framed = selection is not None and (selection.start is not None or selection.end is not None)
            return Plan(((self._begin, None),), "every record was looked at" if is_framed else "")
        planner = Planner(self._bytes, self.encoding, self._begin, self._carriage, self._limit, self._effort)
        return planner.plan(selection)

    def _first_lines(self, beginning: bytes) -> Iterator[Line]:
        normal = Normalizer(self.encoding, self._carriage)
        whole = WholeLines(self._line_limit, 1)
        chunk = (
            whole.feed(normal.feed(beginning[:SAMPLE])) or whole.feed(normal.feed(beginning[SAMPLE:])) or whole.close()
        )
        if chunk is not None:
            yield from islice(LineMaker(self._line_limit).lines(chunk), FIRST_LINES)

    def _chunks(self, begin: int, end: int | None) -> Iterator[Chunk]:
        """Whole lines of a range. They are numbered from the offset at which the range begins."""
        normal = Normalizer(self.encoding, self._carriage)
        whole = WholeLines(self._line_limit, first_number(begin, self._begin))
        for block in self._unpacked() if self._bytes.packed else self._bytes.range(begin, end, self._limit):
            if (chunk := whole.feed(normal.feed(block))) is not None:
                yield chunk
        for last in (whole.feed(normal.feed(b"", final=True)), whole.close()):
            if last is not None:
                yield last
        self._removed += normal.removed

    def _unpacked(self) -> Iterator[bytes]:
        mark = self._begin
        for piece in self._bytes.unpacked(self._limit):
            yield piece[mark:]
            mark = max(0, mark - len(piece))
