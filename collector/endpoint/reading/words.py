"""Looks into the tables of words, which `0004_search.py` makes."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from collector.endpoint.database.tables import FINDINGS, INCIDENTS, INSTANCES
from collector.endpoint.reading import asking
from collector.endpoint.reading.asking import Question, question
from collector.endpoint.reading.choice import Within

#: So many of the newest rows with the words are looked at for one answer.
LOOKED_AT = 2_000


def with_words(
    connection: sa.Connection, table: sa.Table, asked: Question, most: int = LOOKED_AT, *, before: int | None = None
) -> Sequence[int]:
    """Numbers of up to `most` rows of FINDINGS, INCIDENTS or INSTANCES that have the words, the greatest first.

    A question for nothing gives all.
    """
    is_postgresql = connection.dialect.name == "postgresql"
    name = f"{table.name}_words"
    number: sa.ColumnElement[int] = sa.column("number" if is_postgresql else "rowid", sa.BigInteger)
    query = sa.select(number).order_by(number.desc()).limit(most)
    if asked and is_postgresql:
        told = sa.cast(asking.for_tsquery(asked), TSQUERY)
        query = query.select_from(sa.table(name)).where(sa.column("words", TSVECTOR).op("@@")(told))
    elif asked:
        told_fts5 = sa.literal(asking.for_fts5(asked))
        query = query.select_from(sa.table(name)).where(sa.literal_column(name).op("MATCH")(told_fts5))
    else:
        query = query.select_from(sa.table(name if is_postgresql else table.name))
    if before is not None:
        query = query.where(number < before)
    return connection.execute(query).scalars().all()


def incident_numbers(connection: sa.Connection, within: Within, text: str) -> list[int]:
    """Of incidents that have the words: in what first told of them, or in one of the newest findings."""
    asked = _asked(within, text)
    if not asked:
        return []
    found = set(with_words(connection, INCIDENTS, asked))
    serials = with_words(connection, FINDINGS, asked)
    query = sa.select(FINDINGS.c.incident).where(FINDINGS.c.serial.in_(serials)).distinct()
    return sorted(found | set(connection.execute(query).scalars()))


def instance_numbers(connection: sa.Connection, within: Within, text: str) -> list[int]:
    """Of instances whose names have the words."""
    asked = _asked(within, text)
    return sorted(with_words(connection, INSTANCES, asked)) if asked else []


def _asked(within: Within, text: str) -> Question:
    asked = question(text, asking.scale_sets(within) if within is not None else None)
    return asked if asked.parts and all(asked.marks) else Question(())
