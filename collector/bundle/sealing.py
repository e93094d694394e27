"""Text into `RedactedText` for the writer, which takes nothing else. The redactor is handed in as a `Seal`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from collector.errors import BundleError
from collector.model import RedactedText


class Seal(Protocol):
    """What the writer needs of a redactor."""

    def text(self, text: str) -> RedactedText:
        """The text without secrets."""

    def dumped(self, value: object, dump: Callable[[Any], str]) -> RedactedText:
        """`dump` of a document in whose every text there is no secret; so that its form is never broken."""

    def dumped_each(self, values: Iterable[object], dump: Callable[[Any], str]) -> RedactedText:
        """The same for one document after another, of which one is held at a time."""

    def member(self, name: str) -> AbstractContextManager[None]:
        """What is redacted meanwhile is counted as this member's."""


def checked(name: str, text: object) -> RedactedText:
    """`text` if redaction made it, so that nothing else can ever be written. BundleError names the member."""
    if type(text) is not RedactedText or not isinstance(text, RedactedText):
        raise BundleError(f"the member {name} did not pass redaction; the bundle is not written")
    return text


def sealed_json(name: str, document: Any, seal: Seal) -> RedactedText:
    """A JSON member."""
    with seal.member(name):
        return checked(
            name, seal.dumped(document, lambda value: json.dumps(value, ensure_ascii=False, indent=1) + "\n")
        )


def sealed_text(name: str, text: str, seal: Seal) -> RedactedText:
    """A member of text."""
    with seal.member(name):
        return checked(name, seal.text(text))


def sealed_lines(name: str, documents: Iterable[Any], seal: Seal) -> RedactedText:
    """A member of one JSON value a line."""
    with seal.member(name):
        return checked(name, seal.dumped_each(documents, _line))


def _line(document: Any) -> str:
    """Signs that some readers take for line ends are escaped."""
    text = json.dumps(document, ensure_ascii=False) + "\n"
    for sign in "\x85\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
