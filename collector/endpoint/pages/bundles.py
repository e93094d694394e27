"""The list of bundles, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from collector.endpoint.pages.naming import rule_title
from collector.endpoint.parts import Parts
from collector.endpoint.reading.api import PAGE, number


def add_bundles(app: FastAPI, parts: Parts) -> None:
    pages, index = parts.pages, parts.index

    @app.get("/bundles", include_in_schema=False)
    def bundles(request: Request) -> Response:
        query = {key: value for key, value in request.query_params.items() if value}
        offset = number(query.get("offset"), 0, 10**9)
        rows = index.bundles(query, limit=PAGE, offset=offset)
        values = bundles_view(rows, query, total=index.count(query), offset=offset)
        return pages.show(request, "bundles.html", here="bundles", **values)


def bundles_view(
    rows: Sequence[Mapping[str, Any]], query: Mapping[str, str], *, total: int, offset: int
) -> dict[str, Any]:
    def link(**changes: Any) -> str:
        merged = {**{k: v for k, v in query.items() if k != "offset"}, **{k: v for k, v in changes.items() if v}}
        return "/bundles?" + urlencode(merged) if merged else "/bundles"

    rows = [{**row, "what": row["title"] or rule_title(row["rule"])} for row in rows]
    return {"rows": rows, "query": query, "total": total, "offset": offset, "page": PAGE, "link": link}
