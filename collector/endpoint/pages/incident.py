"""The page of one incident: what it means, what to do, who has it and who does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from collector.diagnose.repairs import Advice
from collector.diagnose.rules import Rule
from collector.endpoint.access.caller import caller
from collector.endpoint.pages import telling
from collector.endpoint.pages.address import address
from collector.endpoint.pages.naming import known_rules
from collector.endpoint.pages.ticket import incident_ticket
from collector.endpoint.parts import Parts
from collector.endpoint.reading.choice import Within
from collector.endpoint.reading.differences import Differing, differing
from collector.endpoint.reading.incidents import Affected, Incident, affected, incident
from collector.endpoint.reading.matrix import Whole, having, whole
from collector.endpoint.reading.members import Member
from collector.endpoint.reading.paging import CursorError
from collector.endpoint.reading.repairing import repairs_for
from collector.fleet.natural import natural

PAGE = 100
#: Commands name so many instances; a scale set has at most 1,000.
_MOST_NAMED = 1_000
_MOST_OTHERS = 60


def add_incident(app: FastAPI, parts: Parts) -> None:
    @app.get("/incidents/{incident_id}", include_in_schema=False)
    def one(request: Request, incident_id: str) -> Response:
        person, after = caller(request), request.query_params.get("after") or None
        try:
            with parts.database.reading() as connection:
                values = incident_view(
                    connection,
                    person.within,
                    incident_id,
                    after,
                    datetime.now(timezone.utc),
                    address=address(parts, request),
                )
        except CursorError:
            return parts.pages.error("This page of the list does not exist.", 400, person=person)
        if values is None:
            return parts.pages.error("There is no incident with this id.", 404, person=person)
        return parts.pages.show(request, "incident.html", here="incidents", **values)


@dataclass(frozen=True, slots=True)
class IncidentAnswer:
    """What is known of an incident beyond the list of those that have had it."""

    incident: Incident
    #: what this version knows of its cause; None where no rule fits
    rule: Rule | None
    advice: Advice
    #: how many instances' newest bundles tell of it
    current: int
    #: instances that have reported, and whose newest bundles do not
    others: tuple[Member, ...]
    #: instances on the list of the scale set that have not reported
    silent: tuple[Member, ...]
    #: failed and healthy instances compared; None where it is over
    differing: Differing | None
    #: the instance that told of it first, where nothing in the scale set failed before
    first: str | None


def answered(connection: sa.Connection, within: Within, incident_id: str) -> IncidentAnswer | None:
    """None: there is no such incident, or the caller may not see it."""
    found = incident(connection, within, incident_id)
    if found is None:
        return None
    place = whole(connection, within, found.scale_set.id)
    assert place is not None  # an incident is of a scale set that the caller may see
    have = having(connection, incident_id)
    current = [one for one in place.members if one.id in have]
    rule = known_rules().get(found.rule or "")
    version = next((cell.version for one in current if (cell := one.cells.get(found.extension or ""))), None)
    return IncidentAnswer(
        found,
        rule,
        repairs_for(found, rule, version, _names(found, current)),
        len(have),
        tuple(one for one in place.members if not one.is_silent and one.id not in have),
        place.silent,
        differing(place.members, found.extension)[0] if found.extension and current else None,
        _first(place, found),
    )


def incident_view(
    connection: sa.Connection, within: Within, incident_id: str, after: str | None, now: datetime, *, address: str
) -> dict[str, Any] | None:
    """Raises CursorError."""
    answer = answered(connection, within, incident_id)
    if answer is None:
        return None
    page = affected(connection, within, incident_id, limit=PAGE, after=after)
    return {
        "one": answer.incident,
        "telling": telling,
        "rule": answer.rule,
        "advice": answer.advice,
        "instances": page.items,
        "after": page.next,
        "is_first": after is None,
        "current": answer.current,
        "others": answer.others[:_MOST_OTHERS],
        "more_others": max(len(answer.others) - _MOST_OTHERS, 0),
        "silent": answer.silent,
        "differing": answer.differing,
        "first": answer.first,
        "now": now,
        "ticket": incident_ticket(answer.incident, page.items, address),
        "ids": _ids(page.items),
    }


def _names(found: Incident, members: Sequence[Member]) -> list[str]:
    """For commands: none where no name is known, so that they keep their placeholder."""
    named = [one for one in members if one.is_named]
    names = [(one.instance_id or one.label) if found.scale_set.name else one.label for one in named]
    return sorted(names, key=natural)[:_MOST_NAMED]


def _ids(instances: Sequence[Affected]) -> str:
    return " ".join(sorted((one.instance_id for one in instances if one.instance_id), key=natural))


def _first(place: Whole, found: Incident) -> str | None:
    first = place.first
    return first.instance if first is not None and first.incident == found.id else None
