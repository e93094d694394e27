"""Who the instance is: from the metadata service's document, else from files on the disk. Unknown stays None."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from collector.discover.agent_conf import agent_folders
from collector.discover.tree import Tree
from collector.model import Identity, System

_UNIFORM = re.compile(r"^(?P<set>.+)_(?P<id>\d+)$")
_RESOURCE = re.compile(r"/virtualMachineScaleSets/(?P<set>[^/]+)/virtualMachines/(?P<id>[^/]+)", re.IGNORECASE)
_GROUP = re.compile(r"/resourceGroups/(?P<group>[^/]+)", re.IGNORECASE)
_AGENT_FOLDER = re.compile(r"GuestAgent_(\d+(?:\.\d+)+)", re.IGNORECASE)


def identify(root: Path, system: System, *, metadata: Mapping[str, Any] | None, instance: str | None) -> Identity:
    """The first source that tells a value wins: the person, the metadata service, cloud-init, the agent's files."""
    tree = Tree(root, fold=system == "windows")
    identity = Identity(system)
    if metadata:
        identity = _filled(identity, _of_compute(metadata.get("compute")), "metadata service")
    for known in (_of_cloud_init(tree), _of_agent(tree, system), _of_system(tree, system)):
        identity = _filled(identity, known, "files on the disk")
    if instance:
        identity = replace(identity, instance_name=instance, source="--instance")
    return _completed(identity)


def _filled(identity: Identity, known: Mapping[str, str | None], source: str) -> Identity:
    names = {field.name for field in fields(Identity)}
    new = {key: value for key, value in known.items() if value and key in names and getattr(identity, key) is None}
    if not new:
        return identity
    return replace(identity, **new, source=source if identity.source == "unknown" else identity.source)  # type: ignore[arg-type]


def _completed(identity: Identity) -> Identity:
    """What follows from what is known: scale set and instance id from the resource id or the name."""
    found = _RESOURCE.search(identity.resource_id or "") or _UNIFORM.match(identity.instance_name or "")
    if found and (identity.scale_set in (None, found["set"])):
        identity = replace(
            identity,
            scale_set=identity.scale_set or found["set"],
            instance_id=identity.instance_id or found["id"],
        )
    group = _GROUP.search(identity.resource_id or "")
    if group and identity.resource_group is None:
        identity = replace(identity, resource_group=group["group"])
    return identity


def _of_compute(compute: object) -> dict[str, str | None]:
    """The compute part of the instance document (Microsoft documentation, Instance Metadata Service)."""
    if not isinstance(compute, Mapping):
        return {}
    profile = compute.get("storageProfile")
    image = profile.get("imageReference") if isinstance(profile, Mapping) else None
    parts = [image.get(key) for key in ("publisher", "offer", "sku", "version")] if isinstance(image, Mapping) else []
    parts = [part for part in parts if part]
    if not parts and isinstance(image, Mapping):
        parts = [image.get("id")] if image.get("id") else []
    if not parts:
        parts = [compute[key] for key in ("publisher", "offer", "sku", "version") if compute.get(key)]
    os_profile = compute.get("osProfile")
    return {
        "instance_name": _text(compute.get("name")),
        "computer_name": _text(os_profile.get("computerName")) if isinstance(os_profile, Mapping) else None,
        "scale_set": _text(compute.get("vmScaleSetName")),
        "resource_group": _text(compute.get("resourceGroupName")),
        "resource_id": _text(compute.get("resourceId")),
        "subscription": _text(compute.get("subscriptionId")),
        "location": _text(compute.get("location")),
        "zone": _text(compute.get("zone")),
        "image": ":".join(str(part) for part in parts) or None,
        "vm_id": _text(compute.get("vmId")),
    }


def _of_cloud_init(tree: Tree) -> dict[str, str | None]:
    """cloud-init keeps the metadata document of the last boot."""
    for place in ("run/cloud-init/instance-data.json", "var/lib/cloud/instance/instance-data.json"):
        document = _json(tree, place)
        data = document.get("ds", {}) if document else {}
        meta = data.get("meta_data", {}) if isinstance(data, Mapping) else {}
        imds = meta.get("imds", {}) if isinstance(meta, Mapping) else {}
        compute = imds.get("compute") if isinstance(imds, Mapping) else None
        known = _of_compute(compute)
        if isinstance(meta, Mapping):
            known.setdefault("computer_name", _text(meta.get("local-hostname") or meta.get("local_hostname")))
            known["vm_id"] = known.get("vm_id") or _text(meta.get("instance-id") or meta.get("instance_id"))
        if any(known.values()):
            return known
    return {}


def _of_agent(tree: Tree, system: System) -> dict[str, str | None]:
    """SharedConfig.xml and the goal state: container, role instance (Azure/WALinuxAgent:common/protocol)."""
    known: dict[str, str | None] = {}
    lib = agent_folders(tree)["lib"] if system == "linux" else "WindowsAzure/Config"
    for place in (
        f"{lib}/SharedConfig.xml",
        f"{lib}/GoalState*.xml",
        f"{lib}/HostingEnvironmentConfig.xml",
        f"{lib}/*.xml",
    ):
        for path in list(tree.glob(place))[:20]:
            for element in _elements(tree, path):
                _learn(known, element)
    for path in tree.glob(f"{lib}/waagent_status*.json") if system == "linux" else ():
        aggregate = (_json(tree, path) or {}).get("aggregateStatus")
        agent = aggregate.get("guestAgentStatus") if isinstance(aggregate, Mapping) else None
        if isinstance(agent, Mapping):
            known.setdefault("agent_version", _text(agent.get("version")))
    if system == "windows":
        versions = [
            found[1] for path in tree.glob("WindowsAzure/GuestAgent_*") if (found := _AGENT_FOLDER.search(path))
        ]
        if versions:
            known["agent_version"] = max(versions, key=lambda version: [int(part) for part in version.split(".")])
    return known


def _learn(known: dict[str, str | None], element: ElementTree.Element) -> None:
    tag = element.tag.rpartition("}")[2]
    if tag == "ContainerId" and element.text:
        known.setdefault("container_id", element.text.strip())
    elif tag == "Instance" and element.get("id"):
        name = str(element.get("id"))
        known.setdefault("instance_name", name.lstrip("_") if name.startswith("_") else name)
    elif tag == "Incarnation" and element.get("instance"):
        known.setdefault("instance_name", str(element.get("instance")).lstrip("_"))


def _of_system(tree: Tree, system: System) -> dict[str, str | None]:
    """Names that the operating system itself keeps."""
    if system == "windows":
        return {}
    release = _read(tree, "etc/os-release") or _read(tree, "usr/lib/os-release") or ""
    values = dict(line.split("=", 1) for line in release.splitlines() if "=" in line)
    name = values.get("PRETTY_NAME") or " ".join(values.get(key, "") for key in ("NAME", "VERSION_ID"))
    hostname = (_read(tree, "etc/hostname") or "").strip().split("\n")[0]
    return {"os": name.replace('"', "").strip() or None, "computer_name": hostname or None}


def _elements(tree: Tree, path: str) -> Iterator[ElementTree.Element]:
    """The elements of an XML file; one that defines entities is not read at all."""
    text = _read(tree, path)
    if text is None or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return
    try:
        yield from ElementTree.fromstring(text).iter()  # noqa: S314 - files that define entities are refused above
    except ElementTree.ParseError:
        return


def _json(tree: Tree, path: str) -> dict[str, Any] | None:
    try:
        document = json.loads(_read(tree, path) or "")
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _read(tree: Tree, path: str) -> str | None:
    data = tree.read(path)
    return data.replace(b"\0", b"").decode("utf-8-sig", "replace") if data is not None else None


def _text(value: object) -> str | None:
    return str(value) if value not in (None, "") else None
