"""The page of one scale set: what failed where, what differs, what to do, and who is silent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from collector.bundle import words
from collector.endpoint.access.caller import caller
from collector.endpoint.pages import telling
from collector.endpoint.pages.address import address
from collector.endpoint.pages.set_answer import MOST_COMPARED, MOST_INCIDENTS, answered
from collector.endpoint.parts import Parts
from collector.endpoint.reading.api import number
from collector.endpoint.reading.choice import Choice
from collector.endpoint.reading.incidents import Incident, incidents
from collector.endpoint.reading.matrix import MOST_MEMBERS, Whole, whole
from collector.endpoint.reading.members import Member, Row, matrix

#: Rows of the matrix on a page, names of instances in a row, and columns, so that a page stays below 100 KB.
ROWS = 40
NAMES = 12
COLUMNS = 14
#: Instances on the page of one row.
MEMBERS = 150


def add_scale_set(app: FastAPI, parts: Parts) -> None:
    @app.get("/scale-sets/{scale_set_id}", include_in_schema=False)
    def scale_set(request: Request, scale_set_id: str) -> Response:
        person = caller(request)
        with parts.database.reading() as connection:
            found = whole(connection, person.within, scale_set_id)
            told = incidents(connection, person.within, Choice(scale_set=scale_set_id), limit=MOST_INCIDENTS).items
        if found is None:
            return parts.pages.error("There is no scale set with this id.", 404, person=person)
        query, now = request.query_params, datetime.now(timezone.utc)
        page = number(query.get("page"), 0, 10**6)
        if row := query.get("row"):
            values = row_view(found, row, page, now)
            if values is None:
                hint = "What its instances tell has changed since: open the scale set again."
                return parts.pages.error("There is no such row any more.", 404, hint=hint, person=person)
            return parts.pages.show(request, "scale_set_row.html", here="scale-sets", **values)
        values = scale_set_view(found, told, page, now, address=address(parts, request))
        return parts.pages.show(request, "scale_set.html", here="scale-sets", **values)


def scale_set_view(found: Whole, told: Sequence[Incident], page: int, now: datetime, *, address: str) -> dict[str, Any]:
    drawn = matrix(found.members)
    answer = answered(found, drawn, told)
    rows = drawn.rows[page * ROWS : (page + 1) * ROWS]
    return {
        **_frame(found, now),
        "address": address,
        "columns": drawn.extensions[:COLUMNS],
        "more_columns": len(drawn.extensions[COLUMNS:]),
        "rows": rows,
        "row_count": len(drawn.rows),
        "page": page,
        "pages": -(-len(drawn.rows) // ROWS),
        "names": NAMES,
        "failing": answer.failing,
        "differing": answer.differing,
        "not_compared": len(answer.failing[MOST_COMPARED:]),
        "cautions": list(answer.cautions),
        "model_names": _model_names(found),
        "incidents": sorted(told, key=lambda one: -one.instances),
        "telling": telling,
        "advice": answer.advice,
        "listed_states": _states(found.silent),
        "left_out": found.reported - MOST_MEMBERS if found.reported > MOST_MEMBERS else 0,
    }


def _model_names(found: Whole) -> list[tuple[str, str]]:
    """Extensions whose name in the set's model is not their type's: commands and the sentence use that one."""
    rows = (row for one in (found.listed.instances if found.listed else ()) for row in one.extensions)
    return sorted({(row.name, row.type) for row in rows if row.type and row.type != row.name})


def row_view(found: Whole, row_id: str, page: int, now: datetime) -> dict[str, Any] | None:
    """The instances of one row of the matrix, all of them."""
    drawn = matrix(found.members)
    row = next((one for one in drawn.rows if one.id == row_id), None)
    if row is None:
        return None
    return {
        **_frame(found, now),
        "row": row,
        "told": row_told(row, drawn.extensions),
        "members": row.members[page * MEMBERS : (page + 1) * MEMBERS],
        "page": page,
        "pages": -(-len(row.members) // MEMBERS),
    }


def row_told(row: Row, extensions: Sequence[str]) -> str:
    """``CustomScript failed with exit 127``, or that all is well."""
    told = []
    for name, cell in zip(extensions, row.cells, strict=True):
        if cell.outcome in ("failed", "hanging", "busy", "unknown"):
            word = {"failed": "failed", "hanging": "hangs", "busy": "in progress"}.get(cell.outcome, cell.told)
            code = f" with exit {words.code(cell.exit_code)}" if cell.exit_code is not None else ""
            told.append(f"{words.short(name)} {word}{code}")
    if told:
        return ", ".join(told)
    return {"silent": "not reported", "unknown": "nothing found to look at"}.get(row.outcome, "all healthy")


def _frame(found: Whole, now: datetime) -> dict[str, Any]:
    counts = Counter[str](member.outcome for member in found.members)
    return {
        "found": found,
        "now": now,
        "title": title(found.name, found.resource_group),
        "counts": counts,
        "heard": len(found.members) - counts["silent"],
        "outcome": _outcome(counts),
        "headline": _headline(found, counts),
        "kind": found.listed.orchestration if found.listed else "",
        "locations": sorted({place for one in found.members if (place := one.traits.get("location"))}),
    }


def title(name: str | None, resource_group: str | None) -> str:
    """Lone machines have the group's own wording."""
    return name or (
        f"Machines of {resource_group} without a scale set" if resource_group else "Machines without a scale set"
    )


def _outcome(counts: Mapping[str, int]) -> str:
    if counts["failed"] or counts["hanging"]:
        return "failed" if counts["failed"] else "hanging"
    return "silent" if counts["silent"] else "healthy" if counts["well"] else "unknown"


def _headline(found: Whole, counts: Mapping[str, int]) -> str:
    """``37 of 40 failed``: the worst first, in words."""
    heard = len(found.members) - counts["silent"]
    told = [f"{counts[key]} {word}" for key, word in (("failed", "failed"), ("hanging", "hanging")) if counts[key]]
    if told:
        text = f"{' and '.join(told)} of {words.plural(heard, _thing(found))}"
    elif heard:
        text = f"no failure on {words.plural(heard, _thing(found))}"
    else:
        text = "no instance has reported"
    return f"{text}, {counts['silent']} silent" if counts["silent"] else text


def _thing(found: Whole) -> str:
    return "instance" if found.name else "machine"


def _states(silent: Sequence[Member]) -> list[tuple[str, int]]:
    counted = Counter[str](one.listed.state or "unknown" for one in silent if one.listed)
    return counted.most_common()
