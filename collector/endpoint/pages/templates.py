"""The templates of the pages, what they may call, and the pages that every area needs: signing in, and errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from collector.bundle import words
from collector.endpoint.access.caller import ADMIN, Caller
from collector.endpoint.pages.naming import OWNER_NAMES
from collector.model import Window, iso

_VERDICTS = {"failed": "Failed", "hanging": "Hanging", "healthy": "Healthy", "nothing-found": "Nothing found"}
_CONFIDENCE = {"high": "sure", "medium": "probably", "low": "perhaps"}

#: Bidirectional controls as in Unicode Technical Report 36, 2.7; control characters but for tab and line ends.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Pages:
    """Renders templates. Every template extends base.html, which needs `here` and `person`."""

    def __init__(self, *, watches: bool = False) -> None:
        """`watches`: whether there are watched stores, to which the header leads then."""
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=visible,
        )
        filters: dict[str, Callable[..., str]] = {
            "short": lambda extension: words.short(extension) if extension else "",
            "code": lambda number: "" if number is None else words.code(number),
            "size": words.size,
            "when": when,
            "time": time_element,
            "day": day_element,
            "period": period,
            "count": lambda number: f"{number:,}",
            "sentence": lambda text: text[:1].upper() + text[1:],
            "plural": lambda number, thing: f"{number:,} {thing}{'' if number == 1 else 's'}",
        }
        self._templates.filters |= filters
        self._templates.globals |= {
            "verdicts": _VERDICTS,
            "owners": tuple(OWNER_NAMES),
            "owner_names": OWNER_NAMES,
            "owner_words": words.OWNERS,
            "confidence": _CONFIDENCE,
            "watches": watches,
        }

    def render(self, template: str, *, here: str = "", person: Caller | None = None, **values: Any) -> str:
        """A page as text. `here` names the area that the header marks: incidents, scale-sets, bundles, admin."""
        is_admin = person is not None and person.may(ADMIN)
        known = {"here": here, "person": person, "is_admin": is_admin, "asked": "", **values}
        return self._templates.get_template(template).render(**known)

    def show(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page as the answer to a request, for whoever sent it."""
        person = request.scope.get("caller")
        return HTMLResponse(self.render(template, person=person, **values), status)

    def error(self, message: str, status: int, *, hint: str = "", person: Caller | None = None) -> HTMLResponse:
        return HTMLResponse(self.render("error.html", message=message, hint=hint, person=person), status)


def visible(value: Any) -> Any:
    """Marks in the place of what is not seen and may make a text look like another one: control characters, and those
    that turn the direction of writing."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return type(value)(_UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", value))


def period(window: Window) -> str:
    """The time frame that was read; one without an end goes as far as there was anything to read."""
    if window.start is None and window.end is None:
        return "everything that was there"
    if window.end is None:
        return f"{when(window.start)} until it was collected"
    return f"{when(window.start)} to {when(window.end)}" if window.start else f"everything until {when(window.end)}"


def when(value: Any) -> str:
    """A moment for people; a local one is marked as such."""
    text = value if isinstance(value, str) else iso(value) or ""
    text = re.sub(r"\.\d+", "", text.replace("T", " ", 1))
    if not text:
        return "not told"
    return text if text.endswith("Z") else f"{text} local time, zone unknown"


def time_element(value: datetime | str | None) -> str:
    """A moment in UTC as <time>, to which the script adds the reader's own time."""
    moment = _moment(value)
    if moment is None:
        return when(value)
    return _element(moment, f"{moment:%Y-%m-%d %H:%M:%S} UTC")


def day_element(value: datetime | str | None, today: datetime) -> str:
    """The same, short: without seconds, and without the date where it is today's."""
    moment = _moment(value)
    if moment is None:
        return when(value)
    is_today = moment.date() == today.date()
    return _element(moment, f"{moment:%H:%M} UTC" if is_today else f"{moment:%Y-%m-%d %H:%M} UTC")


def _element(moment: datetime, text: str) -> str:
    return Markup('<time datetime="{}">{}</time>').format(f"{moment:%Y-%m-%dT%H:%M:%SZ}", text)


def _moment(value: datetime | str | None) -> datetime | None:
    """None for what is no moment: nothing, or local time of an unknown zone."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
            value = value.astimezone(timezone.utc) if value.tzinfo else None
        except (ValueError, OverflowError):
            return None
    return value.astimezone(timezone.utc) if value is not None and value.tzinfo else None
