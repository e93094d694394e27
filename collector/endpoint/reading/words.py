"""Looks into the tables of words, which `0004_search.py` makes."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from collector.endpoint.database.tables import FINDINGS, INCIDENTS, INSTANCES
from collector.endpoint.reading import asking
from collector.endpoint.reading.asking import Question, begun, question
from collector.endpoint.reading.choice import Within

#: So many of the newest rows with the words are looked at for one answer.
LOOKED_AT = 1_000
#: And so many findings for the incidents that they belong to.
_FINDINGS = 300
#: PostgreSQL: so many of the newest rows are looked at one by one before the index is asked, which tells of a frequent
#: word all the rows that have it before any can be told.
_NEWEST = 5_000
_NEWEST_AT_MOST = 40_000


class Words:
    """Looks for words on behalf of one answer: several parts of it ask alike, and what is rare takes long to find."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._found: dict[tuple[str, Question, int | None], tuple[int, Sequence[int]]] = {}

    def numbers(
        self, table: sa.Table, asked: Question, most: int = LOOKED_AT, *, before: int | None = None
    ) -> Sequence[int]:
        """As `with_words`."""
        key = (table.name, asked, before)
        looked, known = self._found.get(key, (-1, ()))
        if looked < most and len(known) >= looked:  # there may be more
            known = with_words(self._connection, table, asked, most, before=before)
            self._found[key] = most, known
        return known[:most]

    def fitting(self, table: sa.Table, asked: Question) -> Question:
        """The question as it is where any row has its words, else the one for words that begin so."""
        return asked if not asked.parts or self.numbers(table, asked, 1) else begun(asked)

    def incidents(self, within: Within, text: str) -> list[int]:
        """Numbers of incidents that have the words: in what first told of them, or in one of the newest findings."""
        asked = _asked(within, text)
        if not asked:
            return []
        found = set(self.numbers(INCIDENTS, asked))
        serials = self.numbers(FINDINGS, asked, _FINDINGS)
        if not found and not serials:
            found = set(self.numbers(INCIDENTS, begun(asked)))
            serials = self.numbers(FINDINGS, begun(asked), _FINDINGS)
        query = sa.select(FINDINGS.c.incident).where(FINDINGS.c.serial.in_(serials)).distinct()
        return sorted(found | set(self._connection.execute(query).scalars()))

    def instances(self, within: Within, text: str) -> list[int]:
        """Numbers of instances whose names have the words."""
        asked = _asked(within, text)
        return sorted(self.numbers(INSTANCES, begun(asked))) if asked else []


def with_words(
    connection: sa.Connection, table: sa.Table, asked: Question, most: int = LOOKED_AT, *, before: int | None = None
) -> Sequence[int]:
    """Numbers of up to `most` rows of FINDINGS, INCIDENTS or INSTANCES that have the words, the greatest first.

    A question for nothing gives all.
    """
    name = f"{table.name}_words"
    if connection.dialect.name == "postgresql":
        return _of_postgresql(connection, name, asked, most, before)
    number: sa.ColumnElement[int] = sa.column("rowid", sa.BigInteger)
    query = sa.select(number).order_by(number.desc()).limit(most)
    if asked:
        told = sa.literal(asking.for_fts5(asked))
        query = query.select_from(sa.table(name)).where(sa.literal_column(name).op("MATCH")(told))
    else:
        query = query.select_from(sa.table(table.name))
    if before is not None:
        query = query.where(number < before)
    return connection.execute(query).scalars().all()


def _of_postgresql(
    connection: sa.Connection, name: str, asked: Question, most: int, before: int | None
) -> Sequence[int]:
    """The planner does not know how frequent a word is beside a mark, and would read the whole table for a rare one."""
    number: sa.ColumnElement[int] = sa.column("number", sa.BigInteger)
    query = sa.select(number).select_from(sa.table(name)).order_by(number.desc()).limit(most)
    bound = [number < before] if before is not None else []
    if not asked:
        return connection.execute(query.where(*bound)).scalars().all()
    matches = sa.column("words", TSVECTOR).op("@@")(sa.cast(asking.for_tsquery(asked), TSQUERY))
    newest = before
    if newest is None:
        newest = connection.execute(sa.select(sa.func.max(number)).select_from(sa.table(name))).scalar() or 0
    look = _NEWEST
    while look <= _NEWEST_AT_MOST:
        near = query.where(number > newest - look, *bound, sa.case((matches, sa.true()), else_=sa.false()))
        found = connection.execute(near).scalars().all()
        if len(found) == most or newest <= look:
            return found
        wanted = look * most // len(found) if found else _NEWEST_AT_MOST + 1
        look = max(wanted * 5 // 4, look * 2)
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    connection.exec_driver_sql("SET LOCAL enable_indexscan = off")
    try:
        return connection.execute(query.where(matches, *bound)).scalars().all()
    finally:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = on")
        connection.exec_driver_sql("SET LOCAL enable_indexscan = on")


def _asked(within: Within, text: str) -> Question:
    asked = question(text, asking.scale_sets(within) if within is not None else None)
    return asked if asked.parts and all(asked.marks) else Question(())
