"""`vmext review` in a process of its own, and a browser's session with it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests


@dataclass
class Review:
    link: str
    log: Path
    process: subprocess.Popen[str]
    session: requests.Session

    @property
    def url(self) -> str:
        return self.link.partition("/open/")[0]

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.url + path, timeout=60)

    def bundles(self) -> dict[str, dict[str, Any]]:
        """By their ids."""
        document = self.get("/v1/bundles?limit=500").json()
        found = {one["id"]: one for one in document["bundles"]}
        assert len(found) == len(document["bundles"])
        return found

    def store(self) -> dict[str, Any]:
        (one,) = self.get("/v1/stores").json()["stores"]
        assert isinstance(one, dict)
        return one

    def until(self, holds: Callable[[], bool], seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, f"{self.store()}\n{self.log.read_text()}"
            time.sleep(0.05)

    def until_indexed(self, number: int) -> None:
        """So many bundles are there, and all of them are read."""
        self.until(lambda: [one["state"] for one in self.bundles().values()] == ["indexed"] * number)


@contextmanager
def review(
    place: str | Path,
    cache: Path,
    *arguments: str | Path,
    environ: Mapping[str, str] | None = None,
    signs_in: bool = True,
) -> Iterator[Review]:
    """Looks often, so that tests need not wait. `signs_in`: whether `Review.session` is who opens the link."""
    command = [sys.executable, "-m", "collector", "review", str(place), "--no-browser", "--cache", str(cache)]
    command += ["--every", "0.2", *map(str, arguments)]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("VMEXT_")}
    file = cache.parent / "review.log"
    with file.open("a") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=clean | dict(environ or {})
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert " ready on " in line, file.read_text()
        with requests.Session() as session:
            one = Review(line.split(" ready on ")[1].split()[0], file, process, session)
            if signs_in:
                assert session.get(one.link, timeout=60).status_code == 200
            yield one
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
