"""Whether AKS manages a set, and which cluster and node pool it belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from collector.fleet.scale_set import ScaleSet

#: Linux pools; a Windows pool's set is named aks and the pool's name, which proves nothing by itself.
_SET_NAME = re.compile(r"aks-(?P<pool>[a-z][a-z0-9]{0,11})-\d{8}-vmss", re.IGNORECASE)
_GROUP = re.compile(r"MC_(?P<rest>.+)_[a-z0-9]+", re.IGNORECASE)
_PUBLISHER = "microsoft.aks"
_EXTENSIONS = re.compile(r"vmssCSE|.*AKS(?:Linux|Windows)Billing|AKSNode", re.IGNORECASE)


def marked(scale_set: ScaleSet, tags: Mapping[str, str]) -> ScaleSet:
    """The set with what its names, tags and extensions tell of AKS."""
    named = _SET_NAME.fullmatch(scale_set.name or "")
    group = _GROUP.fullmatch(scale_set.resource_group or "")
    tagged = {key.lower(): value for key, value in tags.items() if key.lower().startswith("aks-managed-")}
    rows = [row for instance in scale_set.instances for row in instance.extensions]
    names = [row.name for row in rows if (row.publisher or "").lower() in ("", _PUBLISHER) or row.name == "vmssCSE"]
    if not (named or tagged or group or _billed(names)):
        return scale_set
    owner, cluster = _owner(group)
    cluster, owner = tagged.get("aks-managed-cluster-name") or cluster, tagged.get("aks-managed-cluster-rg") or owner
    problem = "AKS manages this scale set. Changes to the set itself are not supported: all commands go to the cluster"
    if not (cluster and owner):
        problem += ", whose name and group are in the name of the set's group, MC_GROUP_CLUSTER_REGION"
    return replace(
        scale_set,
        managed_by_aks=True,
        cluster=cluster,
        cluster_group=owner,
        problems=(*scale_set.problems, f"{problem}."),
        node_pool=tagged.get("aks-managed-poolname") or (named["pool"] if named else None),
    )


def _billed(names: Iterable[str]) -> bool:
    return any(_EXTENSIONS.fullmatch(name) for name in set(names))


def _owner(group: re.Match[str] | None) -> tuple[str | None, str | None]:
    """Resource group and cluster in MC_GROUP_CLUSTER_REGION, where underscores leave no doubt."""
    parts = group["rest"].split("_") if group else []
    return (parts[0], parts[1]) if len(parts) == 2 else (None, None)
