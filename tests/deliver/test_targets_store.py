"""One request to a store: ends in time whatever the store does, and sends no more than it has time for."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from collector.deliver.targets.network import Network
from collector.deliver.targets.store import Body, Until, ask
from collector.errors import DeliveryError


@pytest.fixture
def dripping() -> Iterator[str]:
    """A store whose answer of 400 KB comes in pieces of 64 bytes, ten a second."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 400000\r\n\r\n")
                while True:
                    connection.sendall(bytes(64))
                    time.sleep(0.1)

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/bundles?sig=S3cr"


def test_an_answer_that_drips_does_not_hold_up_the_run(dripping: str):
    begin = time.monotonic()
    with pytest.raises(DeliveryError, match="did not answer in time") as error:
        ask("GET", dripping, {}, until=Until(begin + 1), network=Network())
    assert error.value.retry
    assert time.monotonic() - begin < 60  # the whole answer would take ten minutes


@pytest.mark.parametrize("content", [b"x" * 50_000, io.BytesIO(b"x" * 50_000)], ids=["bytes", "a file"])
def test_a_body_is_read_while_there_is_time(content: bytes | io.BytesIO):
    now = [0.0]
    body = Body(content, Until(10.0, lambda: now[0]))
    assert len(body) == 50_000
    assert sum(len(piece) for piece in body) == 50_000
    now[0] = 10.0
    with pytest.raises(DeliveryError, match="in time"):
        body.read(1)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:9/bundles?sig=S3cr", "refused the connection"),
        ("https://store.invalid/bundles?sig=S3cr", r"can't be resolved \(DNS\)"),
    ],
)
def test_a_store_that_can_not_be_reached_is_told_without_its_signature(url: str, says: str):
    with pytest.raises(DeliveryError, match=says) as error:
        ask("GET", url, {}, until=Until(time.monotonic() + 5), network=Network())
    assert error.value.retry
    assert error.value.__cause__ is None
    assert "S3cr" not in f"{error.value} {error.value.hint}"


def test_a_store_that_is_not_trusted_is_not_asked_again():
    """The sentence, the hint and whether to try again are those that the endpoint gets."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(bytes.fromhex("15030300020230"))  # alert: unknown_ca, of its view of ours

        threading.Thread(target=serve, daemon=True).start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/bundles?sig=S3cr"
        with pytest.raises(DeliveryError, match="the store refused our certificate, or wants one") as error:
            ask("GET", url, {}, until=Until(time.monotonic() + 20), network=Network())
    assert (error.value.retry, "client_cert" in error.value.hint) == (False, True)


def test_where_a_store_redirects_nothing_is_sent():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")
                connection.recv(65_536)

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        answer = ask("PUT", url, {}, b"body", until=Until(time.monotonic() + 5), network=Network())
    assert answer.status == 307
