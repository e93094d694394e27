"""The Windows machine that we run on: its zone, its folders, and how we give way on it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from collector.data.zones import iana_name
from collector.discover.zone import disk_zone
from collector.platforms import current
from collector.platforms.local_time import MachineZone
from tests.windows.gaps import is_wine

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="needs Windows: scripts/test-windows")


def zone_in_the_registry() -> str:
    """The name by which Windows knows its zone."""
    place = r"HKLM\SYSTEM\CurrentControlSet\Control\TimeZoneInformation"
    command = ["reg", "query", place, "/v", "TimeZoneKeyName"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return told.split("REG_SZ")[1].strip()


def test_the_host_is_windows():
    host = current()
    assert host.system == "windows"
    assert (host.root() / "Windows").is_dir()
    assert host.config_file().name == "config.toml"
    assert "vmext" in host.state_dir().parts


def test_the_machines_zone_is_the_one_in_the_registry():
    """Every half hour of this year, against the zone database: the summer time of the machine's own rules."""
    iana = iana_name(zone_in_the_registry())
    assert iana is not None
    zone, known = MachineZone(), ZoneInfo(iana)
    start = datetime(datetime.now(timezone.utc).year, 1, 2, tzinfo=timezone.utc)
    for half_hour in range(363 * 48):
        moment = start + timedelta(minutes=30 * half_hour)
        here, there = moment.astimezone(zone), moment.astimezone(known)
        assert (here.replace(tzinfo=None), here.fold) == (there.replace(tzinfo=None), there.fold)
        assert here.utcoffset() == there.utcoffset()


def test_a_time_far_away_is_no_error():
    for moment in (
        datetime(1, 1, 1),
        datetime(1601, 1, 1),
        datetime(1970, 1, 1),
        datetime(2100, 7, 1),
        datetime(9999, 12, 31),
    ):
        assert moment.replace(tzinfo=MachineZone()).utcoffset() is not None


def test_the_zone_of_this_machines_disk_is_asked_of_the_machine(tmp_path: Path):
    zone = disk_zone(current().root(), "windows")
    assert isinstance(zone.tz, MachineZone)
    assert zone.name is not None
    assert zone.name.startswith("this machine's zone, UTC")
    assert disk_zone(tmp_path, "windows").tz is None


def test_this_process_gives_way():
    script = (
        "import json, psutil; from collector.platforms import current\n"
        "current().lower_priority(); process = psutil.Process()\n"
        "print(json.dumps([process.nice() == psutil.BELOW_NORMAL_PRIORITY_CLASS]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == [True]


@pytest.mark.skipif(is_wine(), reason="Wine: its icacls is a stand-in that does nothing")
def test_a_new_state_folder_lets_in_administrators_and_the_system_alone(tmp_path: Path):
    host = current()
    if not host.is_admin():
        pytest.skip("needs an administrator")
    host.make_private(tmp_path / "state")
    (tmp_path / "state" / "inside").write_text("x")
    for place in (tmp_path / "state", tmp_path / "state" / "inside"):
        script = f"(Get-Acl -LiteralPath '{place}').Access.IdentityReference.Translate([Security.Principal.SecurityIdentifier]).Value"
        done = subprocess.run(
            ["powershell", "-NoProfile", "-Command", script], capture_output=True, text=True, check=True, timeout=120
        )
        assert set(done.stdout.split()) == {"S-1-5-32-544", "S-1-5-18"}


def test_a_state_folder_can_be_made_and_written(tmp_path: Path):
    folder = tmp_path / "new" / "state"
    current().make_private(folder)
    current().make_private(folder)
    (folder / "x").write_bytes(b"x")
    assert folder.is_dir()


def test_a_file_in_the_folders_place_is_told(tmp_path: Path):
    (tmp_path / "a").write_text("x")
    with pytest.raises(OSError, match="exists"):
        current().make_private(tmp_path / "a")
