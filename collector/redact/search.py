"""Where secrets stand in a text: literals first, patterns only in the lines that hold one."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from collector.redact.encoded import is_text, judged, packed
from collector.redact.patterns import Search
from collector.redact.prefilter import Prefilter, base64_runs, masked, signs_of
from collector.redact.view import View, has_escapes, lowered, unescaped
from collector.redact.wraps import Lines

#: A pseudonym that is the whole secret already; what follows on the line is the form around it, JSON's say.
_DONE = re.compile(
    r"""(?:[\\"'`\s]|&(?:quot|apos|\#34|\#39|\#x2[27]);|%(?:25)*2[27])*\[[a-z]+[:_][0-9a-f]{4}\](?=$|[\\"'`\s,;|&%<}\])])"""
)
#: Published keys, whose lines look like those of secret ones.
_PUBLIC = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*?(?:CERTIFICATE|PUBLIC KEY|PKCS7)[^\n]*?-----[\s\S]{1,20000}?-----END "
)
ENCODED, NAME = "encoded", "name"
_DEEPEST = 3  # base64 in base64


class Found(NamedTuple):
    """A secret's place; `begin` and `close` are those of the whole match, with what shows that it is one."""

    start: int
    end: int
    row: str
    kind: str
    begin: int
    close: int
    order: int = 1_000  # of its row: the earlier one gives the name where several take a place


class Finder:
    """Finds by the rows of one table; `names` are hidden as well."""

    def __init__(self, search: Search, names: re.Pattern[str] | None = None) -> None:
        self._table, self._names = search, names
        self._prefilter = Prefilter(search)
        self._forms: dict[int, str | re.Pattern[str]] = {**search.forms}
        self._over_lines = frozenset(number for number, row in enumerate(search.rows) if row.scope == "text")

    def find(self, text: str) -> list[Found]:
        """All secrets in their order, none over another."""
        found = self._search(text, 0)
        if self._names is not None:
            found += (Found(*name.span(), NAME, "host", *name.span()) for name in self._names.finditer(text))
        return apart(found)

    def _search(self, text: str, depth: int) -> list[Found]:
        found: list[Found] = []
        signs = signs_of(text)
        runs = self._packed(text, signs, depth, found)
        if "\n" in text:
            lines = Lines(text, masked(text, signs).split(b"\n"))
            self._in_lines(lines, self._prefilter.lines(lines), runs, found, depth)
        else:
            called = self._prefilter.rows(text, signs)
            if called is not None or runs:
                self._in_view(View(text, ((0, 0),)), called or (), found, depth)
        return found

    def _in_lines(
        self, lines: Lines, called: dict[int, set[int]], runs: Mapping[int, bool], found: list[Found], depth: int
    ) -> None:
        if not (called or runs):
            return
        for start in runs:
            called.setdefault(lines.at(start), set())
        keys = {lines.at(start) for start, may_be_key in runs.items() if may_be_key}
        whole = self._over_lines.intersection(*[set[int]().union(*called.values())])
        if whole:
            self._rows(View(lines.text, ((0, 0),)), whole, found)
        for (first, last), rows in _regions(lines, called).items():
            for number in range(first, last + 1):
                self._in_view(lines.line(number), rows - whole, found, depth)
            for view in lines.joined(first, last):
                inner: list[Found] = []
                self._packed(view.text, signs_of(view.text), depth, inner, not keys.isdisjoint(range(first, last + 1)))
                found += (_in_whole(one, view) for one in inner)
                self._in_view(view, rows, found, depth)

    def _in_view(self, view: View, rows: Iterable[int], found: list[Found], depth: int) -> None:
        """By these rows in a view, and by all in the text behind a layer of escapes, of which it may have lines."""
        self._rows(view, rows, found)
        if depth < _DEEPEST and has_escapes(view.text):
            inner = unescaped(view.text)
            if inner is not None:
                found += (_in_whole(_in_whole(one, inner), view) for one in self._search(inner.text, depth + 1))

    def _packed(
        self, text: str, signs: bytes, depth: int, found: list[Found], may_hold_keys: bool = True
    ) -> dict[int, bool]:
        """Finds what is packed with a secret in it, and what is a key by its form; where the other runs of base64
        begin, and whether they may be a key."""

        def is_secret(inner: str) -> bool:
            return depth < _DEEPEST and bool(self._search(inner, depth + 1))

        places = list(base64_runs(signs))
        runs, keys = {}, []
        for run in packed(text, places):
            judgement = judged(run[0], is_secret)
            if judgement == "secret":
                found.append(Found(*run.span(), ENCODED, ENCODED, *run.span()))
                continue
            runs[run.start()] = judgement == "unknown" and not (run[0].islower() or run[0].isupper())  # but a hash
            if runs[run.start()]:
                keys.append(run.span())
        if keys and may_hold_keys:
            self._keys(text, places, keys, found)
        return runs

    def _keys(self, text: str, places: Iterable[int], runs: Sequence[tuple[int, int]], found: list[Found]) -> None:
        """Keys in these runs, of which each begins where a run of base64 does, or behind an escaped line end."""
        public = [area.span() for area in _PUBLIC.finditer(text)] if "-----BEGIN " in text else []
        view = View(text, ((0, 0),))
        for place in places:
            if not _in_any(place, runs) or _in_any(place, public):
                continue
            for number in self._table.long:
                row = self._table.rows[number]
                for start in (place, place + 1) if text.startswith("\\n", place - 1) else (place,):
                    match = row.regex.match(text, start)
                    if match is not None:
                        self._take(match, number, view, found)

    def _rows(self, view: View, numbers: Iterable[int], found: list[Found]) -> None:
        folded = ""
        for number in sorted(numbers):
            row = self._table.rows[number]
            if row.is_folded:
                folded = folded or lowered(view.text)
            text = folded if row.is_folded else view.text
            if self._may_match(number, text):
                for match in row.regex.finditer(text):
                    self._take(match, number, view, found)

    def _may_match(self, number: int, text: str) -> bool:
        form = self._forms.get(number)
        if isinstance(form, str):  # compiled when it is asked
            form = self._forms[number] = re.compile(form)
        return form is None or form.search(text) is not None

    def _take(self, match: re.Match[str], number: int, view: View, found: list[Found]) -> None:
        """What a row found, unless it is a pseudonym already, or no key but text."""
        start, end = match.span("secret")
        if start >= end or _DONE.match(match["secret"]):
            return
        row = self._table.rows[number]
        if row.kind != "key" or match.span() != (start, end) or not is_text(view.text[start:end]):
            found.append(_in_whole(Found(start, end, row.id, row.kind, *match.span(), number), view))


def _in_any(place: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether a place lies in one of the spans, which are in order."""
    before = bisect_right(spans, (place, 1 << 62)) - 1
    return before >= 0 and place < spans[before][1]


def _regions(lines: Lines, called: dict[int, set[int]]) -> dict[tuple[int, int], set[int]]:
    """Lines that belong together, with the rows that are called in one of them."""
    regions: dict[tuple[int, int], set[int]] = {}
    for line in sorted(called):
        regions.setdefault(lines.chain(line), set()).update(called[line])
    return regions


def _in_whole(one: Found, view: View) -> Found:
    start, end, row, kind, begin, close, order = one
    return Found(view.start(start), view.end(end), row, kind, view.start(begin), view.end(close), order)


def apart(found: Iterable[Found]) -> list[Found]:
    """One for each place: what overlaps becomes one, under the name of the earliest row."""
    return list(_merged(sorted(found, key=lambda one: (one.start, -one.end))))


def _merged(found: Sequence[Found]) -> Iterator[Found]:
    last: Found | None = None
    for one in found:
        if last is None:
            last = one
        elif one.start < last.end:
            end, begin, close = max(last.end, one.end), min(last.begin, one.begin), max(last.close, one.close)
            name = min(last, one, key=lambda named: named.order)
            last = Found(last.start, end, name.row, name.kind, begin, close, name.order)
        else:
            yield last
            last = one
    if last is not None:
        yield last
