"""One instance with bundles in its spool, and the question that ends each fault: is everything there, once?"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from collector.bundle.writer import write
from collector.model import BundleInfo, Excerpt, Line
from tests.bundle.samples import REPORT, seal
from tests.collecting import Result, vmext
from tests.endpoint.running import Endpoint
from tests.received import received
from tests.waiting import until

_NUMBERS = itertools.count()
_SENT: dict[Path, dict[str, str]] = {}


def bundles(folder: Path, count: int = 1, kilobytes: int = 0) -> list[BundleInfo]:
    """Valid bundles of different incidents in a spool, each with about so many kilobytes of lines."""
    chance = random.Random(count)
    noise = tuple(Line(number + 1, chance.randbytes(96).hex()) for number in range(kilobytes * 10))
    extra = (Excerpt("var/log/noise.log", noise, frozenset({1})),) if noise else ()
    return [
        write(
            replace(
                REPORT, created=REPORT.created + timedelta(seconds=next(_NUMBERS)), excerpts=(*REPORT.excerpts, *extra)
            ),
            seal=seal,
            audit=dict,
            folder=folder,
        )
        for _ in range(count)
    ]


@dataclass
class Instance:
    """The agent's side. `said` collects all that its processes wrote anywhere."""

    folder: Path
    token: str
    said: str = ""

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def spool(self) -> Path:
        return self.state / "spool"

    def waiting(self) -> list[str]:
        return sorted(file.stem for file in self.spool.glob("*.zip"))

    def upload(self, url: str, *more: object, environ: dict[str, str] | None = None, **settings: object) -> Result:
        """`vmext --debug upload` in a process of its own; `settings` go into its configuration file."""
        config = self.folder / "config.toml"
        lines = (
            f"{key} = {value if isinstance(value, (int, float)) else repr(str(value))}"
            for key, value in settings.items()
        )
        config.write_text("\n".join(lines) + "\n")
        arguments = ("--upload", url, "--state-dir", self.state, "--config", config, *more)
        result = vmext("--debug", "upload", *arguments, environ={"VMEXT_TOKEN": self.token} | (environ or {}))
        self.said += result.out + result.err
        return result


def instance(folder: Path, server: Endpoint) -> Instance:
    folder.mkdir(parents=True, exist_ok=True)
    return Instance(folder, server.token)


def _half(server: Endpoint) -> list[Path]:
    parts = (server.data / part for part in ("incoming", "uploads"))
    return [file for part in parts for file in part.rglob("*") if not file.is_dir()]


def assert_all_there_once(server: Endpoint, sent: Iterable[BundleInfo], instance: Instance) -> None:
    """No loss, no duplicate, nothing half in the endpoint, with all that tests before sent; the token in no log."""
    wanted = _SENT.setdefault(server.data, {})
    wanted.update((bundle.id, bundle.sha256) for bundle in sent)
    listed = received(server)
    assert {row["id"]: row["sha256"] for row in listed} == wanted
    assert sorted(file.stem for file in (server.data / "objects").rglob("*.zip")) == sorted(wanted.values())
    # what a killed sender's proxy still holds goes when its connection ends
    until(lambda: not _half(server), "an end of half bodies", 30)
    assert instance.waiting() == []
    log = (server.data.parent / "endpoint.log").read_text()
    assert instance.token not in log + instance.said
    assert "internal error" not in instance.said
