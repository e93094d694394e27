"""What files of a disk say of its machine as a whole, for the checks of practices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from collector.diagnose.practices.material import Machine, Operation, Text
from collector.discover.agent_conf import agent_settings
from collector.discover.tree import Tree
from collector.model import System

_FILE_BYTES = 131_072
_PENDING = "Windows/System32/Configuration/Pending.mof"


def surroundings(tree: Tree, system: System, operations: Iterable[Operation]) -> Machine:
    """A few small files; what is not there stays None."""
    if system == "windows":
        dsc = any(one.extension.lower() == "microsoft.powershell.dsc" for one in operations)
        return Machine(pending_configuration=_written(tree, _PENDING) if dsc else None)
    run_as = any(one.settings and "runAsUser" in one.settings.public for one in operations)
    people = _text(tree, "etc/passwd") if run_as else None
    network = [(path, _text(tree, path)) for path in tree.glob("etc/netplan/*.yaml")]
    cloud = "var/lib/cloud/data"
    current, before = (_text(tree, f"{cloud}/{name}") for name in ("instance-id", "previous-instance-id"))
    return Machine(
        agent_settings=agent_settings(tree),
        network=tuple(Text(path, "log", text) for path, text in network if text is not None),
        users=frozenset(line.split(":", 1)[0] for line in people.splitlines()) if people is not None else None,
        instance_id=current.strip() if current else None,
        instance_id_before=before.strip() if before else None,
        instance_id_time=_written(tree, f"{cloud}/instance-id") if before else None,
    )


def _text(tree: Tree, path: str) -> str | None:
    data = tree.read(path, _FILE_BYTES)
    return data.decode("utf-8-sig", "replace") if data is not None else None


def _written(tree: Tree, path: str) -> datetime | None:
    file = tree.resolve(path)
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, timezone.utc) if file is not None else None
    except (OSError, OverflowError, ValueError):
        return None
