"""The service under a systemd that runs it: does it do its job with what the unit leaves it, and nothing else?"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector import __version__
from tests.collecting import CSE
from tests.endpoint.running import Endpoint
from tests.packaging.booted import Booted, booted
from tests.packaging.packaged import OLDER, Packages
from tests.packaging.roots import Root, made
from tests.received import received
from tests.waiting import until
from tests.watch.agent import Machine

pytestmark = pytest.mark.slow
CONFIG, TOKEN, STATE = "/etc/vmext/config.toml", "/etc/vmext/token", "/var/lib/vmext"
#: As docs/performance.md tells it.
MOST_EXPOSURE = 3.2
_KNOWS_NO_EXEC = 250  # NoExecPaths=: 247 leaves it out, 252 does not
_READ_SEARCH, _PTRACE = 1 << 2, 1 << 19  # capabilities(7), linux/capability.h


@pytest.fixture()
def root(tmp_path: Path, packages: Packages, request: pytest.FixtureRequest) -> Root:
    root = made(getattr(request, "param", "bookworm"), tmp_path / "root", ("systemd", "dbus"))
    root.done("dpkg", "--install", root.bring(packages.deb(OLDER)))
    return root


@pytest.fixture()
def machine(root: Root) -> Iterator[Machine]:
    one = Machine(root.folder)
    yield one
    one.end()


def configure(root: Root, served: Endpoint, more: str = "") -> None:
    root.path(TOKEN).write_text(served.token)
    root.path(CONFIG).write_text(f'upload_url = "{served.url}"\ntoken_file = "{TOKEN}"\n{more}')


def facts_of(served: Endpoint) -> dict[str, Any]:
    """What the bundle says of the machine."""
    (stored,) = (served.data / "objects").rglob("*.zip")
    with zipfile.ZipFile(stored) as bundle:
        facts: dict[str, Any] = json.loads(bundle.read("system.json"))["facts"]
    return facts


def test_the_unit_is_clean_and_little_exposed(root: Root):
    unit = "/lib/systemd/system/vmext.service"
    checked = root.run("systemd-analyze", "verify", "--man=no", unit)
    assert (checked.code, checked.out, checked.err) == (0, "", "")
    told = root.done("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    exposure = re.search(r"Overall exposure level for vmext.service: ([\d.]+)", told)
    assert exposure and float(exposure[1]) <= MOST_EXPOSURE, told


@pytest.mark.parametrize("root", ["bullseye", "bookworm"], indirect=True)  # systemd 247 and 252
def test_a_failure_is_reported_by_the_confined_service(root: Root, served: Endpoint, machine: Machine):
    configure(root, served)
    machine.boot()
    with booted(root) as here:
        here.done("systemctl", "enable", "--now", "vmext")
        pid = here.property("MainPID")
        confined(here, pid)
        machine.fail()
        (row,) = until(lambda: received(served), "the bundle")
        assert (row["verdict"], row["first"]["extension"]) == ("failed", CSE)
        assert here.run("vmext", "status").code == 0
        facts = facts_of(served)
        assert not [disk for disk in facts["disks"] if "ro" in disk["options"].split(",") and disk["holds"]]
        assert "the kernel says" in facts["clock_note"]  # which the service may ask, and nothing more
        assert here.property("Result") == "success"
        said = here.done("journalctl", "--no-pager", "--unit=vmext", "--identifier=vmext", "--output=cat", "--quiet")
        assert said == ""


def confined(here: Booted, pid: str) -> None:
    """What the kernel says of the process."""
    status = dict(line.split(":\t", 1) for line in here.done("cat", f"/proc/{pid}/status").splitlines())
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {_READ_SEARCH | _PTRACE}
    assert (status["NoNewPrivs"], status["Seccomp"], status["Uid"].split()[0]) == ("1", "2", "0")
    within = ["nsenter", "--target", pid, "--mount"]
    for place in ("/etc", "/usr/lib/vmext", "/var/log", "/var/lib/waagent", "/tmp", "/run", "/home", "/root"):
        tried = here.run(*within, "touch", f"{place}/from-vmext")
        assert (tried.code, "Read-only file system" in tried.err) == (1, True), place
    for place in (STATE, "/run/vmext"):
        here.done(*within, "cp", "/bin/true", f"{place}/program")
        forbidden = int(here.done("systemctl", "--version").split()[1]) >= _KNOWS_NO_EXEC
        assert here.run(*within, f"{place}/program").code == (126 if forbidden else 0)


def test_a_hang_is_reported_with_what_others_have_open(root: Root, served: Endpoint, machine: Machine):
    configure(root, served, "[watch]\nhang_seconds = 3\n")
    machine.boot()
    with booted(root) as here:
        here.done("systemctl", "start", "vmext")
        script = f"/var/lib/waagent/{CSE}-2.1.19/bin/custom-script-extension"
        root.path(script).parent.mkdir(parents=True, exist_ok=True)
        root.path("/var/lib/waagent").chmod(0o755)
        root.path(script).write_text("#!/bin/sh\nexec 3>>/tmp/held.txt\nsleep 1000\n")
        root.path(script).chmod(0o755)
        machine.append(
            f"var/log/azure/{CSE}/handler.log",
            f"time={here.done('date', '--utc', '+%Y-%m-%dT%H:%M:%SZ').strip()} version=v2.1.19/git@0-clean "
            'operation=enable seq=9 event="executing command"\n',
        )
        other = "--uid=nobody"  # whose files root may not open without the right to read everything
        here.done("systemd-run", other, "--unit=hangs", "/bin/sh", script)
        rows = until(lambda: received(served), "the bundle")
        assert rows[0]["verdict"] == "hanging"
        facts = facts_of(served)
        assert "/tmp/held.txt" in json.dumps(facts)


def test_an_update_restarts_what_runs_and_keeps_what_it_knows(
    root: Root, served: Endpoint, machine: Machine, packages: Packages
):
    machine.boot()
    with booted(root) as here:
        assert here.property("ActiveState") == "inactive"  # nothing is configured
        configure(root, served)
        here.done("systemctl", "enable", "--now", "vmext")
        before = here.property("MainPID")
        root.path(CONFIG).write_text(root.path(CONFIG).read_text() + "[watch]\ncpu_percent = 7\n")
        here.done("systemctl", "reload", "vmext")
        log = root.path(f"{STATE}/log/vmext.log")
        until(lambda: "the configuration was read again" in log.read_text(), "the reload")
        assert here.property("MainPID") == before
        machine.fail()
        until(lambda: received(served), "the bundle")

        here.done("dpkg", "--install", root.bring(packages.deb()))
        assert here.property("ActiveState") == "active"
        assert here.property("MainPID") != before
        assert here.done("vmext", "status").startswith(f"vmext watch {__version__} is running")
        assert len(received(served)) == 1  # the old failure is no new one

        here.done("systemctl", "stop", "vmext")
        assert here.property("Result") == "success"
        here.done("dpkg", "--install", root.bring(packages.deb(OLDER)))
        assert here.property("ActiveState") == "inactive"  # an update starts nothing
        here.done("systemctl", "start", "vmext")
        here.done("dpkg", "--purge", "vmext")
        assert here.property("ActiveState") == "inactive"
        assert not any(
            os.path.lexists(root.path(name)) for name in (STATE, "/etc/vmext", "/usr/lib/vmext", "/run/vmext")
        )


def test_a_full_disk_leaves_the_bundle_in_memory(root: Root, served: Endpoint, machine: Machine):
    configure(root, served)
    machine.boot()
    with booted(root) as here:
        here.done("mkdir", STATE)
        here.done("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", STATE)
        here.done("sh", "-c", f"head -c 60k /dev/zero > {STATE}/filler || true")
        here.done("systemctl", "start", "vmext")
        machine.fail()
        (row,) = until(lambda: received(served), "the bundle")
        assert row["verdict"] == "failed"
