"""The frozen values of `collector.model` as JSON values, and back.

Reading is strict about types, because bundles come from other machines, and tolerant about unknown keys,
because a later version may add some.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import PurePath
from typing import Any, Literal, TypeVar, Union

from collector.errors import BundleError
from collector.model import iso

T = TypeVar("T")


def plain(value: object) -> Any:
    """`value` as dicts, lists, strings and numbers. Times as ISO 8601, lengths of time in seconds."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(plain(item) for item in value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise BundleError(f"a value of type {type(value).__name__} has no JSON form")


def moment(text: str) -> datetime:
    """The inverse of `collector.model.iso`: aware in UTC, or naive where no zone stands.

    Raises ValueError if `text` is no time.
    """
    if text.endswith("Z"):
        parsed = datetime.fromisoformat(text[:-1])
        if parsed.tzinfo:
            raise ValueError("a time has one zone")
        return parsed.replace(tzinfo=timezone.utc)
    parsed = datetime.fromisoformat(text)
    return parsed.astimezone(timezone.utc) if parsed.tzinfo else parsed


def load(kind: type[T], document: object, where: str) -> T:
    """`document` as a frozen dataclass of type `kind`; `where` names it in errors.

    Raises BundleError for a wrong type or a missing key without a default.
    """
    if not isinstance(document, Mapping):
        raise BundleError(f"{where} should be an object")
    values: dict[str, Any] = {}
    hints = _hints(typing.cast("Any", kind))
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        if field.name in document:
            values[field.name] = _value(hints[field.name], document[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise BundleError(f"{where} has no {field.name!r}")
    return kind(**values)


@functools.lru_cache(maxsize=64)
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _value(kind: Any, value: object, where: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _value(next(part for part in arguments if part is not type(None)), value, where)
    if origin is Literal:
        if value not in arguments:
            raise BundleError(f"{where} is none of {', '.join(map(str, arguments))}")
        return value
    if origin in (tuple, frozenset):
        if not isinstance(value, list):
            raise BundleError(f"{where} should be a list")
        return origin(_value(arguments[0], item, f"{where}[{number}]") for number, item in enumerate(value))
    if kind is datetime:
        return _moment(value, where)
    if dataclasses.is_dataclass(kind):
        return load(typing.cast("type[Any]", kind), value, where)
    return _scalar(kind, value, where)


def _moment(value: object, where: str) -> datetime:
    try:
        return moment(str(value))
    except (ValueError, OverflowError) as error:
        raise BundleError(f"{where} is no ISO 8601 time") from error


def _scalar(kind: Any, value: object, where: str) -> Any:
    accepted = (int, float) if kind is float else (kind,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise BundleError(f"{where} should be of type {kind.__name__}")
    try:
        return float(value) if kind is float and isinstance(value, int) else value
    except OverflowError as error:
        raise BundleError(f"{where} is out of bounds") from error
