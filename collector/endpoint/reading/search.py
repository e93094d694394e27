"""The search over the texts of findings, incidents and instances: see `0004_search.py` for the tables of words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from collector.endpoint.database.tables import BUNDLES, FINDINGS, INCIDENTS, INSTANCES, SCALE_SETS
from collector.endpoint.reading import asking
from collector.endpoint.reading.asking import Question, question
from collector.endpoint.reading.bundles import BundleEntry, bundles
from collector.endpoint.reading.choice import Choice, Within, codes, of_extension, scale_set_numbers, visible
from collector.endpoint.reading.incidents import Incident, incidents
from collector.endpoint.reading.instances import Instance, instances
from collector.endpoint.reading.paging import PAGE, Page, closed, opened_number
from collector.endpoint.reading.scale_sets import NAME_COLUMNS, ScaleSet, ScaleSetName, named, scale_sets
from collector.endpoint.reading.words import LOOKED_AT, Words

#: Of what is told beside the findings.
_FEW = 10
#: Fewer letters are no beginning of a bundle's id.
_ID_BEGIN = 4


@dataclass(frozen=True, slots=True)
class Hit:
    """A finding that has the words."""

    bundle: str
    number: int
    received: datetime
    time: datetime | None
    scale_set: ScaleSetName
    instance_id: str
    instance_name: str | None
    incident: str
    kind: str | None
    rule: str | None
    extension: str | None
    version: str | None
    operation: str | None
    exit_code: int | None
    owner: str | None
    title: str | None
    message: str | None
    #: where the words stand in `message` and in `title`: from character, to character
    in_message: tuple[tuple[int, int], ...]
    in_title: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: findings page by page, and the first few of everything else."""

    findings: Page[Hit]
    incidents: tuple[Incident, ...]
    instances: tuple[Instance, ...]
    scale_sets: tuple[ScaleSet, ...]
    bundles: tuple[BundleEntry, ...]


_OF_FINDING = (
    *("bundle", "number", "time", "kind", "rule", "extension", "version", "operation", "exit_code"),
    *("owner", "title", "message"),
)
_SOURCE = (
    FINDINGS.join(BUNDLES, FINDINGS.c.bundle == BUNDLES.c.id)
    .join(INCIDENTS, FINDINGS.c.incident == INCIDENTS.c.number)
    .join(SCALE_SETS, FINDINGS.c.scale_set == SCALE_SETS.c.number)
    .join(INSTANCES, FINDINGS.c.instance == INSTANCES.c.number)
)
_COLUMNS = (
    FINDINGS.c.serial,
    *(FINDINGS.c[name] for name in _OF_FINDING),
    BUNDLES.c.received,
    INSTANCES.c.id.label("instance_id"),
    sa.func.coalesce(INSTANCES.c.name, INSTANCES.c.computer_name).label("instance_name"),
    INCIDENTS.c.id.label("incident"),
    *NAME_COLUMNS,
)


def search(
    connection: sa.Connection, within: Within, choice: Choice, *, limit: int = PAGE, after: str | None = None
) -> Found:
    """What has the words of `choice.text`, and is what else of `choice` is told, the last that came in first.

    Incidents, instances, scale sets and bundles are told with the first page only. Raises CursorError.
    """
    words = Words(connection)
    page = findings(connection, within, choice, limit=limit, after=after, words=words)
    if after is not None or not question(choice.text):
        return Found(page, (), (), (), ())
    of_set = Choice(text=choice.text, scale_set=choice.scale_set)
    begin = Choice(text=choice.text)
    may_be_id = len((choice.text or "").strip()) >= _ID_BEGIN
    return Found(
        page,
        incidents(connection, within, choice, limit=_FEW, words=words).items,
        instances(connection, within, of_set, limit=_FEW, words=words).items,
        scale_sets(connection, within, begin, limit=_FEW).items,
        bundles(connection, within, begin, limit=_FEW, words=words).items if may_be_id else (),
    )


def findings(
    connection: sa.Connection,
    within: Within,
    choice: Choice,
    *,
    limit: int = PAGE,
    after: str | None = None,
    words: Words | None = None,
) -> Page[Hit]:
    """The last that came in first. A page may have fewer than `limit` and still have a next one, so that no page takes
    long however rare what is sought is. Raises CursorError.
    """
    asked = _question(connection, within, choice)
    if asked is None:
        return Page((), None)
    words = words or Words(connection)
    asked = words.fitting(FINDINGS, asked)
    sifted = _conditions(connection, within, choice)
    most = LOOKED_AT if sifted else limit + 1
    serials = words.numbers(FINDINGS, asked, most, before=opened_number(after))
    query = sa.select(*_COLUMNS).select_from(_SOURCE).where(FINDINGS.c.serial.in_(serials), *sifted)
    query = query.order_by(FINDINGS.c.serial.desc()).limit(limit + 1)
    rows = connection.execute(query).mappings().all()
    hits = tuple(_hit(row, asked) for row in rows[:limit])
    if len(rows) > limit:
        return Page(hits, closed([rows[limit - 1]["serial"]]))
    return Page(hits, closed([serials[-1]]) if sifted and len(serials) == most else None)


def _question(connection: sa.Connection, within: Within, choice: Choice) -> Question | None:
    """With marks for what narrows it, so that what is rare is found among what is frequent. None: nothing can be it."""
    groups = [asking.scale_sets(within) if within is not None else None]
    if choice.scale_set:
        groups.append(asking.scale_sets(scale_set_numbers(connection, choice.scale_set)[: asking.MOST_MARKS]))
    if choice.instance:
        one = sa.select(INSTANCES.c.number).where(INSTANCES.c.id == choice.instance)
        groups.append([f"i{number}" for number in connection.execute(one).scalars()])
    if choice.exit_code and choice.exit_code.strip():
        groups.append(asking.exit_codes(codes(choice.exit_code)))
    asked = question(choice.text, *groups)
    is_nothing = bool(choice.text and choice.text.strip()) and not asked.parts
    return None if is_nothing or not all(asked.marks) else asked


def _conditions(connection: sa.Connection, within: Within, choice: Choice) -> list[sa.ColumnElement[bool]]:
    """What no mark stands for."""
    columns = FINDINGS.c
    found = visible(columns.scale_set, within) if within is not None and len(within) > asking.MOST_MARKS else []
    found += of_extension(connection, columns.extension, choice.extension)
    for name in ("owner", "kind"):
        if told := getattr(choice, name):
            found.append(columns[name] == told)
    seen = sa.func.coalesce(columns.time, BUNDLES.c.created)
    if choice.verdict:
        found.append(BUNDLES.c.verdict == choice.verdict)
    if choice.since:
        found.append(seen >= choice.since)
    if choice.until:
        found.append(seen <= choice.until)
    if choice.received_after:
        found.append(BUNDLES.c.received > choice.received_after)
    return found


def _hit(row: Mapping[Any, Any], asked: Question) -> Hit:
    return Hit(
        received=row["received"],
        scale_set=named(row),
        instance_id=row["instance_id"],
        instance_name=row["instance_name"],
        incident=row["incident"],
        in_message=tuple(asking.spans(row["message"] or "", asked)),
        in_title=tuple(asking.spans(row["title"] or "", asked)),
        **{name: row[name] for name in _OF_FINDING},
    )
