"""What is told of the set as a whole: its model (`az vmss show`) and its own instance view, which only counts."""

from __future__ import annotations

from typing import cast

from collector.fleet.az_output import ids, states
from collector.fleet.az_output.tree import Node, first, node, nodes, text
from collector.fleet.scale_set import Orchestration, ScaleSet, StateCount, UpgradePolicy

_POLICIES = ("Manual", "Automatic", "Rolling")


def is_summary(entry: Node) -> bool:
    """Whether the object is the instance view of a set."""
    return "statusesSummary" in node(entry.get("virtualMachine")) or any(
        "statusesSummary" in extension for extension in nodes(entry.get("extensions"))
    )


def is_model(entry: Node) -> bool:
    """Whether the object is a set with its model."""
    return "virtualMachineProfile" in entry or "upgradePolicy" in entry


def counts(entry: Node) -> tuple[StateCount, ...]:
    """On how many instances each extension has which state."""
    return tuple(
        StateCount(name, states.of_code(text(status.get("code")) or "") or "unknown", _count(status.get("count")))
        for extension in nodes(entry.get("extensions"))
        if (name := text(extension.get("name")))
        for status in nodes(extension.get("statusesSummary"))
    )


def model(entry: Node) -> ScaleSet:
    """The set without instances."""
    place = ids.parse(entry.get("id"))
    mode = (text(entry.get("orchestrationMode")) or "uniform").lower()
    policy = (first(node(entry.get("upgradePolicy")), "mode") or "").capitalize()
    return ScaleSet(
        name=text(entry.get("name")) or (place.scale_set if place else None),
        resource_group=text(entry.get("resourceGroup")) or (place.group if place else None),
        subscription=place.subscription if place else None,
        orchestration=cast(Orchestration, mode) if mode in ("uniform", "flexible") else "uniform",
        upgrade_policy=cast(UpgradePolicy, policy) if policy in _POLICIES else None,
    )


def _count(value: object) -> int:
    told = text(value) or ""
    return int(told) if ids.is_number(told) else 0
