"""What the JSON members of a bundle from another machine must look like before anyone uses them.

The forms are the JSON Schemas in `collector/data/schema`, which the tests hold against the library ``jsonschema``.
Here only those of its words are understood that stand in them, so that an instance needs no library for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from collector.bundle.codec import moment
from collector.data import member_schema
from collector.errors import BundleError

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
#: As people are told of them.
_NAMES = {"object": "object", "array": "list", "string": "str", "integer": "int", "number": "float", "boolean": "bool"}


def check(document: Any, name: str, where: str) -> None:
    """Raises BundleError naming what is wrong with a document of the schema `name`."""
    root = member_schema(name)
    _check(document, root, root, where)


def check_manifest(document: Mapping[str, Any]) -> None:
    """Raises BundleError naming what is wrong."""
    check(document, "manifest", "manifest.json")
    names = set()
    for number, member in enumerate(document["members"]):
        if member["name"] in names:
            raise BundleError(f"manifest.json members[{number}] has a name that was there before")
        names.add(member["name"])


def check_findings(document: Mapping[str, Any]) -> None:
    """Raises BundleError naming what is wrong."""
    check(document, "findings", "findings.json")


def check_envelope(document: Mapping[str, Any]) -> None:
    """Raises BundleError naming what is wrong."""
    check(document, "envelope", "envelope.json")


def _check(value: Any, form: Mapping[str, Any], root: Mapping[str, Any], where: str) -> None:
    if "$ref" in form:
        form = root["$defs"][form["$ref"].rpartition("/")[2]]
    if "anyOf" in form:  # a value of the model, or null
        if value is None:
            return
        form = root["$defs"][form["anyOf"][0]["$ref"].rpartition("/")[2]]
    _check_type(value, form, where)
    if isinstance(value, dict):
        _check_fields(value, form, root, where)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _check(item, form.get("items", {}), root, f"{where}[{number}]")
    elif isinstance(value, str):
        _check_text(value, form, where)
    elif isinstance(value, int | float) and (value < form.get("minimum", value) or value > form.get("maximum", value)):
        raise BundleError(f"{where} is out of bounds")


def _check_type(value: Any, form: Mapping[str, Any], where: str) -> None:
    kinds = form.get("type", list(_TYPES))
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not any(isinstance(value, _TYPES[kind]) and isinstance(value, bool) <= (kind == "boolean") for kind in kinds):
        raise BundleError(f"{where} should be of type {_NAMES[kinds[0]]}")


def _check_fields(value: Mapping[str, Any], form: Mapping[str, Any], root: Mapping[str, Any], where: str) -> None:
    for name in form.get("required", ()):
        if name not in value:
            raise BundleError(f"{where} has no {name!r}")
    properties, others = form.get("properties", {}), form.get("additionalProperties", {})
    patterns = form.get("patternProperties", {})
    for name, item in value.items():
        _check(item, properties.get(name, others), root, f"{where} {name}")
        for pattern in patterns:
            if re.search(pattern, name):
                _check(item, patterns[pattern], root, f"{where} {name}")


def _check_text(value: str, form: Mapping[str, Any], where: str) -> None:
    if "enum" in form and value not in form["enum"]:
        raise BundleError(f"{where} is none of {', '.join(form['enum'])}")
    if form.get("format") == "iso-time":
        try:
            moment(value)
        except (ValueError, OverflowError) as error:
            raise BundleError(f"{where} is no ISO 8601 time") from error
    if "pattern" in form and not re.search(form["pattern"], value):
        raise BundleError(f"{where} is not {form['description']}")
