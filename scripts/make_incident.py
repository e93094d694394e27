"""Writes the disk of an instance on which an extension failed, in the formats of the real agents.

usage: make_incident.py linux|windows DIR [--now ISO-TIME]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

CSE = "Microsoft.Azure.Extensions.CustomScript"
AMA = "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent"
SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"
LOCK = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1873 (unattended-upgr)"
HINT = "N: Be aware that removing the lock file is not a solution and may break your system."
GIVE_UP = "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("system", choices=["linux", "windows"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--now", help="time of the incident's end; by default 20 minutes ago")
    options = parser.parse_args()
    now = datetime.fromisoformat(options.now.replace("Z", "+00:00")) if options.now else None
    end = (now or datetime.now(timezone.utc) - timedelta(minutes=20)).astimezone(timezone.utc).replace(microsecond=0)
    (linux if options.system == "linux" else windows)(options.folder, end)


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())


# ---- Linux: Custom Script meets the package lock of the first-boot upgrade ------------------------------


def linux(root: Path, end: datetime) -> None:
    """A scale-set instance; Custom Script fails with exit code 100, the monitor agent beside it is well."""

    def at(seconds: float) -> str:
        return (end + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"

    def whole(seconds: float) -> str:
        return (end + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    put(root, "etc/hostname", "vmssweb00000c\n")
    put(root, "etc/timezone", "Etc/UTC\n")
    put(root, "etc/os-release", 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\n')
    put(root, "run/cloud-init/instance-data.json", json.dumps(_cloud_init(), indent=1))
    put(root, "var/lib/waagent/SharedConfig.xml", _shared_config())
    put(root, "var/log/waagent.log", _agent_log(at))
    put(root, f"var/log/azure/{CSE}/CommandExecution.log", "\n".join(_cse_commands(at)) + "\n")
    put(root, f"var/log/azure/{CSE}/handler.log", _handler_log(whole))
    put(root, f"var/log/azure/{AMA}/extension.log", _monitor_log(end))
    home = f"var/lib/waagent/{CSE}-2.1.19"
    put(root, f"{home}/config/HandlerState", "Enabled")
    put(root, f"{home}/config/HandlerStatus", _ready(CSE, "2.1.19"))
    put(root, f"{home}/config/3.settings", _settings())
    put(root, f"{home}/HandlerEnvironment.json", _environment(CSE, "2.1.19"))
    put(root, f"{home}/status/3.status", _status(whole(0)))
    put(
        root,
        "var/lib/waagent/custom-script/download/3/stdout",
        "== web tier: installing nginx\nReading package lists...\n",
    )
    put(root, "var/lib/waagent/custom-script/download/3/stderr", f"{LOCK}\n{HINT}\n{GIVE_UP}\n")
    home = f"var/lib/waagent/{AMA}-1.35.1"
    put(root, f"{home}/config/HandlerState", "Enabled")
    put(root, f"{home}/config/HandlerStatus", _ready(AMA, "1.35.1"))
    put(root, f"{home}/status/0.status", _monitor_status(whole(-200)))


def _cloud_init() -> dict[str, object]:
    resource = (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-web/providers/Microsoft.Compute"
        "/virtualMachineScaleSets/vmss-web/virtualMachines/12"
    )
    compute = {
        "name": "vmss-web_12",
        "vmScaleSetName": "vmss-web",
        "vmId": "5f9d2c1e-7a42-4a53-9a0b-2f1f0c6d7e88",
        "resourceId": resource,
        "resourceGroupName": "rg-web",
        "subscriptionId": SUBSCRIPTION,
        "location": "westeurope",
        "zone": "2",
        "osProfile": {"computerName": "vmssweb00000c"},
        "storageProfile": {
            "imageReference": {
                "publisher": "Canonical",
                "offer": "0001-com-ubuntu-server-jammy",
                "sku": "22_04-lts-gen2",
                "version": "22.04.202610140",
            }
        },
    }
    return {"ds": {"meta_data": {"imds": {"compute": compute}}}}


def _shared_config() -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<SharedConfig version="1.0.0.0" goalStateIncarnation="7">\n'
        '  <Instances><Instance id="vmss-web_12" address="10.4.0.16"/></Instances>\n</SharedConfig>\n'
    )


def _agent_log(at: Callable[[float], str]) -> str:
    goal = (
        "ProcessExtensionsGoalState started [incarnation_7 channel: WireServer source: Fabric "
        f"activity: d83c3e23-e975-4a45-9ec0-0432a524d42c correlation 6b6b03f2-d867-4c0e-8835-72454d96508f created: {at(-14)}]"
    )
    states = f"[('{CSE}', 'error'), ('{AMA}', 'success')]"
    package = f"https://stcontoso.blob.core.windows.net/ext/{CSE}__2.1.19.zip?sv=2022-11-02&sr=b&sig=Zm9ybHVsYWNlYm8%2BZGVtbw%3D%3D"
    lines = [
        f"{at(-240)} INFO ExtHandler ExtHandler Azure Linux Agent (Goal State Agent version 2.15.0.1)",
        f"{at(-240)} INFO ExtHandler ExtHandler OS: ubuntu 22.04",
        f"{at(-239.5)} WARNING EnvHandler ExtHandler Dhcp client is not running.",
        f"{at(-239)} INFO ExtHandler ExtHandler WALinuxAgent-2.15.0.1 running as process 742",
        f"{at(-205)} INFO ExtHandler [{AMA}-1.35.1] Enable extension: [./shim.sh -enable]",
        f"{at(-202)} INFO ExtHandler [{AMA}-1.35.1] Command: ./shim.sh -enable\n[stdout]\nerror counters: 0, failed probes: 0\n[stderr]",
        f"{at(-13.5)} INFO ExtHandler ExtHandler {goal}",
        f"{at(-13.4)} INFO ExtHandler ExtHandler Downloading extension package: {package}",
        *_cse_commands(at),
        f"{at(0.9)} INFO ExtHandler ExtHandler ProcessExtensionsGoalState completed [incarnation_7 14137 ms]",
        f"{at(0.95)} INFO ExtHandler ExtHandler Extension status: {states}",
        f"{at(1)} INFO ExtHandler ExtHandler All extensions in the goal state have reached a terminal state: {states}",
        f"{at(2)} INFO ExtHandler ExtHandler [HEARTBEAT] Agent WALinuxAgent-2.15.0.1 is running as the goal state agent",
    ]
    return "\n".join(lines) + "\n"


def _cse_commands(at: Callable[[float], str]) -> list[str]:
    prefix = f"INFO ExtHandler [{CSE}-2.1.19]"
    environment = '{"AZURE_GUEST_AGENT_UNINSTALL_CMD_EXIT_CODE": "NOT_RUN", "ConfigSequenceNumber": "3"}'
    return [
        f"{at(-13)} {prefix} Target handler state: enabled [incarnation_7]",
        f"{at(-12.9)} {prefix} Update settings file: 3.settings",
        f"{at(-11)} {prefix} Enable extension: [bin/custom-script-shim enable]",
        f"{at(-10.9)} {prefix} Executing command: /var/lib/waagent/{CSE}-2.1.19/bin/custom-script-shim enable"
        f" with environment variables: {environment}",
        f"{at(-8.8)} {prefix} Command: bin/custom-script-shim enable\n[stdout]\nWriting a placeholder status file\n[stderr]",
    ]


def _handler_log(whole: Callable[[float], str]) -> str:
    def line(seconds: float, rest: str) -> str:
        return f"time={whole(seconds)} version=v2.1.19/git@56a1e6f-clean operation=enable seq=3 {rest}"

    output = "output=/var/lib/waagent/custom-script/download/3"
    return "\n".join(
        [
            f"+ nohup /var/lib/waagent/{CSE}-2.1.19/bin/custom-script-extension enable",
            line(-10, "event=start"),
            line(-10, 'event="seqnum saved" path=mrseq'),
            line(-9, f'event="executing command" {output}'),
            line(-9, f'event="executing public commandToExecute" {output}'),
            line(0, f'event="failed to execute command" error=null {output}'),
            line(0, 'event="enable failed"'),
            line(
                0,
                'event="failed to handle" error="failed to execute command: command terminated with exit status=100"',
            ),
            "",
        ]
    )


def _monitor_log(end: datetime) -> str:
    stamp = (end - timedelta(seconds=204)).strftime("%Y/%m/%d %H:%M:%S")
    return f"{stamp} [{AMA}-1.35.1] Enable,success,0,Enable succeeded\n"


def _ready(extension: str, version: str) -> str:
    status = {
        "name": extension,
        "version": version,
        "status": "Ready",
        "code": 0,
        "message": "Plugin enabled",
    }
    return json.dumps({**status, "supports_multi_config": False, "extension_status": None})


def _settings() -> str:
    public = {"commandToExecute": "./web-tier.sh --admin-password=NotARealPassword1"}
    return json.dumps({"runtimeSettings": [{"handlerSettings": {"publicSettings": public}}]})


def _environment(extension: str, version: str) -> str:
    home = f"/var/lib/waagent/{extension}-{version}"
    folders = {
        "logFolder": f"/var/log/azure/{extension}",
        "configFolder": f"{home}/config",
        "statusFolder": f"{home}/status",
    }
    return json.dumps([{"name": extension, "version": 1.0, "handlerEnvironment": folders}])


def _status(stamp: str) -> str:
    failed = "failed to execute command: command terminated with exit status=100"
    message = f"{failed}\n[stdout]\n== web tier: installing nginx\n\n[stderr]\n{LOCK}\n{HINT}\n{GIVE_UP}\n: {failed}"
    status = {
        "operation": "Enable",
        "status": "error",
        "formattedMessage": {"lang": "en", "message": message},
        "substatus": [{"name": "ErrorClarification", "status": "error", "code": 2}],
    }
    return json.dumps([{"version": 1, "timestampUTC": stamp, "status": status}], indent="\t")


def _monitor_status(stamp: str) -> str:
    message = {"lang": "en-US", "message": "Enable succeeded"}
    status = {
        "name": AMA,
        "operation": "Enable",
        "status": "success",
        "code": "0",
        "formattedMessage": message,
    }
    return json.dumps([{"version": "1.0", "timestampUTC": stamp, "status": status}])


# ---- Windows: an installer that waits for ever -----------------------------------------------------------


def windows(root: Path, end: datetime) -> None:
    """An instance on which the agent killed the installation of an extension after 15 minutes."""

    def at(seconds: float) -> str:
        return (end + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    plugin, version = "Contoso.Security.EndpointGuard", "4.2.0.7"
    command = rf"C:\Packages\Plugins\{plugin}\{version}\bin\install.cmd"
    health = "Microsoft.ManagedServices.ApplicationHealthWindows"
    lines = [
        f"[00000007] {at(-1100)} [INFO]  Goal state started, incarnation 12.",
        f"[00000007] {at(-1090)} [INFO]  plugin (name: {health}, version: 2.0.12) enabled successfully., Code: 0",
        f"[00000009] {at(-902)} [INFO]  Beginning installation of plugin {plugin}.",
        f"[00000009] {at(-900)} [INFO]  Waiting for command {command} of plugin (name {plugin} version {version}) to finish...",
        f"[00000012] {at(-300)} [HEART] WindowsAzureGuestAgent Heartbeat.",
        f"[00000009] {at(0)} [ERROR] Install command of {plugin} has not exited on time! Killing it...",
        f"[00000009] {at(0.4)} [WARN]  Install failed for plugin (name: {plugin}, version {version})"
        f" with exception Install command of {plugin} has not exited on time, Code: 1007",
        f"[00000012] {at(60)} [HEART] WindowsAzureGuestAgent Heartbeat.",
    ]
    put(root, "WindowsAzure/Logs/WaAppAgent.log", "\r\n".join(lines) + "\r\n")
    log = [
        f"[{at(-899)}] Executing: {command}",
        f"[{at(-897)}] Starting msiexec /i EndpointGuard.msi /qn",
        f"[{at(-896)}] Another installation is in progress; waiting for it to end",
    ]
    put(root, f"WindowsAzure/Logs/Plugins/{plugin}/{version}/CommandExecution.log", "\r\n".join(log) + "\r\n")
    put(root, f"Packages/Plugins/{plugin}/{version}/HandlerEnvironment.json", "[{}]")
    message = {"lang": "en-US", "message": "Application found to be healthy"}
    status = {
        "name": health,
        "operation": "enable",
        "status": "success",
        "code": 0,
        "formattedMessage": message,
    }
    put(
        root,
        f"Packages/Plugins/{health}/2.0.12/Status/1.status",
        json.dumps([{"version": "1.0", "timestampUTC": at(-1080), "status": status}]),
    )
    (root / "WindowsAzure/GuestAgent_2.7.41491.1172_2026-10-02_081530").mkdir(parents=True, exist_ok=True)


if __name__ == "__main__":
    main()
