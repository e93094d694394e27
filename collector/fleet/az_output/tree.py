"""Looking things up in JSON whose types nobody guarantees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Node = Mapping[str, Any]


def node(value: object) -> Node:
    """The object, with REST's inner "properties" beside its other keys; empty where it is none."""
    if not isinstance(value, dict):
        return {}
    inner = value.get("properties")
    if not isinstance(inner, dict):
        return value
    # the inner "type" of an extension is its type; the outer one is the resource's
    kind = {"extensionType": inner["type"]} if "type" in inner else {}
    return {**inner, **{key: item for key, item in value.items() if key != "properties"}, **kind}


def nodes(value: object) -> tuple[Node, ...]:
    """The objects of a list; empty where it is none."""
    return tuple(node(item) for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def text(value: object) -> str | None:
    """A text that says something; numbers as text."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return str(value).strip() or None


def first(entry: Node, *keys: str) -> str | None:
    """The first of the keys that has a text."""
    return next((found for key in keys if (found := text(entry.get(key)))), None)
