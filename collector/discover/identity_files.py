"""What documents and files say of the instance's identity: metadata, cloud-init, the guest agent, the system."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from collector.discover.agent_conf import agent_folders
from collector.discover.tree import Tree
from collector.model import System

if TYPE_CHECKING:
    from xml.etree import ElementTree

_MOST_FILES = 20
_AGENT_FOLDER = re.compile(r"GuestAgent_(\d+(?:\.\d+)+)", re.IGNORECASE)
_INCARNATION = re.compile(r"(\d+)\.xml$")
_WINDOWS_SUMMARY = "WindowsAzure/Logs/AggregateStatus/aggregatestatus.json"
#: Goal states write a role instance as the deployment's id, a point and the name; agents write _name.
_DEPLOYMENT = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.", re.IGNORECASE)
#: The name of a role's n-th instance, which says nothing of the machine (MachineRole_IN_0).
_ROLE_INSTANCE = re.compile(r"_IN_\d+$", re.IGNORECASE)

Known = dict[str, "str | None"]


def of_compute(compute: object) -> Known:
    """The compute part of the instance document (Microsoft documentation, Instance Metadata Service)."""
    if not isinstance(compute, Mapping):
        return {}
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
        "image": _image(compute),
        "vm_id": _text(compute.get("vmId")),
    }


def _image(compute: Mapping[Any, Any]) -> str | None:
    """publisher:offer:sku:version, or the resource id of an image of one's own."""
    keys = ("publisher", "offer", "sku", "version")
    profile = compute.get("storageProfile")
    reference = profile.get("imageReference") if isinstance(profile, Mapping) else None
    reference = reference if isinstance(reference, Mapping) else {}
    for place in (reference, {"publisher": reference.get("id")}, compute):
        parts = [str(place[key]) for key in keys if place.get(key)]
        if parts:
            return ":".join(parts)
    return None


def of_cloud_init(tree: Tree) -> Known:
    """cloud-init keeps the metadata document of the last boot."""
    for place in ("run/cloud-init/instance-data.json", "var/lib/cloud/instance/instance-data.json"):
        meta = _mapping(_mapping(_json(tree, place).get("ds")).get("meta_data"))
        known = of_compute(_mapping(meta.get("imds")).get("compute"))
        known["computer_name"] = known.get("computer_name") or _first(meta, "local-hostname", "local_hostname")
        known["vm_id"] = known.get("vm_id") or _first(meta, "instance-id", "instance_id")
        if any(known.values()):
            return known
    return {}


def of_agent(tree: Tree, system: System) -> Known:
    """SharedConfig.xml and the goal state: container, role instance (Azure/WALinuxAgent:common/protocol)."""
    known: Known = {}
    lib = agent_folders(tree)["lib"] if system == "linux" else "WindowsAzure/Config"
    for place in ("SharedConfig.xml", "GoalState*.xml", "HostingEnvironmentConfig.xml", "*.xml"):
        for path in sorted(tree.glob(f"{lib}/{place}"), key=_incarnation, reverse=True)[:_MOST_FILES]:
            for element in _elements(tree, path):
                _learn(known, element)
    summaries = f"{lib}/waagent_status*.json" if system == "linux" else _WINDOWS_SUMMARY
    for path in tree.glob(summaries):
        agent = _mapping(_mapping(_json(tree, path).get("aggregateStatus")).get("guestAgentStatus"))
        known.setdefault("agent_version", _text(agent.get("version")))
    if not known.get("agent_version") and system == "windows":
        known["agent_version"] = _newest_agent(tree)
    return known


def _newest_agent(tree: Tree) -> str | None:
    found = [_AGENT_FOLDER.search(path) for path in tree.glob("WindowsAzure/GuestAgent_*")]
    versions = [match[1] for match in found if match]
    return max(versions, key=lambda version: [int(part) for part in version.split(".")], default=None)


def _incarnation(path: str) -> int:
    """The number of a goal state; a machine that was moved has another container in the newer one."""
    found = _INCARNATION.search(path)
    return int(found[1]) if found else -1


def _learn(known: Known, element: ElementTree.Element) -> None:
    tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    name = None
    if tag == "ContainerId" and element.text and element.text.strip():
        known.setdefault("container_id", element.text.strip())
    elif tag == "InstanceId" and element.text:
        name = element.text.strip()
    elif tag == "Instance":
        name = element.get("id")
    elif tag == "Incarnation":
        name = element.get("instance")
    name = _DEPLOYMENT.sub("", name or "").lstrip("_")
    if name and not _ROLE_INSTANCE.search(name):
        known.setdefault("instance_name", name)


def of_system(tree: Tree, system: System) -> Known:
    """Names that the operating system itself keeps."""
    if system == "windows":
        return {}
    release = _read(tree, "etc/os-release") or _read(tree, "usr/lib/os-release") or ""
    values = dict(line.split("=", 1) for line in release.splitlines() if "=" in line)
    name = values.get("PRETTY_NAME") or " ".join(values.get(key, "") for key in ("NAME", "VERSION_ID"))
    hostname = (_read(tree, "etc/hostname") or "").strip().split("\n")[0].strip()
    return {"os": name.replace('"', "").strip() or None, "computer_name": hostname or None}


def _elements(tree: Tree, path: str) -> Iterator[ElementTree.Element]:
    """The elements of an XML file; one that defines entities is not read at all."""
    text = _read(tree, path)
    if text is None or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return
    from xml.etree import ElementTree

    try:
        yield from ElementTree.fromstring(text).iter()  # noqa: S314 - files that define entities are refused above
    except (ElementTree.ParseError, ValueError):
        return


def _json(tree: Tree, path: str) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(_read(tree, path) or ""))
    except (ValueError, RecursionError):
        return {}


def _read(tree: Tree, path: str) -> str | None:
    data = tree.read(path)
    if data is None:
        return None
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if wide else "utf-8-sig", "replace").replace("\0", "")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _first(mapping: Mapping[str, Any], *keys: str) -> str | None:
    return next((text for key in keys if (text := _text(mapping.get(key)))), None)


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, (str, int, float)) and value != "" else None
