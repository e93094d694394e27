"""Sends bundles over a few connections that stay open, as fast as they are taken, and tells how long each took.

python -m tests.bench.endpoint_client URL TOKEN BUNDLE CONNECTIONS COUNT FIRST
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from tests.endpoint.minting import Mint


def request(host: str, token: str, name: str, body: bytes) -> bytes:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    head = (
        f"PUT /v1/bundles/{name} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/zip\r\nContent-Length: {len(body)}\r\nRepr-Digest: sha-256=:{digest}:\r\n\r\n"
    )
    return head.encode() + body


class Sender:
    def __init__(self, url: str, requests: list[bytes]) -> None:
        place = urlsplit(url)
        self._address = (place.hostname, place.port)
        self._requests = requests
        self._next = iter(range(len(requests)))
        self._lock = threading.Lock()
        self.seconds: list[float] = []
        self.statuses: Counter[int] = Counter()

    def run(self) -> None:
        with socket.create_connection(self._address) as stream:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                with self._lock:
                    number = next(self._next, None)
                if number is None:
                    return
                began = time.perf_counter()
                stream.sendall(self._requests[number])
                status = _answer(stream)
                self.seconds.append(time.perf_counter() - began)
                self.statuses[status] += 1


def _answer(stream: socket.socket) -> int:
    """Reads one answer whole and gives its status."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += _more(stream)
    head, _, body = got.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += _more(stream)
    return int(head[9:12])


def _more(stream: socket.socket) -> bytes:
    got = stream.recv(65_536)
    if not got:
        raise ConnectionError("the connection ended")
    return got


def main() -> None:
    url, token, file = sys.argv[1:4]
    connections, count, first = map(int, sys.argv[4:7])
    mint = Mint(Path(file).read_bytes())
    host = urlsplit(url).netloc
    sender = Sender(url, [request(host, token, *mint.make(number)) for number in range(first, first + count)])
    threads = [threading.Thread(target=sender.run) for _ in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - began
    print(json.dumps({"wall": wall, "statuses": sender.statuses, "seconds": sorted(sender.seconds)}))


if __name__ == "__main__":
    main()
