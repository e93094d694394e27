"""Machines and extensions as the service and `az` write them: a scale set's model, a machine, one extension. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from collector.diagnose.lint.values import HOLE, UNKNOWN, Extension, Machine, Place, known
from collector.model import System

_PUBLISHERS: dict[str, System] = {
    "microsoftwindowsserver": "windows",
    "microsoftwindowsdesktop": "windows",
    "microsoftvisualstudio": "windows",
    "canonical": "linux",
    "redhat": "linux",
    "suse": "linux",
    "openlogic": "linux",
    "debian": "linux",
    "credativ": "linux",
    "oracle": "linux",
    "almalinux": "linux",
    "rockylinux": "linux",
    "coreos": "linux",
}


def extension_of(name: str, body: Mapping[str, Any], at: Place, whole: bool = True) -> Extension:
    """`body`: the properties of an extension, with the type that `az` calls typePropertiesType or type1."""
    kind = next((body[key] for key in ("typePropertiesType", "type1", "type") if isinstance(body.get(key), str)), "")
    publisher = body.get("publisher")
    parts = [known(part) for part in (publisher, kind)]
    handler = f"{parts[0]}.{parts[1]}" if all(parts) and "/" not in kind else ""
    return Extension(name, handler, body, at, whole=whole)


def machine_of(
    kind: Literal["vm", "vmss", "arc", ""], name: str, body: Any, at: Place, whole: bool = True, extra: Any = None
) -> Machine:
    """`extra`: extensions that stand beside the properties, as `az vm show` prints them."""
    if not isinstance(body, dict):
        return Machine(kind, name, at)
    profile = body.get("virtualMachineProfile") if kind == "vmss" else body
    inner = profile if isinstance(profile, dict) else {}
    place: Place = (*at, "virtualMachineProfile") if kind == "vmss" else at
    listed = inner.get("extensionProfile")
    extensions: Any = []
    complete = listed is not UNKNOWN and profile is not UNKNOWN
    if isinstance(listed, dict):
        extensions, place = listed.get("extensions"), (*place, "extensionProfile", "extensions")
    elif isinstance(extra, list):
        extensions, place = extra, (*at, "resources")
    complete = complete and extensions is not UNKNOWN and UNKNOWN not in (extensions or ())
    found = extensions_of(extensions, place, whole)
    return Machine(kind, name, at, body, system_of(inner), found, complete=complete)


def extensions_of(values: Any, at: Place, whole: bool) -> tuple[Extension, ...]:
    """Extensions of a list, flat as `az` prints them or with their properties inside."""
    found = []
    for number, value in enumerate(values if isinstance(values, list) else ()):
        if not isinstance(value, dict):
            continue
        name = str(value.get("name") or f"extension {number + 1}").replace(HOLE, "")
        inner = value.get("properties")
        if isinstance(inner, dict):
            found.append(extension_of(name, inner, (*at, number, "properties"), whole))
        elif value.get("publisher") is not None:
            found.append(extension_of(name, value, (*at, number), whole))
    return tuple(found)


def system_of(profile: Mapping[str, Any]) -> System | None:
    """Linux or Windows, if all that is said of it agrees."""
    os_profile, storage = _inner(profile, "osProfile"), _inner(profile, "storageProfile")
    says: set[System] = set()
    if isinstance(os_profile.get("linuxConfiguration"), dict):
        says.add("linux")
    if isinstance(os_profile.get("windowsConfiguration"), dict):
        says.add("windows")
    disk = str(_inner(storage, "osDisk").get("osType") or "").casefold()
    if disk in ("linux", "windows"):
        says.add("linux" if disk == "linux" else "windows")
    publisher = _PUBLISHERS.get(str(_inner(storage, "imageReference").get("publisher") or "").casefold())
    if publisher:
        says.add(publisher)
    return says.pop() if len(says) == 1 else None


def _inner(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}
