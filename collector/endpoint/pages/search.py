"""The search over everything: an id leads straight to its page, words to what has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.endpoint.access.caller import caller
from collector.endpoint.database.tables import BUNDLES, INCIDENTS, INSTANCES, SCALE_SETS
from collector.endpoint.pages import telling
from collector.endpoint.pages.scale_set import title
from collector.endpoint.parts import Parts
from collector.endpoint.reading.choice import Choice, Within, codes, visible
from collector.endpoint.reading.incidents import incidents
from collector.endpoint.reading.paging import CursorError
from collector.endpoint.reading.search import search

PAGE = 25
_ID = re.compile(r"[0-9a-f]{16}")
_MOST_CHARACTERS = 200
_FEW = 10


def add_search(app: FastAPI, parts: Parts) -> None:
    @app.get("/search", include_in_schema=False)
    def found(request: Request) -> Response:
        person, query = caller(request), request.query_params
        text, after = query.get("q", "").strip()[:_MOST_CHARACTERS], query.get("after") or None
        try:
            with parts.database.reading() as connection:
                if place := exact(connection, person.within, text):
                    return RedirectResponse(place, 303)
                values = search_view(connection, person.within, text, after)
        except CursorError:
            return parts.pages.error("This page of the list does not exist.", 400, person=person)
        return parts.pages.show(request, "search.html", asked=text, **values)


def exact(connection: sa.Connection, within: Within, text: str) -> str | None:
    """The page of what has this id, or of the only instance or scale set that has this name."""
    if _ID.fullmatch(text.lower()):
        ids = {"incidents": INCIDENTS, "instances": INSTANCES, "scale-sets": SCALE_SETS, "bundles": BUNDLES}
        for path, table in ids.items():
            column = table.c.number if table is SCALE_SETS else table.c.scale_set
            query = sa.select(table.c.id).where(table.c.id == text.lower(), *visible(column, within))
            if connection.execute(query).first() is not None:
                return f"/{path}/{text.lower()}"
    return None


def search_view(connection: sa.Connection, within: Within, text: str, after: str | None) -> dict[str, Any]:
    """Raises CursorError."""
    now = datetime.now(timezone.utc)
    if not text:
        return {"text": text, "found": None, "now": now}
    found = search(connection, within, Choice(text=text), limit=PAGE, after=after)
    # a whole number is most likely an exit code: what ended with it comes first
    by_code = incidents(connection, within, Choice(exit_code=text), limit=_FEW).items if codes(text) else ()
    told = {one.id for one in by_code}
    return {
        "text": text,
        "found": found,
        "incidents": (*by_code, *(one for one in found.incidents if one.id not in told)),
        "is_first": after is None,
        "telling": telling,
        "set_title": title,
        "marked": marked,
        "now": now,
    }


def marked(text: str | None, places: tuple[tuple[int, int], ...]) -> Markup:
    """The text with what was sought in <mark>."""
    return Markup("").join(_pieces(text or "", places))


def _pieces(text: str, places: tuple[tuple[int, int], ...]) -> Iterator[Markup]:
    end = 0
    for first, last in sorted(places):
        if first < end:
            continue
        yield escape(text[end:first])
        yield Markup("<mark>{}</mark>").format(text[first:last])
        end = last
    yield escape(text[end:])
