"""The real endpoint while far more is asked of it than it can do: it stays small, says so, and tells how it is."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from collector.endpoint.bodies import PACE
from tests.collecting import collect, failing_disk
from tests.endpoint.minting import typical
from tests.endpoint.running import Endpoint, endpoint
from tests.endpoint.test_door import answer, dripped

_MANY = 300
#: Bytes by which one process may grow under all that; what it takes in memory is bounded by 64 MB.
_GROWTH = 100_000_000


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    return Path(collect(failing_disk(folder / "disk"), folder / "state").json["bundle"]["path"])


def connect(server: Endpoint) -> socket.socket:
    place = urlsplit(server.url)
    return socket.create_connection((place.hostname, place.port), timeout=60)


def head(server: Endpoint, length: int, number: int) -> bytes:
    return (
        f"PUT /v1/bundles/{number:016x} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
        f"Content-Length: {length}\r\nRepr-Digest: sha-256=:{'A' * 43}=:\r\n\r\n"
    ).encode()


def memory(server: Endpoint) -> int:
    return int(psutil.Process(server.process.pid).memory_info().rss)


def probes(server: Endpoint) -> dict[str, float]:
    """How long each takes, in seconds."""
    took = {}
    for path in ("/healthz", "/readyz", "/metrics"):
        began = time.monotonic()
        assert requests.get(server.url + path, headers=server.authorization, timeout=60).status_code == 200
        took[path] = time.monotonic() - began
    return took


def is_taken(server: Endpoint, file: Path) -> bool:
    """As an agent sends it: until there is room."""
    for _ in range(60):
        told = server.put(file)
        if told.status_code in (200, 201):
            return True
        assert (told.status_code, int(told.headers["Retry-After"]) > 0) == (429, True)
        time.sleep(1)
    return False


@pytest.mark.slow
def test_bodies_that_are_announced_and_never_come(tmp_path: Path, bundle: Path):
    with endpoint(tmp_path / "data") as server, ExitStack() as held:
        assert set(probes(server)) == {"/healthz", "/readyz", "/metrics"}
        before = memory(server)
        held_ones = [held.enter_context(connect(server)) for _ in range(_MANY)]
        for number, stream in enumerate(held_ones):
            stream.sendall(head(server, 60_000_000, number) + b"P" * 200_000)
        assert max(probes(server).values()) < 10
        assert memory(server) - before < _GROWTH
        assert len(list((tmp_path / "data/incoming").iterdir())) < _MANY
        told = Counter(answer(stream)[9:12] for stream in held_ones)
        assert told.keys() == {b"408", b"429"}
        assert told[b"408"] < 70
        assert is_taken(server, bundle)  # they did not keep their places
        assert not list((tmp_path / "data/incoming").iterdir())


@pytest.mark.slow
def test_small_bodies_of_which_the_last_byte_does_not_come(tmp_path: Path, bundle: Path):
    """What is held in memory is bounded by its bytes: less than a hundred of these."""
    with endpoint(tmp_path / "data") as server, ExitStack() as held:
        probes(server)
        before, length = memory(server), 1 << 20
        streams = [held.enter_context(connect(server)) for _ in range(_MANY)]
        senders = [
            threading.Thread(target=stream.sendall, args=(head(server, length, number) + b"P" * (length - 1),))
            for number, stream in enumerate(streams)
        ]
        for one in senders:
            one.start()
        for one in senders:
            one.join()
        assert max(probes(server).values()) < 10
        assert memory(server) - before < _GROWTH + 64_000_000  # a body is copied once when it is whole
        told = Counter(answer(stream)[9:12] for stream in streams)
        assert told.keys() == {b"408", b"429"}
        assert told[b"408"] < 70
        assert is_taken(server, bundle)


@pytest.mark.slow
def test_heads_that_drip_cost_next_to_nothing(tmp_path: Path, bundle: Path):
    with endpoint(tmp_path / "data") as server, ExitStack() as held:
        probes(server)
        before = memory(server)
        streams = [held.enter_context(connect(server)) for _ in range(_MANY)]
        for part in (b"PUT /v1/bundles/", b"0123456789abcdef HTTP/1.1\r\n", b"X: " + b"x" * 4_000):
            for stream in streams:
                stream.sendall(part)
        assert server.put(bundle).status_code == 201
        assert max(probes(server).values()) < 10
        assert memory(server) - before < 30_000_000
        assert all(answer(stream) == b"" for stream in streams)


@pytest.mark.slow
def test_slow_bundles_one_after_the_other_on_one_connection(tmp_path: Path):
    """Each would have held its place for ever."""
    with endpoint(tmp_path / "data") as server, connect(server) as stream:
        stream.sendall(head(server, 4, 1) + b"none")
        assert answer(stream).startswith(b"HTTP/1.1 422")
        began = time.monotonic()
        stream.sendall(head(server, 1_000_000, 2))
        told = dripped(stream, every=0.5, seconds=10 * PACE.seconds)
        assert told.startswith(b"HTTP/1.1 408")
        assert time.monotonic() - began >= PACE.seconds * 0.9


def test_a_crowd_is_stored_once_while_the_endpoint_tells_how_it_is(tmp_path: Path, database_options: tuple[str, ...]):
    file, agents = tmp_path / "typical.bin", 400
    file.write_bytes(typical(tmp_path))
    command = [sys.executable, "-m", "tests.bench.endpoint_agents"]
    with endpoint(tmp_path / "data", *database_options) as server:
        probes(server)
        before = memory(server)
        crowd = subprocess.Popen(
            [*command, server.url, server.token, str(file), str(agents), "60"], stdout=subprocess.PIPE, text=True
        )
        slowest, most = 0.0, 0
        while crowd.poll() is None:
            slowest = max(slowest, *probes(server).values())
            most = max(most, memory(server))
        out, _ = crowd.communicate()
        told = json.loads(out)
        assert told["taken"] == agents
        assert server.get("/v1/bundles?limit=1").json()["total"] == agents
        assert set(told["answers"]) <= {"200", "201", "429", "no connection", "no answer"}
        assert slowest < 10
        assert most - before < 2 * _GROWTH
