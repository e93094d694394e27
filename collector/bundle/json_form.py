"""A JSON object from another machine. Pure."""

from __future__ import annotations

import json
from typing import Any

from collector.bundle.documents import SCHEMA
from collector.errors import BundleError, NewerError


def json_object(text: str | bytes, where: str) -> dict[str, Any]:
    """`text` as an object of a known schema; BundleError names `where` it stands."""
    try:
        document = json.loads(text if isinstance(text, str) else text.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{where} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise BundleError(f"{where} should be an object")
    schema = document.get("schema", SCHEMA)
    if isinstance(schema, int) and schema > SCHEMA:
        raise NewerError(f"{where} has schema {schema}, made by a newer version", "Update vmext on this machine.")
    return document
