"""Summaries to be pasted into a ticket, as Markdown files."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from collector.bundle import words
from collector.bundle.reader import Bundle
from collector.endpoint.access.caller import caller
from collector.endpoint.pages.address import address
from collector.endpoint.pages.opening import NotShownError, Received, received
from collector.endpoint.pages.retold import report_of
from collector.endpoint.pages.ticket import Spread, encrypted_ticket, incident_ticket, ticket
from collector.endpoint.parts import Parts
from collector.endpoint.reading.bundles import Told, findings_of
from collector.endpoint.reading.choice import Within
from collector.endpoint.reading.incidents import affected, incident

_KIND = "text/markdown"


def add_tickets(app: FastAPI, parts: Parts) -> None:
    @app.get("/bundles/{bundle_id}/ticket.md", include_in_schema=False)
    def bundle_ticket(request: Request, bundle_id: str) -> Response:
        within = caller(request).within
        try:
            with received(parts, within, bundle_id) as found:
                return _file(_of_bundle(parts, within, found, address(parts, request)))
        except NotShownError as error:
            return PlainTextResponse(f"{error}\n", error.status)

    @app.get("/incidents/{incident_id}/ticket.md", include_in_schema=False)
    def of_incident(request: Request, incident_id: str) -> Response:
        within = caller(request).within
        with parts.database.reading() as connection:
            found = incident(connection, within, incident_id)
            if found is None:
                return PlainTextResponse("There is no incident with this id.\n", 404)
            some = affected(connection, within, incident_id, limit=20).items
        return _file(incident_ticket(found, some, address(parts, request)))


def _of_bundle(parts: Parts, within: Within, found: Received, address: str) -> str:
    content = found.content
    with parts.database.reading() as connection:
        told = {one.number: one for one in findings_of(connection, within, content.id)}
    if not isinstance(content, Bundle):
        return encrypted_ticket(content, address, spread_of(told.get(0)))
    report = report_of(content)
    head = words.head(report)
    return ticket(report, content.id, address, spread_of(told.get(report.findings.index(head)) if head else None))


def spread_of(told: Told | None) -> Spread:
    """What the index knows of the others that have it."""
    if told is None:
        return Spread()
    found = told.incident
    name = found.scale_set.name or ""
    return Spread(found.instances, found.known_instances, name, found.first_seen, found.id)


def _file(text: str) -> Response:
    return Response(text, media_type=f"{_KIND}; charset=utf-8")
