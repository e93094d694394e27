"""A scale set's instances and their extensions, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Provisioning state of one extension on one instance, as people write it.
State = Literal["succeeded", "failed", "in-progress", "deleting", "canceled", "unknown", "agent-unresponsive"]
#: Which case of the article: nowhere failed, on some, on all, or different extensions differently.
Case = Literal["none", "some", "all", "mixed"]
Orchestration = Literal["uniform", "flexible"]
UpgradePolicy = Literal["Manual", "Automatic", "Rolling"]


@dataclass(frozen=True, slots=True)
class ExtensionRow:
    """One extension on one instance. `name` is the name in the model ("customScript"), not the type.

    It is empty where the file tells a state without telling whose: an agent that is silent, a list with holes.
    """

    name: str
    state: State
    publisher: str | None = None
    type: str | None = None  # extension type, "CustomScript"
    version: str | None = None
    message: str = ""
    exit_code: int | None = None
    since: str | None = None  # ISO 8601, as the platform gives it
    codes: tuple[str, ...] = ()  # of the instance view, "ProvisioningState/failed/1"


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance. `id` is the number in a uniform set, the machine's name in a flexible one."""

    id: str
    name: str | None = None  # web_3
    computer_name: str | None = None
    extensions: tuple[ExtensionRow, ...] = ()
    latest_model: bool | None = None  # None where the file does not tell
    power: str | None = None  # "running", "deallocated", ...
    agent: str | None = None  # guest agent's display status, "Ready", "Not Ready"
    agent_version: str | None = None
    system: Literal["linux", "windows"] | None = None
    zone: str | None = None
    vm_id: str | None = None
    state: State | None = None  # of the instance itself


@dataclass(frozen=True, slots=True)
class StateCount:
    """On how many instances an extension has a state, where the file tells numbers only."""

    extension: str
    state: State
    count: int


@dataclass(frozen=True, slots=True)
class ScaleSet:
    """What one file or answer tells. `problems` are sentences on what could not be known from it."""

    name: str | None
    resource_group: str | None
    subscription: str | None = None
    orchestration: Orchestration = "uniform"
    managed_by_aks: bool = False
    cluster: str | None = None  # AKS cluster, its resource group and node pool, where the names tell them
    upgrade_policy: UpgradePolicy | None = None
    instances: tuple[Instance, ...] = ()
    problems: tuple[str, ...] = ()
    cluster_group: str | None = None
    node_pool: str | None = None
    counts: tuple[StateCount, ...] = ()  # from the set's own instance view, which names no instance
    whole: bool = True  # the file lists the set's instances, not a single one of them
