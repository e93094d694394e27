"""The list of bundles, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from collector.endpoint.access.need import Reader
from collector.endpoint.pages.naming import rule_title
from collector.endpoint.parts import Parts
from collector.endpoint.reading.bundles import BundleEntry, bundles, count
from collector.endpoint.reading.choice import Choice
from collector.endpoint.reading.paging import CursorError, Page

_FIELDS = ("scale_set", "instance", "incident", "verdict", "extension", "exit_code", "owner")
#: A longer list is said to have more than these.
_COUNTED = 10_000


def add_bundles(app: FastAPI, parts: Parts) -> None:
    pages = parts.pages

    @app.get("/bundles", include_in_schema=False)
    def listed(request: Request, person: Reader) -> Response:
        query = {key: value for key, value in request.query_params.items() if value}
        told: dict[str, Any] = {name: query.get(name) for name in _FIELDS}
        choice = Choice(**told, text=query.get("q"))
        after = query.pop("after", None)
        with parts.database.reading() as connection:
            try:
                page = bundles(connection, person.within, choice, after=after)
            except CursorError:  # of another list, or of an older version: from the beginning
                after, page = None, bundles(connection, person.within, choice)
            total = count(connection, person.within, choice, most=_COUNTED + 1)
        values = bundles_view(page, query, total=total, is_first=after is None)
        return pages.show(request, "bundles.html", here="bundles", **values)


def bundles_view(page: Page[BundleEntry], query: Mapping[str, str], *, total: int, is_first: bool) -> dict[str, Any]:
    def link(**changes: Any) -> str:
        merged = {**query, **{name: value for name, value in changes.items() if value}}
        return "/bundles?" + urlencode(merged) if merged else "/bundles"

    return {
        "rows": [(entry, _what(entry)) for entry in page.items],
        "query": query,
        "total": f"more than {_COUNTED:,}" if total > _COUNTED else f"{total:,}",
        "newest": None if is_first else link(),
        "older": link(after=page.next) if page.next else None,
        "link": link,
    }


def _what(entry: BundleEntry) -> str:
    if entry.first is None:
        return entry.problem
    return entry.first.title or rule_title(entry.first.rule)
