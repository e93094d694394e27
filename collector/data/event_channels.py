"""Which of Windows' event logs tell of the guest agent and of extensions, and which of their events."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from collector.data import strict
from collector.errors import DataError

#: Where Windows keeps event logs, relative to the root of drive C.
LOGS = "Windows/System32/winevt/Logs"
_BETWEEN = "; "


class EventChannel(NamedTuple):
    """Several values of one column stand between ``; ``. Empty: all."""

    channel: str
    providers: str  # who wrote the event
    ids: str  # numbers of events
    words: str  # of which one must stand in the event's text, in any case
    source: str

    @property
    def path(self) -> str:
        """Its file, relative to the root of drive C."""
        return f"{LOGS}/{self.channel.replace('/', '%4')}.evtx"

    def tells(self, text: str) -> bool:
        """Whether an event with this text is of interest."""
        lower = text.lower()
        return not self.words or any(word.lower() in lower for word in self.words.split(_BETWEEN))

    @property
    def condition(self) -> str:
        """The providers and numbers as a condition of XPath, "" for all."""
        providers = " or ".join(f"@Name='{name}'" for name in self.providers.split(_BETWEEN) if name)
        ids = " or ".join(f"EventID={number}" for number in self.ids.split(_BETWEEN) if number)
        parts = [f"Provider[{providers}]"] if providers else []
        return " and ".join([*parts, *([f"({ids})"] if ids else [])])


@cache
def event_channels() -> tuple[EventChannel, ...]:
    """All rows. Raises DataError naming the line that is wrong."""
    seen: dict[object, str] = {}
    found = []
    for place, row in strict.load("event_channels", EventChannel, filled=("channel", "source")):
        strict.once(place, seen, row.channel)
        if not all(number.isdecimal() for number in row.ids.split(_BETWEEN) if number):
            raise DataError(f"{place}: {row.ids!r} are no numbers of events")
        if "'" in row.providers:
            raise DataError(f"{place}: {row.providers!r} can't be put into a query")
        found.append(row)
    return tuple(found)
