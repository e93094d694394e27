"""Which lines are worth a pattern: those that hold a row's literal, a long run of base64, or a vendor's mark.

Everything is looked for in bytes of one per sign. Log lines repeat but for their numbers, and no literal's digits
matter, so what a line calls is known of all that are the same without their digits.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, count
from operator import add
from typing import NamedTuple

from collector.platforms.text_search import finder
from collector.redact.patterns import Search
from collector.redact.view import lowered
from collector.redact.wraps import LEAST_WRAPPED, Lines

#: Digits are all the same; a NUL would end a text for the C library.
_PLAIN = bytes.maketrans(b"0123456789\0", b"0000000000 ")
_UPPER = bytes((*range(0x41, 0x5B), *range(0xC0, 0xD7), *range(0xD8, 0xDF)))
_LOWER_PLAIN = bytes.maketrans(_UPPER + b"0123456789\0", bytes(code + 32 for code in _UPPER) + b"0000000000 ")
#: All that is beyond Latin-1 and within it in lower case, Kelvin's sign for one (Unicode 15).
_CROSSING = "\u0130\u0178\u1e9e\u212a\u212b"
_MOST_KNOWN, _MOST_CALLING, _LONGEST_KNOWN = 20_000, 4_000, 400  # lines, and signs of one
#: Where these stand, keys may be broken by escapes, so that only the text below shows them.
_ESCAPES = ("\\/", "\\u00")
_AFTER = 40  # signs of the next line in which a token may go on
#: After a text of one line; a guard's end of text would mean that more may follow.
_NOTHING_FOLLOWS = b"\n."
_REACH = 20  # signs of the next line in which a literal may end that a wrap went through
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_WORD = _BASE64[:-2] + b"_-"
_FIRST_VISIBLE = b"!"
_LEAST_BASE64, _LEAST_WORD = 40, 20
#: Bytes that are searched before the C library is worth the time that it takes to load.
_WORTH_IT = 30_000


def _class_of(signs: bytes) -> bytes:
    return bytes(ord("a") if code in signs else ord(" ") for code in range(256))


_IS_BASE64, _IS_WORD = _class_of(_BASE64), _class_of(_WORD)


class Call(NamedTuple):
    """What a line calls, as far as it does not matter which digits it has: `rows`, if any; and whether a vendor's mark
    may stand in it, of which digits and the case of letters are a part."""

    rows: frozenset[int] | None
    may_be_marked: bool


class Prefilter:
    """For one table of rows; remembers lines in which nothing was found."""

    def __init__(self, search: Search, worth_it: int = _WORTH_IT) -> None:
        """`worth_it`: bytes after which the C library is called."""
        literals = (*search.literals, *((escape, ()) for escape in _ESCAPES))
        self._literals = [(_plain(literal), rows) for literal, rows in literals]
        self._guards: dict[bytes, bytes | re.Pattern[bytes]] = {
            _plain(name): guard.encode() for name, guard in search.guards.items()
        }
        self._needs: dict[int, bytes | re.Pattern[bytes]] = {row: need.encode() for row, need in search.needs.items()}
        self._marks, self._marked = search.marks, frozenset(search.marked)
        self._words = [_plain(mark) for mark in search.marks]
        self._harmless: set[bytes] = set()
        self._calling: dict[bytes, Call] = {}
        self._worth_it, self._searched = worth_it, 0

    def rows(self, text: str, signs: bytes) -> frozenset[int] | None:
        """The rows that are called by a text of one line; None where it holds nothing of interest. `signs`: `signs_of`
        the text."""
        masked = _masked(text, signs)
        if masked in self._harmless:
            return None
        whole = masked + _NOTHING_FOLLOWS
        call = self._calling.get(whole)
        if call is None:
            rows = [rows for literal, rows in self._literals if literal in masked and self._holds(literal, whole)]
            call = self._call(rows, whole, any(mark in masked for mark in self._words))
            if call is None:
                self._remember([masked])
                return None
            self._remember_calls({whole: call})
        return self._marked.union(call.rows or ()) if call.may_be_marked and self._is_marked(text) else call.rows

    def lines(self, lines: Lines, signs: bytes) -> dict[int, set[int]]:
        """The rows that are called in each line of a text of several; a line without is left out. `signs`: `signs_of`
        the text."""
        masked = _masked(lines.text, signs)
        keys = _keys(masked.replace(b"\r\n", b"\n") if b"\r" in masked else masked)
        here = set(keys)
        fresh = list(here.difference(self._harmless, self._calling))
        calls = {key: self._calling[key] for key in self._calling.keys() & here}
        if fresh:
            calls |= self._looked_at(fresh)
        called: dict[int, set[int]] = {}
        if not calls:
            return called
        for number in [number for number, key in enumerate(keys) if key in calls]:
            call = calls[keys[number]]
            if call.rows is not None:
                called[number] = set(call.rows)
            if call.may_be_marked:
                following = "".join(lines.parts[number + 1 : number + 2]).lstrip()[:_AFTER]
                if self._is_marked(lines.parts[number].rstrip("\r") + following):
                    called.setdefault(number, set()).update(self._marked)
        return called

    def _looked_at(self, keys: list[bytes]) -> dict[bytes, Call]:
        """What each of these lines calls, if anything; remembers all of them."""
        places = _Places(keys, self._finder_of(b"\n".join(keys)))
        rows: dict[int, list[Sequence[int]]] = {}
        for literal, called in self._literals:
            for which in places.of(literal):
                if self._holds(literal, keys[which]):
                    rows.setdefault(which, []).append(called)
        marks = {which for mark in self._words for which in places.of(mark)}
        found = ((which, self._call(rows.get(which, ()), keys[which], which in marks)) for which in marks.union(rows))
        calls = {keys[which]: call for which, call in found if call is not None}
        self._remember_calls(calls)
        self._remember([key for key in keys if key not in calls])
        return calls

    def _call(self, rows: Sequence[Sequence[int]], line: bytes, may_be_marked: bool) -> Call | None:
        """Of these rows, those for which a line holds what each match of them has besides a literal."""
        if not rows:
            return Call(None, may_be_marked) if may_be_marked else None
        needed = set[int]().union(*rows)
        for row in needed.intersection(self._needs):
            need = self._needs[row]
            if isinstance(need, bytes):  # compiled when it is asked
                need = self._needs[row] = re.compile(need)
            if not need.search(line):
                needed.remove(row)
        return Call(frozenset(needed), may_be_marked)

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
        words = b" " + signs_of(text).translate(_IS_WORD) + b" "
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
        if len(self._harmless) + len(keys) <= _MOST_KNOWN:
            self._harmless.update([key for key in keys if len(key) <= _LONGEST_KNOWN])

    def _remember_calls(self, calls: Mapping[bytes, Call]) -> None:
        if len(self._calling) + len(calls) <= _MOST_CALLING:
            self._calling.update({key: call for key, call in calls.items() if len(key) <= _LONGEST_KNOWN})


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
    following = [part[:_REACH] for part in parts[1:]]
    keys = list(map(add, parts, (*following, b"")))
    if b"\n " in text or b"\n\t" in text:
        for number in [number for number, begun in enumerate(following) if begun < _FIRST_VISIBLE]:
            part = parts[number]
            if len(part) >= LEAST_WRAPPED and following[number][:1].isspace():
                begun = parts[number + 1].lstrip()[:_REACH]  # as cut at a blank, and without any blanks
                keys[number] = part[-_REACH:] + b" " + begun + b"\n" + part + begun
    return keys


def base64_runs(signs: bytes) -> Iterator[int]:
    """Where runs of base64 begin that are long enough to hold something."""
    classes = signs.translate(_IS_BASE64) + b" "
    run = b"a" * _LEAST_BASE64
    start = classes.find(run)
    while start >= 0:
        yield start
        start = classes.find(run, classes.find(b" ", start))


def _masked(text: str, signs: bytes) -> bytes:
    """In lower case and without what its digits are."""
    if text.isascii() or not any(sign in text for sign in _CROSSING):
        return signs.translate(_LOWER_PLAIN)
    return signs_of(lowered(text)).translate(_PLAIN)


def _plain(text: str) -> bytes:
    return signs_of(text).translate(_LOWER_PLAIN)


def signs_of(text: str) -> bytes:
    """One byte for each sign, so that places are the same."""
    return text.encode("latin-1", "replace")
