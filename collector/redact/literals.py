"""Which lines hold which literals: each line that is the same is searched once, all of them together."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, count
from operator import add

from collector.platforms.text_search import finder

_MOST_KNOWN, _MOST_HOLDING, _LONGEST_KNOWN = 20_000, 4_000, 400  # lines, and signs of one
#: So few lines are searched one by one.
_FEW = 8
#: Bytes that are searched before the C library is worth the time that it takes to load.
_WORTH_IT = 30_000
#: The literals that a line holds, by number.
Held = tuple[int, ...]


class Literals:
    """Remembers what it found in short lines."""

    def __init__(self, literals: Sequence[bytes], worth_it: int | None = None) -> None:
        """`worth_it`: bytes after which the C library is called."""
        self._literals = literals
        #: The same as texts: `in` is several times slower for bytes, since it asks first whether they are a number.
        self._texts = texts = [literal.decode("latin-1") for literal in literals]
        self._order = _order(tuple(texts))
        self._bare: set[bytes] = set()
        self._holding: dict[bytes, Held] = {}
        self._worth_it, self._searched = _WORTH_IT if worth_it is None else worth_it, 0

    def held(self, line: bytes) -> Held:
        """What one line holds."""
        if line in self._bare:
            return ()
        held = self._holding.get(line)
        if held is None:
            held = self._in(line)
            self._remember({line}, {line: held} if held else {})
        return held

    def holding(self, lines: set[bytes]) -> dict[bytes, Held]:
        """The lines that hold some."""
        holding = {line: self._holding[line] for line in self._holding.keys() & lines}
        fresh = lines.difference(self._bare, holding)
        if fresh:
            found = (
                self._found(list(fresh))
                if len(fresh) > _FEW
                else {line: held for line in fresh if (held := self._in(line))}
            )
            self._remember(fresh, found)
            holding |= found
        return holding

    def _in(self, line: bytes) -> Held:
        text = line.decode("latin-1")
        return tuple([number for number, literal in enumerate(self._texts) if literal in text])

    def _found(self, lines: Sequence[bytes]) -> dict[bytes, Held]:
        data = b"\n".join(lines)
        self._searched += len(data)
        places = _Places(lines, finder(data) if self._searched > self._worth_it else data.find)
        holding: dict[int, list[bytes]] = {}
        for number, within in self._order:
            literal = self._literals[number]
            if number == within:
                holding[number] = list(places.of(literal))
            else:
                holding[number] = [line for line in holding[within] if line.find(literal) >= 0]
        found: dict[bytes, Held] = {}
        for number in range(len(self._literals)):
            for line in holding[number]:
                found[line] = (*found.get(line, ()), number)
        return found

    def _remember(self, lines: set[bytes], holding: dict[bytes, Held]) -> None:
        bare = [line for line in lines.difference(holding) if len(line) <= _LONGEST_KNOWN]
        if len(self._bare) + len(bare) <= _MOST_KNOWN:
            self._bare.update(bare)
        if len(self._holding) + len(holding) <= _MOST_HOLDING:
            self._holding.update({line: held for line, held in holding.items() if len(line) <= _LONGEST_KNOWN})


@lru_cache(maxsize=4)  # one for each table
def _order(literals: tuple[str, ...]) -> list[tuple[int, int]]:
    """The numbers of all, the shorter first, each with that of the shortest one that stands in it: in a line without
    that one there is no need to look."""
    shortest = sorted(range(len(literals)), key=lambda number: len(literals[number]))
    return [(number, next(other for other in shortest if literals[other] in literals[number])) for number in shortest]


class _Places:
    """Where texts stand in lines that are joined by their ends; `find` is that of the whole."""

    def __init__(self, lines: Sequence[bytes], find: Callable[[bytes, int], int]) -> None:
        self._lines, self._find = lines, find
        self._starts = list(map(add, accumulate(map(len, lines), initial=0), count()))  # with their line ends

    def of(self, text: bytes) -> Iterator[bytes]:
        """The lines that hold a text, which has no line end."""
        place = self._find(text, 0)
        while place >= 0:
            which = bisect_right(self._starts, place) - 1
            yield self._lines[which]
            if which + 2 >= len(self._starts):
                return
            place = self._find(text, self._starts[which + 1])
