"""Lines of a text, and which of them were one before a terminal or a logger wrapped it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate, count
from operator import add

from collector.redact.view import View

#: A line that begins so is no continuation.
_HEAD = re.compile(
    r"\s*(?:\d{4}[-/]\d\d[-/]|\d\d?[/.]\d\d?[/.]\d{2,4}[ T]|\d\d?:\d\d[: ]"
    r"|[#>+*|-]{1,4}\s|[{}\]]\s*$|\{\"|\[[\w ]|</?[A-Za-z?]"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]|\w[\w .-]{0,30}[:=] "
    r"|(?:/[\w.+-]+){2,}: |(?:I|W|E|F)\d{4} |(?:[Tt][Ii][Mm][Ee]|level|ts)=|-----|$)"
)
#: The same of a line in bytes, in lower case and with 0 for each digit; never more than that, and the usual ones first.
_USUAL_HEADS = (b"0000-00-", b"0000/00/", b"[0", b'{"', b"time=")
_MASKED_HEAD = re.compile(
    rb"\s*(?:\w[\w .-]{0,30}[:=] |0000[-/]00[-/]|00?[/.]00?[/.]00{1,3}[ t]|00?:00[: ]|[#>+*|-]{1,4}\s|[{}\]]\s*$|\{\""
    rb"|\[[\w ]|</?[a-z]|(?:/[\w.+-]+){2,}: |time=|-----|$)"
)
#: A line that begins with an ordinary word does not go on with a key.
_PLAIN = re.compile(r"\s*(?:[A-Za-z]?[a-z]*|[A-Z]{2,12})(?:[\s.,:;]|$)")
#: A first word as a key or a password goes on, and hardly anything else: letters and digits, or signs within.
_MIXED = re.compile(r"\s*(?=\S*[A-Za-z])\S*?(?:\d[A-Za-z!#^*+~=%?@$]|[A-Za-z!#^*+~=%?@$]\d|[!#^*+~=%?@$]\w)")
#: Words that tell of a secret, or of where one follows, and that may have been cut in two.
_TELLING = re.compile(
    r"(?i)(?:--?[a-z-]{0,12})?(?:passw(?:or)?[dt]|passphrase|secret|token|key|pwd|credential|protected|bearer|basic"
    r"|kennwort|value|vault|securestring|sudo)|-[a-z](?= )"
)
_OPENED = re.compile(r"""[\s=:,(\[{\\](["'])[^"']*$""")
_REACH = 16  # characters of either line that such a word may have
LEAST_WRAPPED = 40  # characters of a line that may have been wrapped
_LONG_WORD = 24  # characters of a word at a line's end that shows it
_WIDTHS = frozenset((78, 79, 80, 99, 100, 118, 119, 120, 131, 132, 159, 160, 199, 200))
_MOST_LINES = 24


class Lines:
    """The lines of one text, by number; `masked` are the same in bytes, one for each sign."""

    def __init__(self, text: str, masked: Sequence[bytes]) -> None:
        self.text, self.masked = text, masked
        self._joined: dict[int, bool] = {}

    @cached_property
    def starts(self) -> list[int]:
        """Where each line begins, and where one behind the last would. Made when it is asked for: most texts hold
        nothing of interest."""
        return list(map(add, accumulate(map(len, self.masked), initial=0), count()))  # with their line ends

    def part(self, number: int) -> str:
        """One line without its end; "" behind the last."""
        return self.text[self.starts[number] : self.starts[number + 1] - 1] if number + 1 < len(self.starts) else ""

    def begun(self, number: int, signs: int) -> str:
        """One line with so many signs of the next one."""
        return self.part(number).rstrip("\r") + self.part(number + 1).lstrip()[:signs]

    def chain(self, number: int) -> tuple[int, int]:
        """First and last line of what was one line, as far as one can tell."""
        first = last = number
        while first > 0 and last - first < _MOST_LINES and self._wraps(first - 1):
            first -= 1
        while last + 2 < len(self.starts) and last - first < _MOST_LINES and self._wraps(last):
            last += 1
        return first, last

    def at(self, place: int) -> int:
        """The number of the line at a place."""
        return bisect_right(self.starts, place) - 1

    def line(self, number: int) -> View:
        """One line by itself."""
        return View(self.part(number), ((0, self.starts[number]),))

    def joined(self, first: int, last: int) -> Iterator[View]:
        """All of them as one: as it was cut anywhere, and as it was cut at a blank."""
        if first < last:
            yield self._together(first, last, "")
            yield self._together(first, last, " ")

    def _together(self, first: int, last: int, between: str) -> View:
        texts, pieces, place = [], [], 0
        for number in range(first, last + 1):
            whole = self.part(number)
            part = whole.strip(" \t\r") if number > first else whole.rstrip("\r")
            pieces.append((place, self.starts[number] + whole.find(part) if part else self.starts[number]))
            texts.append(part)
            place += len(part) + len(between)
        return View(between.join(texts), tuple(pieces))

    def _wraps(self, number: int) -> bool:
        """Whether the next line goes on with this one."""
        known = self._joined.get(number)
        if known is None:
            before = len(self.part(number - 1).rstrip("\r")) if number else -1
            line, following = self.part(number).rstrip("\r"), self.part(number + 1).rstrip("\r")
            known = self._joined[number] = _wrapped(line, following, before)
        return known


def _wrapped(line: str, following: str, before: int) -> bool:
    """`before`: signs of the line before, -1 where there is none."""
    if len(line) < LEAST_WRAPPED or not following or _HEAD.match(following):
        return False
    if line[-1].isspace():
        return len(line) in _WIDTHS or _MIXED.match(following) is not None
    if len(line) in _WIDTHS or len(line) in (len(following), before):
        return True
    if _MIXED.match(following) or _through_a_word(line, following) or _through_quotes(line, following):
        return True
    return len(line) - line.rfind(" ") > _LONG_WORD and _PLAIN.match(following) is None


def going_on(lines: set[bytes]) -> set[bytes]:
    """Of these lines, in lower case and with 0 for each digit, those that may go on with the one before them."""
    return {line for line in lines if not line.startswith(_USUAL_HEADS) and not _MASKED_HEAD.match(line)}


def _through_a_word(line: str, following: str) -> bool:
    """Whether a word that tells of a secret begins in one line and ends in the next."""
    end = line[-_REACH:]
    return any(found.start() < len(end) < found.end() for found in _TELLING.finditer(end + following[:_REACH]))


def _through_quotes(line: str, following: str) -> bool:
    """Whether quotes are opened at the end of one line and closed in the next."""
    opened = _OPENED.search(line)
    return opened is not None and opened[1] in following
