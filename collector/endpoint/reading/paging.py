"""One page of a long list, and where the next one begins.

A list goes on behind the last row that was told, by the columns that order it (a "keyset"), so that its thousandth page
costs what its first one does and no row is told twice while others come in.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from collector.endpoint.database.tables import FINDINGS, milliseconds

T = TypeVar("T")

#: Rows of a page where nothing is told, and at most.
PAGE = 50
MOST = 500


class CursorError(ValueError):
    """A cursor that this list has not given."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: tuple[T, ...]
    #: What to ask for the next page with; None: this was the last one.
    next: str | None


def keyset(query: sa.Select[Any], columns: Sequence[sa.Column[Any]], after: str | None, limit: int) -> sa.Select[Any]:
    """Greatest first, behind `after`; one row more than `limit`, which tells that there is a next page.

    Each of `columns` is a whole number, a moment or a text. Raises CursorError.
    """
    if after is not None:
        told = _opened(after, columns)
        plain = [sa.type_coerce(column, sa.BigInteger) if _is_number(column) else column for column in columns]
        query = query.where(sa.tuple_(*plain) < sa.tuple_(*(sa.literal(value) for value in told)))
    return query.order_by(*(column.desc() for column in columns)).limit(limit + 1)


def cut(rows: Sequence[T], limit: int, last: Sequence[Any]) -> tuple[Sequence[T], str | None]:
    """The rows of the page and the cursor behind them. `last`: each row's values of the list's columns."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], closed(last[limit - 1])


def _is_number(column: sa.Column[Any]) -> bool:
    return not isinstance(column.type, sa.String)


def closed(values: Sequence[Any]) -> str:
    """The cursor behind a row, of the values that it is ordered by."""
    plain = [milliseconds(value) if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def opened_number(after: str | None) -> int | None:
    """Of a list that is ordered by one number. Raises CursorError."""
    return None if after is None else int(_opened(after, (FINDINGS.c.serial,))[0])


def _opened(text: str, columns: Sequence[sa.Column[Any]]) -> list[Any]:
    try:
        values = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise CursorError("this is no cursor of this list") from error
    if not isinstance(values, list) or len(values) != len(columns):
        raise CursorError("this is no cursor of this list")
    for value, column in zip(values, columns, strict=True):
        if _is_number(column):
            fits = type(value) is int and abs(value) < 1 << 63
        else:
            fits = isinstance(value, str) and len(value) <= 300 and value.isprintable()
        if not fits:
            raise CursorError("this is no cursor of this list")
    return values
