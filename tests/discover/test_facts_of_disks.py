"""What the files of a disk, and of a machine's kernel, tell: mounts, agent, Pythons, quotas, locks, boots."""

from __future__ import annotations

import ast
import os
import struct
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

import pytest

from collector.discover.agent_service import agent_facts
from collector.discover.boots import boots
from collector.discover.disks import disks, mounted_by_file
from collector.discover.facts import gather, gather_more
from collector.discover.handler_paths import agent_role, extension_in
from collector.discover.interpreters import interpreters
from collector.discover.locks import held_locks
from collector.discover.processes import running
from collector.discover.throttling import throttled
from collector.discover.tree import Tree
from collector.model import ProcessFacts
from collector.platforms.linux import LinuxHost

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="disks of Linux machines")


def made(root: Path, files: Mapping[str, str]) -> Tree:
    """Files with their texts; a text that begins with ``->`` is where a link leads to."""
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("->"):
            file.symlink_to(text[2:])
        else:
            file.write_text(text)
    return Tree(root, fold=False)


# ---- mounts --------------------------------------------------------------------------------------------


def test_mounts_of_another_machines_disk(tmp_path: Path):
    fstab = """\
# /etc/fstab
UUID=1 / ext4 defaults,discard 0 1
UUID=2 /var xfs rw,noexec,nosuid 0 2
tmpfs /tmp tmpfs defaults,noexec 0 0
UUID=3 none swap sw 0 0
UUID=4 /data\\040one ext4 defaults 0 2
/dev/broken
"""
    found = {disk.mount: disk for disk in mounted_by_file(made(tmp_path, {"etc/fstab": fstab}))}
    assert found.keys() == {"/", "/var", "/tmp"}
    assert found["/var"].options == "rw,noexec,nosuid"
    assert found["/var"].holds == ("/var", "/var/lib/waagent", "/var/log")
    assert found["/"].holds == ("/",)
    assert all((disk.total_bytes, disk.free_bytes, disk.inodes_free) == (0, 0, None) for disk in found.values())


def test_disks_of_this_machine_hold_the_folders_that_are_written_to():
    found = disks()
    assert {folder for disk in found for folder in disk.holds} == {"/", "/var", "/var/lib/waagent", "/var/log", "/tmp"}
    assert all(disk.total_bytes for disk in found if "/" in disk.holds)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs namespaces of Linux, and root")
def test_a_service_that_may_not_write_takes_no_disk_for_read_only():
    print_them = "from collector.discover.disks import disks; print({one.mount: one.options for one in disks()})"
    script = 'mount -o remount,bind,ro / && mount -t tmpfs none /mnt && ! touch /read-only 2>/dev/null && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", print_them]
    seen = ast.literal_eval(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert seen["/"] == {disk.mount: disk.options for disk in disks()}["/"]
    assert "ro" not in seen["/"].split(",")
    assert "/mnt" not in seen


# ---- the agent -----------------------------------------------------------------------------------------

UNIT = "[Unit]\nDescription=Azure Linux Agent\n"
CONF = "# Enable extension handling\nExtensions.Enabled={}  # why not\nAutoUpdate.Enabled={}\n"


def agent_process(command: str) -> ProcessFacts:
    return ProcessFacts(700, "python3", command, "sleeping", None, 1.0, 1)


DAEMON = agent_process("/usr/bin/python3 -u /usr/sbin/waagent -daemon")
HANDLING = agent_process("python3 -u bin/WALinuxAgent-2.15.0.1-py3.12.egg -run-exthandlers")
OTHER = agent_process("/bin/sh /var/lib/waagent/Acme.Apps.Setup-1.2.3/bin/enable")


@pytest.mark.parametrize(
    ("files", "enabled", "switched_on", "updates"),
    [
        ({"lib/systemd/system/walinuxagent.service": UNIT}, False, None, None),
        (
            {
                "usr/lib/systemd/system/waagent.service": UNIT,
                "etc/systemd/system/multi-user.target.wants/waagent.service": "->/usr/lib/systemd/system/waagent.service",
                "etc/waagent.conf": CONF.format("n", "y"),
            },
            True,
            False,
            True,
        ),
        (
            {"usr/sbin/waagent": "#!", "etc/rc3.d/S99waagent": "#!", "etc/waagent.conf": CONF.format("y", "n")},
            True,
            True,
            False,
        ),
        (
            {
                "usr/sbin/waagent": "#!",
                "etc/waagent.conf": "AutoUpdate.UpdateToLatestVersion=n\nAutoUpdate.Enabled=y\n",
            },
            None,
            True,
            False,
        ),
    ],
)
def test_the_agent_on_another_machines_disk(
    tmp_path: Path, files: dict[str, str], enabled: bool | None, switched_on: bool | None, updates: bool | None
):
    facts = agent_facts(made(tmp_path, files), "linux", None)
    assert facts.state == "unknown"
    assert (facts.enabled, facts.extensions_enabled, facts.auto_update) == (enabled, switched_on, updates)


def test_a_masked_agent(tmp_path: Path):
    files = {
        "usr/lib/systemd/system/waagent.service": UNIT,
        "usr/sbin/waagent": "#!",
        "etc/systemd/system/waagent.service": "->/dev/null",
        "etc/systemd/system/multi-user.target.wants/waagent.service": "->/usr/lib/systemd/system/waagent.service",
    }
    facts = agent_facts(made(tmp_path, files), "linux", None)
    assert facts.enabled is False
    assert facts.note == "waagent.service is masked"


@pytest.mark.parametrize(
    ("processes", "state", "note"),
    [
        ((DAEMON, HANDLING, OTHER), "running", ""),
        ((DAEMON, OTHER), "running", "its daemon runs, but not the process that handles extensions"),
        ((HANDLING,), "running", "its daemon does not run"),
        ((OTHER,), "stopped", ""),
        ((), "stopped", ""),
    ],
)
def test_the_agents_processes(
    tmp_path: Path, processes: tuple[ProcessFacts, ...], state: str, note: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(LinuxHost, "unit_state", lambda self, units: "")
    facts = agent_facts(made(tmp_path, {"usr/sbin/waagent": "#!"}), "linux", processes)
    assert (facts.state, facts.note) == (state, note)


def test_no_agent_at_all(tmp_path: Path):
    for processes in (None, (), (OTHER,)):
        assert agent_facts(made(tmp_path, {}), "linux", processes).state == "absent"


SYSTEMCTL = """#!/bin/sh
case "$4$3" in
*walinuxagent.service) echo LoadState=not-found; echo ActiveState=inactive ;;
*) echo LoadState=loaded; echo ActiveState=failed; echo SubState=failed; echo Result=oom-kill
   echo "InactiveEnterTimestamp=Mon 2026-05-04 09:12:33 UTC" ;;
esac
"""


def test_why_the_agent_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "systemctl"
    program.write_text(SYSTEMCTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    said = LinuxHost().unit_state(["walinuxagent.service", "waagent.service"])
    assert said == "systemd says of waagent.service: failed, failed, result oom-kill, since Mon 2026-05-04 09:12:33 UTC"


@pytest.mark.parametrize(
    ("command", "extension", "role"),
    [
        ("/bin/sh /var/lib/waagent/Acme.Apps.Setup-1.2.3/bin/enable", "Acme.Apps.Setup", None),
        (
            "/bin/sh -c /var/lib/waagent/custom-script/download/0/script.sh",
            "Microsoft.Azure.Extensions.CustomScript",
            None,
        ),
        ("sh /var/lib/waagent/run-command/download/3/script.sh", "Microsoft.CPlat.Core.RunCommandLinux", None),
        (
            "sh /var/lib/waagent/run-command-handler/download/cmd/0/script.sh",
            "Microsoft.CPlat.Core.RunCommandHandlerLinux",
            None,
        ),
        (
            r"C:\Packages\Plugins\Microsoft.Compute.CustomScriptExtension\1.10.15\bin\CustomScriptHandler.exe",
            "Microsoft.Compute.CustomScriptExtension",
            None,
        ),
        ("sh -c systemd-run --slice=azure-vmextensions-Acme.Apps.Setup_1.5.11.slice x", "Acme.Apps.Setup", None),
        ("azure-vmextensions-Microsoft.CPlat.Extension.slice", "Microsoft.CPlat.Extension", None),
        ("python3 -u /usr/sbin/waagent -run-exthandlers", None, "run-exthandlers"),
        ("/usr/bin/python3 -u /usr/sbin/waagent -daemon", None, "daemon"),
        ("python3 -u bin/WALinuxAgent-2.15.0.1-py3.12.egg -run-exthandlers", None, "run-exthandlers"),
        (r"C:\WindowsAzure\GuestAgent_2.7.41491.1095_2023\WindowsAzureGuestAgent.exe", None, "windowsazureguestagent"),
        ("vi /etc/waagent.conf", None, None),
        ("tail -f /var/log/waagent.log", None, None),
    ],
)
def test_whose_a_command_line_is(command: str, extension: str | None, role: str | None):
    assert extension_in(command) == extension
    assert agent_role(command) == role


# ---- Pythons -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"usr/bin/python3": "->python3.10", "usr/bin/python3.10": "x"}, {"/usr/bin/python3 3.10", "/usr/bin/python3.10 3.10"}),
        (
            {"usr/bin/python2.7": "x", "usr/bin/python2": "->python2.7", "usr/bin/python": "->/usr/bin/python2", "bin": "->usr/bin"},
            {"/usr/bin/python 2.7", "/usr/bin/python2 2.7", "/usr/bin/python2.7 2.7"},
        ),
        (
            {"usr/bin/python3": "->/etc/alternatives/python3", "etc/alternatives/python3": "->/usr/bin/python3.6", "usr/bin/python3.6": "x"},
            {"/usr/bin/python3 3.6", "/usr/bin/python3.6 3.6"},
        ),
        ({"usr/bin/python3": "x", "usr/lib64/python3.9/os.py": "x"}, {"/usr/bin/python3 3.9"}),
        ({"usr/bin/python3": "x", "usr/lib/python3.9/os.py": "x", "usr/lib/python3.8/os.py": "x"}, {"/usr/bin/python3"}),
        ({"usr/bin/python3": "->python3.11", "usr/bin/python3-config": "x", "usr/bin/ipython3": "x"}, set()),
        ({"usr/libexec/platform-python": "->platform-python3.6", "usr/libexec/platform-python3.6": "x"},
         {"/usr/libexec/platform-python 3.6", "/usr/libexec/platform-python3.6 3.6"}),
        ({"usr/bin/sh": "x"}, set()),
    ],
)  # fmt: skip
def test_pythons_of_a_disk(tmp_path: Path, files: dict[str, str], found: set[str]):
    assert set(interpreters(made(tmp_path, files))) == found


# ---- quotas --------------------------------------------------------------------------------------------

SLICE = "azure.slice/azure-vmextensions.slice/azure-vmextensions-Microsoft.Azure.Extensions.CustomScript_2.1.10.slice"


def test_a_quota_that_held_an_extension_back(tmp_path: Path):
    made(
        tmp_path,
        {
            f"{SLICE}/cpu.stat": "usage_usec 100\nnr_periods 900\nnr_throttled 800\nthrottled_usec 95500000\n",
            f"{SLICE}/cpu.max": "5000 100000\n",
            "azure.slice/walinuxagent.service/cpu.stat": "nr_throttled 1\nthrottled_usec 250000\n",
            "azure.slice/walinuxagent.service/cpu.max": "max 100000\n",
            "system.slice/waagent.service/cpu.stat": "nr_throttled 0\nthrottled_usec 0\n",
        },
    )
    first, second = throttled(tmp_path)
    assert (first.extension, first.throttled_seconds, first.quota_percent) == (
        "Microsoft.Azure.Extensions.CustomScript",
        95.5,
        5.0,
    )
    assert (second.unit, second.throttled_seconds, second.quota_percent) == ("walinuxagent.service", 0.2, None)


def test_a_quota_of_older_groups(tmp_path: Path):
    place = f"cpu,cpuacct/{SLICE}"
    made(
        tmp_path,
        {
            f"{place}/cpu.stat": "nr_periods 10\nnr_throttled 5\nthrottled_time 40000000000\n",
            f"{place}/cpu.cfs_quota_us": "75000\n",
            f"{place}/cpu.cfs_period_us": "100000\n",
        },
    )
    (only,) = throttled(tmp_path)
    assert (only.throttled_seconds, only.quota_percent) == (40.0, 75.0)
    assert throttled(tmp_path / "nothing") == ()


# ---- locks of package managers -------------------------------------------------------------------------

HOLDING = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/locks")
def test_a_lock_that_a_process_holds(tmp_path: Path):
    made(tmp_path, {"var/lib/dpkg/lock-frontend": "", "var/lib/dpkg/lock": "", "var/lib/rpm/.rpm.lock": ""})
    file = tmp_path / "var/lib/dpkg/lock-frontend"
    assert held_locks(tmp_path, running()) == ()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        (lock,) = held_locks(tmp_path, running())
        assert process.stdin
        process.stdin.close()
    assert (lock.path, lock.pid) == ("/var/lib/dpkg/lock-frontend", process.pid)
    assert "lockf" in lock.command
    assert lock.process
    assert lock.since is not None
    assert abs((datetime.now(timezone.utc) - lock.since).total_seconds()) < 60
    assert held_locks(tmp_path, running()) == ()


def test_a_file_with_the_number_of_a_process(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "/usr/bin/yum"]) as process:
        try:
            made(tmp_path, {"run/yum.pid": f"{process.pid}\n", "run/zypp.pid": f"{process.pid}\n"})
            found = held_locks(tmp_path, running())
            os.utime(tmp_path / "run/yum.pid", (1, 1))  # long before that process began
            later = held_locks(tmp_path, running())
        finally:
            process.kill()
    assert [(lock.path, lock.pid) for lock in found] == [("/run/yum.pid", process.pid)]
    assert later == ()
    for text in ("", "x", "99999999999999999999", "0", "-1", "4194304"):
        (tmp_path / "run/yum.pid").write_text(text)
        assert held_locks(tmp_path, running()) == ()


# ---- boots ---------------------------------------------------------------------------------------------


def record(kind: int, user: str, seconds: int, release: str, *, wide: bool) -> bytes:
    form = "<hxxi32s4s32s256shhqq32x" if wide else "<hxxi32s4s32s256shhii40x"
    return struct.pack(form, kind, 0, b"~", b"~~", user.encode(), release.encode(), 0, 0, 0, seconds).ljust(
        400 if wide else 384, b"\0"
    )


@pytest.mark.parametrize("wide", [False, True], ids=["x86_64", "aarch64"])
def test_boots_and_shutdowns(wide: bool):
    data = b"".join(
        record(*one, wide=wide)
        for one in (
            (2, "reboot", 1_777_000_000, "6.8.0-1021-azure"),
            (1, "runlevel", 1_777_000_020, "6.8.0-1021-azure"),
            (7, "azureuser", 1_777_000_300, "203.0.113.7"),
            (1, "shutdown", 1_777_005_000, "6.8.0-1021-azure"),
            (2, "reboot", 1_777_005_030, "6.8.0-1024-azure"),
        )
    )
    found = list(boots(data, 100))
    assert [(event.kind, event.line) for event in found] == [("boot", 101), ("shutdown", 104), ("boot", 105)]
    assert found[0].time == datetime.fromtimestamp(1_777_000_000, timezone.utc)
    assert found[2].text == "reboot system boot 6.8.0-1024-azure"


@pytest.mark.parametrize("data", [b"", b"x" * 50, b"May  4 09:12:33 host kernel: no records\n" * 40, b"\xff" * 4_000])
def test_what_is_no_list_of_boots(data: bytes):
    assert list(boots(data)) == []


# ---- the firmware, and all together --------------------------------------------------------------------


def test_secure_boot(tmp_path: Path):
    host = LinuxHost()
    assert host.secure_boot(tmp_path / "nothing") is None
    assert host.secure_boot(tmp_path) is False  # no EFI at all
    place = tmp_path / "efi/efivars"
    place.mkdir(parents=True)
    assert host.secure_boot(tmp_path) is None
    for value, wanted in ((b"\x06\0\0\0\x01", True), (b"\x06\0\0\0\0", False), (b"", None)):
        (place / "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c").write_bytes(value)
        assert host.secure_boot(tmp_path) is wanted


def test_a_mounted_disk_is_asked_only_for_its_files(tmp_path: Path):
    made(tmp_path, {"etc/fstab": "a / ext4 ro 0 0\n", "usr/bin/python3.12": "x", "usr/sbin/waagent": "#!", "var/x": ""})
    facts = gather_more(gather(live=False, zone=None), tmp_path)
    assert [disk.options for disk in facts.disks] == ["ro"]
    assert facts.interpreters == ("/usr/bin/python3.12 3.12",)
    assert facts.agent is not None
    assert facts.agent.state == "unknown"
    assert (facts.processes, facts.locks, facts.throttled, facts.secure_boot, facts.clock_note) == (
        (),
        (),
        (),
        None,
        "",
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    assert gather_more(gather(live=False, zone=None), empty).disks == ()


def test_all_of_this_machine():
    facts = gather_more(gather(live=True, zone=None), Path("/"))
    assert facts.swap_total_bytes is not None
    assert facts.agent is not None
    assert facts.agent.state in ("running", "stopped", "absent")
