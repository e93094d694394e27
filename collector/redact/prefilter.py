"""Which lines are worth a pattern: those that hold a row's literal, a long run of base64, or a vendor's mark.

Everything is looked for in bytes of one per sign. Log lines repeat but for their numbers, and no literal's digits
matter, so what a line calls is known of all that are the same without their digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import compress, count
from typing import NamedTuple

from collector.redact.literals import Held, Literals
from collector.redact.patterns import Search
from collector.redact.wraps import LEAST_WRAPPED, Lines, going_on

_UPPER = bytes((*range(0x41, 0x5B), *range(0xC0, 0xD7), *range(0xD8, 0xDF)))
#: Digits are all the same; a NUL would end a text for the C library.
_LOWER_PLAIN = bytes.maketrans(_UPPER + b"0123456789\0", bytes(code + 32 for code in _UPPER) + b"0000000000 ")
#: All that is beyond Latin-1 and within it in lower case, Kelvin's sign for one (Unicode 15).
_CROSSING = {"\u0130": "i", "\u0178": "\xff", "\u1e9e": "\xdf", "\u212a": "k", "\u212b": "\xe5"}
_MOST_CALLS, _LONGEST_KNOWN = 4_000, 400  # lines, and signs of one
#: Where these stand, keys may be broken by escapes, so that only the text below shows them.
_ESCAPES = ("\\/", "\\u00")
_AFTER = 40  # signs of the next line in which a token may go on
#: After a text of one line; a guard's end of text would mean that more may follow.
_NOTHING_FOLLOWS = b"\n."
_REACH = 20  # signs of the next line in which a literal may end that a wrap went through
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_WORD = _BASE64[:-2] + b"_-"
#: Stands for the blanks before the next line's beginning; in no masked text.
_INDENT = b"\0"
_LEAST_BASE64, _LEAST_WORD = 40, 20


def _class_of(signs: bytes) -> bytes:
    return bytes(ord("a") if code in signs else ord(" ") for code in range(256))


_IS_BASE64, _IS_WORD = _class_of(_BASE64), _class_of(_WORD)


class Call(NamedTuple):
    """What a line calls, as far as it does not matter which digits it has: `rows`, if any; and whether a vendor's mark
    may stand in it, of which digits and the case of letters are a part."""

    rows: frozenset[int] | None
    may_be_marked: bool


class Prefilter:
    """For one table of rows; remembers what lines call."""

    def __init__(self, search: Search, worth_it: int | None = None) -> None:
        """`worth_it`: bytes after which the C library is called."""
        literals = (*search.literals, *((escape, ()) for escape in _ESCAPES))
        self._literals = [(_plain(literal), rows) for literal, rows in literals]
        self._guards: dict[bytes, bytes | re.Pattern[bytes]] = {
            _plain(name): guard.encode() for name, guard in search.guards.items()
        }
        self._needs: dict[int, bytes | re.Pattern[bytes]] = {row: need.encode() for row, need in search.needs.items()}
        self._marks, self._marked = search.marks, frozenset(search.marked)
        words = [literal for literal, _ in self._literals] + [_plain(mark) for mark in search.marks]
        self._held = Literals(words, worth_it)
        self._calls: dict[tuple[bytes, bytes, Held], Call] = {}

    def rows(self, text: str, signs: bytes) -> frozenset[int] | None:
        """The rows that are called by a text of one line; None where it holds nothing of interest. `signs`: `signs_of`
        the text."""
        line = masked(text, signs)
        held = self._held.held(line)
        if not held:
            return None
        call = self._call(line, _NOTHING_FOLLOWS, held)
        return self._marked.union(call.rows or ()) if call.may_be_marked and self._is_marked(text) else call.rows

    def lines(self, lines: Lines) -> dict[int, set[int]]:
        """The rows that are called in each line of a text of several; a line without is left out."""
        parts = [part.removesuffix(b"\r") for part in lines.masked] if "\r" in lines.text else lines.masked
        distinct = set(parts)
        holding = self._held.holding(distinct)
        held = {number: holding[parts[number]] for number in compress(count(), map(holding.__contains__, parts))}
        for number, more in self._over_ends(parts, distinct).items():
            held[number] = (*held.get(number, ()), *more)
        called: dict[int, set[int]] = {}
        for number, literals in held.items():
            call = self._call(parts[number], _begun(parts, number), literals)
            if call.rows is not None:
                called[number] = set(call.rows)
            if call.may_be_marked and self._is_marked(lines.begun(number, _AFTER)):
                called.setdefault(number, set()).update(self._marked)
        return called

    def _over_ends(self, parts: Sequence[bytes], distinct: set[bytes]) -> dict[int, Held]:
        """What may begin in a line and end in the next one, where a line may have been wrapped."""
        seams: dict[int, bytes] = {}
        for number in compress(count(-1), map(going_on(distinct).__contains__, parts)):
            if number >= 0 and len(parts[number]) >= LEAST_WRAPPED:
                end, following = parts[number][-_REACH:], parts[number + 1]
                seams[number] = end + following[:_REACH] if following[:1] > b" " else _shown(end, _begun(parts, number))
        holding = self._held.holding(set(seams.values()))
        return {number: holding[seam] for number, seam in seams.items() if seam in holding} if holding else {}

    def _call(self, line: bytes, begun: bytes, held: Held) -> Call:
        """What a line calls that holds these literals."""
        call = self._calls.get((line, begun, held))
        if call is None:
            shown = _shown(line, begun)
            literals = [self._literals[number] for number in held if number < len(self._literals)]
            rows = [rows for literal, rows in literals if self._holds(literal, shown)]
            call = Call(self._needed(rows, shown) if rows else None, max(held) >= len(self._literals))
            if len(self._calls) < _MOST_CALLS and len(line) <= _LONGEST_KNOWN:
                self._calls[line, begun, held] = call
        return call

    def _needed(self, rows: Sequence[Sequence[int]], line: bytes) -> frozenset[int]:
        """Of these rows, those for which a line holds what each match of them has besides a literal."""
        needed = set[int]().union(*rows)
        for row in needed.intersection(self._needs):
            need = self._needs[row]
            if isinstance(need, bytes):  # compiled when it is asked
                need = self._needs[row] = re.compile(need)
            if not need.search(line):
                needed.remove(row)
        return frozenset(needed)

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


def _begun(parts: Sequence[bytes], number: int) -> bytes:
    """The beginning of the line after one that may have been wrapped; that it is indented is told by one sign."""
    following = parts[number + 1] if number + 1 < len(parts) else b""
    if following[:1].isspace() and len(parts[number]) >= LEAST_WRAPPED:
        return _INDENT + following.lstrip()[:_REACH]
    return following[:_REACH]


def _shown(line: bytes, begun: bytes) -> bytes:
    """A line with the next one's beginning, where that is indented both as cut at a blank and without any blanks."""
    if not begun.startswith(_INDENT):
        return line + begun
    begun = begun[1:]
    return line[-_REACH:] + b" " + begun + b"\n" + line + begun


def base64_runs(signs: bytes) -> Iterator[int]:
    """Where runs of base64 begin that are long enough to hold something."""
    classes = signs.translate(_IS_BASE64) + b" "
    run = b"a" * _LEAST_BASE64
    start = classes.find(run)
    while start >= 0:
        yield start
        start = classes.find(run, classes.find(b" ", start))


def masked(text: str, signs: bytes) -> bytes:
    """In lower case and without what its digits are."""
    if not text.isascii() and any(sign in text for sign in _CROSSING):
        for sign, lower in _CROSSING.items():
            text = text.replace(sign, lower)
        signs = signs_of(text)
    return signs.translate(_LOWER_PLAIN)


def _plain(text: str) -> bytes:
    return signs_of(text).translate(_LOWER_PLAIN)


def signs_of(text: str) -> bytes:
    """One byte for each sign, so that places are the same."""
    return text.encode("latin-1", "replace")
