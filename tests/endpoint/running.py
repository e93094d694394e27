"""The real endpoint in a process of its own."""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.forking import ForkedProcess


@dataclass
class Endpoint:
    url: str
    data: Path
    process: ForkedProcess
    #: What it was started with besides its folder and address.
    arguments: tuple[str, ...] = ()
    #: The line by which it told that it works.
    told: str = ""

    @property
    def token(self) -> str:
        return (self.data / "admin.token").read_text().strip()

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def put(
        self, bundle: Path, *, name: str | None = None, token: str | None = None, **headers: str
    ) -> requests.Response:
        data = bundle.read_bytes()
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        sent = {
            "Authorization": f"Bearer {token or self.token}",
            "Repr-Digest": f"sha-256=:{digest}:",
        } | headers
        return requests.put(f"{self.url}/v1/bundles/{name or bundle.stem}", data=data, headers=sent, timeout=30)

    def get(self, path: str, **options: Any) -> requests.Response:
        """What is there once everything that was received is indexed."""
        self.settle()
        return requests.get(self.url + path, headers=self.authorization, timeout=30, **options)

    def settle(self, seconds: float = 60.0) -> None:
        """Waits until nothing waits to be indexed."""
        until = time.monotonic() + seconds
        while requests.get(f"{self.url}/healthz", timeout=30).json()["waiting"]:
            assert time.monotonic() < until, "bundles are not indexed"
            time.sleep(0.01)


@contextmanager
def endpoint(
    data: Path, *arguments: str, says: str = " ready on ", environ: Mapping[str, str] | None = None
) -> Iterator[Endpoint]:
    """In one process, unless the arguments say how many.

    `says`: what stands before its address in the line by which it tells that it works.
    """
    processes = () if {"--workers", "--indexers"} & {*arguments} else ("--one-process",)
    command = ["endpoint", "--data", str(data), "--listen", "127.0.0.1:0", *processes, *arguments]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("VMEXT_")}
    with (data.parent / "endpoint.log").open("a") as log:
        process = ForkedProcess(command, clean | dict(environ or {}), log)
        try:
            line = process.stdout.readline()
            assert says in line, (data.parent / "endpoint.log").read_text()
            yield Endpoint(line.split(says)[1].split()[0], data, process, arguments, line)
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()
