"""A small site as a support engineer meets it: a scale set that fails, others that hang, and one that is well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.collecting import collect, failing_disk
from tests.endpoint.made import varied

SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"
SCRIPT = "Microsoft.Azure.Extensions.CustomScript"
HEALTH = "Microsoft.ManagedServices.ApplicationHealthLinux"
MONITOR = "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent"
GUARD = "Contoso.Security.EndpointGuard"
DSC = "Microsoft.Powershell.DSC"
_OLD = "Canonical:0001-com-ubuntu-server-jammy:22_04-lts-gen2:22.04.202609200"
_NEW = "Canonical:0001-com-ubuntu-server-jammy:22_04-lts-gen2:22.04.202611180"
_WINDOWS = "MicrosoftWindowsServer:WindowsServer:2022-datacenter-g2:20348.4171.250903"
MISSING: dict[str, Any] = {
    "id": "script-002-command-missing",
    "title": "a command is missing",
    "extension": SCRIPT,
    "version": "2.1.19",
    "exit_code": 127,
    "owner": "guest",
    "message": "/var/lib/waagent/custom-script/download/3/script.sh: line 14: jq: command not found",
    "meaning": "A command that the script or the handler calls is not installed, or not on the path of the system's "
    "user.",
    "remedy": "Install it first, or call it with its full path.",
}
REPOSITORY: dict[str, Any] = {
    "id": "package-002-repository",
    "title": "package or repository not available",
    "extension": MONITOR,
    "version": "1.33.4",
    "operation": "Install",
    "exit_code": 52,
    "owner": "network",
    "message": "E: Failed to fetch https://packages.microsoft.com/ubuntu/22.04/prod/dists/jammy/InRelease",
}
GUARD_HANGS: dict[str, Any] = {
    "id": "handler-001-over-time",
    "kind": "hang",
    "title": "time limit passed",
    "extension": GUARD,
    "version": "4.2.0.7",
    "operation": "Install",
    "exit_code": None,
    "owner": "extension",
    "message": "Install command of Contoso.Security.EndpointGuard has not exited on time! Killing it...",
}
DSC_FAILS: dict[str, Any] = {
    "id": "dsc-003-module-missing",
    "title": "a DSC module is missing",
    "extension": DSC,
    "version": "2.83.5",
    "exit_code": 1,
    "owner": "script",
    "message": "Could not find the module '<xWebAdministration, 3.3.0>'.",
}


def bundles(folder: Path, *, healthy: int = 60) -> Iterator[Path]:
    """Archives, one for each instance that reports. `healthy`: instances of the set that is well."""
    base = Path(collect(failing_disk(folder / "disk"), folder / "state").json["bundle"]["path"])
    made = folder / "made"
    made.mkdir()
    for told in instances(healthy=healthy):
        yield varied(base, made, **told)


def instances(*, healthy: int = 60) -> Iterator[dict[str, Any]]:
    """What `varied` is told of each."""
    yield from (*_web(), *_api(), *_data(), *_batch(healthy), *_lone())


def listing(scale_set: str = "vmss-web", instances: int = 43) -> str:
    """What `az vmss list-instances` prints of it: more instances than report."""
    place = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-{scale_set[5:]}/providers/Microsoft.Compute"
    return json.dumps(
        [
            {
                "id": f"{place}/virtualMachineScaleSets/{scale_set}/virtualMachines/{number}",
                "instanceId": str(number),
                "name": f"{scale_set}_{number}",
                "latestModelApplied": number < 41,
                "provisioningState": "Failed" if 3 <= number < 41 else "Creating" if number == 42 else "Succeeded",
                "osProfile": {"computerName": f"{scale_set.replace('-', '')}{number:06}"},
                "resources": [
                    {
                        "id": f"{place}/virtualMachineScaleSets/{scale_set}/virtualMachines/{number}/extensions/setup",
                        "name": "setup",
                        "publisher": "Microsoft.Azure.Extensions",
                        "virtualMachineExtensionType": "CustomScript",
                        "typeHandlerVersion": "2.1",
                        "provisioningState": "Failed" if 3 <= number < 41 else "Succeeded",
                    }
                ],
            }
            for number in range(instances)
        ]
    )


def _web() -> Iterator[dict[str, Any]]:
    """40 report: CustomScript fails on the 37 with the new image; on two of these the monitoring agent as well."""
    for number in range(40):
        is_old = number < 3
        failed = [] if is_old else [MISSING | _at(10, 2 + number // 10, number)]
        if number in (17, 31):
            failed.append(REPOSITORY | _at(10, 20, number))
        states = {HEALTH: ("success", "2.0.14")}
        if is_old:
            states[SCRIPT] = ("success", "2.1.19")
        if number not in (17, 31):
            states[MONITOR] = ("success", "1.33.4")
        yield _linux(
            "vmss-web", number, _OLD if is_old else _NEW, f"2026-11-26T10:{25 + number // 10}:{number:02}Z"
        ) | {
            "findings": failed,
            "states": states,
        }


def _api() -> Iterator[dict[str, Any]]:
    """12 with Windows: 4 hang, one fails, 7 are well."""
    for number in range(12):
        failed = (
            [GUARD_HANGS | _at(9, 47, number)] if number < 4 else [DSC_FAILS | _at(8, 12, 40)] if number == 9 else []
        )
        states = {DSC: ("success", "2.83.5")} if number != 9 else {}
        if number >= 4:
            states[GUARD] = ("Ready", "4.2.0.7" if number < 8 else "4.1.9.0")
        yield {
            **_place("vmss-api", number),
            "system": "windows",
            "os": "Windows Server 2022 Datacenter 20348.4171",
            "image": _WINDOWS,
            "agent_version": "2.7.41491.1172",
            "created": f"2026-11-26T10:05:{number:02}Z",
            "findings": failed,
            "states": states,
        }


def _data() -> Iterator[dict[str, Any]]:
    """All six fail: no healthy one to compare with."""
    for number in range(6):
        yield _linux("vmss-data", number, _OLD, f"2026-11-25T22:14:{number:02}Z") | {
            "findings": [REPOSITORY | {"first_time": f"2026-11-25T21:58:{number:02}Z"}],
            "states": {HEALTH: ("success", "2.0.14")},
        }


def _batch(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield _linux("vmss-batch", number, _OLD, f"2026-11-26T07:{number % 60:02}:00Z") | {
            "findings": [],
            "states": {SCRIPT: ("success", "2.1.19"), HEALTH: ("success", "2.0.14"), MONITOR: ("success", "1.33.4")},
        }


def _lone() -> Iterator[dict[str, Any]]:
    for name in ("build-agent-1", "jump-host"):
        yield {
            **_linux("lone", 0, _OLD, "2026-11-24T16:40:00Z"),
            "scale_set": None,
            "instance_id": None,
            "instance_name": name,
            "computer_name": name,
            "resource_group": "rg-tools",
            "findings": [MISSING | {"first_time": "2026-11-24T16:31:00Z"}] if name == "jump-host" else [],
            "states": {HEALTH: ("success", "2.0.14")},
        }


def _linux(scale_set: str, number: int, image: str, created: str) -> dict[str, Any]:
    return {**_place(scale_set, number), "image": image, "agent_version": "2.15.0.1", "created": created}


def _place(scale_set: str, number: int) -> dict[str, Any]:
    group = f"rg-{scale_set[5:]}"
    where = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.Compute"
    return {
        "subscription": SUBSCRIPTION,
        "resource_group": group,
        "scale_set": scale_set,
        "resource_id": f"{where}/virtualMachineScaleSets/{scale_set}/virtualMachines/{number}",
        "instance_id": str(number),
        "instance_name": f"{scale_set}_{number}",
        "computer_name": f"{scale_set.replace('-', '')}{number:06}",
        "location": "westeurope",
        "zone": str(1 + number % 3),
    }


def _at(hour: int, minute: int, second: int) -> dict[str, str]:
    return {"first_time": f"2026-11-26T{hour:02}:{minute:02}:{second:02}Z"}
