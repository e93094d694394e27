"""Scheduled Events, against a server that speaks the documented protocol and writes down what it is asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.platforms.azure import MetadataService
from collector.watch.scheduled import Event, ScheduledEvents, going
from tests.waiting import until

NAME = "vmss-web_12"


def event(kind: str = "Terminate", *, id: str = "E1", resources: object = (NAME,), **more: object) -> dict[str, Any]:
    """As documented (Azure Metadata Service: Scheduled Events for Linux VMs)."""
    return {
        "EventId": id,
        "EventType": kind,
        "ResourceType": "VirtualMachine",
        "Resources": list(resources) if isinstance(resources, tuple) else resources,
        "EventStatus": "Scheduled",
        "NotBefore": "Mon, 23 Nov 2026 18:29:47 GMT",
        "Description": "Virtual machine is going to be deleted as requested by authorized user.",
        "EventSource": "User",
        "DurationInSeconds": -1,
    } | more


def document(*events: object) -> dict[str, Any]:
    return {"DocumentIncarnation": 1, "Events": list(events)}


class Platform(BaseHTTPRequestHandler):
    """Demands what the service demands. `asked` gets method and path of everything that comes."""

    asked: ClassVar[list[str]]
    answers: ClassVar[dict[str, Any]]  # what it says now
    pause: ClassVar[float] = 0

    def do_GET(self):
        self.asked.append(f"{self.command} {self.path}")
        if self.headers.get("Metadata") != "true" or "X-Forwarded-For" in self.headers:
            self._say(400, {"error": "Bad request"})
        elif self.path.startswith("/metadata/instance?api-version=20") and self.answers.get("instance"):
            self._say(200, self.answers["instance"])
        elif self.path == "/metadata/scheduledevents?api-version=2020-07-01" and "events" in self.answers:
            time.sleep(self.pause)
            self._say(200, self.answers["events"])
        else:
            self._say(404, {"error": "Not found"})

    do_POST = do_PUT = do_DELETE = do_GET

    def _say(self, status: int, body: object) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.end_headers()
        self.wfile.write(data)

    def handle(self):
        try:
            super().handle()
        except OSError:
            return  # the client had enough

    def log_message(self, *arguments):
        pass


@contextmanager
def platform(**answers: object) -> Iterator[tuple[str, type[Platform]]]:
    answers = {"instance": {"compute": {"name": NAME}}, "events": document()} | answers
    pause = answers.pop("pause", 0)
    served = type("Served", (Platform,), {"asked": [], "answers": answers, "pause": pause})
    server = ThreadingHTTPServer(("127.0.0.1", 0), served)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def asking(url: str, **options: Any) -> Iterator[tuple[ScheduledEvents, list[Event]]]:
    """In its own thread, often."""
    found: list[Event] = []
    events = ScheduledEvents(MetadataService(url), found.append, every=0.02, **options)
    events.start()
    try:
        yield events, found
    finally:
        events.stop(10)


def test_an_event_is_handed_over_once_and_never_approved():
    with platform(events=document(event())) as (url, served), asking(url) as (_, found):
        until(lambda: len(served.asked) > 10)
        served.answers["events"] = document(event(EventStatus="Started", NotBefore=""))
        seen = len(served.asked)
        until(lambda: len(served.asked) > seen + 10)
        served.answers["events"] = document(event(), event("Preempt", id="E2"))
        until(lambda: len(found) == 2)
    assert [(one.id, one.kind) for one in found] == [("E1", "Terminate"), ("E2", "Preempt")]
    assert found[0].not_before == datetime(2026, 11, 23, 18, 29, 47, tzinfo=timezone.utc)
    assert {line.split()[0] for line in served.asked} == {"GET"}


def test_without_events_the_name_is_never_asked_for():
    with platform() as (url, served), asking(url):
        until(lambda: len(served.asked) > 5)
    assert not [line for line in served.asked if "/instance" in line]


def test_events_wait_until_the_name_is_known():
    """Neighbours of a scale set are told of too: without a name nobody knows whom it hits."""
    with platform(events=document(event()), instance=None) as (url, served), asking(url) as (_, found):
        until(lambda: len(served.asked) > 10)
        assert found == []
        served.answers["instance"] = {"compute": {"name": NAME}}
        until(lambda: found)


def test_a_name_that_is_known_already_is_enough():
    with platform(events=document(event()), instance=None) as (url, _), asking(url, names=[NAME]) as (_, found):
        until(lambda: found)


def test_an_answer_that_takes_its_time_is_waited_for():
    """The first question enables the service; the documentation allows it two minutes."""
    with platform(events=document(event()), pause=1.5) as (url, _):
        found: list[Event] = []
        events = ScheduledEvents(MetadataService(url, timeout=0.2), found.append, first_wait=30)
        events.turn()
        assert len(found) == 1


def test_a_service_that_answers_no_more_is_asked_again():
    with platform(events=document()) as (url, served), asking(url) as (events, found):
        until(lambda: events.answering == "yes")
        del served.answers["events"]
        until(lambda: events.answering == "no")
        served.answers["events"] = document(event())
        until(lambda: found)


@pytest.mark.parametrize("answer", [b"", b"[]", b"not json", b"\xff", b"[" * 100_000, b'{"Events": 7}', b"x" * 300_000])
def test_a_broken_answer_is_no_event(answer: bytes):
    with platform(events=answer) as (url, _):
        events = ScheduledEvents(MetadataService(url), lambda one: pytest.fail(str(one)))
        assert events.turn() > 0


def test_where_nobody_answers_it_is_asked_ever_more_rarely():
    with platform() as (url, _):
        pass  # nobody listens there any more
    events = ScheduledEvents(MetadataService(url), lambda one: None)
    pauses = [events.turn() for _ in range(12)]
    assert pauses[0] == 10 and pauses == sorted(pauses) and pauses[-1] == 600
    assert events.answering == "no"


def test_where_the_service_stopped_it_is_asked_every_minute():
    with platform() as (url, served):
        events = ScheduledEvents(MetadataService(url), lambda one: None)
        assert events.turn() == 5
        del served.answers["events"]
        assert max(events.turn() for _ in range(12)) == 60
        served.answers["events"] = document()
        assert events.turn() == 5


def test_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with platform(events=document(event())) as (url, _):
        found: list[Event] = []
        ScheduledEvents(MetadataService(url), found.append).turn()
        assert len(found) == 1


def test_stopping_does_not_wait_for_an_answer():
    with platform(pause=5) as (url, served):
        events = ScheduledEvents(MetadataService(url), lambda one: None)
        events.start()
        until(lambda: served.asked)
        start = time.monotonic()
        events.stop(0.1)
        assert time.monotonic() - start < 4


# ---- which events count ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Terminate", "Preempt", "Redeploy", "Reimage", "terminate", "SomethingNew"])
def test_these_take_the_instance_away(kind: str):
    (one,) = going(document(event(kind)), [NAME])
    assert one.kind == kind
    assert "2026-11-23 18:29:47Z" in one.text and "deleted as requested" in one.text


def test_an_event_is_a_notice_of_now():
    now = datetime(2026, 11, 23, 18, 20, tzinfo=timezone.utc)
    (one,) = going(document(event()), [NAME])
    notice = one.notice(now)
    assert (notice.kind, notice.key, notice.time) == ("going", ("going", "E1"), now)
    assert notice.text.startswith("the platform deletes this instance (Terminate), not before 2026-11-23 18:29:47Z: ")


@pytest.mark.parametrize("kind", ["Freeze", "Reboot"])
def test_after_these_it_goes_on(kind: str):
    assert going(document(event(kind)), [NAME]) == ()


def test_only_events_of_this_instance():
    assert going(document(event(resources=("vmss-web_1", "vmss-web_123"))), [NAME]) == ()
    assert len(going(document(event(resources=("vmss-web_1", NAME.upper()))), [NAME])) == 1


def test_an_event_that_has_started_has_no_time():
    (one,) = going(document(event(NotBefore="", Description=None)), [NAME])
    assert one.not_before is None and "not before" not in one.text


@pytest.mark.parametrize("time", ["never", 7, None, "Mon, 99 Sep 2016", "Mon, 01 Jan 0001 00:00:00 +1400"])
def test_a_time_that_is_none_does_not_hide_the_event(time: object):
    assert len(going(document(event(NotBefore=time)), [NAME])) == 1


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([NAME, "Terminate", "Mon, 19 Sep 2016"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*event()]), inner, max_size=9),
    max_leaves=20,
)


@given(VALUES)
def test_no_document_ends_in_an_error(value: object):
    for one in going({"Events": value}, [NAME]):
        assert isinstance(one.text, str) and len(one.text) < 700
