"""Reads what a form of a page sends, and checks that it is a form of this session's own pages."""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

from collector.endpoint.access.caller import Caller
from collector.endpoint.answers import RefusalError
from collector.endpoint.bodies import whole_body

_MOST_FORM = 8_192  # bytes


async def posted(request: Request, *, most: int = _MOST_FORM) -> dict[str, str]:
    """The fields of a form, the first value of each. Raises RefusalError, for one where its `csrf` is not the caller's.

    `most` in bytes. A caller with a token needs no `csrf`: no browser sends a token by itself.
    """
    form = await fields(request, most=most)
    check_csrf(request, form.get("csrf", ""))
    return form


def check_csrf(request: Request, told: str) -> None:
    """Raises RefusalError where a session's form does not hold what only this session's pages know."""
    person = request.scope.get("caller")
    if not isinstance(person, Caller) or (
        person.csrf and not hmac.compare_digest(person.csrf.encode(), told.encode("utf-8", "replace"))
    ):
        raise RefusalError(403, "this form is not of your session, or the session is over", "Open the page again.")


async def fields(request: Request, *, most: int = _MOST_FORM) -> dict[str, str]:
    """Without the check: for signing in, before there is a session."""
    body = await whole_body(request, most, name="form", too_long="the form is too long")
    try:
        found = parse_qs(body.decode("utf-8", "replace"), max_num_fields=200)
    except ValueError as error:
        raise RefusalError(400, "the form has too many fields") from error
    return {name: values[0] for name, values in found.items()}


def local(target: str) -> str:
    """A path of this endpoint, never another site."""
    try:
        parts = urlsplit(target)
    except ValueError:  # a bracket that opens no address
        return "/"
    is_odd = any(mark < " " or mark == "\\" for mark in target)
    if parts.scheme or parts.netloc or not target.startswith("/") or target.startswith("//") or is_odd:
        return "/"
    return target[:2000]
