"""A delivery ends in time, although what it waits for never does."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from collector.deliver.deadline import within
from collector.deliver.send import deliver
from collector.deliver.spool import Spool

ID = "0123456789abcdef"
SAS = "sv=2022-11-02&sr=c&sp=rcw&se=2126-01-01T00:00:00Z&sig=c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI%3D"
PRESIGNED = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20260101T000000Z&X-Amz-Expires=604800&X-Amz-SignedHeaders=host&X-Amz-Signature=" + "0" * 64
)


@pytest.fixture
def trickling() -> Iterator[str]:
    """A receiver whose answers never get to the end of their head."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 201 Created\r\nX-Long: ")
            while not ended.wait(0.05):
                connection.sendall(b"x")

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    ended.set()
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.parametrize("path", ["", f"/account/bundles?{SAS}", f"/bucket/{ID}.zip?{PRESIGNED}"])
@pytest.mark.parametrize("size", [6_000, 900_000])
def test_an_answer_whose_head_never_ends(tmp_path: Path, trickling: str, path: str, size: int):
    spool = Spool(tmp_path)
    (tmp_path / f"{ID}.zip").write_bytes(b"bundle" * (size // 6))
    begin = time.monotonic()
    delivery = deliver(spool.pending()[0], spool, trickling + path, None, deadline_seconds=0.5)
    assert (delivery.state, "in time" in (delivery.error or "")) == ("spooled", True), delivery.error
    assert "sig=" not in str(delivery) and "Signature=" not in str(delivery)
    assert time.monotonic() - begin < 20
    assert [info.id for info in spool.pending()] == [ID]


def test_what_the_work_gives_or_raises_is_passed_on():
    assert within(5, lambda: threading.current_thread().daemon)
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)
    with pytest.raises(SystemExit):
        within(5, lambda: sys.exit(3))
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        within(0.1, lambda: threading.Event().wait(30))
    assert time.monotonic() - begin < 15
