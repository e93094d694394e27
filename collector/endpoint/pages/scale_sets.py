"""The list of scale sets, and of the groups of lone machines."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from collector.endpoint.access.caller import caller
from collector.endpoint.pages.scale_set import title
from collector.endpoint.parts import Parts
from collector.endpoint.reading.choice import Choice, Within
from collector.endpoint.reading.paging import CursorError
from collector.endpoint.reading.scale_sets import scale_sets

PAGE = 60


def add_scale_sets(app: FastAPI, parts: Parts) -> None:
    @app.get("/scale-sets", include_in_schema=False)
    def listing(request: Request) -> Response:
        person, query = caller(request), request.query_params
        try:
            with parts.database.reading() as connection:
                values = scale_sets_view(
                    connection, person.within, query.get("q", "").strip()[:200], query.get("verdict", ""),
                    query.get("after") or None,
                )  # fmt: skip
        except CursorError:
            return parts.pages.error("This page of the list does not exist.", 400, person=person)
        return parts.pages.show(request, "scale_sets.html", here="scale-sets", **values)


def scale_sets_view(
    connection: sa.Connection, within: Within, text: str, verdict: str, after: str | None
) -> dict[str, Any]:
    """Raises CursorError."""
    page = scale_sets(connection, within, Choice(text=text, verdict=verdict or None), limit=PAGE, after=after)
    rows = [{"one": one, "title": title(one.name, one.resource_group)} for one in page.items]
    return {
        "rows": rows,
        "text": text,
        "verdict": verdict,
        "after": page.next,
        "is_first": after is None,
        "now": datetime.now(timezone.utc),
    }
