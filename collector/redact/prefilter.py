"""Which lines are worth a pattern: those that hold a row's literal, a long run of base64, or a vendor's mark.

Everything is looked for in bytes of one per sign. Log lines repeat but for their numbers, and no literal's digits
matter, so a line that is known without its digits is not looked at again.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from operator import add

from collector.redact.patterns import Search

_DIGITS = bytes.maketrans(b"0123456789", b"0000000000")
_MOST_KNOWN, _LONGEST_KNOWN = 20_000, 400  # lines, and signs of one
#: Where these stand, keys may be broken by escapes, so that only the text below shows them.
_ESCAPES = ("\\/", "\\u00")
_AFTER = 40  # signs of the next line in which a token may go on
#: After a text of one line; a guard's end of text would mean that more may follow.
_NOTHING_FOLLOWS = b"\n."
_REACH = 20  # signs of the next line in which a literal may end that a wrap went through
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_WORD = _BASE64[:-2] + b"_-\n"
_BEFORE = 6  # signs of a mark before a word, such as those of `ya29.`
_LEAST_BASE64, _LEAST_WORD = 40, 20
_DATE = re.compile(r"\d{4}-\d\d-|\d{4}/\d\d/")
_BREAK = re.compile(r"\n")


def _class_of(signs: bytes) -> bytes:
    return bytes(ord("a") if code in signs else ord(" ") for code in range(256))


_IS_BASE64, _IS_WORD = _class_of(_BASE64), _class_of(_WORD)


class Prefilter:
    """For one table of rows; remembers lines in which nothing was found."""

    def __init__(self, search: Search) -> None:
        self._search = search
        literals = (*search.literals, *((escape, ()) for escape in _ESCAPES))
        self._literals = [(literal.encode("latin-1").translate(_DIGITS), rows) for literal, rows in literals]
        self._guards = {name.encode().translate(_DIGITS): guard.encode() for name, guard in search.guards.items()}
        self._known: set[bytes] = set()

    def rows(self, lowered: str) -> set[int] | None:
        """The rows that are called by a text of one line; None where it holds nothing of interest."""
        masked = _bytes(lowered).translate(_DIGITS)
        if masked in self._known:
            return None
        whole = masked + _NOTHING_FOLLOWS
        calls = [rows for literal, rows in self._literals if literal in masked and self._holds(literal, whole)]
        if not calls:
            self._remember(masked)
            return None
        return set().union(*calls)

    def lines(self, text: str, lowered: str) -> dict[int, set[int]]:
        """The rows that are called in each line of a text of several; a line without is left out."""
        parts = _bytes(lowered).translate(_DIGITS).replace(b"\r\n", b"\n").split(b"\n")
        keys = list(map(add, parts, [part.lstrip()[:_REACH] for part in parts[1:]] + [b""]))
        known = self._known
        fresh = [number for number, key in enumerate(keys) if key not in known]
        called: dict[int, set[int]] = {}
        if not fresh:
            return called
        joined = b"\n".join([keys[number] for number in fresh])
        starts, place = [], 0
        for number in fresh:
            starts.append(place)
            place += len(keys[number]) + 1
        for literal, rows in self._literals:
            place = joined.find(literal)
            while place >= 0:
                which = bisect_right(starts, place) - 1
                if self._holds(literal, keys[fresh[which]]):
                    called.setdefault(fresh[which], set()).update(rows)
                if which + 1 == len(starts):
                    break
                place = joined.find(literal, starts[which + 1])
        self._marked(text.split("\n"), fresh, called)
        for number in fresh:
            if number not in called:
                self._remember(keys[number])
        return called

    def _marked(self, parts: list[str], fresh: list[int], called: dict[int, set[int]]) -> None:
        """The rows of vendors' tokens, in the lines that are new; a token may go on in the next line."""
        texts = [parts[number] + "\n" + "".join(parts[number + 1 : number + 2])[:_AFTER] for number in fresh]
        starts, place = [], 0
        for text in texts:
            starts.append(place)
            place += len(text) + 1
        for place in marked_words("\n".join(texts), self._search.mark):
            called.setdefault(fresh[bisect_right(starts, place) - 1], set()).update(self._search.marked)

    def _holds(self, literal: bytes, line: bytes) -> bool:
        """Whether more than a common word speaks for a row."""
        guard = self._guards.get(literal)
        return guard is None or re.search(guard, line) is not None  # compiled when its word is met, and kept by `re`

    def _remember(self, key: bytes) -> None:
        if len(key) <= _LONGEST_KNOWN and len(self._known) < _MOST_KNOWN:
            self._known.add(key)


def base64_runs(text: str) -> Iterator[int]:
    """Where runs of base64 begin that are long enough to hold something."""
    return (start for start, _ in _runs(text, _IS_BASE64, _LEAST_BASE64))


def marked_words(text: str, mark: re.Pattern[str]) -> Iterator[int]:
    """Where long words stand that hold a vendor's mark, or have it right before them; also where a wrap went through:
    then a place in each of the lines."""
    for start, end in _runs(text, _IS_WORD, _LEAST_WORD):
        begin = max(start - _BEFORE, 0)
        wrap = text.find("\n", begin, end)
        if wrap < 0:
            if mark.search(text, begin, end) is not None:
                yield start
            continue
        if wrap - start < _LEAST_WORD and end - wrap <= _LEAST_WORD and _DATE.match(text, wrap + 1):
            continue  # the last word of a line and the stamp of the next
        word = text[begin:end]
        if mark.search(word) is not None or mark.search(word.replace("\n", "")) is not None:
            yield from (begin, end - 1)
            yield from (place.start() for place in _BREAK.finditer(text, begin, end))


def _runs(text: str, signs: bytes, least: int) -> Iterator[tuple[int, int]]:
    classes = _bytes(text).translate(signs) + b" "
    run = b"a" * least
    start = classes.find(run)
    while start >= 0:
        end = classes.find(b" ", start)
        yield start, end
        start = classes.find(run, end)


def _bytes(text: str) -> bytes:
    """One byte for each sign, so that places are the same."""
    return text.encode("latin-1", "replace")
