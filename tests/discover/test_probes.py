"""Probes against real servers of this machine: one that takes connections, one that refuses, one that says nothing."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from collector.discover.probes import PLATFORM, Address, hosts_in, probe


class Handler(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")  # type: ignore[attr-defined]
        self.send_response_only(200)
        date = self.server.date  # type: ignore[attr-defined]
        if date:
            self.send_header("Date", date)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def web_server(date: str) -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.date = [], date  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def silent_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        full = [socket.socket() for _ in range(4)]
        for one in full:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        time.sleep(0.1)
        try:
            yield port
        finally:
            for one in full:
                one.close()


@pytest.mark.skipif(os.name == "nt", reason="a full queue of Windows refuses")
def test_reached_refused_and_silent_at_the_same_time(monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")  # nothing may go there
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() - 3_600))
    with web_server(date) as server, silent_port() as silent:
        begin = time.monotonic()
        found = probe(
            [Address("127.0.0.1", closed_port()), Address("no-such-host.invalid", 443)],
            [Address("127.0.0.1", server.server_port, "wireserver"), *[Address("127.0.0.1", silent, "IMDS")] * 1],
            seconds=0.5,
        )
        assert time.monotonic() - begin < 30
        assert server.asked == ["GET /?comp=versions"]  # type: ignore[attr-defined]
    reached, quiet, refused, unknown = found.facts
    assert reached.reached
    assert reached.target == f"wireserver 127.0.0.1:{server.server_port}"
    assert (quiet.reached, quiet.detail) == (False, "no answer of 127.0.0.1 within 0.5 s")
    assert quiet.seconds >= 0.5
    assert (refused.reached, refused.detail) == (False, "127.0.0.1 refused the connection")
    assert unknown.target == "no-such-host.invalid:443"
    assert unknown.detail.startswith("its name can't be resolved: ") or unknown.detail.startswith("no answer within")
    assert found.clock_offset_seconds == pytest.approx(3_600, abs=3)


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_server_that_tells_no_time(date: str):
    with web_server(date) as server:
        assert probe((), [Address("127.0.0.1", server.server_port)]).clock_offset_seconds is None


def test_all_together_are_bounded(monkeypatch: pytest.MonkeyPatch):
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: done.wait(30) and [])
    begin = time.monotonic()
    (only,) = probe([Address("a.example", 443)], [], seconds=0.1, most_seconds=0.3).facts
    assert time.monotonic() - begin < 30
    assert (only.reached, only.detail) == (False, "no answer within 0.3 s")
    done.set()


def test_hosts_that_failures_name():
    texts = [
        "Failed to download https://acme.blob.core.windows.net/scripts/setup.sh?sv=2024&sig=x: timed out",
        "curl: (28) http://10.0.0.5:8080/x and HTTPS://Acme.blob.core.windows.net/again",
        "GET http://169.254.169.254/metadata/identity: 400; http://168.63.129.16:32526/status",
        "https://user:secret@repo.example.com/dists, https://localhost/x, https://x.example:99999/, ftp://ftp.example.com",
    ]
    assert hosts_in(texts) == (
        Address("acme.blob.core.windows.net", 443),
        Address("10.0.0.5", 8080),
        Address("repo.example.com", 443),
    )
    assert len(hosts_in(f"https://host-{n}.example.com/" for n in range(500))) == 20


def test_what_the_platform_is():
    assert [address.target for address in PLATFORM] == [
        "wireserver 168.63.129.16:80",
        "wireserver 168.63.129.16:32526",
        "IMDS 169.254.169.254:80",
    ]
