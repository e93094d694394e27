"""Answers of `az` about a scale set, made up to the forms that it gives."""

from __future__ import annotations

from typing import Any

SUBSCRIPTION = "/subscriptions/5d3c1f0e-7a44-4c61-9b1e-2e8f6a7c9d10"
COMPUTE = f"{SUBSCRIPTION}/resourceGroups/rg-web/providers/Microsoft.Compute"
Json = dict[str, Any]


def extension_id(number: object, name: str, scale_set: str = "web") -> str:
    return f"{COMPUTE}/virtualMachineScaleSets/{scale_set}/virtualMachines/{number}/extensions/{name}"


def queried(number: int, **states: str | None) -> Json:
    """One object of the article's query; a state of None is left out, as `az` does."""
    return {
        "extProvisioningState": [state for state in states.values() if state is not None],
        "extension": [extension_id(number, name) for name in states],
        "instanceId": str(number),
    }


def listed(number: int, latest: bool | None = True, scale_set: str = "web", **states: str) -> Json:
    """One object of `az vmss list-instances` without a query."""
    return {
        "id": f"{COMPUTE}/virtualMachineScaleSets/{scale_set}/virtualMachines/{number}",
        "instanceId": str(number),
        "instanceView": None,
        "latestModelApplied": latest,
        "modelDefinitionApplied": "VirtualMachineScaleSet",
        "name": f"{scale_set}_{number}",
        "osProfile": {"computerName": f"{scale_set}{number:06}", "linuxConfiguration": {"ssh": {}}},
        "provisioningState": "Failed" if "Failed" in states.values() else "Succeeded",
        "resourceGroup": "rg-web",
        "resources": [
            {
                "id": extension_id(number, name, scale_set),
                "name": name,
                "provisioningState": state,
                "publisher": "Microsoft.Azure.Extensions",
                "settings": {"commandToExecute": "deploy --token hunter2-hunter2"},
                "type": "Microsoft.Compute/virtualMachines/extensions",
                "typeHandlerVersion": "2.1",
                "typePropertiesType": "CustomScript",
            }
            for name, state in states.items()
        ],
        "zones": ["1"],
    }


def machine(name: str, scale_set: str | None = "flexy", **states: str) -> Json:
    """One object of `az vm list -d`."""
    owner = {"id": f"{COMPUTE}/virtualMachineScaleSets/{scale_set}", "resourceGroup": "rg-web"}
    return {
        "id": f"{COMPUTE}/virtualMachines/{name}",
        "name": name,
        "powerState": "VM running",
        "resourceGroup": "RG-WEB",
        "resources": [
            {
                "id": f"{COMPUTE}/virtualMachines/{name}/extensions/{extension}",
                "name": extension,
                "provisioningState": state,
                "publisher": "Microsoft.Compute",
                "type": "Microsoft.Compute/virtualMachines/extensions",
                "typeHandlerVersion": "1.10",
                "virtualMachineExtensionType": "CustomScriptExtension",
            }
            for extension, state in states.items()
        ],
        "storageProfile": {"osDisk": {"osType": "Windows"}},
        "type": "Microsoft.Compute/virtualMachines",
        "virtualMachineScaleSet": owner if scale_set else None,
    }


def view(computer: str, message: str = "", code: str = "ProvisioningState/succeeded", **changes: Any) -> Json:
    """One instance view with an extension named init."""
    status = {"code": code, "displayStatus": "x", "level": "Info", "message": message, "time": None}
    agent = {"code": "ProvisioningState/succeeded", "displayStatus": "Ready", "message": "Guest Agent is running"}
    kind = "Microsoft.Azure.Extensions.CustomScript"
    return {
        "computerName": computer,
        "extensions": [{"name": "init", "statuses": [status], "type": kind, "typeHandlerVersion": "2.1.6"}],
        "osName": "ubuntu",
        "statuses": [{"code": "PowerState/running", "displayStatus": "VM running", "time": None}],
        "vmAgent": {"extensionHandlers": [], "statuses": [agent], "vmAgentVersion": "2.9.1.1"},
        **changes,
    }
