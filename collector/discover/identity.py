"""Who the instance is: from the metadata service's document, else from files on the disk. Unknown stays None."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from collector.discover.identity_files import of_agent, of_cloud_init, of_compute, of_system
from collector.discover.tree import Tree
from collector.model import Identity, System
from collector.platforms import current
from collector.platforms.host import Host

_UNIFORM = re.compile(r"^(?P<set>.+)_(?P<id>\d+)$")
_RESOURCE = re.compile(r"/virtualMachineScaleSets/(?P<set>[^/]+)/virtualMachines/(?P<id>[^/]+)", re.IGNORECASE)
_GROUP = re.compile(r"/resourceGroups/(?P<group>[^/]+)", re.IGNORECASE)


def identify(
    root: Path, system: System, *, metadata: Mapping[str, Any] | None, instance: str | None, host: Host | None = None
) -> Identity:
    """The first source that tells a value wins: the person, the metadata service, cloud-init, the agent's files."""
    tree = Tree(root, fold=system == "windows")
    identity = Identity(system)
    if metadata:
        identity = _filled(identity, of_compute(metadata.get("compute")), "metadata service")
    for known in (of_cloud_init(tree), of_agent(tree, system), of_system(tree, system)):
        identity = _filled(identity, known, "files on the disk")
    identity = _filled(identity, _of_machine(root, system, host or current()), "this machine")
    if instance:
        identity = replace(identity, instance_name=instance, source="--instance")
    return _completed(identity)


def _of_machine(root: Path, system: System, host: Host) -> Mapping[str, str | None]:
    """What the running machine tells of itself, where the disk is its own."""
    if host.system != system or root.resolve() != host.root().resolve():
        return {}
    computer, name = host.names()
    return {"computer_name": computer, "os": name}


def _filled(identity: Identity, known: Mapping[str, str | None], source: str) -> Identity:
    names = {field.name for field in fields(Identity)}
    new = {key: value for key, value in known.items() if value and key in names and getattr(identity, key) is None}
    if not new:
        return identity
    return replace(identity, **new, source=source if identity.source == "unknown" else identity.source)  # type: ignore[arg-type]


def _completed(identity: Identity) -> Identity:
    """What follows from what is known: scale set and instance id from the resource id, else from the name.

    A resource id without a scale set is a single machine's, whose name may end in a number as well; only a
    name that a person gave goes before it.
    """
    by_id = _RESOURCE.search(identity.resource_id or "")
    by_name = _UNIFORM.match(identity.instance_name or "")
    found = by_name if identity.resource_id is None else by_id
    if identity.source == "--instance":
        found = by_name or by_id
    if found and (identity.scale_set or found["set"]).lower() == found["set"].lower():
        identity = replace(
            identity,
            scale_set=identity.scale_set or found["set"],
            instance_id=identity.instance_id or found["id"],
        )
    group = _GROUP.search(identity.resource_id or "")
    if group and identity.resource_group is None:
        identity = replace(identity, resource_group=group["group"])
    return identity
