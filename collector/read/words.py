"""Finds the lines of a block that hold one of some words, whatever their case.

Once there is much to search, the C library is called where it can be; what is found is the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from collector.platforms.text_search import Strstr, address, strstr

#: Until so many bytes have been searched the import of ctypes costs more than it saves.
_WORTH_IT = 1_000_000
#: In fewer bytes calling the C library takes longer than its search saves.
_SHORT = 4_096


class Words:
    """Some words, ASCII and lower case."""

    def __init__(self, words: Iterable[str], worth_it: int = _WORTH_IT) -> None:
        """`worth_it`: bytes after which the C library is called."""
        self._words = tuple(word.lower().encode("ascii") for word in words)
        self._worth_it = worth_it
        self._searched = 0  # bytes

    def lines(self, data: bytes, begin: int = 0, stop: int | None = None) -> list[int]:
        """Where the lines end (their LF, or the end of the data) that hold a word, in order.

        `data`: no NULs, lines that end in LF. `begin`, `stop`: where a line begins, and where the last one ends.
        """
        stop = len(data) if stop is None else stop
        low = data.lower() if begin == 0 and stop == len(data) else data[begin:stop].lower()
        self._searched += len(low)
        search = strstr() if self._searched > self._worth_it and len(low) > _SHORT else None
        found: set[int] = set()
        if search is None:
            for word in self._words:
                _find(low, word, found)
        else:
            begins_at = address(low)
            for word in self._words:
                _find_fast(low, begins_at, word, found, search)
        return sorted(end + begin for end in found) if begin else sorted(found)


def _find(data: bytes, word: bytes, found: set[int]) -> None:
    find = data.find
    at = find(word)
    while at >= 0:
        end = find(b"\n", at)
        if end < 0:
            found.add(len(data))
            return
        found.add(end)
        at = find(word, end)


def _find_fast(data: bytes, begin: int, word: bytes, found: set[int], search: Strstr) -> None:
    """`begin`: the address of the data."""
    find, add = data.find, found.add
    place = search(begin, word)
    while place:
        end = find(b"\n", place - begin)
        if end < 0:
            add(len(data))
            return
        add(end)
        place = search(begin + end, word)
