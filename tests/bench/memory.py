"""The most memory that a whole `vmext collect` takes, whatever lies on the disk: an absolute bound, not a ratio."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.bench.disks import many_small_files, with_agent_log
from tests.bench.logs import MB, agent_log, long_line_log, packed_log, utf16_twin
from tests.bench.measuring import Result, collect, measure, unmeasured

#: Megabytes (10^6 bytes).
BOUND = 64

#: Healthy, a failure, a hang, nothing found: what is found isn't asked here.
_ENDS = (0, 10, 11, 12)
#: Everything is asked for, so that no part of a file is passed over.
_ALL = ("--since", "2020-01-01T00:00:00Z", "--until", "2026-06-02T00:00:00Z")


def run(data: Path, quick: bool) -> list[Result]:
    return [_row(what, disk, data) for what, disk in _disks(data, quick).items()]


def _disks(data: Path, quick: bool) -> dict[str, Callable[[], Path]]:
    """What to measure, and how its disk is made; the quick ones are a tenth or less."""
    log, line, wide, packed, files = (10, 20, 10, 10, 4_000) if quick else (1000, 200, 100, 100, 40_000)

    def dense() -> Path:
        return with_agent_log(data, "dense", agent_log(data, log * MB, "dense").path)

    def one_line() -> Path:
        return with_agent_log(data, "one-line", long_line_log(data, line * MB))

    def utf16() -> Path:
        twin = utf16_twin(agent_log(data, wide * MB // 2, "sparse"), data)
        return with_agent_log(data, "utf-16", twin.path)

    def gz() -> Path:
        return with_agent_log(data, "packed", packed_log(data, packed * MB, "sparse"), "var/log/waagent.log.1.gz")

    return {
        f"{log} MB of log, one record in five an error": dense,
        f"a line of {line} MB": one_line,
        f"{wide} MB of UTF-16": utf16,
        f"{packed} MB of gzip": gz,
        f"{files} small files": lambda: many_small_files(data, files),
    }


def _row(what: str, disk: Callable[[], Path], data: Path) -> Result:
    told = f"collect, {what}: most memory"
    root = disk()
    with tempfile.TemporaryDirectory(prefix="vmext-bench-", dir=data) as state:
        try:
            cost = measure(collect(root, Path(state), *_ALL), expect=_ENDS)
        except RuntimeError as error:
            return unmeasured(told, error)
        read, there = _bytes_read(Path(json.loads(cost.out)["bundle"]["path"]))
    if not read:  # little memory is no merit where nothing was read
        return unmeasured(told, f"of {there} bytes none were read")
    note = f"{read / MB:.0f} of {there / MB:.0f} MB read, {cost.wall:.1f} s, {cost.cpu:.1f} s of processor"
    return Result(told, cost.rss_mb, "MB", BOUND, note=note)


def _bytes_read(bundle: Path) -> tuple[int, int]:
    """How much of the sources was read, and how much there was."""
    with zipfile.ZipFile(bundle) as archive:
        entries = json.loads(archive.read("ledger.json"))["entries"]
    read, there = (sum(entry.get(key) or 0 for entry in entries) for key in ("bytes_read", "bytes_total"))
    return read, there
