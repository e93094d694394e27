"""Commands for a set that AKS manages: through the node pool and the cluster, never through the set itself.

What is changed on such a set directly is unsupported, and AKS takes it back or can no longer reconcile the pool.
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.fleet.advice import steps
from collector.fleet.advice.command import Command, for_each, quoted
from collector.fleet.az_output.ids import is_number
from collector.fleet.case import CaseAnswer
from collector.fleet.scale_set import Instance, ScaleSet

_LOOK = "Look at the nodes"
_REPLACE = "Replace the failed nodes"
_AGAIN = "Correct the cause, then let AKS set the nodes up again"
_KEEP = "cluster-autoscaler.kubernetes.io/scale-down-disabled"
_BASE_36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def commands(scale_set: ScaleSet, answer: CaseAnswer, source: str) -> Iterator[Command]:
    """Hold, look, collect, repair, undo; nothing where nothing failed."""
    impacted = set(answer.impacted)
    nodes = [node(scale_set, one) for one in scale_set.instances if one.id in impacted]
    pool = quoted(scale_set.node_pool or "NODE-POOL")
    group, cluster = scale_set.cluster_group or "CLUSTER-GROUP", scale_set.cluster or "CLUSTER"
    at = f"-g {quoted(group)} --cluster-name {quoted(cluster)}"
    if not nodes and not answer.spreads:
        return
    why = "keeps the cluster autoscaler from removing it"
    yield from for_each(nodes, lambda name: f"kubectl annotate node {name} {_KEEP}=true", why, "hold", steps.HOLD)
    why = "no new pods; a node that never joined the cluster is not found"
    yield from for_each(nodes, lambda name: f"kubectl cordon {name}", why, "hold", steps.HOLD)
    yield Command(f"az aks machine list {at} --nodepool-name {pool} -o table", "the pool's machines", "look", _LOOK)
    yield from for_each(nodes, lambda name: f"kubectl describe node {name}", "conditions and events", "look", _LOOK)
    if nodes:
        yield from steps.cause(scale_set, source)
    if nodes and steps.replaces(answer):
        yield from _replace(scale_set, nodes, pool, at)
        return
    text = f"az aks nodepool upgrade {at} -n {pool} --node-image-only"
    yield Command(text, "after the cause is corrected, such as egress, DNS or a firewall", "repair", _AGAIN)
    why = "where a node was not replaced: takes new pods again"
    yield from for_each(nodes, lambda name: f"kubectl uncordon {name}", why, "release", steps.UNDO)
    yield from for_each(
        nodes, lambda name: f"kubectl annotate node {name} {_KEEP}-", "takes the mark off", "release", steps.UNDO
    )


def _replace(scale_set: ScaleSet, nodes: list[str], pool: str, at: str) -> Iterator[Command]:
    flags = "--ignore-daemonsets --delete-emptydir-data"
    yield from for_each(nodes, lambda name: f"kubectl drain {name} {flags}", "moves its pods away", "repair", _REPLACE)
    text = f"az aks nodepool delete-machines {at} -n {pool} --machine-names {' '.join(map(quoted, nodes))}"
    yield Command(text, "marks and logs go with them, so there is no hold to undo", "repair", _REPLACE)
    wanted = len(scale_set.instances) if scale_set.whole else "NODE-COUNT"
    text = f"az aks nodepool scale {at} -n {pool} --node-count {wanted}"
    why = "back to the number before, if the file lists all nodes; not where the autoscaler is on"
    yield Command(text, why, "repair", _REPLACE)


def node(scale_set: ScaleSet, instance: Instance) -> str:
    """A node is named like its computer: the set's name and the instance's number in base 36."""
    if instance.computer_name:
        return instance.computer_name.lower()
    if not (scale_set.name and is_number(instance.id)):
        return instance.id
    digits, rest = "", int(instance.id)
    while rest:
        rest, digit = divmod(rest, 36)
        digits = _BASE_36[digit] + digits
    return f"{scale_set.name.lower()}{digits:0>6}"
