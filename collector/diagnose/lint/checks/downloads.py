"""What is downloaded, and whether the links will work. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

from collector.diagnose.lint.checks import Context
from collector.diagnose.lint.texts import leaves
from collector.diagnose.lint.values import HOLE, SECRET, Found, Machine, Place

_SOON = timedelta(days=30)
_PAGE = re.compile(r"(?i)^https?://(?:www\.)?github\.com/[^/]+/[^/]+/blob/(?!.*[?&]raw=(?:true|1))")
#: Settings that name what is downloaded: of Custom Script, DSC and Run Command.
_KEYS = frozenset({"fileuris", "url", "modulesurl", "scripturi", "configurationdata", "outputbloburi", "errorbloburi"})


def check(machine: Machine, context: Context) -> Iterator[Found]:
    for extension in machine.extensions:
        for section in ("settings", "protectedSettings"):
            for place, text in leaves(extension.body.get(section), extension.place(section)):
                if extension.family and _is_download(place, len(extension.at)):
                    yield from _link(place, text, extension.name or extension.handler, context.now)
    for command in machine.commands:
        for place, text in leaves(command.body, command.at):
            if _is_download(place, len(command.at)):
                yield from _link(place, text, command.name, context.now)


def _is_download(place: Place, depth: int) -> bool:
    return any(isinstance(part, str) and part.casefold() in _KEYS for part in place[depth:])


def _link(place: Place, text: object, extension: str, now: datetime) -> Iterator[Found]:
    if not isinstance(text, str):
        return
    try:
        link = urlsplit(text)
        host = link.hostname or ""
    except ValueError:
        return
    if HOLE in host or SECRET in host:
        host = "a host that is not known yet"
    if link.scheme.casefold() == "http" and host not in ("localhost", "127.0.0.1"):
        yield Found("http-download", place, f"http:// is used for {host}", extension)
    if _PAGE.match(text):
        yield Found("page-instead-of-file", place, "the address is that of a page of github.com", extension)
    query = parse_qs(link.query, keep_blank_values=True)
    if "sig" not in query or HOLE in link.query or SECRET in link.query:
        return
    ends = _moment(query["se"][-1]) if "se" in query else None
    if "se" not in query:
        if "si" not in query:
            yield Found("sas-without-expiry", place, f"the link to {host} has sig= but neither se= nor si=", extension)
    elif ends and ends <= now:
        yield Found("sas-expired", place, f"the link to {host} ended on {ends:%Y-%m-%d %H:%M} UTC", extension)
    elif ends and ends - now < _SOON:
        days = (ends - now).days
        left = f"in {days} days" if days > 1 else "tomorrow" if days == 1 else "today"
        yield Found("sas-expires-soon", place, f"the link to {host} ends {left}, on {ends:%Y-%m-%d}", extension)


def _moment(text: str) -> datetime | None:
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S.%fZ"):
        try:
            return datetime.strptime(text.strip(), form).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    return None
