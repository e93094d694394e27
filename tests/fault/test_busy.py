"""More comes than is let in: who is refused is told when to come again, and comes in then."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from collector.endpoint.intake.gate import Bounds
from tests.endpoint.running import Endpoint, endpoint
from tests.fault.rig import assert_all_there_once, bundles, instance


@contextmanager
def under_way(server: Endpoint, number: int, length: int) -> Iterator[None]:
    """A request whose body does not come. The endpoint asks for it (100 Continue) once it has let the request in."""
    host, port = server.url.removeprefix("http://").split(":")
    digest = base64.b64encode(hashlib.sha256(str(number).encode()).digest()).decode()
    head = (
        f"PUT /v1/bundles/{number:016x} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
        f"Repr-Digest: sha-256=:{digest}:\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1_000).startswith(b"HTTP/1.1 100 ")
        yield


def refused(server: Endpoint) -> int:
    lines = (line.rsplit(" ", 1) for line in server.get("/metrics").text.splitlines())
    return int(sum(float(value) for name, value in lines if name == 'vmext_refused_total{reason="requests"}'))


@pytest.mark.parametrize(
    ("count", "length"),
    [(Bounds().requests, 1_000), (Bounds().bytes // 1_000_000, 1_000_000)],
    ids=["requests", "bytes"],
)
def test_who_is_refused_is_told_when_to_come_and_comes_in(tmp_path: Path, count: int, length: int):
    with endpoint(tmp_path / "data") as server, ExitStack() as held:
        for number in range(count):
            held.enter_context(under_way(server, number, length))
        agent = instance(tmp_path / "agent", server)
        sent = bundles(agent.spool)
        answer = server.put(sent[0].path)
        assert (answer.status_code, 1 <= int(answer.headers["Retry-After"]) <= 40) == (429, True)
        results = []
        sending = threading.Thread(
            target=lambda: results.append(agent.upload(server.url, deadline_seconds=300)), daemon=True
        )
        sending.start()
        until = time.monotonic() + 120
        while refused(server) < 2:
            assert time.monotonic() < until, agent.said
            time.sleep(0.1)
        assert agent.waiting() == [sent[0].id]
        held.close()
        sending.join(300)
        assert [result.code for result in results] == [0], agent.said
        assert_all_there_once(server, sent, agent)
