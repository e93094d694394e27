"""How large the index gets and how long its pages take, from 1,000 bundles to 100,000 with 1,000,000 findings."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from collector.endpoint.database.engine import Database
from collector.endpoint.database.migrate import migrate
from collector.endpoint.settings import Settings
from collector.endpoint.stores.folder import FolderStore
from tests.bench.endpoint_running import Running, ours
from tests.bench.measuring import Result
from tests.endpoint.filling import add_real, fill, sizes
from tests.endpoint.postgres import postgres

PAGE_MS, PAGE_BYTES = 200, 100_000
_SIZES, _QUICK_SIZES = (1_000, 10_000, 100_000), (200, 1_000)
_TIMES, _REAL = 20, 5
#: What a database has of its own.
_EMPTY_MB = 10
#: What people and programs ask for. In braces: an id that the page of all of them links to, see `_IDS`.
ADDRESSES = (
    "/", "/?extension=CustomScript", "/?exit_code=100", "/incidents/{incident}", "/scale-sets",
    "/scale-sets/{scale_set}", "/instances/{instance}", "/bundles", "/bundles?q=nginx", "/bundles/{bundle}",
    "/bundles/{bundle}/ticket.md", "/compare?left={bundle}&right={other}", "/search?q=kubelet", "/search?q=127",
    "/v1/bundles", "/v1/incidents", "/v1/incidents/{incident}", "/v1/scale-sets", "/v1/instances", "/v1/search?q=nginx",
)  # fmt: skip
_IDS = {"incident": "incidents", "scale_set": "scale-sets", "instance": "instances"}
_LISTS = {"incident": "/", "scale_set": "/scale-sets", "instance": "/scale-sets/{scale_set}"}


def run(data: Path, quick: bool) -> list[Result]:
    rows: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="vmext-bench-", dir=data) as scratch, postgres() as engine:
        for name in ("SQLite", "PostgreSQL"):
            for bundles in _QUICK_SIZES if quick else _SIZES:
                folder = Path(scratch, f"{name}-{bundles}")
                rows += measured(folder, name, bundles, engine.new() if name == "PostgreSQL" else None)
    return rows


def measured(folder: Path, name: str, bundles: int, address: str | None) -> list[Result]:
    """One size of one engine: its bytes, and its slowest and its largest page."""
    folder.mkdir(parents=True, mode=0o700)
    database = Database(Settings(folder, address).database_url)
    migrate(database)
    began = time.monotonic()
    fill(database, bundles=bundles)
    real = add_real(database, FolderStore(folder), count=_REAL, of=bundles)
    took = time.monotonic() - began
    if database.is_postgresql:  # as its own housekeeping does within a minute
        with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    total = dict(sizes(database))["index"]
    database.close()
    told = f"{name}, {bundles} bundles"
    note = f"{total / bundles:.0f} bytes for a bundle with ten findings; filled in {took:.0f} s"
    with ours(folder, address) as server:
        times, largest, missing = _pages(server, real)
    slowest = sorted(times, key=lambda one: -times[one])
    said = "; ".join(f"{one} {times[one]:.0f} ms" for one in slowest[:6])
    gone = f"; not there: {', '.join(missing)}" if missing else ""
    return [
        Result(f"{told}: bytes of the index", total / 1e6, "MB", _EMPTY_MB + bundles * 0.02, note=note),
        Result(f"{told}: slowest page, 95th percentile", times[slowest[0]], "ms", PAGE_MS, note=said + gone),
        Result(f"{told}: largest page", largest[1] / 1_000, "kB", PAGE_BYTES / 1_000, note=largest[0]),
    ]


def _pages(server: Running, real: Sequence[str]) -> tuple[dict[str, float], tuple[str, int], list[str]]:
    """Milliseconds by address, the largest page with its bytes, and the addresses that do not exist."""
    ids = {"bundle": real[0], "other": real[1]}
    for name, kind in _IDS.items():
        try:
            page = server.get(_LISTS[name].format(**ids)).text
        except KeyError:
            continue
        found = re.search(rf'/{kind}/([0-9a-f]{{16}})"', page)
        if found:
            ids[name] = found[1]
    times: dict[str, float] = {}
    largest, missing = ("", 0), []
    for address in ADDRESSES:
        try:
            path = address.format(**ids)
        except KeyError:
            missing.append(address)
            continue
        if server.get(path).status_code != 200:
            missing.append(address)
            continue
        seconds = []
        for _ in range(_TIMES):
            began = time.perf_counter()
            answer = server.get(path)
            seconds.append(time.perf_counter() - began)
        times[address] = sorted(seconds)[int(_TIMES * 0.95) - 1] * 1_000
        if len(answer.content) > largest[1] and not path.startswith("/v1/"):
            largest = (address, len(answer.content))
    return times, largest, missing
