"""Whole instances: `az vmss list-instances` without a query, `az vm list`, and extensions listed one by one."""

from __future__ import annotations

from typing import Literal

from collector.fleet.az_output import ids, states, view
from collector.fleet.az_output.ids import ResourceId
from collector.fleet.az_output.told import Told
from collector.fleet.az_output.tree import Node, node, nodes, text
from collector.fleet.scale_set import ExtensionRow, Instance

#: Keys of the extension type. The key "type" is the resource's type, except inside REST's "properties".
_TYPE_KEYS = ("virtualMachineExtensionType", "typePropertiesType", "extensionType", "type")


def is_machine(entry: Node) -> bool:
    """Whether the object is an instance or a machine with its model."""
    place = ids.parse(entry.get("id"))
    if place and place.machine and not place.extension:
        return True
    return "instanceView" in entry or ("resources" in entry and not _is_words(entry["resources"]))


def read(entry: Node) -> Told:
    """Everything that is told of it; its id is empty where nothing names it."""
    rows = tuple(row for item in nodes(entry.get("resources")) if (row := extension(item)))
    inner = node(entry.get("instanceView"))
    place = ids.parse(entry.get("id")) or _place(entry)
    flexible = _flexible(entry, place)
    profile = node(entry.get("osProfile"))
    name = text(entry.get("name"))
    computer = text(profile.get("computerName")) or text(inner.get("computerName"))
    instance = Instance(
        id=_id(entry, place, flexible) or ids.number(computer) or computer or "",
        name=name,
        computer_name=computer,
        extensions=rows,
        latest_model=latest_model(entry),
        power=_power(entry),
        system=system(entry) or of_extensions(rows),
        zone=_zone(entry),
        vm_id=text(entry.get("vmId")),
        state=states.of_word(entry.get("provisioningState")) if text(entry.get("provisioningState")) else None,
    )
    if inner:
        instance = view.apply(instance, inner)
    owner = ids.parse(node(entry.get("virtualMachineScaleSet")).get("id"))
    listed = "virtualMachineScaleSet" in entry
    return Told(
        instance=instance,
        place=place,
        scale_set=(place.scale_set if place else None) or (owner.scale_set if owner else None),
        flexible=flexible,
        in_set=bool(owner) if listed else (True if place and place.scale_set else None),
        tags=frozenset((key, text(value) or "") for key, value in node(entry.get("tags")).items()),
    )


def extension(entry: Node) -> ExtensionRow | None:
    """An extension as a resource: its provisioning state, and its own instance view where it was expanded."""
    place = ids.parse(entry.get("id"))
    name = text(entry.get("name")) or (place.extension if place else None)
    if not name or (place and not place.extension):
        return None
    name = name.rpartition("/")[2]  # some answers write MACHINE/EXTENSION
    word = next((entry[key] for key in ("provisioningState", "state", "extProvisioningState") if key in entry), None)
    kinds = [found for key in _TYPE_KEYS if (found := text(entry.get(key))) and "/" not in found]
    row = ExtensionRow(
        name=name,
        state=states.of_word(word),
        publisher=text(entry.get("publisher")),
        type=kinds[0] if kinds else None,
        version=text(entry.get("typeHandlerVersion")),
    )
    seen = view.extension({**node(entry.get("instanceView")), "name": name}) if entry.get("instanceView") else None
    return view.merged((row,), (seen,))[0] if seen else row


def latest_model(entry: Node) -> bool | None:
    """None also for an instance that got a model of its own: changing its protection alone does that, and the
    platform then says that the set's latest is not applied."""
    told = entry.get("latestModelApplied")
    if not isinstance(told, bool):
        return None
    own = str(entry.get("modelDefinitionApplied")).lower() == "virtualmachine"
    return None if own and not told else told


def system(entry: Node) -> Literal["linux", "windows"] | None:
    """As the model tells it."""
    profile = node(entry.get("osProfile"))
    disk = node(node(entry.get("storageProfile")).get("osDisk"))
    kind = str(disk.get("osType")).lower()
    if kind == "windows" or profile.get("windowsConfiguration"):
        return "windows"
    return "linux" if kind == "linux" or profile.get("linuxConfiguration") else None


def of_extensions(rows: tuple[ExtensionRow, ...]) -> Literal["linux", "windows"] | None:
    """As the types of extensions tell it: there are few that run on both."""
    kinds = " ".join(f"{row.publisher}.{row.type}" for row in rows)
    windows = "Microsoft.Compute.CustomScriptExtension" in kinds or "Powershell.DSC" in kinds or "Windows" in kinds
    linux = "Microsoft.Azure.Extensions.CustomScript" in kinds or "Linux" in kinds
    if windows == linux:
        return None
    return "windows" if windows else "linux"


def _flexible(entry: Node, place: ResourceId | None) -> bool | None:
    if entry.get("virtualMachineScaleSet"):
        return True
    number = text(entry.get("instanceId"))
    if number:
        return not ids.is_number(number)
    return place.flexible if place else None


def _id(entry: Node, place: ResourceId | None, flexible: bool | None) -> str | None:
    name = text(entry.get("name"))
    if flexible:
        return (place.machine if place else None) or name or text(entry.get("instanceId"))
    number = text(entry.get("instanceId")) or (place.machine if place else None)
    if number or not name:
        return number
    _, _, tail = name.rpartition("_")
    return tail if ids.is_number(tail) else name


def _place(entry: Node) -> ResourceId | None:
    """The extensions' ids name their instance as well."""
    found = (ids.parse(item.get("id")) for item in nodes(entry.get("resources")))
    return next((place for place in found if place and place.machine), None)


def _power(entry: Node) -> str | None:
    told = text(entry.get("powerState"))  # "VM running", of `az vm list -d`
    return told.removeprefix("VM ").lower() if told else None


def _zone(entry: Node) -> str | None:
    zones = entry.get("zones")
    return text(zones[0]) if isinstance(zones, list) and zones else None


def _is_words(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(item, str) for item in value)
