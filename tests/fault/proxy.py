"""A proxy between sender and endpoint that does harm when it is told to, one fault for each connection.

`script` holds the faults of the connections to come; the last one stays.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_PIECE = 1 << 16
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class FaultProxy:
    """Listens on loopback until closed. `sent_up` counts the bytes that reached the endpoint."""

    def __init__(self, upstream: str, script: list[str], tls: ssl.SSLContext | None) -> None:
        self.script = script
        self.sent_up = 0
        self.connections = 0
        self.choose: Callable[[], str] = self._next
        self.scheme = "https" if tls else "http"
        self.point_to(upstream)
        self._tls = tls
        self._ended = threading.Event()
        self._committed = threading.Event()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self._listener.getsockname()[1]}"

    def point_to(self, upstream: str) -> None:
        host, port = upstream.removeprefix("http://").split(":")
        self._upstream = (host, int(port))

    def close(self) -> None:
        self._ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _next(self) -> str:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client, self.choose()), daemon=True).start()

    def _serve(self, client: socket.socket, fault: str) -> None:
        with suppress(OSError):
            if self._tls:
                try:
                    client = self._tls.wrap_socket(client, server_side=True)
                except OSError:
                    client.close()
                    return
            try:
                self._do(client, fault)
            finally:
                client.close()

    def _do(self, client: socket.socket, fault: str) -> None:
        kind, _, rest = fault.partition(" ")
        if kind == "close":
            _reset(client)
        elif kind == "deaf":  # takes the connection and never reads
            self._ended.wait(60)
        elif kind == "status":
            _read_request(client)
            client.sendall(_answer(rest))
        else:
            with socket.create_connection(self._upstream, timeout=60) as server:
                self._relay(client, server, kind, rest)

    def _relay(self, client: socket.socket, server: socket.socket, kind: str, rest: str) -> None:
        up = threading.Thread(target=self._up, args=(client, server, kind, rest), daemon=True)
        up.start()
        with suppress(OSError):
            self._down(client, server, kind)
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RD if kind in ("lost", "reset") else socket.SHUT_RDWR)
        up.join(10)
        if kind in ("lost", "reset"):
            _reset(client)

    def _up(self, client: socket.socket, server: socket.socket, kind: str, rest: str) -> None:
        left = int(rest) if kind in ("reset", "stuck") else -1
        with suppress(OSError):
            while piece := client.recv(4096 if kind in ("slow", "reset") else _PIECE):
                if kind == "slow":
                    time.sleep(0.01)
                if kind == "corrupt" and b"HTTP/1.1" not in piece:
                    piece = piece[:-1] + bytes([piece[-1] ^ 1])
                if left >= 0:
                    piece = piece[:left]
                    left -= len(piece)
                server.sendall(piece)
                self.sent_up += len(piece)
                if b"/commit HTTP/1.1" in piece:
                    self._committed.set()
                if left == 0 and kind == "stuck":
                    self._ended.wait(60)
                if left == 0:
                    break
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR if kind == "reset" else socket.SHUT_WR)

    def _down(self, client: socket.socket, server: socket.socket, kind: str) -> None:
        while piece := server.recv(_PIECE):
            if kind == "mute" or (kind == "keep" and self._committed.is_set()):  # it has done its work, nobody is told
                self._ended.wait(60)
            elif kind == "lost":
                return
            elif kind == "half":
                client.sendall(piece[: len(piece) - 40])
                self._ended.wait(60)
            elif kind in ("drip", "trickle"):  # the body of the answer byte by byte, or its head as well
                end = piece.find(b"\r\n\r\n") + 4 if piece.startswith(b"HTTP/") and kind == "drip" else 0
                client.sendall(piece[:end])
                for byte in piece[end:]:
                    client.sendall(bytes([byte]))
                    if self._ended.wait(0.05):
                        return
            elif kind == "forge":
                client.sendall(re.sub(rb'"sha256": ?"[0-9a-f]{64}"', b'"sha256":"' + b"0" * 64 + b'"', piece))
            else:
                client.sendall(piece)


def _reset(connection: socket.socket) -> None:
    """The next close sends RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _read_request(client: socket.socket) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = client.recv(_PIECE)
        if not piece:
            return
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    found = _LENGTH.search(head)
    left = int(found[1]) - len(body) if found else 0
    while left > 0 and (piece := client.recv(_PIECE)):
        left -= len(piece)


def _answer(told: str) -> bytes:
    """`STATUS [ours] [Header: value]`: with our endpoint's own words, or a page of a machine on the way."""
    status, _, rest = told.partition(" ")
    ours, _, header = rest.partition(" ") if rest.startswith("ours") else ("", "", rest)
    body = json.dumps({"error": f"told to answer {status}", "hint": ""}) if ours else "<html>busy</html>"
    lines = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(body)}", "Connection: close", *filter(None, [header])]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


@contextmanager
def fault_proxy(upstream: str, *script: str, tls: ssl.SSLContext | None = None) -> Iterator[FaultProxy]:
    proxy = FaultProxy(upstream, list(script) or ["pass"], tls)
    try:
        yield proxy
    finally:
        proxy.close()
