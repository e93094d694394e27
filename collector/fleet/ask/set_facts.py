"""What `az vmss show` tells of a scale set as a whole. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from collector.errors import ConfigError
from collector.fleet.az_output import aks, machine, summary
from collector.fleet.az_output.tree import node, text
from collector.fleet.scale_set import Orchestration, ScaleSet, UpgradePolicy


@dataclass(frozen=True, slots=True)
class SetFacts:
    """None where the answer does not tell."""

    system: Literal["linux", "windows"] | None
    orchestration: Orchestration
    location: str | None
    subscription: str | None
    upgrade_policy: UpgradePolicy | None
    repairs: bool  # automatic repairs are switched on
    tags: Mapping[str, str]


def set_facts(document_text: str) -> SetFacts:
    """Raises ConfigError where the text is no answer of `az vmss show`."""
    try:
        entry = node(json.loads(document_text))
    except (ValueError, RecursionError):
        entry = {}
    model = summary.model(entry)
    if not model.subscription:
        raise ConfigError(
            f"az vmss show gave no scale set: {document_text.strip()[:80] or 'nothing'}", "Run it by hand, and look."
        )
    return SetFacts(
        system=machine.system(node(entry.get("virtualMachineProfile"))),
        orchestration=model.orchestration,
        location=text(entry.get("location")),
        subscription=model.subscription,
        upgrade_policy=model.upgrade_policy,
        repairs=node(entry.get("automaticRepairsPolicy")).get("enabled") is True,
        tags={key: text(value) or "" for key, value in node(entry.get("tags")).items()},
    )


def with_facts(scale_set: ScaleSet, facts: SetFacts) -> ScaleSet:
    """The scale set as its instances tell it, with what only the set itself knows."""
    found = replace(
        scale_set,
        subscription=scale_set.subscription or facts.subscription,
        orchestration=facts.orchestration,
        upgrade_policy=facts.upgrade_policy or scale_set.upgrade_policy,
    )
    return found if found.managed_by_aks else aks.marked(found, facts.tags)
