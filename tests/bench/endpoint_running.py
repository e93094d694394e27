"""The endpoint, its peer and their client as processes, for measuring."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from tests.bench.measuring import plain_environ
from tests.endpoint.minting import typical

CONNECTIONS = 16


@dataclass(frozen=True)
class Running:
    url: str
    token: str
    process: subprocess.Popen[str]

    def send(self, file: Path, count: int, first: int = 0) -> dict[str, Any]:
        """What the client measured. RuntimeError where anything but a receipt was answered."""
        told = _client("endpoint_client", self.url, self.token, file, CONNECTIONS, count, first)
        if told["statuses"] != {"201": count}:
            raise RuntimeError(f"answers: {told['statuses']}")
        return told

    def crowd(self, file: Path, agents: int, seconds: float) -> dict[str, Any]:
        return _client("endpoint_agents", self.url, self.token, file, agents, seconds)

    def waiting(self) -> int:
        return int(requests.get(f"{self.url}/healthz", timeout=60).json()["waiting"])

    def settle(self) -> None:
        while self.waiting():
            time.sleep(0.02)

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, headers={"Authorization": f"Bearer {self.token}"}, timeout=60)

    def memory(self) -> float:
        """MB (10^6 bytes) of all its processes."""
        first = psutil.Process(self.process.pid)
        return sum(one.memory_info().rss for one in (first, *first.children(recursive=True))) / 1e6


@contextmanager
def ours(folder: Path, database: str | None, *options: str) -> Iterator[Running]:
    """The endpoint with its own defaults."""
    more = ["--database", database] if database else []
    command = ["-m", "collector", "endpoint", "--data", str(folder), "--listen", "127.0.0.1:0", *more, *options]
    with _process(command, lambda: (folder / "admin.token").read_text().strip()) as running:
        yield running


@contextmanager
def bare(folder: Path, database: str | None) -> Iterator[Running]:
    """The handler that it is measured against."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["-m", "tests.bench.endpoint_bare", str(folder / "bundles"), database or str(folder / "index.sqlite")]
    with _process(command, lambda: "none") as running:
        yield running


@contextmanager
def _process(command: list[str], token: Callable[[], str]) -> Iterator[Running]:
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, env=plain_environ())
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if " ready on " not in line:
            raise RuntimeError(f"{command[1]} did not start")
        yield Running(line.split(" ready on ")[1].split()[0], token(), process)
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def _client(name: str, *arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-m", f"tests.bench.{name}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=plain_environ(), check=False)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip()[-500:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def bundle_file(folder: Path) -> Path:
    file = folder / "typical.bin"
    file.write_bytes(typical(folder))
    return file
