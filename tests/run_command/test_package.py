"""The script fetches the package, runs it from a safe place and leaves nothing; whatever goes wrong, a verdict comes."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.run_command.azure import MOST
from tests.run_command.machine import Machine, busybox, debian
from tests.run_command.server import PROGRAM, Server, package, serving, sha256

pytestmark = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="makes chroots, as root")

GOOD = package()
ALL_NOEXEC = [
    f'mount -t tmpfs -o noexec,mode=755,size=200m none "$R/{folder}"' for folder in ("opt", "usr/local", "root")
]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(GOOD) as running:
        yield running


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return debian(tmp_path / "machine", ["curl", "setsid"])


def brought(machine: Machine, url: str, hash_: str = sha256(GOOD), **more: str):
    return machine.run(f"VMEXT_PACKAGE_URL={url}", f"VMEXT_PACKAGE_SHA256={hash_}", **more)


MACHINES: dict[str, Callable[[Path], Machine]] = {
    "curl": lambda root: debian(root, ["curl", "setsid"]),
    "wget": lambda root: debian(root, ["wget", "setsid"]),
    "no setsid": lambda root: debian(root, ["curl"]),
    "busybox": busybox,
}


@pytest.mark.parametrize("make", MACHINES.values(), ids=MACHINES)
def test_the_package_is_fetched_and_run_and_goes_again(tmp_path: Path, server: Server, make):
    machine = make(tmp_path / "machine")
    ran = brought(machine, server.url, VMEXT_COLLECT_ARGUMENTS="--since 2h --extension *Script")
    assert ran.code == 0
    assert ran.verdict.bundle == "247252e2eafad389"
    assert ran.verdict.parts["Do"] == "collect --since 2h --extension *Script"
    assert ran.verdict.parts["Proof"].startswith("/opt/.vmext-run."), "the first folder that is root's"
    assert ran.verdict.parts["Why"] == "url=", "the address is not the package's business"
    assert len(ran.out.splitlines()) == 5, "nothing else on standard output"
    assert server.asked == [f"/vmext-{platform.machine()}.tar.gz?sig=abc%2Bdef"]
    assert machine.remains() == []


def test_the_parameters_come_by_name_in_the_environment_or_as_they_are(machine: Machine, server: Server):
    for ran in (
        machine.run(VMEXT_PACKAGE_URL=server.url, VMEXT_PACKAGE_SHA256=f"{'0' * 64},{sha256(GOOD).upper()}"),
        machine.run(server.url, sha256(GOOD)),
    ):
        assert ran.verdict.delivered == "yes", ran.message


WRONG: dict[str, tuple[str, str]] = {
    "wrong hash": ("0" * 64, "does not have the SHA-256 that was given"),
    "no hash": ("", "no SHA-256 of the package was given (VMEXT_PACKAGE_SHA256)"),
}


@pytest.mark.parametrize(("hash_", "reason"), WRONG.values(), ids=WRONG)
def test_what_is_not_the_package_is_never_run(machine: Machine, server: Server, hash_: str, reason: str):
    ran = brought(machine, server.url, hash_)
    _reduced(machine, ran, reason)


def test_a_server_that_is_down(machine: Machine, server: Server):
    down = "http://127.0.0.1:9/vmext.tar.gz"
    _reduced(machine, brought(machine, down), "the package could not be fetched")
    with serving(b"no", status=404) as other:
        _reduced(machine, brought(machine, other.url), "the package could not be fetched")


@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_an_endless_answer_is_given_up(tmp_path: Path, tool: str):
    machine = debian(tmp_path / "machine", [tool, "setsid"])
    with serving(GOOD, endless=True) as other:
        _reduced(machine, brought(machine, other.url), "within its time and size")


def test_neither_curl_nor_wget(tmp_path: Path, server: Server):
    machine = debian(tmp_path / "machine", ["setsid"])
    _reduced(machine, brought(machine, server.url), "neither curl nor wget is here")
    other = busybox(tmp_path / "other", ["wget"])
    _reduced(other, brought(other, server.url), "neither curl nor wget is here")


def test_a_place_that_allows_no_execution_is_passed_over(machine: Machine, server: Server):
    machine.mounts.append(ALL_NOEXEC[0])
    ran = brought(machine, server.url)
    assert ran.verdict.parts["Proof"].startswith("/var/lib/.vmext-run."), ran.message
    machine.mounts += [
        *ALL_NOEXEC,
        'mount --bind "$R/var/lib" "$R/var/lib"',
        'mount -o remount,bind,noexec "$R/var/lib"',
    ]
    _reduced(machine, brought(machine, server.url), "no folder is root's alone, allows execution")


def test_a_place_that_others_can_write_to_is_passed_over(machine: Machine, server: Server):
    os.chown(machine.root / "var/lib", 1000, 1000)
    for mode in (0o757, 0o775):
        (machine.root / "opt").chmod(mode)
        ran = brought(machine, server.url)
        assert "/opt/" not in ran.verdict.parts["Proof"]
    assert ran.verdict.parts["Proof"].startswith("/usr/local/.vmext-run."), ran.message
    for folder in ("usr/local", "root"):
        os.chown(machine.root / folder, 1000, 1000)
    _reduced(machine, brought(machine, server.url), "no folder is root's alone")


def test_a_disk_that_gets_full_while_it_is_unpacked(machine: Machine):
    data = package(more={"big": 150 * 1024 * 1024})
    machine.mounts += [
        f'mount -t tmpfs -o mode=755,size=120m none "$R/{folder}"' for folder in ("opt", "usr/local", "root")
    ]
    with serving(data) as other:
        ran = brought(machine, other.url, sha256(data))
    _reduced(machine, ran, "could not be unpacked into /opt/")


def test_no_room_anywhere(machine: Machine, server: Server):
    """Not even for the lock's files: the verdict comes all the same."""
    full = 'mount -t tmpfs -o mode=755,size=16k none "$R/{0}"; cat /dev/zero > "$R/{0}/full" 2>/dev/null || true'
    machine.mounts += [full.format(folder) for folder in ("opt", "usr/local", "root/.x", "run")]
    (machine.root / "root/.x").mkdir()
    ran = brought(machine, server.url, VMEXT_UNPACK_FOLDERS="/opt /usr/local", VMEXT_STATE_FOLDERS="/run")
    assert ran.code == 0
    assert ran.verdict.line.startswith("FAILED CustomScript exit 100"), ran.message


def test_no_folder_for_the_lock(machine: Machine):
    (machine.root / "run").chmod(0o777)
    ran = machine.run(VMEXT_STATE_FOLDERS="/run /nowhere")
    assert ran.verdict.line.startswith("FAILED CustomScript exit 100")
    assert b"no folder is root's alone to work in" in ran.err


def test_selinux_labels_are_restored(machine: Machine, server: Server):
    machine.put("selinuxenabled", "#!/bin/sh\nexit 0\n")
    machine.put("restorecon", '#!/bin/sh\necho "$@" >>/tmp/restored; ls "$2"/*/bin >>/tmp/restored\n')
    assert brought(machine, server.url).verdict.delivered == "yes"
    told = (machine.root / "tmp/restored").read_text()
    assert told.startswith("-R /opt/.vmext-run."), told
    assert told.endswith("vmext\n"), "before it runs, after it was unpacked"


BROKEN = {
    "says nothing": "#!/bin/sh\nexit 3\n",
    "says something else": "#!/bin/sh\necho Traceback: password=hunter2\nexit 1\n",
    "has no interpreter": "#!/no/such/python\n",
    "dies": "#!/bin/sh\nkill -SEGV $$\n",
}


@pytest.mark.parametrize("program", BROKEN.values(), ids=BROKEN)
def test_an_installed_vmext_that_is_broken(machine: Machine, server: Server, program: str):
    machine.put("vmext", program)
    ran = machine.run()
    _reduced(machine, ran, "the vmext that is installed (/usr/local/bin/vmext) gave no verdict")
    assert b"hunter2" not in ran.out + ran.err
    assert brought(machine, server.url).verdict.delivered == "yes", "the package does it instead"


def test_what_is_wrong_with_the_call_is_told(machine: Machine):
    """By vmext's own words, which have passed its redaction, and by nothing else that stands beside them."""
    said = "Traceback: password=hunter2\nvmext: --since: 'soon' is no time\n  Give ISO 8601."
    machine.put("vmext", f'#!/bin/sh\necho "{said}" >&2\nexit 2\n')
    ran = machine.run()
    _reduced(machine, ran, "(/usr/local/bin/vmext) gave no verdict: --since: 'soon' is no time; no package")
    assert b"hunter2" not in ran.out + ran.err


def test_an_installed_vmext_is_used_and_nothing_fetched(machine: Machine, server: Server):
    machine.put("vmext", PROGRAM)
    ran = brought(machine, server.url, VMEXT_COLLECT_ROOT="/mnt/disk of another")
    assert ran.verdict.parts["Do"] == "collect --root /mnt/disk of another"
    assert server.asked == []


def test_a_package_without_a_vmext_in_it(machine: Machine):
    data = package(program="#!/bin/sh\nexit 1\n")
    with serving(data) as other:
        _reduced(machine, brought(machine, other.url, sha256(data)), "the vmext of the package gave no verdict")
    with serving(b"no archive") as other:
        _reduced(machine, brought(machine, other.url, sha256(b"no archive")), "could not be unpacked")


def test_where_awk_does_not_work_it_says_that_nothing_was_looked_at(machine: Machine):
    machine.put("awk", "#!/bin/sh\nexit 2\n")
    ran = machine.run()
    assert ran.verdict.line == "NOTHING FOUND"
    assert "neither vmext nor awk works" in ran.text


def _reduced(machine: Machine, ran, reason: str) -> None:
    assert ran.code == 0, ran.message
    assert ran.verdict.line.startswith("FAILED CustomScript exit 100"), ran.message
    assert "E: Unable to locate package nginx-plus" in ran.verdict.parts["Proof"]
    assert reason in ran.verdict.parts["Why"].replace("\n", " "), ran.message
    assert ran.text.startswith("VMEXT FAILED"), "nothing before it"
    assert len(ran.out) <= MOST
    assert machine.remains() == []
