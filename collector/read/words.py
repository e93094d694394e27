"""Finds the lines of a block that hold one of some words, whatever their case.

`bytes.find` takes about half a nanosecond for each byte and word. The C library's `strstr` is ten to twenty
times as fast (measured with glibc 2.36), so it is called where it can be; what is found is the same.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import cache

Strstr = Callable[[int, bytes], "int | None"]

#: Until so many bytes have been searched the import of ctypes costs more than it saves.
_WORTH_IT = 1_000_000


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
        strstr = _strstr() if self._searched > self._worth_it else None
        found: set[int] = set()
        for word in self._words:
            if strstr is None:
                _find(low, word, found)
            else:
                _find_fast(low, word, found, strstr)
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


def _find_fast(data: bytes, word: bytes, found: set[int], strstr: Strstr) -> None:
    find, add = data.find, found.add
    address = _address(data)
    place = strstr(address, word)
    while place:
        end = find(b"\n", place - address)
        if end < 0:
            add(len(data))
            return
        add(end)
        place = strstr(address + end, word)


def _address(data: bytes) -> int:
    import ctypes

    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0


@cache
def _strstr() -> Strstr | None:
    """The C library's search. CPython ends every bytes object with a NUL, so it can't run over the end."""
    try:
        import ctypes

        strstr = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None).strstr
    except (ImportError, OSError, AttributeError):
        return None
    strstr.restype = ctypes.c_void_p
    strstr.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    return strstr
