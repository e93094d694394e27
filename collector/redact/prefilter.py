"""Which lines are worth a pattern: those that hold a row's literal, a long run of base64, or a vendor's mark.

Everything is looked for in bytes of one per sign. Log lines repeat but for their numbers, and no literal's digits
matter, so a line that is known without its digits is not looked at again.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, count, pairwise
from operator import add

from collector.platforms.text_search import finder
from collector.redact.patterns import Search
from collector.redact.wraps import LEAST_WRAPPED

#: Digits are all the same; a NUL would end a text for the C library.
_DIGITS = bytes.maketrans(b"0123456789\0", b"0000000000 ")
_MOST_KNOWN, _LONGEST_KNOWN = 20_000, 400  # lines, and signs of one
#: Where these stand, keys may be broken by escapes, so that only the text below shows them.
_ESCAPES = ("\\/", "\\u00")
_AFTER = 40  # signs of the next line in which a token may go on
#: After a text of one line; a guard's end of text would mean that more may follow.
_NOTHING_FOLLOWS = b"\n."
_REACH = 20  # signs of the next line in which a literal may end that a wrap went through
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_WORD = _BASE64[:-2] + b"_-"
_LEAST_BASE64, _LEAST_WORD = 40, 20
#: Bytes that are searched before the C library is worth the time that it takes to load.
_WORTH_IT = 30_000


def _class_of(signs: bytes) -> bytes:
    return bytes(ord("a") if code in signs else ord(" ") for code in range(256))


_IS_BASE64, _IS_WORD = _class_of(_BASE64), _class_of(_WORD)


class Prefilter:
    """For one table of rows; remembers lines in which nothing was found."""

    def __init__(self, search: Search, worth_it: int = _WORTH_IT) -> None:
        """`worth_it`: bytes after which the C library is called."""
        literals = (*search.literals, *((escape, ()) for escape in _ESCAPES))
        self._literals = [(_masked(literal), rows) for literal, rows in literals]
        self._guards: dict[bytes, bytes | re.Pattern[bytes]] = {
            _masked(name): guard.encode() for name, guard in search.guards.items()
        }
        self._marks, self._marked = search.marks, search.marked
        self._words = [_masked(mark.lower()) for mark in search.marks]
        self._known: set[bytes] = set()
        self._worth_it, self._searched = worth_it, 0

    def rows(self, text: str, lowered: str) -> set[int] | None:
        """The rows that are called by a text of one line; None where it holds nothing of interest."""
        masked = _masked(lowered)
        if masked in self._known:
            return None
        whole = masked + _NOTHING_FOLLOWS
        calls = [rows for literal, rows in self._literals if literal in masked and self._holds(literal, whole)]
        if len(masked) >= _LEAST_WORD and [mark for mark in self._words if mark in masked] and self._is_marked(text):
            calls.append(self._marked)
        if not calls:
            self._remember([masked])
            return None
        return set().union(*calls)

    def lines(self, text: str, lowered: str) -> dict[int, set[int]]:
        """The rows that are called in each line of a text of several; a line without is left out."""
        keys = _keys(_masked(lowered).replace(b"\r\n", b"\n"))
        known = self._known
        fresh = [number for number, key in enumerate(keys) if key not in known]
        called: dict[int, set[int]] = {}
        if not fresh:
            return called
        new = [keys[number] for number in fresh]
        places = _Places(new, self._finder_of(b"\n".join(new)))
        for literal, rows in self._literals:
            for which in places.of(literal):
                if self._holds(literal, new[which]):
                    called.setdefault(fresh[which], set()).update(rows)
        whole: list[str] = []
        for mark in self._words:
            for which in places.of(mark):
                whole = whole or text.split("\n")
                number = fresh[which]
                if self._is_marked(
                    whole[number].rstrip("\r") + "".join(whole[number + 1 : number + 2]).lstrip()[:_AFTER]
                ):
                    called.setdefault(number, set()).update(self._marked)
        self._remember([key for number, key in zip(fresh, new, strict=True) if number not in called])
        return called

    def _finder_of(self, data: bytes) -> Callable[[bytes, int], int]:
        self._searched += len(data)
        return finder(data) if self._searched > self._worth_it else data.find

    def _holds(self, literal: bytes, line: bytes) -> bool:
        """Whether more than a common word speaks for a row."""
        guard = self._guards.get(literal)
        if isinstance(guard, bytes):  # compiled when its word is met
            guard = self._guards[literal] = re.compile(guard)
        return guard is None or guard.search(line) is not None

    def _is_marked(self, text: str) -> bool:
        """Whether a long word of a line holds a vendor's mark, or has it right before it."""
        words = b" " + _bytes(text).translate(_IS_WORD) + b" "
        for mark in self._marks:
            place = text.find(mark)
            while place >= 0:
                end = place + len(mark)
                begin = words.rfind(b" ", 0, place + 1) if words[end : end + 1] == b"a" else end
                if words.find(b" ", end + 1) - 1 - begin >= _LEAST_WORD:
                    return True
                place = text.find(mark, end)
        return False

    def _remember(self, keys: Sequence[bytes]) -> None:
        if len(self._known) + len(keys) <= _MOST_KNOWN:
            self._known.update([key for key in keys if len(key) <= _LONGEST_KNOWN])


class _Places:
    """Where texts stand in lines that are joined by their ends; `find` is that of the whole."""

    def __init__(self, lines: Sequence[bytes], find: Callable[[bytes, int], int]) -> None:
        self._starts = list(map(add, accumulate(map(len, lines), initial=0), count()))  # with their line ends
        self._find = find

    def of(self, text: bytes) -> Iterator[int]:
        """The lines that hold a text without a line end, by number."""
        place = self._find(text, 0)
        while place >= 0:
            which = bisect_right(self._starts, place) - 1
            yield which
            if which + 2 >= len(self._starts):
                return
            place = self._find(text, self._starts[which + 1])


def _keys(text: bytes) -> list[bytes]:
    """Each line with the beginning of the next one, where a wrap may have gone through a literal."""
    parts = text.split(b"\n")
    keys = list(map(add, parts, [part[:_REACH] for part in parts[1:]] + [b""]))
    if b"\n " in text or b"\n\t" in text:
        for number, (part, following) in enumerate(pairwise(parts)):
            if len(part) >= LEAST_WRAPPED and following[:1].isspace():  # as cut at a blank, and without any blanks
                begun = following.lstrip()[:_REACH]
                keys[number] = part[-_REACH:] + b" " + begun + b"\n" + part + begun
    return keys


def base64_runs(text: str) -> Iterator[int]:
    """Where runs of base64 begin that are long enough to hold something."""
    classes = _bytes(text).translate(_IS_BASE64) + b" "
    run = b"a" * _LEAST_BASE64
    start = classes.find(run)
    while start >= 0:
        yield start
        start = classes.find(run, classes.find(b" ", start))


def _masked(text: str) -> bytes:
    return _bytes(text).translate(_DIGITS)


def _bytes(text: str) -> bytes:
    """One byte for each sign, so that places are the same."""
    return text.encode("latin-1", "replace")
