"""A JSON object from another machine. Pure."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from collector.bundle.documents import SCHEMA
from collector.errors import BundleError, NewerError

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def json_object(text: str | bytes, where: str) -> dict[str, Any]:
    """`text` as an object of a known schema; BundleError names `where` it stands."""
    try:
        text = text if isinstance(text, str) else text.decode("utf-8", "replace")
        document = json.loads(text, parse_constant=_finite, parse_float=_finite)
        if _SURROGATE.search(text):
            document = _encodable(document)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{where} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise BundleError(f"{where} should be an object")
    schema = document.get("schema", SCHEMA)
    if isinstance(schema, int) and schema > SCHEMA:
        raise NewerError(f"{where} has schema {schema}, made by a newer version", "Update vmext on this machine.")
    return document


def _finite(number: str) -> float | None:
    """None, not known, for what JSON has no numbers for: no answer could tell it on."""
    value = float(number)
    return value if math.isfinite(value) else None


def _encodable(value: Any) -> Any:
    """The same with U+FFFD for half a surrogate pair, which no file, page or database takes."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(name): _encodable(item) for name, item in value.items()}
    return value
