"""`vmext collect` against the guest agent's own log collector (`waagent -collect-logs`) on the same instance.

The agent's collector runs as it is packaged and as the agent starts it every hour, without changes: in a mount
namespace of its own the instance's var/log and var/lib/waagent lie over the machine's. Its scope is another one: it
packs whole files, the system's logs among them, where vmext takes what tells of the failure. That is the claim.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from functools import partial
from pathlib import Path

from tests.bench.disks import FAILING_LINE, instance
from tests.bench.measuring import Command, Result, Unmeasured, collect, measure, pair, unmeasured

_RUNS, _QUICK_RUNS = 5, 1
_CPU_BOUND, _BYTES_BOUND = 1 / 4, 1 / 10
_FAILURE_FOUND = 10
_PEER = "waagent -collect-logs"
#: The agent's own folder lies outside the tree, so that no run finds what another left.
_IN_NAMESPACE = """
set -e
mkdir -p "$1/var/lib/waagent/logcollector" /var/lib/waagent
mount --bind "$1/var/log" /var/log
mount --bind "$1/var/lib/waagent" /var/lib/waagent
mount --bind "$2" /var/lib/waagent/logcollector
exec waagent -collect-logs
"""


def run(data: Path, quick: bool) -> list[Result]:
    what = "instance of 135 MB"
    try:
        _check()
    except Unmeasured as reason:
        return [unmeasured(f"collect, {what}", reason)]
    disk = instance(data)
    with tempfile.TemporaryDirectory(prefix="vmext-bench-", dir=data) as folder:
        state, agent = Path(folder, "state"), Path(folder, "agent")
        agent.mkdir()
        ours = partial(measure, collect(disk, state), expect=(_FAILURE_FOUND,))
        mine, other = pair(ours, partial(measure, _peer(disk, agent)), _QUICK_RUNS if quick else _RUNS)
        bundle = json.loads(mine.out)["bundle"]
        packed = (agent / "logs.zip").stat().st_size
        told = _tells(Path(bundle["path"]), FAILING_LINE)
        by_agent = "as well" if _tells(agent / "logs.zip", FAILING_LINE) else "not"
    return [
        Result(f"collect, {what}: processor time", mine.cpu, "s", _CPU_BOUND, other.cpu, _PEER),
        Result(f"collect, {what}: bundle", bundle["bytes"] / 1000, "kB", _BYTES_BOUND, packed / 1000, _PEER),
        Result(
            f"collect, {what}: the failing line is in the bundle",
            float(told),
            "",
            1,
            at_least=True,
            note=f"in the agent's {by_agent}",
        ),
    ]


def _check() -> None:
    if not shutil.which("waagent"):
        raise Unmeasured("the guest agent (Debian package waagent) is not installed")
    try:
        measure([*_namespace(), "true"])
    except (OSError, RuntimeError) as error:
        raise Unmeasured(f"no mount namespace can be made: {error}") from error


def _namespace() -> Command:
    """A mount namespace; without root one in which this user stands for root."""
    return ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]


def _peer(disk: Path, folder: Path) -> Command:
    return [*_namespace(), "sh", "-c", _IN_NAMESPACE, "sh", disk, folder]


def _tells(bundle: Path, line: str) -> bool:
    with zipfile.ZipFile(bundle) as archive:
        return any(line.encode() in archive.read(name) for name in archive.namelist())
