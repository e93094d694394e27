"""Replaces secrets by pseudonyms, in texts and in values; fails closed; tells what it replaced where."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

from collector.model import Excerpt, Line, Record, RedactedText
from collector.redact.patterns import Hidden, Search, search
from collector.redact.pieces import Pieces
from collector.redact.pseudonyms import PSEUDONYM, Pseudonyms
from collector.redact.search import Finder, Found, apart

T = TypeVar("T")

#: Texts of up to so many characters are remembered, and so many of them.
_SHORT, _MOST_HARMLESS = 512, 10_000
#: Of so many secrets is remembered which row found them: one that runs for months meets ever more.
_MOST_ROWS = 50_000
#: Stands where redaction itself failed: better no text than an unredacted one.
DROPPED = "[dropped: redaction failed]"
_DROPPED = "dropped"
_LEAST_NAME = 3  # characters of a host's name: shorter ones stand in ordinary words
_MARGIN = 4_096  # characters before the end of a part that wait for what comes after it


class Redactor:
    """One run's redaction. `key` is secret and stays on the instance; `hide` what a stricter site hides as well,
    `names` those of its hosts."""

    def __init__(
        self, key: bytes, hide: Collection[Hidden] = (), names: Collection[str] = (), table: Search | None = None
    ) -> None:
        self._finder = Finder(table or search(frozenset(hide)), _names(names) if "hostnames" in hide else None)
        self._pseudonyms = Pseudonyms(key)
        self._harmless: set[str] = set()  # short texts in which nothing was found: most come again
        self._rows = {DROPPED: _DROPPED}  # pseudonym -> the row that made it
        self._counts: Counter[tuple[str, str]] = Counter()
        self._member = ""
        self._pieces, self._learned = Pieces(), 0

    def text(self, text: str) -> RedactedText:
        """The text without secrets. Never raises: what can't be redacted is dropped."""
        if len(text) <= _SHORT and text in self._harmless:
            return RedactedText(text)
        redacted, _ = self._told(text)
        if redacted == text and len(text) <= _SHORT and "[" not in text and len(self._harmless) < _MOST_HARMLESS:
            self._harmless.add(text)
        return RedactedText(redacted)

    def part(self, text: str, longest: int) -> tuple[RedactedText, str]:
        """As much of a stream's text as can be told without what comes after it, redacted, and the rest as it is.
        Of more than `longest` characters, everything."""
        redacted, cut = self._told(text, _cut if len(text) <= longest else None)
        return RedactedText(redacted), text[cut:]

    def following(self, before: str, text: str, *, whole: bool) -> tuple[RedactedText, int, str]:
        """Whole lines that come after `before`, of which something may have been told already: redacted as what
        they are there, the length of what is told of them, and what has to come before the rest.

        Unless `whole`, lines near the end wait for what comes after them. What begins in `before` goes in `text`.
        """
        both, begin = before + text, len(before)
        safe = len(both)

        def until(seen: str, found: Sequence[Found]) -> int:
            nonlocal safe
            safe = _cut(seen, found, ("\n",))
            return len(seen) if whole else max(safe, begin)

        redacted, end = self._told(both, until, begin)
        return RedactedText(redacted), end - begin, both[min(safe, end) : end]

    def lines(self, lines: Sequence[str]) -> tuple[str, ...]:
        """Lines without secrets, as many as before: a key over several lines is seen as a whole."""
        whole = "\n".join(lines)
        joined = self.text(whole)
        if joined == whole and whole.count("\n") + 1 == len(lines):
            return tuple(lines)
        parts = tuple(joined.split("\n"))
        if len(parts) == len(lines):
            return parts
        return tuple(self.text(line) for line in lines)

    def clean(self, value: T) -> T:
        """A value of the same type with every text in it redacted: dataclasses, tuples, lists, mappings, sets."""
        before = self._learned
        cleaned: T = self._clean(value)
        if self._learned != before:  # a key's line may have been met before the key
            cleaned = self._clean(cleaned)
        return cleaned

    def dumped(self, value: object, dump: Callable[[Any], str]) -> RedactedText:
        """`dump` of a document whose every text has been redacted. Raises what `dump` raises."""
        return RedactedText(dump(self._clean(value)))

    def dumped_each(self, values: Iterable[object], dump: Callable[[Any], str]) -> RedactedText:
        """`dump` of each document in turn, put together: only one is held as values at a time."""
        return RedactedText("".join(dump(self._clean(value)) for value in values))

    @contextmanager
    def member(self, name: str) -> Iterator[None]:
        """What is redacted meanwhile is counted as this member's; one that is made again is counted again."""
        for key in [key for key in self._counts if key[1] == name]:
            del self._counts[key]
        self._member = name
        try:
            yield
        finally:
            self._member = ""

    def counts(self) -> Counter[str]:
        """How often each pattern was found where no member was told."""
        return Counter({row: count for (row, member), count in sorted(self._counts.items()) if not member})

    def document(self) -> dict[str, Any]:
        """The audit: which pattern's pseudonyms stand in which member, and how often. No secret stands in it.

        Texts that were dropped before they came into a member have the member "".
        """
        rows = [
            {"pattern": row, "member": member, "count": count}
            for (row, member), count in sorted(self._counts.items())
            if member or row == _DROPPED
        ]
        return {"schema": 1, "redactions": rows}

    def forget(self) -> None:
        """Gives up what is only remembered to be quick, and what was counted: for one that is used for days. What was
        learned of keys stays."""
        self._harmless.clear()
        self._counts.clear()
        self._rows = {DROPPED: _DROPPED}

    def _told(
        self, text: str, until: Callable[[str, Sequence[Found]], int] | None = None, begin: int = 0
    ) -> tuple[str, int]:
        """The text from `begin` on without secrets, as far as `until` says, and how far that is."""
        try:
            found = apart([*self._finder.find(text), *self._pieces.find(text)])
            cut = until(text, found) if until else len(text)
            parts = [one for one in found if begin < one.end <= cut]
            if begin:
                parts = [one._replace(start=max(one.start - begin, 0), end=one.end - begin) for one in parts]
            redacted = self._replaced(text[begin:cut], parts)
        except Exception:  # noqa: BLE001 - closed on any fault: nothing unredacted may leave
            redacted, cut = DROPPED, len(text)
            if not self._member:
                self._counts[_DROPPED, ""] += 1
        if self._member:
            self._count(redacted)
        return redacted, cut

    def _replaced(self, text: str, found: Sequence[Found]) -> str:
        if not found:
            return text
        parts: list[str] = []
        place = 0
        for one in found:
            secret = text[one.start : one.end]
            if one.kind == "key" and self._pieces.learn(secret, one.row):
                self._learned += 1
                self._harmless.clear()
            pseudonym = self._pseudonyms.replacement(secret, one.kind)
            for made in PSEUDONYM.findall(pseudonym):
                if made in self._rows or len(self._rows) < _MOST_ROWS:
                    self._rows[made] = one.row
            if not self._member:
                self._counts[one.row, ""] += 1
            parts += (text[place : one.start], pseudonym)
            place = one.end
        return "".join((*parts, text[place:]))

    def _count(self, text: str) -> None:
        """By the pseudonyms in the text: most were put there before, when the run's report was cleaned."""
        if text == DROPPED:
            self._counts[_DROPPED, self._member] += 1
        elif "[" in text:
            for made in PSEUDONYM.findall(text):
                if made in self._rows:
                    self._counts[self._rows[made], self._member] += 1

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Record):
            return replace(self._fields(value), raw=self.lines(value.raw))
        if isinstance(value, Excerpt):
            texts = self.lines([line.text for line in value.lines])
            lines = tuple(Line(line.number, text, line.cut) for line, text in zip(value.lines, texts, strict=True))
            return replace(value, path=self.text(value.path), lines=lines)
        if is_dataclass(value) and not isinstance(value, type):
            return self._fields(value)
        if isinstance(value, tuple) and len(value) > 1 and all(isinstance(item, Record) for item in value):
            return self._records(value)
        if isinstance(value, tuple):
            return tuple(self._clean(item) for item in value)
        if isinstance(value, list):
            return [self._clean(item) for item in value]
        if isinstance(value, (set, frozenset)):
            return type(value)(self._clean(item) for item in value)
        if isinstance(value, Mapping):
            return {self._clean(key): self._item(key, item) for key, item in value.items()}
        return value

    def _records(self, records: tuple[Record, ...]) -> tuple[Record, ...]:
        """Records in their order as one text: a logger stamps each line of a key."""
        raw = iter(self.lines([line for record in records for line in record.raw]))
        messages = iter(self.lines([line for record in records for line in record.message.split("\n")]))
        return tuple(
            replace(
                self._fields(record),
                raw=tuple(next(raw) for _ in record.raw),
                message="\n".join(next(messages) for _ in record.message.split("\n")),
            )
            for record in records
        )

    def _item(self, key: Any, item: Any) -> Any:
        """A value under a name that says that it is a secret goes, whatever it looks like; so does each of several."""
        if not isinstance(key, str) or not _tells(key):
            return self._clean(item)
        if isinstance(item, str) and item and not PSEUDONYM.fullmatch(item):
            found = self._finder.find(f'"{key}": "x1"')
            if found:
                return self._replaced(item, [Found(0, len(item), found[0].row, found[0].kind, 0, len(item))])
        elif isinstance(item, (list, tuple)) and self._finder.find(f'"{key}": ["x1"]'):
            return type(item)([self._item("secret", one) if isinstance(one, str) else self._clean(one) for one in item])
        elif isinstance(item, Mapping) and self._finder.find(f'"{key}": {{"x": "x1"}}'):
            return {self._clean(name): self._item("secret", one) for name, one in item.items()}
        return self._clean(item)

    def _fields(self, value: Any) -> Any:
        return replace(value, **{field.name: self._clean(getattr(value, field.name)) for field in fields(value)})


def _names(names: Collection[str]) -> re.Pattern[str] | None:
    """The hosts' names as whole words."""
    long = sorted({name for name in names if len(name) >= _LEAST_NAME}, key=len, reverse=True)
    return re.compile(rf"(?i)(?<![\w-])(?:{'|'.join(map(re.escape, long))})(?![\w-])") if long else None


@lru_cache(maxsize=1_024)  # names of fields, but also what a document is keyed by
def _tells(key: str) -> bool:
    """Whether a name may say that its value is a secret; asked for each field of each document."""
    lowered = key.lower()
    return any(word in lowered for word in ("pass", "pwd", "secret", "token", "key", "connection", "cred", "sas"))


def _cut(text: str, found: Sequence[Found], ends: Sequence[str] = ("\n", " ")) -> int:
    """The last place, some way before the end, that goes through no secret: at a line's end, else at a blank."""
    place = len(text) - _MARGIN
    while place > 0:
        cut = next((at for end in ends if (at := text.rfind(end, 0, place)) > 0), 0)
        if cut <= 0:
            return 0
        through = [one for one in found if one.begin <= cut < one.close]
        if not through:
            return cut + 1
        place = min(one.begin for one in through)
    return 0
