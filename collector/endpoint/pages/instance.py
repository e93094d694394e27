"""The page of an instance: its newest bundle, with what it has had before."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from collector.endpoint.access.caller import caller, shows
from collector.endpoint.pages.bundle import received_view
from collector.endpoint.pages.opening import NotShownError, received
from collector.endpoint.parts import Parts
from collector.endpoint.reading.bundles import bundles
from collector.endpoint.reading.choice import Choice, Within
from collector.endpoint.reading.instances import Instance, incidents_of_instance, instance, outcomes

#: Rows of its history and of what it has had.
_MOST = 20


def add_instance(app: FastAPI, parts: Parts) -> None:
    pages = parts.pages

    @app.get("/instances/{instance_id}", include_in_schema=False)
    def page(request: Request, instance_id: str) -> Response:
        within = caller(request).within
        with parts.database.reading() as connection:
            found = instance(connection, within, instance_id)
        if found is None:
            hint = "It may be of a scale set that you may not see, or have sent no bundle yet."
            return pages.error("There is no instance with this id.", 404, hint=hint, person=caller(request))
        values = history_view(parts, within, found)
        try:
            if found.last_bundle is None:
                raise NotShownError(404, "This instance has sent no bundle that could be read.", "")
            with received(parts, within, found.last_bundle) as newest:
                shows(request, newest.entry.id)
                template, more = received_view(parts, request, newest)
                template = template.replace("bundle", "instance").replace("encrypted", "instance_encrypted")
                return pages.show(request, template, here="bundles", **values, **more)
        except NotShownError as error:
            return pages.show(request, "instance_without.html", here="bundles", error=error, **values)


def history_view(parts: Parts, within: Within, found: Instance) -> dict[str, Any]:
    """What the index knows: its bundles, the newest first, its incidents, and its extensions."""
    with parts.database.reading() as connection:
        return {
            "instance": found,
            "history": bundles(connection, within, Choice(instance=found.id), limit=_MOST),
            "incidents": incidents_of_instance(connection, within, found.id, limit=_MOST),
            "outcomes": outcomes(connection, within, found.id),
        }
