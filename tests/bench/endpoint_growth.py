"""How large the index gets and how long its pages take, from 1,000 bundles to 100,000 with 1,000,000 findings."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from collector.endpoint.database.engine import Database
from collector.endpoint.database.migrate import migrate
from collector.endpoint.settings import Settings
from collector.endpoint.stores.folder import FolderStore
from tests.bench.endpoint_running import Running, ours
from tests.bench.measuring import Result
from tests.endpoint.crowding import crowd
from tests.endpoint.filling import add_real, fill, sizes
from tests.endpoint.postgres import postgres

PAGE_MS, PAGE_BYTES = 200, 100_000
_SIZES, _QUICK_SIZES = (1_000, 10_000, 100_000), (200, 1_000)
_TIMES, _REAL = 20, 5
#: What a database has of its own.
_EMPTY_MB = 10
#: What people and programs ask for. In braces: what `crowd` tells, and the ids of two real bundles.
ADDRESSES = (
    "/", "/?extension=CustomScript", "/?exit_code=100", "/?q=nginx", "/?instance={name}", "/?scale_set={scale_set}",
    "/?since=2026-05-01T00:00&until=2026-05-02T00:00", "/?after={deep_incidents}", "/incidents/{incident}",
    "/scale-sets", "/scale-sets?verdict=hanging", "/scale-sets/{scale_set}", "/scale-sets/{scale_set}?page=3",
    "/instances/{instance}", "/bundles", "/bundles?q=nginx", "/bundles?extension=CustomScript",
    "/bundles?exit_code=127", "/bundles?scale_set={scale_set}", "/bundles?incident={incident}",
    "/bundles?after={deep_bundles}", "/bundles/{bundle}", "/bundles/{bundle}/ticket.md", "/bundles/{busy}",
    "/bundles/{busy}/excerpts/0", "/bundles/{busy}/sources", "/compare?left={bundle}&right={other}",
    "/compare?left={busy}&right={busy_too}", "/compare?left={busy}&find=nginx", "/search?q=kubelet", "/search?q=127",
    "/search?q=zzzyxw", "/search?q=failed command nginx", "/search?q=nginx frontend expired", "/search?q=con*",
    "/search?q=nginx&after={deep_findings}", "/admin/tokens", "/admin/accounts", "/admin/audit",
    "/admin/audit?who=nobody", "/admin/audit?before=60", "/v1/bundles", "/v1/bundles/{busy}/timeline", "/v1/incidents",
    "/v1/incidents/{incident}", "/v1/scale-sets", "/v1/scale-sets/{scale_set}/matrix", "/v1/instances",
    "/v1/instances?verdict=nothing-found", "/v1/search?q=nginx", "/metrics",
)  # fmt: skip


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
    total = dict(sizes(database))["index"]
    ids = crowd(database, FolderStore(folder), of=bundles) | {"bundle": real[0], "other": real[1]}
    if database.is_postgresql:  # as its own housekeeping does within a minute
        with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    database.close()
    told = f"{name}, {bundles} bundles"
    note = f"{total / bundles:.0f} bytes for a bundle with ten findings; filled in {took:.0f} s"
    with ours(folder, address) as server:
        times, largest, missing = _pages(server, ids)
    slowest = sorted(times, key=lambda one: -times[one])
    said = "; ".join(f"{one} {times[one]:.0f} ms" for one in slowest[:6])
    worst = math.nan if missing else times[slowest[0]]
    gone = f"; not there: {', '.join(missing)}" if missing else ""
    return [
        Result(f"{told}: bytes of the index", total / 1e6, "MB", _EMPTY_MB + bundles * 0.02, note=note),
        Result(f"{told}: slowest page, 95th percentile", worst, "ms", PAGE_MS, note=said + gone),
        Result(f"{told}: median page, 95th percentile", statistics.median(times.values()), "ms", PAGE_MS),
        Result(f"{told}: largest page", largest[1] / 1_000, "kB", PAGE_BYTES / 1_000, note=largest[0]),
    ]


def _pages(server: Running, ids: Mapping[str, str]) -> tuple[dict[str, float], tuple[str, int], list[str]]:
    """Milliseconds by address, the largest page with its bytes, and the addresses that do not answer as they should."""
    times: dict[str, float] = {}
    largest, missing = ("", 0), []
    for address in ADDRESSES:
        path = address.format(**ids)
        if server.get(path).status_code != 200:
            missing.append(address)
            continue
        seconds = []
        for _ in range(_TIMES):
            began = time.perf_counter()
            answer = server.get(path)
            seconds.append(time.perf_counter() - began)
        times[address] = sorted(seconds)[int(_TIMES * 0.95) - 1] * 1_000
        if len(answer.content) > largest[1] and not path.startswith(("/v1/", "/metrics")):
            largest = (address, len(answer.content))
    return times, largest, missing
