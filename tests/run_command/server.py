"""A real HTTP server with a package on it, and the package."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: A vmext that needs nothing but a shell; it says what it was asked and from where it runs.
PROGRAM = """\
#!/bin/sh
echo "noise of a library" >&2
echo "VMEXT FAILED CustomScript exit 100: package or repository not available"
echo "Do     $*"
echo "Proof  $0"
echo "Why    url=$VMEXT_PACKAGE_URL"
echo "VMEXT FAILED CustomScript exit 100; bundle 247252e2eafad389 delivered"
exit 10
"""


def package(program: str = PROGRAM, more: dict[str, int] | None = None) -> bytes:
    """A .tar.gz of the layout of the real one; `more` are files of so many zeros."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as archive:
        member = tarfile.TarInfo("vmext-0.0.1/bin/vmext")
        member.mode, member.size, member.uid = 0o755, len(program), 1234
        archive.addfile(member, io.BytesIO(program.encode()))
        for name, size in (more or {}).items():
            member = tarfile.TarInfo(f"vmext-0.0.1/{name}")
            member.size = size
            archive.addfile(member, io.BytesIO(bytes(size)))
    return out.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Server:
    url: str
    asked: list[str]


@contextmanager
def serving(data: bytes, *, endless: bool = False, status: int = 200) -> Iterator[Server]:
    """Serves `data` under every name; `endless` goes on with zeros for 300 MB without telling its length."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            if not endless:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            try:
                self.wfile.write(data)
                for _ in range(300 if endless else 0):
                    self.wfile.write(bytes(1024 * 1024))
            except OSError:
                pass

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_port}/vmext-{{arch}}.tar.gz?sig=abc%2Bdef", asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
