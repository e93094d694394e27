"""Who the instance is and which zone its disk is in; what nothing tells stays unknown."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from collector.discover.carrier import own_run
from collector.discover.facts import gather
from collector.discover.identity import identify
from collector.discover.zone import disk_zone, named_zone
from collector.errors import ConfigError
from collector.platforms import current
from collector.platforms.azure import MetadataService

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


class Metadata(BaseHTTPRequestHandler):
    """Speaks the documented protocol: the header must be there, and an api-version."""

    def do_GET(self):
        if self.headers.get("Metadata") != "true" or "api-version=" not in self.path:
            self.send_response(400)
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"compute": COMPUTE}).encode())

    def log_message(self, *arguments):
        pass


def test_the_metadata_service_is_asked_as_documented(monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    try:
        document = MetadataService(f"http://127.0.0.1:{server.server_port}").instance()
    finally:
        server.shutdown()
        server.server_close()
    assert document == {"compute": COMPUTE}


def test_the_absence_of_the_metadata_service_is_no_error():
    assert MetadataService("http://127.0.0.1:9").instance() is None


def test_facts_of_this_machine():
    facts = gather(live=True, zone="UTC")
    assert facts.live
    assert facts.memory_total_bytes
    assert facts.boot_time is not None
    assert gather(live=False, zone=None).processes == ()


def test_the_run_that_carries_this_process():
    environ = {
        "AZURE_GUEST_AGENT_EXTENSION_PATH": "/var/lib/waagent/Microsoft.CPlat.Core.RunCommandHandlerLinux-1.3.28",
        "ConfigSequenceNumber": "4",
        "ConfigExtensionName": "Collect",
    }
    assert own_run(environ) == ("Microsoft.CPlat.Core.RunCommandHandlerLinux", "Collect", 4)
    assert own_run({}) is None


def test_this_host_gives_way_and_keeps_its_folder_private(tmp_path: Path):
    script = "from collector.platforms import current; import os; current().lower_priority(); print(os.getpriority(os.PRIO_PROCESS, 0))"
    nice = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert int(nice) >= 10
    current().make_private(tmp_path / "a/b")
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o700


def test_zone_names_are_real():
    assert ZoneInfo("Europe/Berlin").utcoffset(SUMMER) == timedelta(hours=2)
