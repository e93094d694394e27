"""A small receiver of bundles that can be told to misbehave. It keeps what it stored."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver(ThreadingHTTPServer):
    """`script`: what to do with one request after the other; the last entry stays."""

    daemon_threads = True

    def __init__(self, script: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = script
        self.stored: dict[str, bytes] = {}
        self.requests: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def next(self) -> str:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that break off are part of the tests


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_PUT(self) -> None:
        act = self.server.next()
        self.server.requests.append({"path": self.path, "headers": dict(self.headers)})
        if act == "close":
            self.connection.close()
            return
        if act == "slow":
            time.sleep(3)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        digest = hashlib.sha256(body)
        name = self.path.rsplit("/", 1)[-1]
        if act.isdigit():
            self._answer(int(act), {"error": f"told to answer {act}", "hint": ""})
        elif act.startswith("500 says "):
            self._answer(500, {"error": act.removeprefix("500 says ")})
        elif act == "429 after 0":
            self._answer(429, {"error": "busy"}, {"Retry-After": "0"})
        elif act == "redirect":
            self._answer(302, {}, {"Location": "http://127.0.0.1:9/elsewhere"})
        elif act == "garbage":
            self._answer(201, "no receipt")
        else:
            told = self.headers.get("Repr-Digest", "")
            assert told == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
            self.server.stored[name] = body
            sha = "0" * 64 if act == "wrong digest" else digest.hexdigest()
            self._answer(201, {"id": name, "sha256": sha, "received": "2026-11-24T10:00:00Z"})

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def receiver(*script: str) -> Iterator[Receiver]:
    server = Receiver(list(script) or ["store"])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
