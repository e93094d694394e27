"""What the JSON members of a bundle from another machine must look like before anyone uses them.

The forms are the JSON Schemas in `collector/data/schema`, which the tests hold against the library ``jsonschema``.
Here only those of its words are understood that stand in them, so that an instance needs no library for it.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class _Form:
    """One form of a schema, read once: an endpoint asks it of each of many bundles."""

    types: frozenset[type]
    #: What the type should be, as people are told.
    kind: str
    #: Whether the type is all that there is to check.
    is_plain: bool = False
    required: tuple[str, ...] = ()
    fields: dict[str, _Form] = field(default_factory=dict)
    others: _Form | None = None
    patterns: tuple[tuple[re.Pattern[str], _Form], ...] = ()
    items: _Form | None = None
    enum: tuple[str, ...] = ()
    is_time: bool = False
    pattern: re.Pattern[str] | None = None
    description: str = ""
    minimum: float = -math.inf
    maximum: float = math.inf


#: Whatever JSON can hold.
_ANY = _Form(frozenset(one for types in _TYPES.values() for one in types), "", is_plain=True)


def check(document: Any, name: str, where: str) -> None:
    """Raises BundleError naming what is wrong with a document of the schema `name`."""
    _check(document, _form_of(name), where)


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


@functools.cache
def _form_of(name: str) -> _Form:
    root = member_schema(name)
    return _read(root, root.get("$defs", {}), {})


def _read(told: Mapping[str, Any], named: Mapping[str, Any], known: dict[str, _Form]) -> _Form:
    """`named`: the forms of the schema that have names; `known`: those of them that were read."""
    if "$ref" in told:
        name = told["$ref"].rpartition("/")[2]
        if name not in known:
            known[name] = _Form(frozenset(), "")  # one that holds itself finds this
            _fill(known[name], named[name], named, known)
        return known[name]
    form = _Form(frozenset(), "")
    _fill(form, told, named, known)
    return form


def _fill(form: _Form, told: Mapping[str, Any], named: Mapping[str, Any], known: dict[str, _Form]) -> None:
    is_optional = "anyOf" in told  # a value of the model, or null
    if is_optional:
        told = named[told["anyOf"][0]["$ref"].rpartition("/")[2]]
    kinds = told.get("type", list(_TYPES))
    kinds = [kinds] if isinstance(kinds, str) else kinds
    form.types = frozenset(one for kind in kinds + ["null"] * is_optional for one in _TYPES[kind])
    form.kind = _NAMES.get(kinds[0], kinds[0])
    form.required = tuple(told.get("required", ()))
    form.fields = {name: _read(one, named, known) for name, one in told.get("properties", {}).items()}
    form.others = _read(told["additionalProperties"], named, known) if "additionalProperties" in told else _ANY
    patterns = told.get("patternProperties", {})
    form.patterns = tuple((_compiled(pattern), _read(patterns[pattern], named, known)) for pattern in patterns)
    form.items = _read(told["items"], named, known) if "items" in told else _ANY
    form.enum = tuple(told.get("enum", ()))
    form.is_time = told.get("format") == "iso-time"
    form.pattern = _compiled(told["pattern"]) if "pattern" in told else None
    form.description = told.get("description", "")
    form.minimum, form.maximum = told.get("minimum", -math.inf), told.get("maximum", math.inf)
    form.is_plain = not told.keys() - {"type", "description", "title", "default"}


def _compiled(pattern: str) -> re.Pattern[str]:
    """As JSON Schema means it: its `$` is the end of the text, Python's also stands before a last line break."""
    return re.compile(pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern)


def _check(value: Any, form: _Form, where: str) -> None:
    if type(value) not in form.types:
        raise BundleError(f"{where} should be of type {form.kind}")
    if form.is_plain:
        return
    if isinstance(value, dict):
        _check_fields(value, form, where)
    elif isinstance(value, list):
        items = form.items or _ANY
        for number, item in enumerate(value):
            if not (items.is_plain and type(item) in items.types):
                _check(item, items, f"{where}[{number}]")
    elif isinstance(value, str):
        _check_text(value, form, where)
    elif isinstance(value, int | float) and not form.minimum <= value <= form.maximum:
        raise BundleError(f"{where} is out of bounds")


def _check_fields(value: Mapping[str, Any], form: _Form, where: str) -> None:
    for name in form.required:
        if name not in value:
            raise BundleError(f"{where} has no {name!r}")
    fields, others = form.fields, form.others or _ANY
    for name, item in value.items():
        one = fields.get(name, others)
        if not (one.is_plain and type(item) in one.types):  # the usual end of it; naming the place costs more
            _check(item, one, f"{where} {name}")
        for pattern, more in form.patterns:
            if pattern.search(name):
                _check(item, more, f"{where} {name}")


def _check_text(value: str, form: _Form, where: str) -> None:
    if form.enum and value not in form.enum:
        raise BundleError(f"{where} is none of {', '.join(form.enum)}")
    if form.is_time:
        try:
            moment(value)
        except (ValueError, OverflowError) as error:
            raise BundleError(f"{where} is no ISO 8601 time") from error
    if form.pattern is not None and not form.pattern.search(value):
        raise BundleError(f"{where} is not {form.description}")
