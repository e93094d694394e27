"""The real nginx with the product's own configuration, on a free port, with a certificate of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.fault.authority import authority

FOLDER = Path(__file__).parents[2] / "packaging" / "endpoint"
NAME = "localhost"


@dataclass(frozen=True)
class Proxied:
    url: str
    plain: str
    certificate_authority: Path
    log: Path


@contextmanager
def proxied(folder: Path, secure: int, endpoints: Sequence[str]) -> Iterator[Proxied]:
    """nginx on port `secure` before these addresses; only names, ports and files of the test are put into what
    docs/operating.md gives."""
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if program is None:
        pytest.fail("nginx is missing. Install it: apt-get install --no-install-recommends nginx-light")
    files = authority(folder)
    plain = free_port()
    replaced = {
        "support.example;": f"{NAME};",
        "/etc/ssl/certs/support.example.pem": str(files.file("localhost.pem")),
        "/etc/ssl/private/support.example.key": str(files.file("localhost.key")),
        "listen 443 ssl": f"listen 127.0.0.1:{secure} ssl",
        "listen 80;": f"listen 127.0.0.1:{plain};",
    }
    server = (FOLDER / "nginx.conf").read_text()
    for old, new in replaced.items():
        assert old in server, old
        server = server.replace(old, new)
    upstream = (FOLDER / "upstream.conf").read_text()
    hosts = "".join(f"    server {urlsplit(url).netloc};\n" for url in endpoints)
    (folder / "server.conf").write_text(server)
    (folder / "upstream.conf").write_text(upstream.replace("    server 127.0.0.1:8765;\n", hosts))
    (folder / "main.conf").write_text(
        f"user root; daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        "events { worker_connections 4096; }\n"
        f"http {{ access_log {folder}/access.log; include {folder}/upstream.conf; include {folder}/server.conf; }}\n"
    )
    command = [program, "-p", str(folder), "-c", str(folder / "main.conf"), "-e", str(folder / "error.log")]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    process = subprocess.Popen(command)
    try:
        _until_it_listens(secure, process)
        yield Proxied(f"https://{NAME}:{secure}", f"http://{NAME}:{plain}", files.file("ca.pem"), folder / "access.log")
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert process.poll() is None, "nginx ended"
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nginx does not listen")
