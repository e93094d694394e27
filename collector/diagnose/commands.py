"""Commands that can be pasted, with the set's own names where they are known."""

from __future__ import annotations

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


def is_script(extension: str) -> bool:
    """Whether the extension runs a script of the user."""
    return extension in SCRIPT_EXTENSIONS


def again(failure: Failure, identity: Identity) -> str:
    """The command that runs the extension once more; settings are placeholders, the platform never gives them back."""
    publisher, _, kind = failure.extension.rpartition(".")
    group = identity.resource_group or "RESOURCE-GROUP"
    if "RunCommand" in kind:
        return ""
    version = ".".join((failure.version or "").split(".")[:2])
    common = f"--publisher {publisher} -n {kind}" + (f" --version {version}" if version else "")
    if identity.scale_set:
        where = f"az vmss extension set -g {group} --vmss-name {identity.scale_set}"
        return f"{where} {common} --force-update --settings @settings.json"
    name = identity.instance_name or "INSTANCE"
    return f"az vm extension set -g {group} --vm-name {name} {common} --force-update --settings @settings.json"


def upgrade(identity: Identity) -> str:
    """Brings the model to one instance, where the set's upgrade policy is Manual."""
    if not identity.scale_set:
        return ""
    group = identity.resource_group or "RESOURCE-GROUP"
    number = identity.instance_id or "INSTANCE-ID"
    return (
        f"az vmss update-instances -g {group} -n {identity.scale_set} --instance-ids {number}"
        "  # only if the upgrade policy is Manual"
    )
