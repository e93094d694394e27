"""Text into `RedactedText` for the writer, which takes nothing else. The redactor is handed in as `seal`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from collector.errors import BundleError
from collector.model import RedactedText

Seal = Callable[[str], RedactedText]


def checked(name: str, text: object) -> RedactedText:
    """`text` if redaction made it, so that nothing else can ever be written. BundleError names the member."""
    if type(text) is not RedactedText or not isinstance(text, RedactedText):
        raise BundleError(f"the member {name} did not pass redaction; the bundle is not written")
    return text


def sealed_json(name: str, document: Any, seal: Seal) -> RedactedText:
    """A JSON member that is still JSON after redaction. BundleError if it can't be."""
    return _sealed(name, document, seal, lambda value: json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def sealed_lines(name: str, documents: list[Any], seal: Seal) -> RedactedText:
    """A member of one JSON value a line, as `sealed_json`."""
    return _sealed(name, documents, seal, _lines)


def _lines(documents: list[Any]) -> str:
    """Signs that some readers take for line ends are escaped."""
    text = "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in documents)
    for sign in "\x85\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _sealed(name: str, document: Any, seal: Seal, dump: Callable[[Any], str]) -> RedactedText:
    """A pattern may take a quotation mark that belongs to JSON: then such texts lose theirs."""
    text = dump(document)
    sealed = seal(text)
    if sealed != text and not _same_shape(sealed, text):
        sealed = seal(dump(_harmless(document, seal)))
        if not _same_shape(sealed, text):
            raise BundleError(f"the member {name} is no JSON after redaction; the bundle is not written")
    return checked(name, sealed)


def _same_shape(sealed: str, text: str) -> bool:
    """Whether each line, or the whole, is still JSON."""
    parts = [sealed] if text.startswith(("{\n", "[\n")) else sealed.split("\n")
    try:
        for part in parts:
            json.loads(part or "null")
    except ValueError:
        return False
    return True


def _harmless(value: Any, seal: Seal) -> Any:
    if isinstance(value, dict):
        return {key: _harmless(item, seal) for key, item in value.items()}
    if isinstance(value, list):
        return [_harmless(item, seal) for item in value]
    if isinstance(value, str) and not _same_shape(seal(json.dumps(value, ensure_ascii=False)), ""):
        return seal(value).replace('"', " ").replace("\\", "/")
    return value
