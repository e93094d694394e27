"""Where an error happened: resource ids, and the ways in which tools name a machine or a set."""

from __future__ import annotations

import re

from collector.diagnose.arm.values import Place

_ID = re.compile(
    r"/resourceGroups/(?P<group>[^/\s\"'\\]{1,90})/providers/(?P<type>Microsoft\.Compute/virtualMachine(?:ScaleSet)?s)"
    r"/(?P<name>[^/\s\"'\\]{1,80})(?:/virtualMachines/(?P<id>[^/\s\"'\\]{1,80}))?"
    r"(?:/(?:extensions|runCommands)/(?P<extension>[^/\s\"'\\]{1,80}))?",
    re.IGNORECASE,
)
_RESOURCE = re.compile(
    r"(?P<type>Microsoft\.Compute/virtualMachine(?:ScaleSet)?s)(?P<child>/extensions)?"
    r"[\\\"']*,?\s+(?:ResourceName:\s*|[\\\"']*resourceName[\\\"']*\s*:\s*)?"
    r"\\*[\"'](?P<name>[\w.-]{1,80})(?:/(?P<extension>[\w.-]{1,80}))?",
    re.IGNORECASE,
)
_LABELS = {
    "resource_group": re.compile(r"Resource Group(?: Name)?:?\s+\\*[\"']([\w.()-]{1,90})\\*[\"']", re.IGNORECASE),
    "scale_set": re.compile(r"scale set(?: name)?:?\s+\\*[\"']([\w.-]{1,80})\\*[\"']", re.IGNORECASE),
    "vm": re.compile(r"\b(?:VM|Virtual Machine(?: Name)?):?\s+\\*[\"']([\w.-]{1,80})\\*[\"']"),
    "extension": re.compile(r"Extension Name:?\s+\\*[\"']([\w.-]{1,80})\\*[\"']", re.IGNORECASE),
}
SETS = "Microsoft.Compute/virtualMachineScaleSets"
_MACHINES = "Microsoft.Compute/virtualMachines"
#: Looked through so far; a place stands near the beginning or the end of a text.
_MOST = 200_000


def place_in(text: str) -> Place:
    """What the text tells of the place; of several resources the one that names most."""
    text = text[:_MOST]
    ids = list(_ID.finditer(text))
    if ids:
        named = max(ids, key=lambda one: (bool(one["extension"]), bool(one["id"]), -one.start()))
        whole = named["type"].lower().endswith("scalesets")
        place = Place(
            target_type=SETS if whole else _MACHINES,
            resource_group=named["group"],
            scale_set=named["name"] if whole else "",
            instance_id=(named["id"] or "") if whole else "",
            vm="" if whole else named["name"],
            extension=named["extension"] or "",
        )
    else:
        place = _named(text)
    labels = {key: found[1] for key, pattern in _LABELS.items() if (found := pattern.search(text))}
    values = {key: getattr(place, key) or labels.get(key, "") for key in Place.__dataclass_fields__}
    if not values["target_type"] and (values["scale_set"] or values["vm"]):
        values["target_type"] = SETS if values["scale_set"] else _MACHINES
    return Place(**values)


def _named(text: str) -> Place:
    found = _RESOURCE.search(text)
    if found is None:
        return Place()
    whole = found["type"].lower().endswith("scalesets")
    return Place(
        target_type=SETS if whole else _MACHINES,
        scale_set=found["name"] if whole else "",
        vm="" if whole else found["name"],
        extension=(found["extension"] or "") if found["child"] else "",
    )
