"""What a person asked to see: the form's fields to a `Choice`, and the links that drop one of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode

from collector.endpoint.pages.naming import OWNER_NAMES
from collector.endpoint.reading.choice import Choice

PERIODS = {"1h": ("last hour", timedelta(hours=1)), "24h": ("last 24 hours", timedelta(days=1))}
PERIODS |= {"7d": ("last 7 days", timedelta(days=7)), "30d": ("last 30 days", timedelta(days=30))}
KINDS = {"failure": "Failed", "hang": "Hanging", "warning": "Warning"}
_LABELS = {
    "q": "text",
    "scale_set": "scale set",
    "extension": "extension",
    "exit_code": "exit code",
    "kind": "kind",
    "owner": "whose it is",
    "instance": "instance",
    "when": "time",
    "since": "from",
    "until": "to",
    "new": "new",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on. `link` shows the list without it."""

    name: str
    label: str
    value: str
    link: str


@dataclass(frozen=True, slots=True)
class Asked:
    """`fields` are those that were filled, as they were written."""

    fields: Mapping[str, str]
    path: str = "/"

    def value(self, name: str) -> str:
        return self.fields.get(name, "")

    def link(self, **changes: str | None) -> str:
        """This list with other fields; from its beginning, unless `after` is told."""
        merged = {**self.fields, **changes}
        told = {name: value for name, value in merged.items() if value}
        return f"{self.path}?{urlencode(told)}" if told else self.path

    def without(self, name: str) -> Asked:
        return Asked({key: value for key, value in self.fields.items() if key != name}, self.path)

    def chips(self, scale_set: str | None = None) -> list[Chip]:
        """`scale_set`: the name of the one whose id was asked for."""
        shown = {"scale_set": scale_set} if scale_set else {}
        return [
            Chip(name, _LABELS[name], shown.get(name) or _shown(name, value), self.without(name).link())
            for name, value in self.fields.items()
        ]


def asked(query: Mapping[str, str], path: str = "/") -> Asked:
    """What is no moment filters nothing, and so is not told as a filter either."""
    fields = {name: query[name].strip()[:200] for name in _LABELS if query.get(name, "").strip()}
    wrong = [name for name in ("since", "until") if name in fields and moment(fields[name]) is None]
    return Asked({name: value for name, value in fields.items() if name not in wrong}, path)


def choice(given: Asked, now: datetime, *, before: datetime | None = None, instance: str | None = None) -> Choice:
    """`before`: the last visit, for what is new since; `instance`: the id of the one whose name was asked for."""
    fields = given.fields
    since, until = moment(fields.get("since")), moment(fields.get("until"))
    if (period := PERIODS.get(fields.get("when", ""))) and since is None:
        since = now - period[1]
    return Choice(
        scale_set=fields.get("scale_set"),
        instance=instance or fields.get("instance"),
        extension=fields.get("extension"),
        exit_code=fields.get("exit_code"),
        owner=fields.get("owner"),
        kind=fields.get("kind"),
        since=since,
        until=until,
        received_after=before if fields.get("new") else None,
        text=fields.get("q"),
    )


def moment(text: str | None) -> datetime | None:
    """Of a field for date and time, taken as UTC; None where it is none."""
    try:
        found = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def _shown(name: str, value: str) -> str:
    if name == "when":
        return PERIODS[value][0] if value in PERIODS else value
    if name == "kind":
        return KINDS.get(value, value).lower()
    if name == "owner":
        return OWNER_NAMES.get(value, value)
    if name == "new":
        return "since the last visit"
    return value.replace("T", " ") + " UTC" if name in ("since", "until") else value
