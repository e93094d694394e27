"""The page that puts two bundles, or the newest ones of two instances, side by side; and how they are chosen."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from collector.bundle import words
from collector.bundle.reader import Bundle
from collector.endpoint.access.caller import caller, shows
from collector.endpoint.pages.bundle import finding_view, plain, steps_view, unreadable
from collector.endpoint.pages.comparing import beside
from collector.endpoint.pages.excerpts import lines_of
from collector.endpoint.pages.opening import NotShownError, Received, received
from collector.endpoint.pages.retold import report_of
from collector.endpoint.pages.timelines import Timelines
from collector.endpoint.parts import Parts
from collector.endpoint.reading.bundles import BundleEntry, bundle, bundles
from collector.endpoint.reading.choice import Choice, Within
from collector.endpoint.reading.instances import instance, instances

#: So many instances and bundles are offered.
_MOST = 12


def add_compare(app: FastAPI, parts: Parts) -> None:
    pages = parts.pages

    @app.get("/compare", include_in_schema=False)
    def compare(request: Request) -> Response:
        within, asked = caller(request).within, request.query_params
        left, right = asked.get("left", "").strip(), asked.get("right", "").strip()
        try:
            with ExitStack() as stack:
                opened = {
                    side: stack.enter_context(received(parts, within, bundle_id_of(parts, within, told)))
                    for side, told in (("left", left), ("right", right))
                    if told
                }
                if len(opened) == 2:
                    shows(request, *(found.entry.id for found in opened.values()))
                    values = compare_view(opened["left"], opened["right"], parts.timelines)
                    return pages.show(request, "compare.html", here="bundles", **values)
                chosen = {side: found.entry for side, found in opened.items()}
        except NotShownError as error:
            return unreadable(request, parts, error)
        values = choice_view(parts, within, chosen, asked.get("find", "").strip())
        return pages.show(request, "compare_choice.html", here="bundles", **values)


def bundle_id_of(parts: Parts, within: Within, told: str) -> str:
    """`told` is the id of a bundle, or of an instance, which stands for its newest one."""
    with parts.database.reading() as connection:
        if bundle(connection, within, told) is None and (one := instance(connection, within, told)) is not None:
            return one.last_bundle or told
    return told


# ---- what the templates show ---------------------------------------------------------------------------


def compare_view(left: Received, right: Received, timelines: Timelines) -> dict[str, Any]:
    one, other = plain(left), plain(right)
    return {
        "sides": [_side(left, one, "left", timelines), _side(right, other, "right", timelines)],
        "beside": beside(one, other),
        "is_same": one.id == other.id,
    }


def _side(found: Received, opened: Bundle, key: str, timelines: Timelines) -> dict[str, Any]:
    report = report_of(opened)
    head = words.head(report)
    system = report.identity.system
    lines = lines_of(report.excerpts, opened.id, system, frozenset(), 0)
    headline = words.headline(report).removeprefix("VMEXT ").removeprefix(words.VERDICTS[report.verdict]).strip()
    name = report.identity.instance_name or report.identity.computer_name or f"bundle {opened.id}"
    view = finding_view(head, report, lines) if head else None
    if view is not None and view["link"].startswith("#"):
        view["link"] = f"/bundles/{opened.id}{view['link']}"
    return {
        "key": key,
        "name": name,
        "entry": found.entry,
        "bundle": opened,
        "headline": headline,
        "where": words.where(report.identity),
        "head": view,
        "window": report.window,
        "steps": steps_view(timelines.of(opened, found.entry.sha256), lines, f"steps-{key}"),
    }


def choice_view(parts: Parts, within: Within, sides: Mapping[str, BundleEntry], find: str) -> dict[str, Any]:
    """What can be compared: with one side chosen, first the healthy instances of its scale set and its own other
    bundles; whatever a search by name finds."""
    chosen = next(iter(sides.values()), None)
    with parts.database.reading() as connection:
        return {
            "chosen": chosen,
            "side": next(iter(sides), ""),
            "other": "right" if "left" in sides else "left",
            "find": find,
            "found": instances(connection, within, Choice(text=find), limit=_MOST).items,
            **_near(connection, within, chosen),
        }


def _near(connection: sa.Connection, within: Within, entry: BundleEntry | None) -> dict[str, Any]:
    if entry is None or entry.scale_set is None or entry.instance_id is None:
        return {"healthy": (), "earlier": ()}
    healthy = instances(connection, within, Choice(scale_set=entry.scale_set.id, verdict="healthy"), limit=_MOST).items
    own = (
        bundles(connection, within, Choice(instance=entry.instance_id), limit=_MOST).items if entry.instance_id else ()
    )
    return {
        "healthy": [one for one in healthy if one.id != entry.instance_id],
        "earlier": [one for one in own if one.id != entry.id],
    }
