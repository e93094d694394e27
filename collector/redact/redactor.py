"""Replaces secrets by pseudonyms: the same secret, the same pseudonym, as long as the key is the same."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from collector.model import Excerpt, Line, Record, RedactedText
from collector.redact.encoded import decoded
from collector.redact.patterns import SecretPattern, literals, secret_patterns

T = TypeVar("T")

#: Texts of up to so many characters are remembered, and so many of them.
_SHORT, _MOST_HARMLESS = 512, 10_000
#: Stands where redaction itself failed: better no text than an unredacted one.
DROPPED = "[dropped: redaction failed]"
#: Base64 that is long enough to hold something (old agents write messages so, scripts are handed over so).
_ENCODED = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40,}={0,2}")
#: A pseudonym that is the whole secret already; what follows on the line is the form around it, JSON's say.
_DONE = re.compile(r"""[\\"'\s]*\[[a-z]+:[0-9a-f]{4}\](?=$|[\\"'\s,;&}\])])""")


class Redactor:
    """One run's redaction. `key` is secret and stays on the instance."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._counts: Counter[str] = Counter()
        self._harmless: set[str] = set()  # short texts in which nothing was found: most come again

    def text(self, text: str) -> RedactedText:
        """The text without secrets. Never raises: what can't be redacted is dropped."""
        if text in self._harmless:
            return RedactedText(text)
        try:
            redacted = self._redacted(text)
        except Exception:  # noqa: BLE001 - closed on any fault: nothing unredacted may leave
            self._counts["dropped"] += 1
            return RedactedText(DROPPED)
        if redacted == text and len(text) <= _SHORT and len(self._harmless) < _MOST_HARMLESS:
            self._harmless.add(text)
        return RedactedText(redacted)

    def lines(self, lines: Sequence[str]) -> tuple[str, ...]:
        """Lines without secrets, as many as before: a key over several lines is seen as a whole."""
        joined = self.text("\n".join(lines))
        parts = tuple(joined.split("\n"))
        if len(parts) == len(lines):
            return parts
        return tuple(self.text(line) for line in lines)

    def clean(self, value: T) -> T:
        """A value of the same type with every text in it redacted: dataclasses, tuples, lists, mappings, sets."""
        cleaned: T = self._clean(value)
        return cleaned

    def dumped(self, value: object, dump: Callable[[Any], str]) -> RedactedText:
        """`dump` of a document whose every text has been redacted. Raises what `dump` raises."""
        return RedactedText(dump(self._clean(value)))

    def dumped_each(self, values: Iterable[object], dump: Callable[[Any], str]) -> RedactedText:
        """`dump` of each document in turn, put together: only one is held as values at a time."""
        return RedactedText("".join(dump(self._clean(value)) for value in values))

    def document(self) -> dict[str, Any]:
        """The audit: how often each pattern was found. No secret stands in it."""
        rows = [{"pattern": name, "count": count} for name, count in sorted(self._counts.items())]
        return {"schema": 1, "redactions": rows}

    def _redacted(self, text: str) -> str:
        lowered = text.lower()
        rows = secret_patterns()
        for number in sorted({number for literal, number in literals() if literal in lowered}):
            row = rows[number]
            text = row.regex.sub(lambda found, row=row: self._replacement(found, row), text)  # type: ignore[misc]
        return _ENCODED.sub(self._encoded, text)

    def _encoded(self, found: re.Match[str]) -> str:
        """What is packed as base64, compressed or not, goes as a whole where it holds a secret."""
        inner = decoded(found[0])
        if inner is None or self._redacted(inner) == inner:
            return found[0]
        self._counts["encoded"] += 1
        return self._pseudonym(found[0], "encoded")

    def _replacement(self, found: re.Match[str], row: SecretPattern) -> str:
        whole, secret = found[0], found["secret"]
        if _DONE.match(secret):
            return whole
        self._counts[row.id] += 1
        begin = found.start("secret") - found.start()
        return whole[:begin] + self._pseudonym(secret, row.kind) + whole[begin + len(secret) :]

    def _pseudonym(self, secret: str, kind: str) -> str:
        """Quotes around a secret stay, and so do its line ends, so that line numbers still hold."""
        opening = re.match(r"\\*[\"']", secret)
        if opening and len(secret) > 2 * len(opening[0]) and secret.endswith(opening[0][-1]):
            closing = re.search(r"\\*[\"']$", secret)
            inner = secret[len(opening[0]) : closing.start() if closing else None]
            return opening[0] + self._pseudonym(inner, kind) + (closing[0] if closing else "")
        digest = hmac.new(self._key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:4]
        return f"[{kind}:{digest}]" + "\n" * secret.count("\n")

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
        if isinstance(value, tuple):
            return tuple(self._clean(item) for item in value)
        if isinstance(value, list):
            return [self._clean(item) for item in value]
        if isinstance(value, (set, frozenset)):
            return type(value)(self._clean(item) for item in value)
        if isinstance(value, Mapping):
            return {self._clean(key): self._clean(item) for key, item in value.items()}
        return value

    def _fields(self, value: Any) -> Any:
        return replace(value, **{field.name: self._clean(getattr(value, field.name)) for field in fields(value)})
