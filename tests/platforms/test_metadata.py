"""The metadata service, against a server that speaks its documented protocol."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from collector.platforms.azure import MetadataService, clock_offset

DOCUMENT = {"compute": {"name": "vmss-web_12"}, "network": {}}


class Metadata(BaseHTTPRequestHandler):
    """Demands the header and an api-version, and refuses what came through a proxy."""

    answer: ClassVar[bytes] = json.dumps(DOCUMENT).encode()
    status: ClassVar[int] = 200
    pause: ClassVar[float] = 0

    def do_GET(self):
        wanted = self.headers.get("Metadata") == "true" and "X-Forwarded-For" not in self.headers
        if not wanted or not self.path.startswith("/metadata/instance?api-version=20"):
            self.send_response(400)
            self.end_headers()
            return
        self.send_response(self.status)
        self.end_headers()
        for start in range(0, len(self.answer), 65_536 if not self.pause else 1):
            self.wfile.write(self.answer[start : start + (65_536 if not self.pause else 1)])
            time.sleep(self.pause)

    def handle(self):
        try:
            super().handle()
        except OSError:
            return  # the client had enough

    def log_message(self, *arguments):
        pass


@contextmanager
def serving(**settings: object) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), type("Served", (Metadata,), settings))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_it_is_asked_as_documented_and_never_through_a_proxy(monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving() as url:
        assert MetadataService(url).instance() == DOCUMENT


@pytest.mark.parametrize(
    "settings",
    [
        {"status": 404},
        {"status": 429},
        {"status": 500},
        {"answer": b"<html>a captive portal</html>"},
        {"answer": b"[]"},
        {"answer": b""},
        {"answer": b"\xff\xfe"},
        {"answer": b"[" * 100_000},
        {"answer": b'{"x": "' + b"x" * 300_000 + b'"}'},
    ],
    ids=lambda settings: str(settings)[:30],
)
def test_what_is_no_instance_document_counts_as_absence(settings: dict[str, object]):
    with serving(**settings) as url:
        assert MetadataService(url).instance() is None


def test_absence_is_no_error():
    assert MetadataService("http://127.0.0.1:9").instance() is None


def test_a_service_that_dribbles_does_not_hold_the_run_up():
    begun = time.monotonic()
    with serving(pause=0.05, answer=b'{"x": "' + b"x" * 60) as url:
        assert MetadataService(url, timeout=0.2).instance() is None
        assert time.monotonic() - begun < 2


def test_the_clock_is_compared_with_the_services():
    with serving() as url:
        service = MetadataService(url)
        service.instance()
    assert service.clock_offset_seconds is not None
    assert abs(service.clock_offset_seconds) < 3


@pytest.mark.parametrize(
    ("date", "offset"),
    [
        ("Mon, 04 May 2026 12:00:00 GMT", 599.5),
        ("Mon, 04 May 2026 13:00:00 GMT", -3000.5),
        ("Mon, 04 May 2026 14:00:00 +0200", 599.5),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_how_far_a_clock_is_from_a_date(date: str | None, offset: float | None):
    assert clock_offset(date, datetime(2026, 5, 4, 12, 10, tzinfo=timezone.utc)) == offset
