"""A small proxy before a store: cuts, stalls or damages what goes to it, and counts what passed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Cutting:
    """`cut_after` bytes towards the store all connections break; `damage` is replaced once by as many zeros."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._behind = (parts.hostname or "", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{parts.scheme}://127.0.0.1:{self._listener.getsockname()[1]}{parts.path}"
        self.cut_after: int | None = None
        self.stall_after: int | None = None
        self.cut_answers = False
        self.damage = b""
        self.sent = 0
        self.lines: list[bytes] = []
        self.stalled = threading.Event()
        self._open: list[socket.socket] = []

    def blocks(self) -> int:
        """Blocks that were asked to be stored."""
        return sum(b"comp=block&" in line for line in self.lines)

    def serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._behind)
            self._open += [near, far]
            threading.Thread(target=self._pass_on, args=(near, far), daemon=True).start()
            threading.Thread(target=self._pass_back, args=(far, near), daemon=True).start()

    def _pass_on(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := near.recv(16_384):
                if data.split(b" ", 1)[0] in (b"PUT", b"GET", b"HEAD"):
                    self.lines.append(data.split(b"\r\n", 1)[0])
                if self.damage and self.damage in data:
                    data, self.damage = data.replace(self.damage, bytes(len(self.damage))), b""
                self.sent += len(data)
                if self.cut_after is not None and self.sent > self.cut_after:
                    break
                if self.stall_after is not None and self.sent > self.stall_after:
                    self.stalled.set()
                    return
                far.sendall(data)
        _end(near, far)

    def _pass_back(self, far: socket.socket, near: socket.socket) -> None:
        with suppress(OSError):
            while data := far.recv(16_384):
                if self.cut_answers:
                    self.cut_answers = False
                    break
                near.sendall(data)
        _end(near, far)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        _end(*self._open)
        for one in self._open:
            one.close()


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting(url: str) -> Iterator[Cutting]:
    proxy = Cutting(url)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(5)
