"""Asks the platform whether it is about to take this instance away. It never approves an event.

Source: Microsoft documentation, Azure Metadata Service: Scheduled Events for Linux VMs, and for Windows VMs.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Protocol

from collector.watch.incident import Notice

log = logging.getLogger(__name__)

#: After these the instance goes on with its disk. The others (Terminate, Preempt, Redeploy, and those before an image
#: is renewed, whose name is not documented) take the disk, or what is on its temporary one.
_STAYS = frozenset({"freeze", "reboot"})
_SAID = {
    "terminate": "the platform deletes this instance",
    "preempt": "the platform evicts this spot instance",
    "redeploy": "the platform moves this instance to another host",
    "reimage": "the platform renews this instance's image",
}
#: Seconds: spot instances are told 30 seconds before; enabling the service may take two minutes.
_EVERY, _FIRST_WAIT, _WAIT = 5.0, 150.0, 10.0
#: The longest pause where nobody ever answered, and where the service only stopped to.
_NOBODY, _STOPPED = 600.0, 60.0
_MOST_REMEMBERED, _MOST_EVENTS, _MOST_TEXT = 1_000, 200, 200

Answering = Literal["unknown", "yes", "no"]


class EventService(Protocol):
    """What is asked of `platforms.azure.MetadataService`."""

    def instance(self) -> dict[str, Any] | None: ...

    def scheduled_events(self, wait_seconds: float) -> dict[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class Event:
    """An announced end of this instance. `kind` as the platform calls it; `text` is one line, NOT redacted."""

    id: str
    kind: str
    not_before: datetime | None  # UTC; None: now
    text: str

    def notice(self, now: datetime) -> Notice:
        """What is to be reported. Its time is `now`, for what led there lies before, not in the announced future."""
        return Notice("going", ("going", self.id), self.text, now)


def going(document: Mapping[str, Any], names: Collection[str]) -> tuple[Event, ...]:
    """The events that take away an instance of one of these names; what makes no sense is left out."""
    wanted = {name.casefold() for name in names}
    events = document.get("Events")
    found = [_event(row, wanted) for row in (events[:_MOST_EVENTS] if isinstance(events, list) else ())]
    return tuple(event for event in found if event)


class ScheduledEvents:
    """Asks in a thread of its own, and hands each event once to `found` (called in that thread)."""

    def __init__(
        self,
        service: EventService,
        found: Callable[[Event], None],
        names: Collection[str] = (),
        every: float = _EVERY,
        first_wait: float = _FIRST_WAIT,
    ) -> None:
        """`names`: of this instance, where they are known besides the one that the service tells. Times in seconds."""
        self._service, self._found, self._names = service, found, set(names)
        self._every, self._first_wait = every, first_wait
        self._asked_name = self._answered = False
        self._seen: dict[str, None] = {}
        self._pause = every
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.answering: Answering = "unknown"

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="scheduled-events", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 0.0) -> None:
        """Asks no more; waits up to `seconds` for a question that is under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def turn(self) -> float:
        """Asks once and returns the seconds until the next time: longer and longer where nobody answers."""
        wait = _WAIT if self.answering == "yes" else self._first_wait
        document = self._service.scheduled_events(wait)
        if document is None:
            if self.answering != "no":
                log.info("the platform's scheduled events can't be asked for")
            self.answering = "no"
            self._pause = min(self._pause * 2, _STOPPED if self._answered else _NOBODY)
            return self._pause
        if self.answering != "yes":
            log.info("the platform's scheduled events are asked for every %g s", self._every)
        self.answering, self._answered, self._pause = "yes", True, self._every
        if document.get("Events"):
            self._tell(document)
        return self._every

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            pause = self.turn()

    def _tell(self, document: Mapping[str, Any]) -> None:
        """Others of the scale set are told of as well, so the name of this instance must be known."""
        if not self._asked_name:
            name = _name(self._service.instance())
            self._asked_name = name is not None
            self._names |= {name} if name else set()
        if not self._names:
            log.warning("events are scheduled, and nothing tells this instance's name")
        for event in going(document, self._names):
            if event.id not in self._seen and not self._stop.is_set():
                self._remember(event.id)
                log.warning("%s", event.text)
                self._found(event)

    def _remember(self, event: str) -> None:
        self._seen[event] = None
        if len(self._seen) > _MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]


def _event(row: object, wanted: Collection[str]) -> Event | None:
    if not isinstance(row, Mapping):
        return None
    event, kind, resources = row.get("EventId"), row.get("EventType"), row.get("Resources")
    if not isinstance(event, str) or not isinstance(kind, str) or not isinstance(resources, list):
        return None
    if kind.casefold() in _STAYS or not any(isinstance(one, str) and one.casefold() in wanted for one in resources):
        return None
    not_before = _moment(row.get("NotBefore"))
    kind = kind[:_MOST_TEXT]
    said = _SAID.get(kind.casefold(), "the platform takes this instance away")
    when = f", not before {not_before:%Y-%m-%d %H:%M:%S}Z" if not_before else ""
    why = row.get("Description")
    told = f": {' '.join(why.split())[:_MOST_TEXT]}" if isinstance(why, str) and why.strip() else ""
    return Event(event, kind, not_before, f"{said} ({kind}){when}{told}")


def _moment(text: object) -> datetime | None:
    """Such as ``Mon, 19 Sep 2016 18:29:47 GMT``; empty once the event has started."""
    try:
        moment = parsedate_to_datetime(text if isinstance(text, str) else "")
        return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
    except (TypeError, ValueError, OverflowError):
        return None


def _name(instance: Mapping[str, Any] | None) -> str | None:
    compute = (instance or {}).get("compute")
    name = compute.get("name") if isinstance(compute, Mapping) else None
    return name if isinstance(name, str) and name else None
