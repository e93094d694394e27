"""Commands that can be pasted, with the set's own names where they are known, else placeholders in capitals.

Flags by Microsoft's reference of `az vmss extension`, `az vm extension`, `az vmss` and `az aks nodepool`
(MicrosoftDocs/azure-docs-cli).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from collector.model import Failure, Identity

#: Handlers that run what the user wrote: their exit code is the script's.
SCRIPT_EXTENSIONS = frozenset(
    {
        "Microsoft.Azure.Extensions.CustomScript",
        "Microsoft.Compute.CustomScriptExtension",
        "Microsoft.OSTCExtensions.CustomScriptForLinux",
        "Microsoft.CPlat.Core.RunCommandLinux",
        "Microsoft.CPlat.Core.RunCommandWindows",
        "Microsoft.CPlat.Core.RunCommandHandlerLinux",
        "Microsoft.CPlat.Core.RunCommandHandlerWindows",
    }
)
#: Operations of the handler itself, in which no script runs.
_BEFORE_SCRIPTS = frozenset({"Install", "Update", "Disable", "Uninstall"})
#: A set that Azure Kubernetes Service made: aks-pool1-30771204-vmss, or aksnpwin for Windows pools.
_AKS_SET = re.compile(r"aks-(?P<pool>[a-z0-9]+)-\d+-vmss|aks(?P<windows>[a-z0-9]{1,6})", re.IGNORECASE)
#: Settings are never given back by the platform, and protected ones can't be read from the instance.
_SETTINGS = "--settings @settings.json --protected-settings @protected.json"
_NEVER_BACK = "  # protected settings are never given back: write them anew"
_MANUAL = "  # only if the upgrade policy is Manual"


@dataclass(frozen=True, slots=True)
class _Names:
    group: str
    set: str | None
    instance: str
    machine: str


def is_script(extension: str) -> bool:
    """Whether the extension runs a script of the user."""
    return extension in SCRIPT_EXTENSIONS


def is_scripts_end(failure: Failure) -> bool:
    """Whether it is the user's script that ended: it runs when the extension is enabled, never before."""
    return is_script(failure.extension) and failure.operation not in _BEFORE_SCRIPTS


def run_again(failure: Failure, identity: Identity) -> tuple[str, ...]:
    """Runs the extension once more, without taking it off."""
    if "RunCommand" in failure.extension:
        return ()  # a Run Command is asked for anew, not set again
    if pool := _aks_pool(identity):
        return _node_anew(pool, identity)
    return (_set(failure, identity, "--force-update"), *_update(identity))


def reinstall(failure: Failure, identity: Identity) -> tuple[str, ...]:
    """Takes the extension off and puts it on again."""
    if "RunCommand" in failure.extension:
        return ()
    if pool := _aks_pool(identity):
        return _node_anew(pool, identity)
    return (_delete(identity), *_update(identity), _set(failure, identity), *_update(identity))


def reimage(failure: Failure, identity: Identity) -> tuple[str, ...]:
    """Makes this one instance anew; never the whole set, which is what the command does without ids."""
    names = _names(identity)
    if pool := _aks_pool(identity):
        return _node_anew(pool, identity)
    if names.set:
        return (f"az vmss reimage -g {names.group} -n {names.set} --instance-ids {names.instance}",)
    return ()


def _set(failure: Failure, identity: Identity, *flags: str) -> str:
    publisher, _, kind = failure.extension.rpartition(".")
    version = ".".join((failure.version or "").split(".")[:2])
    common = [f"--publisher {shlex.quote(publisher)} -n {shlex.quote(kind)}"]
    common += [f"--version {shlex.quote(version)}"] if version else []
    names = _names(identity)
    where = f"az vmss extension set -g {names.group} --vmss-name {names.set}"
    if not names.set:
        where = f"az vm extension set -g {names.group} --vm-name {names.machine}"
    return " ".join([where, *common, *flags, _SETTINGS]) + _NEVER_BACK


def _delete(identity: Identity) -> str:
    """The name in the model is not on the disk: the platform gives the handler only publisher and type."""
    names = _names(identity)
    if names.set:
        listed = f"az vmss extension list -g {names.group} --vmss-name {names.set} -o table"
        return f"az vmss extension delete -g {names.group} --vmss-name {names.set} -n NAME-IN-THE-MODEL  # {listed}"
    listed = f"az vm extension list -g {names.group} --vm-name {names.machine} -o table"
    return f"az vm extension delete -g {names.group} --vm-name {names.machine} -n NAME-IN-THE-MODEL  # {listed}"


def _update(identity: Identity) -> tuple[str, ...]:
    """Brings the model to this one instance, where the set's upgrade policy is Manual."""
    names = _names(identity)
    if not names.set:
        return ()
    return (f"az vmss update-instances -g {names.group} -n {names.set} --instance-ids {names.instance}{_MANUAL}",)


def _aks_pool(identity: Identity) -> str | None:
    """The node pool that the instance belongs to; its scale set must only be changed through the cluster."""
    found = _AKS_SET.fullmatch(identity.scale_set or "")
    if found is None or not (identity.resource_group or "MC_").upper().startswith("MC_"):
        return None
    return found["pool"] or found["windows"]


def _node_anew(pool: str, identity: Identity) -> tuple[str, ...]:
    """Replaces this one node through the cluster, once the cause is corrected; a node is named like its computer."""
    node = shlex.quote(identity.computer_name.lower()) if identity.computer_name else "NODE"
    return (
        f"kubectl drain {node} --ignore-daemonsets --delete-emptydir-data"
        "  # the set belongs to AKS: never change it or its instances directly",
        f"az aks nodepool delete-machines -g CLUSTER-GROUP --cluster-name CLUSTER -n {shlex.quote(pool)} "
        f"--machine-names {node}  # then az aks nodepool scale back to the number before",
    )


def _names(identity: Identity) -> _Names:
    def told(name: str | None, placeholder: str) -> str:
        return shlex.quote(name) if name else placeholder

    return _Names(
        told(identity.resource_group, "RESOURCE-GROUP"),
        told(identity.scale_set, "") or None,
        told(identity.instance_id, "INSTANCE-ID"),
        told(identity.instance_name or identity.computer_name, "INSTANCE"),
    )
