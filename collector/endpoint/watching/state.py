"""What is to be told of watched places."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.stores_tables import WATCHED, WATCHED_FILES

_MOST_PROBLEMS = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that is no bundle, although its name or its beginning says so."""

    name: str
    bytes: int
    modified: datetime
    problem: str


@dataclass(frozen=True, slots=True)
class PlaceState:
    """`problem`: why it can't be listed now, "" where it can. `damaged` counts all of them, `problems` names the
    newest."""

    name: str
    listed: datetime | None
    problem: str
    bundles: int
    others: int
    gone: int
    damaged: int
    problems: tuple[Problem, ...]


def places(database: Database) -> tuple[PlaceState, ...]:
    """Raises OSError."""
    files = WATCHED_FILES
    counts: dict[tuple[int, str], int] = {}
    with database.reading() as connection:
        told = sa.case((files.c.gone, "gone"), else_=files.c.state)
        grouped = sa.select(files.c.place, told.label("told"), sa.func.count().label("files"))
        for row in connection.execute(grouped.group_by(files.c.place, told)):
            counts[row.place, row.told] = row.files
        found = []
        for row in connection.execute(sa.select(WATCHED).order_by(WATCHED.c.name)).all():
            query = sa.select(files.c.name, files.c.bytes, files.c.modified, files.c.problem)
            query = query.where(files.c.place == row.number, files.c.state == "problem", ~files.c.gone)
            newest = connection.execute(query.order_by(files.c.modified.desc()).limit(_MOST_PROBLEMS))
            bundles, others, gone, damaged = (
                counts.get((row.number, state), 0) for state in ("bundle", "other", "gone", "problem")
            )
            named = tuple(Problem(one.name, one.bytes, one.modified, one.problem) for one in newest)
            found.append(PlaceState(row.name, row.listed, row.problem, bundles, others, gone, damaged, named))
    return tuple(found)
