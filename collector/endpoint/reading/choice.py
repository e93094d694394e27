"""By what lists are chosen, and what that means for each column."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from collector.endpoint.database.tables import BUNDLES, INCIDENTS, INSTANCES, SCALE_SETS

#: The numbers of the scale sets that a caller may see; None: all of them.
Within = Collection[int] | None

_HEX_BITS = 32
_MOST_LETTERS = 300
_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a caller wants to see of a list; each part that is told narrows it. Not each list knows each part."""

    #: id of a scale set, or its name
    scale_set: str | None = None
    #: id of an instance
    instance: str | None = None
    #: id of an incident
    incident: str | None = None
    #: a part of an extension's name
    extension: str | None = None
    #: a whole number, decimal or 0x…
    exit_code: str | None = None
    owner: str | None = None
    #: failure, hang or warning
    kind: str | None = None
    #: failed, hanging, healthy or nothing-found
    verdict: str | None = None
    #: what was seen at or after `since`, and at or before `until`
    since: datetime | None = None
    until: datetime | None = None
    #: what was received after this moment
    received_after: datetime | None = None
    #: words of its texts: see `asking.py`
    text: str | None = None

    def __post_init__(self) -> None:
        """No engine is told what it can't take: NUL, half a surrogate pair, a text without end.

        What stands in their place is no space, since a blank text chooses everything.
        """
        for field in fields(self):
            if isinstance(told := getattr(self, field.name), str):
                plain = told.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
                object.__setattr__(self, field.name, plain[:_MOST_LETTERS])


def has_id(column: sa.ColumnElement[Any], told: str) -> sa.ColumnElement[bool]:
    """The row with this id; what is no id has none."""
    return column == told if _ID.fullmatch(told) else sa.false()


def visible(column: sa.ColumnElement[Any], within: Within) -> list[sa.ColumnElement[bool]]:
    """The rows whose scale set a caller may see."""
    return [] if within is None else [column.in_(sorted(within))]


def scale_set_numbers(connection: sa.Connection, told: str) -> list[int]:
    """Of the scale set that has this id, or of each that has this name."""
    named = sa.or_(SCALE_SETS.c.id == told, SCALE_SETS.c.name == told)
    return list(connection.execute(sa.select(SCALE_SETS.c.number).where(named)).scalars())


def of_scale_set(
    connection: sa.Connection, column: sa.ColumnElement[Any], told: str | None
) -> list[sa.ColumnElement[bool]]:
    """The rows of a scale set, told by its id, or of each that has this name. With the number itself SQLite reads them
    in the order of an index; with a query for it, it would put all of them into order."""
    return [column.in_(scale_set_numbers(connection, told))] if told else []


def of_instance(column: sa.ColumnElement[Any], told: str | None) -> list[sa.ColumnElement[bool]]:
    if not told:
        return []
    return [column == sa.select(INSTANCES.c.number).where(has_id(INSTANCES.c.id, told)).scalar_subquery()]


def codes(text: str) -> tuple[int, ...]:
    """The exit codes that a text stands for: Windows tells one as 0x80070005, 2147942405 or -2147024891.

    None where it is no whole number, or one that no program ends with.
    """
    try:
        code = int(text.strip().replace("_", "x"), 0)
    except ValueError:
        return ()
    if abs(code) >= 1 << 63:
        return ()
    if 1 << (_HEX_BITS - 1) <= code < 1 << _HEX_BITS:
        return code, code - (1 << _HEX_BITS)
    if -(1 << (_HEX_BITS - 1)) <= code < 0:
        return code, code + (1 << _HEX_BITS)
    return (code,)


def of_exit_code(column: sa.ColumnElement[Any], told: str | None) -> list[sa.ColumnElement[bool]]:
    if not told or not told.strip():
        return []
    return [column.in_(codes(told))]


def extensions(connection: sa.Connection, table: sa.Table = INCIDENTS) -> tuple[str, ...]:
    """The names of all extensions that failed, by one look into the index for each."""
    column = table.c.extension
    first = sa.select(sa.func.min(column).label("name")).cte("names", recursive=True)
    following = sa.select(sa.func.min(column)).where(column > first.c.name).scalar_subquery()
    names = first.union_all(sa.select(following).where(first.c.name.is_not(None)))
    found = connection.execute(sa.select(names.c.name).where(names.c.name.is_not(None)))
    return tuple(found.scalars())


def of_extension(connection: sa.Connection, column: sa.Column[Any], told: str | None) -> list[sa.ColumnElement[bool]]:
    """The rows of each extension whose name has this part, in small or large letters."""
    if not told or not told.strip():
        return []
    part = told.strip().lower()
    table = BUNDLES if column.table is BUNDLES else INCIDENTS
    return [column.in_([name for name in extensions(connection, table) if part in name.lower()])]
