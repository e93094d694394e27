"""The endpoint under load: against the shortest handler that keeps a body as safely, and against bounds of its own."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.endpoint_running import Running, bare, bundle_file, ours
from tests.bench.measuring import Result, unmeasured
from tests.endpoint.postgres import postgres

SHARE, P99_MS, SUSTAINED, MEMORY_MB = 0.6, 500, 250, 500
#: Of a turn; of the one that lasts. With starts and ends all of it takes some four minutes.
_COUNT, _LASTING, _QUICK_COUNT = 1_200, 2_000, 300
_TURNS = 3
_AGENTS, _QUICK_AGENTS = 10_000, 500
#: How long an agent tries before it leaves a bundle to its next run, in seconds (`deliver.send`).
_PATIENCE = 60


def run(data: Path, quick: bool) -> list[Result]:
    rows: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="vmext-bench-", dir=data) as scratch, postgres() as engine:
        folder = Path(scratch)
        file = bundle_file(folder)
        count = _QUICK_COUNT if quick else _COUNT
        for name in ("SQLite", "PostgreSQL"):
            database = engine.new if name == "PostgreSQL" else lambda: None
            rows += _intake(folder, name, file, count, 1 if quick else _TURNS, database)
            lasting = _QUICK_COUNT if quick else _LASTING
            rows += _sustained(folder / f"{name}-all", name, file, lasting, database())
            agents = _QUICK_AGENTS if quick else _AGENTS
            rows += _crowd(folder / f"{name}-crowd", name, file, agents, database())
    return rows


def _intake(folder: Path, name: str, file: Path, count: int, turns: int, database: Any) -> list[Result]:
    """Both take turns on fresh data, so that a slow minute of the machine meets both."""
    rates: tuple[list[float], list[float]] = ([], [])
    slowest = []
    for turn in range(turns):
        for which, begin in ((0, ours), (1, bare)):
            options = ("--indexers", "0") if which == 0 else ()
            with begin(folder / f"{name}-{turn}-{which}", database(), *options) as server:
                server.send(file, 100, 10_000_000)
                told = server.send(file, count)
            rates[which].append(count / told["wall"])
            if which == 0:
                slowest.append(told["seconds"][int(count * 0.99)] * 1_000)
    mine, peer = statistics.median(rates[0]), statistics.median(rates[1])
    size = file.stat().st_size / 1_000
    return [
        Result(
            f"ingest, {name}: bundles of {size:.0f} kB a second",
            mine,
            "/s",
            SHARE,
            peer,
            "bare Starlette handler",
            True,
            f"each on the disk before its receipt; one process; medians of {turns} turns with {count} bundles",
        ),
        Result(f"ingest, {name}: 99th percentile", statistics.median(slowest), "ms", P99_MS),
    ]


def _sustained(folder: Path, name: str, file: Path, count: int, database: str | None) -> list[Result]:
    """From the first bundle that is sent until the last one is indexed."""
    with ours(folder, database) as server:
        server.send(file, 100, 10_000_000)
        server.settle()
        began = time.perf_counter()
        server.send(file, count)
        sent = time.perf_counter() - began
        server.settle()
        wall = time.perf_counter() - began
    note = f"one process that serves, one that indexes, and the client on the same cores; all sent after {sent:.1f} s"
    what = f"ingest with indexing, {name}: bundles a second"
    return [Result(what, count / wall, "/s", SUSTAINED, at_least=True, note=note)]


def _crowd(folder: Path, name: str, file: Path, agents: int, database: str | None) -> list[Result]:
    what = f"{agents} agents within a second, {name}"
    with ours(folder, database) as server, _memory(server) as most:
        told = server.crowd(file, agents, _PATIENCE)
        server.settle()
        total = server.get("/v1/bundles?limit=1").json()["total"]
    if (told["taken"], total) != (agents, agents):
        return [unmeasured(what, f"{total} are stored, {told['taken']} were taken: {told['answers']}")]
    answers = ", ".join(f"{number} x {name}" for name, number in sorted(told["answers"].items()))
    note = f"all stored once, the last after {told['seconds'][-1]:.0f} s; answers: {answers}"
    return [
        Result(f"{what}: bundles that wait for the agent's next run", told["late"], "", 0, note=note),
        Result(f"{what}: most memory of all processes", most[0], "MB", MEMORY_MB),
    ]


@contextmanager
def _memory(server: Running) -> Iterator[list[float]]:
    """The most that was seen meanwhile."""
    most, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            most[0] = max(most[0], server.memory())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield most
    finally:
        over.set()
        watching.join()
