"""Who the instance is and which zone its disk is in; what nothing tells stays unknown."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from collector.discover.carrier import own_run
from collector.discover.facts import gather
from collector.discover.handler_paths import is_ours
from collector.discover.identity import identify
from collector.discover.zone import DiskZone, disk_zone, named_zone
from collector.errors import ConfigError
from collector.model import System
from collector.platforms.linux import LinuxHost

COMPUTE = {
    "name": "vmss-web_12",
    "vmScaleSetName": "vmss-web",
    "vmId": "v",
    "resourceId": "/subscriptions/s/resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachineScaleSets/vmss-web/virtualMachines/12",
    "location": "westeurope",
    "osProfile": {"computerName": "web00c"},
    "storageProfile": {"imageReference": {"publisher": "Canonical", "offer": "o", "sku": "s", "version": "1"}},
}


def put(root: Path, path: str, content: str | bytes) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def test_from_the_metadata_service(tmp_path: Path):
    identity = identify(tmp_path, "linux", metadata={"compute": COMPUTE}, instance=None)
    assert (identity.instance_name, identity.scale_set, identity.instance_id) == (
        "vmss-web_12",
        "vmss-web",
        "12",
    )
    assert (identity.resource_group, identity.image, identity.source) == (
        "rg-web",
        "Canonical:o:s:1",
        "metadata service",
    )


def test_from_files_of_cloud_init_and_the_agent(tmp_path: Path):
    put(
        tmp_path,
        "run/cloud-init/instance-data.json",
        json.dumps({"ds": {"meta_data": {"imds": {"compute": COMPUTE}}}}),
    )
    put(
        tmp_path,
        "var/lib/waagent/GoalState.4.xml",
        '<?xml version="1.0"?><GoalState><Container><ContainerId>c-1</ContainerId></Container></GoalState>',
    )
    put(tmp_path, "etc/os-release", 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\n')
    identity = identify(tmp_path, "linux", metadata=None, instance=None)
    assert (identity.instance_name, identity.container_id, identity.os) == (
        "vmss-web_12",
        "c-1",
        "Ubuntu 22.04.5 LTS",
    )
    assert identity.source == "files on the disk"


MACHINE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/db_2"


@pytest.mark.parametrize(
    ("metadata", "instance", "scale_set", "instance_id"),
    [
        (None, "vmss-web_7", "vmss-web", "7"),
        (None, "my_vm_x", None, None),
        ({"name": "db_2", "resourceId": MACHINE}, None, None, None),  # a single machine
        ({"name": "web_a1b2c3d4", "vmScaleSetName": "web", "resourceId": MACHINE}, None, "web", None),
        ({"name": "vmss-web_12"}, None, "vmss-web", "12"),
        (COMPUTE, "mine", "vmss-web", "12"),
        ({"name": 3, "storageProfile": [], "osProfile": "x", "resourceId": None}, None, None, None),
    ],
)
def test_the_scale_set_and_the_id_in_it(tmp_path: Path, metadata, instance, scale_set, instance_id):
    compute = {"compute": metadata} if metadata else None
    identity = identify(tmp_path, "linux", metadata=compute, instance=instance)
    assert (identity.scale_set, identity.instance_id) == (scale_set, instance_id)


@pytest.mark.parametrize(
    ("file", "text", "name"),
    [
        ("SharedConfig.xml", '<S><Incarnation instance="_vmss-web_12"/></S>', "vmss-web_12"),
        ("SharedConfig.xml", '<S><Incarnation instance="MachineRole_IN_0"/></S>', None),
        ("HostingEnvironmentConfig.xml", '<H xmlns="urn:x"><Incarnation instance="_web_3"/></H>', "web_3"),
        (
            "GoalState.2.xml",
            "<G><InstanceId>0f0f0f0f-1111-2222-3333-444444444444._web_3</InstanceId></G>",
            "web_3",
        ),
        ("SharedConfig.xml", "<S><Instance/></S>", None),
        ("SharedConfig.xml", "<S", None),
    ],
)
def test_the_name_in_the_agents_files(tmp_path: Path, file: str, text: str, name: str | None):
    put(tmp_path, f"var/lib/waagent/{file}", text)
    assert identify(tmp_path, "linux", metadata=None, instance=None).instance_name == name


def test_the_container_is_that_of_the_newest_goal_state(tmp_path: Path):
    for number in (2, 10):
        put(tmp_path, f"var/lib/waagent/GoalState.{number}.xml", f"<G><ContainerId>c-{number}</ContainerId></G>")
    assert identify(tmp_path, "linux", metadata=None, instance=None).container_id == "c-10"


def test_a_windows_disk_in_whatever_case_and_encoding(tmp_path: Path):
    text = '<?xml version="1.0" encoding="utf-16"?><S><Incarnation instance="_web_3"/></S>'
    put(tmp_path, "WINDOWSAZURE/config/sharedconfig.XML", text.encode("utf-16"))
    for version in ("2.7.41491.999", "2.7.41491.1057"):
        (tmp_path / f"WINDOWSAZURE/GuestAgent_{version}_2026-01-01").mkdir()
    identity = identify(tmp_path, "windows", metadata=None, instance=None)
    assert (identity.instance_name, identity.agent_version) == ("web_3", "2.7.41491.1057")
    summary = {"aggregateStatus": {"guestAgentStatus": {"version": "2.7.41491.999"}}}
    put(tmp_path, "WINDOWSAZURE/logs/aggregatestatus/AggregateStatus.json", json.dumps(summary) + "\0")
    assert identify(tmp_path, "windows", metadata=None, instance=None).agent_version == "2.7.41491.999"


def test_cloud_inits_link_to_the_instance_is_that_of_the_disk(tmp_path: Path):
    document = {"ds": {"meta_data": {"imds": {"compute": {"name": "n"}}, "local-hostname": "host", "instance-id": "i"}}}
    put(tmp_path, "var/lib/cloud/instances/i/instance-data.json", json.dumps(document))
    (tmp_path / "var/lib/cloud/instance").symlink_to("/var/lib/cloud/instances/i")
    identity = identify(tmp_path, "linux", metadata=None, instance=None)
    assert (identity.instance_name, identity.computer_name, identity.vm_id) == ("n", "host", "i")


def test_a_name_that_a_person_gives_wins(tmp_path: Path):
    assert identify(tmp_path, "linux", metadata={"compute": COMPUTE}, instance="mine").instance_name == "mine"


def test_what_nothing_tells_is_unknown(tmp_path: Path):
    identity = identify(tmp_path, "windows", metadata=None, instance=None)
    assert (identity.instance_name, identity.vm_id, identity.source) == (None, None, "unknown")


def test_xml_with_entities_is_not_read(tmp_path: Path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x><ContainerId>&b;</ContainerId></x>'
    put(tmp_path, "var/lib/waagent/SharedConfig.xml", bomb)
    assert identify(tmp_path, "linux", metadata=None, instance=None).container_id is None


@pytest.mark.parametrize("document", ["[]", "{", '{"ds": []}', '{"ds": {"meta_data": {"imds": 3}}}', "null"])
def test_broken_files_are_no_error(tmp_path: Path, document: str):
    put(tmp_path, "run/cloud-init/instance-data.json", document)
    put(tmp_path, "var/lib/waagent/waagent_status.json", document)
    assert identify(tmp_path, "linux", metadata={"compute": "x"}, instance=None).instance_name is None


SUMMER = datetime(2026, 7, 1, 12)


def hours(tz) -> float:
    offset = SUMMER.replace(tzinfo=tz).utcoffset()
    assert offset is not None
    return offset.total_seconds() / 3600


@pytest.mark.skipif(not Path("/usr/share/zoneinfo").is_dir(), reason="this machine keeps no zones as files")
def test_the_zone_by_its_name_and_by_its_bytes(tmp_path: Path):
    put(tmp_path / "a", "etc/timezone", "Asia/Tokyo\n")
    (tmp_path / "b/etc").mkdir(parents=True)
    (tmp_path / "b/etc/localtime").symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    data = next(
        Path(folder) / "Asia/Kolkata" for folder in ("/usr/share/zoneinfo",) if Path(folder).exists()
    ).read_bytes()
    put(tmp_path / "c", "etc/localtime", data)
    put(tmp_path / "d", "usr/share/zoneinfo/Mars/Olympus", data)
    put(tmp_path / "d", "etc/timezone", "Mars/Olympus\n")
    zones = {name: disk_zone(tmp_path / name, "linux") for name in "abcd"}
    assert [hours(zone.tz) for zone in zones.values()] == [9, 2, 5.5, 5.5]
    assert (zones["a"].name, zones["b"].name, zones["d"].name) == (
        "Asia/Tokyo",
        "Europe/Berlin",
        "Mars/Olympus",
    )


@pytest.mark.skipif(not Path("/usr/share/zoneinfo").is_dir(), reason="this machine keeps no zones as files")
def test_the_zone_in_force_goes_before_a_name_that_was_left_over(tmp_path: Path):
    tokyo = Path("/usr/share/zoneinfo/Asia/Tokyo").read_bytes()
    put(tmp_path, "etc/localtime", tokyo)
    put(tmp_path, "etc/timezone", "Europe/Berlin\n")
    put(tmp_path, "usr/share/zoneinfo/Europe/Berlin", Path("/usr/share/zoneinfo/Europe/Berlin").read_bytes())
    zone = disk_zone(tmp_path, "linux")
    assert (hours(zone.tz), zone.name) == (9, "/etc/localtime")
    put(tmp_path, "etc/timezone", "Asia/Tokyo\n")
    put(tmp_path, "usr/share/zoneinfo/Asia/Tokyo", tokyo)
    assert disk_zone(tmp_path, "linux").name == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("etc/sysconfig/clock", 'UTC=true\nZONE="America/New York"\n', "America/New_York"),
        ("etc/sysconfig/clock", "# ZONE=Asia/Tokyo\nTIMEZONE='America/New_York'\n", "America/New_York"),
        ("etc/default/init", "TZ=:America/New_York\n", "America/New_York"),
        pytest.param(
            "etc/TIMEZONE",
            "TZ=America/New_York\n",
            "America/New_York",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="etc/timezone is the same file on Windows"),
        ),
    ],
)
def test_the_zone_in_the_settings_of_older_systems(tmp_path: Path, path: str, text: str, name: str):
    put(tmp_path, path, text)
    zone = disk_zone(tmp_path, "linux")
    assert (zone.name, hours(zone.tz)) == (name, -4)


def test_the_link_of_the_zone_is_that_of_the_disk(tmp_path: Path):
    put(tmp_path, "data/etc/hostname", "x")
    (tmp_path / "etc").symlink_to("/data/etc")
    (tmp_path / "data/etc/localtime").symlink_to("../usr/share/zoneinfo/posix/Asia/Tokyo")
    assert disk_zone(tmp_path, "linux").name == "Asia/Tokyo"


def test_a_zone_that_no_one_knows_keeps_its_name(tmp_path: Path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/localtime").symlink_to("/usr/share/zoneinfo/Mars/Olympus")
    assert disk_zone(tmp_path, "linux") == DiskZone(None, "Mars/Olympus")


class WindowsMachine(LinuxHost):
    """A Windows machine whose drive C is a folder here."""

    system: System = "windows"

    def __init__(self, drive: Path):
        self.drive = drive

    def root(self) -> Path:
        return self.drive


def test_a_windows_disk_tells_no_zone_and_a_running_windows_its_own(tmp_path: Path):
    host = WindowsMachine(tmp_path / "C")
    assert disk_zone(tmp_path / "other", "windows", host) == DiskZone(None, None)
    assert disk_zone(tmp_path / "C", "windows") == DiskZone(None, None)  # this machine is none
    live = disk_zone(tmp_path / "C", "windows", host)
    assert live.tz is not None
    assert live.tz.utcoffset(SUMMER) == SUMMER.astimezone().utcoffset()
    assert "UTC" in (live.name or "")


def test_a_disk_that_tells_no_zone(tmp_path: Path):
    assert disk_zone(tmp_path, "linux").tz is None
    put(tmp_path, "etc/localtime", b"TZif broken")
    put(tmp_path, "etc/timezone", "../../etc/passwd\n")
    assert disk_zone(tmp_path, "linux").tz is None


@pytest.mark.parametrize(
    ("name", "offset"), [("UTC", 0), ("+05:30", 5.5), ("-0800", -8), ("Europe/Berlin", 2), ("UTC+2", 2)]
)
def test_a_zone_that_a_person_names(tmp_path: Path, name: str, offset: float):
    assert hours(named_zone(tmp_path, name)) == offset


def test_no_zone_is_a_usage_error(tmp_path: Path):
    for name in ("Mars/Olympus", "../x", "", "+99:00"):
        with pytest.raises(ConfigError, match="timezone"):
            named_zone(tmp_path, name)


def test_facts_of_this_machine():
    facts = gather(live=True, zone="UTC")
    assert facts.live
    assert facts.memory_total_bytes
    assert facts.boot_time is not None
    assert gather(live=False, zone=None).processes == ()


@pytest.mark.parametrize(
    ("command", "ours"),
    [
        ("python3 -u /usr/sbin/waagent -run-exthandlers", True),
        ("python3 -u bin/WALinuxAgent-2.15.0.1-py3.12.egg -run-exthandlers", True),
        ("/bin/sh /var/lib/waagent/custom-script/download/0/script.sh", True),
        (r"C:\Packages\Plugins\Acme.App\1.0\bin\enable.cmd", True),
        ("WindowsAzureGuestAgent.exe ", True),
        (r"C:\WindowsAzure\GuestAgent_2.7\WaAppAgent.exe", True),
        ("/usr/sbin/sshd -D", False),
        ("bash", False),
    ],
)
def test_whose_processes_are_listed(command: str, ours: bool):
    assert is_ours(command) is ours


def test_a_handlers_process_is_among_the_facts(tmp_path: Path):
    sleeper = "import time; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", sleeper, "/var/lib/waagent/P.T-1.0/bin/run", "x" * 900]) as process:
        try:
            facts = {facts.pid: facts for facts in gather(live=True, zone=None).processes}[process.pid]
        finally:
            process.kill()
    assert len(facts.command) == 300
    assert facts.memory_bytes > 0
    assert facts.started is not None
    assert facts.started.tzinfo is not None


def test_the_run_that_carries_this_process():
    environ = {
        "AZURE_GUEST_AGENT_EXTENSION_PATH": "/var/lib/waagent/Microsoft.CPlat.Core.RunCommandHandlerLinux-1.3.28",
        "ConfigSequenceNumber": "4",
        "ConfigExtensionName": "Collect",
    }
    assert own_run(environ) == ("Microsoft.CPlat.Core.RunCommandHandlerLinux", "Collect", 4)
    assert own_run({}) is None


def test_zone_names_are_real():
    assert ZoneInfo("Europe/Berlin").utcoffset(SUMMER) == timedelta(hours=2)
