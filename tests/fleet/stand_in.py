"""A stand-in `az` on PATH and the real command, for stories of a scale set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.collecting import Result, vmext

SUBSCRIPTION = "5d3c1f0e-7a44-4c61-9b1e-2e8f6a7c9d10"
SET = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachineScaleSets/web"
MACHINE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachines"

FAILED = """\
VMEXT FAILED CustomScript exit 100: package manager locked
Owner  your script
Where  vmss-web_12 (computer vmssweb00000c) of vmss-web (rg-web), Ubuntu 22.04.5 LTS, agent
       2.15.0.1, westeurope zone 2
When   2026-11-24 11:52:30Z to 11:52:31Z; window 11:37:30Z to 12:07:31Z (failure in 3.status)
What   Microsoft.Azure.Extensions.CustomScript 2.1.19 enable, sequence 3
Proof  E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1873 (unattended-upgr)
       /var/lib/waagent/custom-script/download/3/stderr:1; 1 failure told by 4 sources
Cause  probably: Another apt or dpkg job holds the lock: unattended-upgrades, cloud-init, or another
       extension.
Do     Wait for the lock (apt-get -o DPkg::Lock::Timeout=600), wait for cloud-init, put extensions
       in sequence.
       az vmss extension set -g rg-web --vmss-name vmss-web --publisher Microsoft.Azure.Extensions -n CustomScript --version 2.1 --force-update --settings @settings.json
Don't  reinstall unchanged or scale out: new instances meet the same race
Others AzureMonitorLinuxAgent success
Gaps   12 of 12 sources read
Bundle 247252e2eafad389, 19 KB, delivered 12:12:30Z to https://support.example
VMEXT FAILED CustomScript exit 100; bundle 247252e2eafad389 delivered
"""
UNDELIVERED = (
    FAILED.rsplit("\nBundle", 1)[0]
    + """
Bundle 247252e2eafad389, 19 KB, NOT DELIVERED: https://support.example refused the connection
       it lies in /var/lib/vmext/spool/247252e2eafad389.zip
VMEXT FAILED CustomScript exit 100; bundle 247252e2eafad389 not delivered
"""
)
HANGING = """\
VMEXT HANGING CustomScript enable since 10:02:11Z: waits for input
Owner  your script
Cause  The script waits for input that never comes.
Do     Make it non-interactive.
Bundle 99aa52e2eafad389, 12 KB, not sent: no upload was asked for
       it lies in /var/lib/vmext/spool/99aa52e2eafad389.zip
VMEXT HANGING CustomScript enable; bundle 99aa52e2eafad389 not sent: no upload was asked for
"""
HEALTHY = """\
VMEXT HEALTHY no extension failure found
Where  vmss-web_0 of vmss-web (rg-web), Ubuntu 22.04.5 LTS, agent 2.15.0.1, westeurope zone 1
States CustomScript success
Gaps   12 of 12 sources read
Bundle 11ee52e2eafad389, 9 KB, delivered 12:12:30Z to https://support.example
VMEXT HEALTHY; bundle 11ee52e2eafad389 delivered
"""


def instance(number: int, state: str, **more: Any) -> dict[str, Any]:
    """One of az vmss list-instances."""
    own = f"{SET}/virtualMachines/{number}"
    return {
        "id": own,
        "instanceId": str(number),
        "name": f"web_{number}",
        "latestModelApplied": True,
        "location": "westeurope",
        "provisioningState": "Succeeded",
        "resourceGroup": "rg-web",
        "resources": [
            {
                "id": f"{own}/extensions/customScript",
                "name": "customScript",
                "provisioningState": state,
                "publisher": "Microsoft.Azure.Extensions",
                "typeHandlerVersion": "2.1",
                "typePropertiesType": "CustomScript",
            }
        ],
        **more,
    }


def view(power: str = "running", agent: str = "Ready") -> dict[str, Any]:
    """An instance view without extensions."""
    status = {
        "code": "ProvisioningState/succeeded",
        "displayStatus": agent,
        "level": "Info",
        "message": "",
        "time": None,
    }
    return {
        "osName": "ubuntu",
        "statuses": [{"code": f"PowerState/{power}", "displayStatus": f"VM {power}", "level": "Info"}],
        "vmAgent": {"vmAgentVersion": "2.15.0.1", "statuses": [status]},
        "extensions": None,
        "disks": [],
    }


def shown(**more: Any) -> dict[str, Any]:
    """Of az vmss show."""
    return {
        "id": SET,
        "name": "web",
        "location": "westeurope",
        "orchestrationMode": "Uniform",
        "upgradePolicy": {"mode": "Manual"},
        "automaticRepairsPolicy": None,
        "tags": {},
        "virtualMachineProfile": {
            "osProfile": {"linuxConfiguration": {"provisionVmAgent": True}},
            "storageProfile": {"osDisk": {"osType": "Linux"}},
        },
        **more,
    }


@dataclass
class Azure:
    """What the stand-in is told, and what it was asked."""

    folder: Path
    show: dict[str, Any] = field(default_factory=shown)
    instances: list[dict[str, Any]] = field(default_factory=list)
    asked: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    children: list[subprocess.Popen[str]] = field(default_factory=list)

    def environ(self) -> dict[str, str]:
        if os.name == "nt":
            pytest.skip("the stand-in is a script that Windows can't start")
        scenario = {"show": self.show, "instances": self.instances, "asked": self.asked, **self.more}
        (self.folder / "scenario.json").write_text(json.dumps(scenario))
        (self.folder / "calls").touch()
        program = self.folder / "bin" / "az"
        program.parent.mkdir(exist_ok=True)
        text = (Path(__file__).parent / "stand_in_az").read_text()
        program.write_text(f"#!{sys.executable} -IS\n" + text.split("\n", 1)[1])
        program.chmod(0o755)
        return {
            "PATH": f"{program.parent}:/usr/bin:/bin",
            "AZ_SCENARIO": str(self.folder / "scenario.json"),
            "AZ_CALLS": str(self.folder / "calls"),
        }

    def file(self) -> Path:
        file = self.folder / "instances.json"
        file.write_text(json.dumps(self.instances))
        return file

    def collect(self, *arguments: object) -> Result:
        """vmext fleet collect --execute, with short waits."""
        return vmext(
            *("fleet", "collect", self.file(), "--execute", "--pace", "0.01", *arguments), environ=self.environ()
        )

    def diagnose(self, *arguments: object) -> Result:
        return vmext(
            *("fleet", "diagnose", "-g", "rg-web", "-n", "web", "--pace", "0.01", *arguments), environ=self.environ()
        )

    def pull(self, *arguments: object) -> Result:
        return vmext(
            *("fleet", "pull", "-g", "rg-web", "-n", "web", "--pace", "0.01", *arguments), environ=self.environ()
        )

    def start(self, *arguments: object, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
        """The same, not waited for."""
        command = [sys.executable, "-m", "collector", "fleet", "collect", str(self.file()), "--execute", *arguments]
        child = subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=os.environ | self.environ(),
        )
        self.children.append(child)
        return child

    def end(self) -> None:
        """Nothing outlives a test that failed."""
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.communicate()

    # ---- what was asked ------------------------------------------------------------------------------

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]

    def calls(self, *words: str) -> list[list[str]]:
        """Arguments of the calls that hold all `words`, in their order."""
        begun = [event["args"] for event in self.events() if event["event"] == "begin"]
        return [arguments for arguments in begun if all(word in arguments for word in words)]
