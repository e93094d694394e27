"""Who is let in to a server, who is sent away before anything is made for it, and who is too slow: real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collector.endpoint.answers import RefusalError
from collector.endpoint.bodies import Pace, whole_body
from collector.endpoint.intake.door import Manners, door_to
from collector.endpoint.intake.gate import Bounds, Gate
from collector.endpoint.pulse import Beat
from tests.endpoint.test_gate import Told

_PUT = b"PUT /v1/bundles/0123456789abcdef HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
_HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
_PACE = Pace(seconds=0.5, rate=100_000)


@dataclass
class House:
    address: tuple[str, int]
    gate: Gate

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=30)

    def ask(self, request: bytes) -> bytes:
        with self.connect() as stream:
            stream.sendall(request)
            return answer(stream)


def answer(stream: socket.socket) -> bytes:
    """One answer whole; empty where the connection ended."""
    got = b""
    while b"\r\n\r\n" not in got and (more := stream.recv(65_536)):
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    length = next((int(one[15:]) for one in head.lower().split(b"\r\n") if one.startswith(b"content-length:")), 0)
    while len(body) < length and (more := stream.recv(65_536)):
        body += more
    return head + b"\r\n\r\n" + body if got else b""


def is_ended(stream: socket.socket) -> bool:
    try:
        return stream.recv(1) == b""
    except ConnectionResetError:
        return True


def dripped(stream: socket.socket, *, every: float, seconds: float) -> bytes:
    """What is answered to a body that comes byte by byte; empty where nothing is within `seconds`."""
    end, told = time.monotonic() + seconds, b""
    stream.settimeout(every)
    while not told and time.monotonic() < end:
        with suppress(TimeoutError):
            stream.sendall(b"x")
            told = answer(stream)
    return told


def until(holds: object, gate: Gate) -> None:
    end = time.monotonic() + 30
    while (gate.served, gate.bundles) != holds:
        assert time.monotonic() < end, (gate.served, gate.bundles)
        time.sleep(0.005)


@contextmanager
def house(bounds: Bounds | None = None, manners: Manners | None = None) -> Iterator[House]:
    gate = Gate(Told(Beat()), bounds)

    async def put(request: Request) -> Response:
        try:
            with gate.passage(int(request.headers["content-length"])):
                body = await whole_body(request, 1 << 20, name="bundle", too_long="it is too long", pace=_PACE)
        except RefusalError as error:
            return error.response()
        return JSONResponse({"bytes": len(body)}, 201)

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    app = Starlette(routes=[Route("/v1/bundles/{id}", put, methods=["PUT"]), Route("/healthz", health)])
    with socket.create_server(("127.0.0.1", 0)) as bound:
        config = uvicorn.Config(app, http=door_to(gate, manners or Manners()), log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        try:
            yield House(bound.getsockname()[:2], gate)
        finally:
            server.should_exit = True
            thread.join()


def test_a_head_and_a_body_in_any_pieces_are_taken():
    with house() as there, there.connect() as stream:
        whole = _PUT % 5 + b"hello"
        for at in range(0, len(whole), 7):
            stream.sendall(whole[at : at + 7])
            time.sleep(0.002)
        assert answer(stream).startswith(b"HTTP/1.1 201")
        stream.sendall(whole)  # the connection goes on
        assert answer(stream).startswith(b"HTTP/1.1 201")
    until((0, 0), there.gate)


def test_who_comes_when_all_places_are_taken_is_told_when_to_come_again_and_reads_it():
    """Although it has sent its bundle by then: a connection that is just ended would take the answer with it."""
    with house(Bounds(requests=3)) as there, ExitStack() as held:
        slow = [held.enter_context(there.connect()) for _ in range(3)]
        for one in slow:
            one.sendall(_PUT % 1_000)
        until((3, 3), there.gate)
        for _ in range(20):
            told = there.ask(_PUT % 400_000 + b"x" * 400_000)
            assert told.startswith(b"HTTP/1.1 429")
            assert b"\r\nretry-after: " in told
        assert there.ask(_HEALTH).startswith(b"HTTP/1.1 200")
        for one in slow:
            one.sendall(b"x" * 1_000)
            assert answer(one).startswith(b"HTTP/1.1 201")
        assert there.ask(_PUT % 1 + b"x").startswith(b"HTTP/1.1 201")
    until((0, 0), there.gate)


def test_who_goes_away_gives_its_place_back():
    with house(Bounds(requests=1)) as there:
        for _ in range(5):
            with there.connect() as stream:
                stream.sendall(_PUT % 1_000)
                until((1, 1), there.gate)
            until((0, 0), there.gate)


def test_probes_are_let_in_when_nobody_else_is():
    with house(manners=Manners(served=2)) as there, there.connect() as one, there.connect() as other:
        for stream in (one, other):
            stream.sendall(_PUT % 1_000)
        until((2, 2), there.gate)
        assert there.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 429")
        assert there.ask(_HEALTH).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("begin", [b"", b"P", b"PUT /v1/bundles/0123", _HEALTH[:-2]])
def test_a_head_that_does_not_come_whole_ends(begin: bytes):
    with house(manners=Manners(seconds=0.3)) as there, there.connect() as stream:
        stream.sendall(begin)
        assert is_ended(stream)


def test_the_second_head_of_a_connection_has_its_time_too():
    with house(manners=Manners(seconds=0.3)) as there, there.connect() as stream:
        stream.sendall(_HEALTH)
        assert answer(stream).startswith(b"HTTP/1.1 200")
        stream.sendall(_HEALTH[:-2])
        assert is_ended(stream)


def test_heads_are_bounded_one_by_one_and_all_together():
    with house(manners=Manners(head=1_000, heads=2_500)) as there, ExitStack() as held:
        assert there.ask(b"GET / HTTP/1.1\r\nX: " + b"x" * 2_000).startswith(b"HTTP/1.1 431")
        for _ in range(2):
            held.enter_context(there.connect()).sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 900)
        end = time.monotonic() + 30
        while there.gate.heads < 1_800:
            assert time.monotonic() < end
            time.sleep(0.005)
        assert there.ask(b"GET / HTTP/1.1\r\nX: " + b"x" * 900).startswith(b"HTTP/1.1 429")
        assert there.ask(_HEALTH).startswith(b"HTTP/1.1 200")


def test_more_connections_than_there_may_be_end_at_once():
    with house(manners=Manners(open=3)) as there, ExitStack() as held:
        for _ in range(3):
            held.enter_context(there.connect()).sendall(b"GET")
        time.sleep(0.2)
        with there.connect() as stream:
            assert is_ended(stream)


def test_what_is_no_http_is_told_so():
    with house() as there:
        assert there.ask(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").startswith(b"HTTP/1.1 400")


def test_each_body_of_a_connection_has_a_least_speed():
    """One that is fast enough is taken however long it takes; the next one of the same connection drips."""
    with house() as there, there.connect() as stream:
        stream.sendall(_PUT % 200_000)
        for _ in range(8):
            stream.sendall(b"x" * 25_000)
            time.sleep(0.1)  # 0.8 s in all, where 0.5 s and a hundredth for each kilobyte are given
        assert answer(stream).startswith(b"HTTP/1.1 201")
        stream.sendall(_PUT % 1_000)
        told = dripped(stream, every=0.05, seconds=30)
        assert told.startswith(b"HTTP/1.1 408")
        assert (there.gate.requests, there.gate.bytes) == (0, 0)
    until((0, 0), there.gate)


def test_a_body_whose_last_byte_does_not_come_is_not_waited_for_because_the_others_came_fast():
    with house() as there, there.connect() as stream:
        began = time.monotonic()
        stream.sendall(_PUT % 1_000_000 + b"x" * 999_999)
        assert answer(stream).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - began < 8  # at its least speed it would have had 10 s


def test_a_body_that_is_announced_and_never_sent_gives_its_place_back():
    with house(Bounds(requests=1)) as there, there.connect() as stream:
        stream.sendall(_PUT % 60_000_000)
        assert answer(stream).startswith(b"HTTP/1.1 408")
        assert there.ask(_PUT % 1 + b"x").startswith(b"HTTP/1.1 201")
