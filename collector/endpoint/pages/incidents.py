"""What is wrong now: incidents, each of them one failure in one scale set."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from collector.endpoint.access.caller import caller
from collector.endpoint.access.routes import is_secure
from collector.endpoint.database.tables import BUNDLES, INSTANCES, SCALE_SETS
from collector.endpoint.pages import telling
from collector.endpoint.pages.address import address
from collector.endpoint.pages.asked import KINDS, PERIODS, Asked, Chip, asked, choice
from collector.endpoint.parts import Parts
from collector.endpoint.reading.choice import Within, visible
from collector.endpoint.reading.incidents import incidents, new_incidents
from collector.endpoint.reading.paging import CursorError
from collector.endpoint.reading.visits import as_text, first_told_after, following, from_text, visit

PAGE = 40
#: Keeps the visits of those who signed in with a token: several people may have the same one.
COOKIE = "vmext_visits"
_COOKIE_SECONDS = 400 * 24 * 3600


def add_incidents(app: FastAPI, parts: Parts) -> None:
    database, pages = parts.database, parts.pages

    @app.get("/", include_in_schema=False)
    def listing(request: Request) -> Response:
        person, now = caller(request), datetime.now(timezone.utc)
        given, after = asked(request.query_params), request.query_params.get("after") or None
        try:
            kept = visit(database, person.name, now)
        except OSError:  # a full disk keeps no visits; what is wrong is shown all the same
            kept = None
        found = kept or following(from_text(request.cookies.get(COOKIE)), now)
        before = found.before
        try:
            with database.reading() as connection:
                values = incidents_view(connection, person.within, given, after, before, now)
        except CursorError:
            hint = "The link is of another list, or was cut."
            return pages.error("This page of the list does not exist.", 400, hint=hint, person=person)
        values["address"] = address(parts, request)
        response = pages.show(request, "incidents.html", here="incidents", **values)
        if kept is None:
            _keep(response, as_text(found), secure=is_secure(parts, request))
        return response


def _keep(response: Response, text: str, *, secure: bool) -> None:
    response.set_cookie(COOKIE, text, max_age=_COOKIE_SECONDS, httponly=True, samesite="lax", secure=secure, path="/")


def incidents_view(
    connection: sa.Connection, within: Within, given: Asked, after: str | None, before: datetime | None, now: datetime
) -> dict[str, Any]:
    """Raises CursorError."""
    instance = _instance(connection, within, given.fields.get("instance"))
    wanted = choice(given, now, before=before, instance=instance)
    page = incidents(connection, within, wanted, limit=PAGE, after=after)
    first_told: set[str] = set()
    if before is not None:
        fresh = [one.id for one in page.items if one.last_received > before]
        first_told = first_told_after(connection, fresh, before)
    rows = [{"incident": one, "mark": telling.new_mark(one, before, first_told)} for one in page.items]
    return {
        "rows": rows,
        "telling": telling,
        "given": given,
        "chips": given.chips(_name(connection, within, given.fields.get("scale_set"))),
        "next": given.link(after=page.next) if page.next else None,
        "is_first": after is None,
        "before": before,
        "new": new_incidents(connection, within, before) if before is not None else 0,
        "now": now,
        "kinds": KINDS,
        "periods": PERIODS,
        "bundles": None if rows else _any_bundle(connection, within),
        "drops": [] if rows else _drops(connection, within, given, before, now),
    }


def _drops(
    connection: sa.Connection, within: Within, given: Asked, before: datetime | None, now: datetime
) -> list[Chip]:
    """The filters without which something would be found."""
    helpful = []
    for chip in given.chips():
        left = given.without(chip.name)
        instance = _instance(connection, within, left.fields.get("instance"))
        if incidents(connection, within, choice(left, now, before=before, instance=instance), limit=1).items:
            helpful.append(chip)
    return helpful


def _instance(connection: sa.Connection, within: Within, told: str | None) -> str | None:
    """The id of the instance that has this id or name."""
    if not told:
        return None
    names = (INSTANCES.c.id, INSTANCES.c.name, INSTANCES.c.computer_name)
    query = sa.select(INSTANCES.c.id).where(sa.or_(*(name == told for name in names)))
    found = connection.execute(query.where(*visible(INSTANCES.c.scale_set, within)).limit(1)).scalar()
    return str(found) if found else None


def _name(connection: sa.Connection, within: Within, told: str | None) -> str | None:
    """The name of the scale set whose id this is."""
    if not told:
        return None
    query = sa.select(SCALE_SETS.c.name, SCALE_SETS.c.resource_group).where(SCALE_SETS.c.id == told)
    row = connection.execute(query.where(*visible(SCALE_SETS.c.number, within))).first()
    return None if row is None else telling.place_name(row.name, row.resource_group)


def _any_bundle(connection: sa.Connection, within: Within) -> bool:
    query = sa.select(BUNDLES.c.id).limit(1)
    if within is not None:
        query = query.where(BUNDLES.c.scale_set.in_(sorted(within)))
    return connection.execute(query).first() is not None
