"""Without vmext and without a package the script itself tells the reason, by any shell and any awk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.run_command.azure import MOST, SCRIPT, Ran, run

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a shell script")

TESTS = Path(__file__).parents[1]
#: Of which only vmext itself tells the truth.
NOT_TOLD = {
    "linux-agent-2.0-install-failed": "the logs of the first agents are not read",
    "linux-failed-then-uninstalled": "what was uninstalled since is told as failed",
}
LINUX = sorted(
    file
    for file in [*TESTS.glob("cases/*/case.toml"), *TESTS.glob("scenarios/*/scenario.toml")]
    if (file.parent / "disk/var/log").is_dir() and file.parent.name not in NOT_TOLD
)
WORDS = {"failure": ("FAILED",), "hang": ("HANGING", "FAILED"), "healthy": ("HEALTHY",)}
#: What only vmext itself can read: a rotated log, packed text, a file with a limit that only it knows.
BEYOND = {
    "024-timeout-encoded-local-tokyo": "the message is packed",
    "linux-window-inside-a-rotated-log": "the lines are in a rotated log",
    "linux-mixed-local-and-utc-stamps": "the line is in the extension's own log",
}
#: In which the agent's lines stand beside the reason, noise of old agents among them.
NOISY = ("linux-old-custom-script-127",)
SHELLS = {"dash": ["dash"], "busybox": ["busybox", "sh"], "bash": ["bash", "--posix"]}
AWKS = {
    "mawk": "mawk",
    "one true awk": "original-awk",
    "busybox": "busybox awk",
    "gawk": "gawk",
    "posix gawk": "gawk --posix",
}


def expected(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def collect(disk: Path, folder: Path, *, shell: str = "dash", awk: str = "mawk") -> Ran:
    """The script alone, on a disk."""
    folder.mkdir(exist_ok=True)
    program = shutil.which(awk.split()[0])
    assert program, f"{awk} is not on this machine; .ci/run installs it"
    (folder / "awk").write_text(f'#!/bin/sh\nexec {program} {" ".join(awk.split()[1:])} "$@"\n')
    (folder / "awk").chmod(0o755)
    state = folder / "state"
    state.mkdir(exist_ok=True)
    # PATH is set so that no vmext of this machine is found
    path = f"{folder}:/usr/bin:/bin"
    environment = {"PATH": path, "VMEXT_COLLECT_ROOT": str(disk), "VMEXT_STATE_FOLDERS": str(state)}
    return run([*SHELLS[shell], str(SCRIPT)], environment)


@pytest.mark.parametrize("file", LINUX, ids=[file.parent.name for file in LINUX])
def test_it_tells_the_real_reason(file: Path, tmp_path: Path):
    case = expected(file)
    expect = case["expect"]
    ran = collect(file.parent / "disk", tmp_path)
    assert ran.code == 0
    assert len(ran.out) <= 4000
    assert ran.text.isascii()
    verdict = ran.verdict
    assert verdict.line.startswith(WORDS[case["kind"]]), ran.text
    if case["kind"] == "healthy":
        return
    assert verdict.subject.split()[0] == expect["extension"].rsplit(".", 1)[-1]
    name = file.parent.name
    if "exit_code" in expect and name != "linux-window-inside-a-rotated-log":
        assert verdict.exit_code == expect["exit_code"]
    if "instance" in expect:
        assert expect["instance"] in verdict.subject
    if "telling_line" in expect and name not in BEYOND:
        assert expect["telling_line"] in ran.text.replace("\n       ", " "), ran.text
    for text in expect.get("must_not_report", []) if name not in NOISY else ():
        assert text not in ran.text or text in verdict.parts.get("Others", ""), text


def test_the_list_of_what_it_cannot_tell_holds():
    names = {file.parent.name for file in LINUX}
    assert BEYOND.keys() | {*NOISY} <= names
    assert all((TESTS / "scenarios" / name).is_dir() for name in NOT_TOLD)


@pytest.mark.parametrize("awk", AWKS.values(), ids=AWKS)
@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_and_every_awk_say_the_same(tmp_path: Path, shell: str, awk: str):
    for name in ("005-cse-2119-apt-100-sequencing", "008-runcommand-v2-inner-failed", "001-aadssh-install-403"):
        disk = TESTS / "cases" / name / "disk"
        first = collect(disk, tmp_path / "first")
        assert collect(disk, tmp_path / "other", shell=shell, awk=awk).out == first.out


def test_shellcheck_and_every_shell_s_own_parser_have_nothing_to_say():
    checked = subprocess.run(["shellcheck", SCRIPT], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (0, "")
    for shell in SHELLS.values():
        parsed = subprocess.run([*shell, "-n", SCRIPT], capture_output=True, text=True)
        assert (parsed.returncode, parsed.stderr) == (0, ""), shell


def noisy(disk: Path, handlers: int = 40, sequences: int = 12, lines: int = 40_000) -> None:
    """A disk on which everything fails at length: many handlers, their old states, a long log."""
    state = disk / "var/lib/waagent"
    for number in range(handlers):
        folder = state / f"Contoso.Noise.Handler{number:02}Linux-1.0.{number}"
        (folder / "status").mkdir(parents=True)
        (folder / "config").mkdir()
        (folder / "config/HandlerState").write_text("Enabled")
        told = {"name": "x", "version": "1", "status": "NotReady", "code": 1009, "message": "noise " * 9000}
        (folder / "config/HandlerStatus").write_text(json.dumps(told))
        message = (
            "failed\n[stdout]\n"
            + "out \u00fc\n" * 3000
            + "[stderr]\n"
            + "".join(f"line {n} of noise\n" for n in range(900))
        )
        status = {
            "operation": "Enable",
            "status": "error",
            "code": 7,
            "formattedMessage": {"lang": "en", "message": message},
        }
        document = [{"version": 1, "timestampUTC": f"2026-05-04T03:{number:02}:00Z", "status": status}]
        for sequence in range(sequences):
            (folder / f"status/{sequence}.status").write_text(json.dumps(document))
    last = state / f"Contoso.Noise.Handler{handlers - 1:02}Linux-1.0.{handlers - 1}/status/{sequences - 1}.status"
    last.write_text(last.read_text().replace("line 899 of noise", "the real reason: no seat left"))
    log = disk / "var/log"
    log.mkdir(parents=True, exist_ok=True)
    with (log / "waagent.log").open("w") as out:
        for number in range(lines):
            out.write(
                f"2026-05-04T03:12:{number % 60:02}.000001Z ERROR ExtHandler ExtHandler noise of {chr(97 + number % 26) * 9} {'x' * 200}\n"
            )


def test_the_noisiest_disk_keeps_its_answer_within_the_limit(tmp_path: Path):
    noisy(tmp_path / "disk")
    ran = collect(tmp_path / "disk", tmp_path / "run")
    assert len(ran.out) <= 4000
    assert ran.verdict.whole, "the first line is there too"
    assert ran.verdict.subject == "Handler39Linux exit 7"
    assert "the real reason: no seat left" in ran.verdict.parts["Proof"], ran.text


@pytest.mark.skipif(os.geteuid() != 0, reason="the state folder must be the user's own")
def test_hostile_files_cost_no_verdict(tmp_path: Path):
    disk = tmp_path / "disk"
    shutil.copytree(TESTS / "cases/005-cse-2119-apt-100-sequencing/disk", disk)
    state = disk / "var/lib/waagent"
    odd = state / "Contoso.Odd.Things-1.0"
    (odd / "status").mkdir(parents=True)
    (odd / "config").mkdir()
    os.mkfifo(odd / "config/HandlerStatus")
    outside = tmp_path / "outside.status"
    told = {"status": "error", "code": 9, "formattedMessage": {"message": "from outside of the disk"}}
    outside.write_text(json.dumps([{"timestampUTC": "2030-01-01T00:00:00Z", "status": told}]))
    (odd / "status/1.status").symlink_to(outside)
    (odd / "status/$(touch pwned) `id`.2.status").write_text("[")
    (odd / "status/-n.3.status").write_bytes(b"\xff\xfe\x00" * 5000)
    deep = state / "Contoso.Deep.Linux-1.0/status"
    deep.mkdir(parents=True)
    (deep / "0.status").write_text("[" * 60000)
    fake = state / "Contoso.Fake.Linux-1.0/status"
    fake.mkdir(parents=True)
    (fake / "0.status").write_text("#S Evil 1 0.status x\nVMEXT HEALTHY; bundle 1 delivered\n%s%n\\n")
    ran = collect(disk, tmp_path / "run")
    assert ran.verdict.line.startswith("FAILED CustomScript exit 100"), ran.text
    assert "from outside" not in ran.text, "a link leads out of the disk"
    assert "Evil" not in ran.text
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("disk", "no files of a guest agent are below DISK/"),
        ("disk/WindowsAzure", "this is a disk of Windows, which this script can't read: vmext collect --root does"),
        ("other", "DISK is no folder"),
    ],
)
def test_a_disk_without_an_agent_is_no_healthy_one(folder: str, told: str, tmp_path: Path):
    (tmp_path / folder).mkdir(parents=True)
    verdict = collect(tmp_path / "disk", tmp_path / "run").verdict
    assert verdict.word == "nothing-found"
    why = verdict.parts["Why"].replace("\n", " ").replace(str(tmp_path / "disk"), "DISK")
    assert why.startswith(f"{told}; vmext is not installed here; ")


def test_the_installed_vmext_keeps_the_limit_on_the_noisiest_disk(tmp_path: Path):
    """The real program, found on PATH as on an instance; what it delivers is its whole output."""
    noisy(tmp_path / "disk", handlers=6, sequences=2, lines=3000)
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "vmext").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m collector "$@"\n')
    (folder / "vmext").chmod(0o755)
    (tmp_path / "run").mkdir()
    environment = {
        "PATH": f"{folder}:/usr/bin:/bin",
        "PYTHONPATH": str(TESTS.parent),
        "VMEXT_STATE_DIR": str(tmp_path / "state"),
        "VMEXT_STATE_FOLDERS": str(tmp_path / "run"),
        "VMEXT_COLLECT_ROOT": str(tmp_path / "disk"),
        "VMEXT_COLLECT_ARGUMENTS": "--no-upload",
    }
    ran = run(["dash", str(SCRIPT)], environment)
    assert ran.code == 0
    assert len(ran.out) <= MOST
    assert ran.verdict.whole
    assert ran.verdict.bundle
    assert ran.verdict.word == "failed"


def failing(disk: Path, handler: str, message: str) -> None:
    """A handler whose newest status is an error."""
    folder = disk / f"var/lib/waagent/{handler}-1.0.0/status"
    folder.mkdir(parents=True)
    told = {"operation": "Enable", "status": "error", "code": 3, "formattedMessage": {"message": message}}
    (folder / "0.status").write_text(json.dumps([{"timestampUTC": "2026-05-04T03:12:25Z", "status": told}]))


def test_the_run_command_that_carries_it_is_no_failure(tmp_path: Path):
    failing(tmp_path / "disk", "Microsoft.CPlat.Core.RunCommandLinux", "the one before failed")
    assert collect(tmp_path / "disk", tmp_path / "run").verdict.word == "healthy"
    failing(tmp_path / "disk", "Contoso.Web.FrontLinux", "this one failed")
    assert collect(tmp_path / "disk", tmp_path / "run").verdict.subject == "FrontLinux exit 3"


def test_where_not_all_fits_the_end_of_the_proof_stays(tmp_path: Path):
    lines = "\n".join(f"{number} {'some words ' * 40}" for number in range(40))
    failing(
        tmp_path / "disk",
        "Microsoft.Azure.Extensions.CustomScript",
        f"failed\n[stdout]\n\n[stderr]\n{lines}\nreason one",
    )
    download = tmp_path / "disk/var/lib/waagent/custom-script/download/0"
    download.mkdir(parents=True)
    (download / "stderr").write_text(lines.replace("some", "other") + "\nthe last line of all")
    ran = collect(tmp_path / "disk", tmp_path / "run")
    assert len(ran.out) <= 4000
    assert len(ran.out) > 3000, "as much as fits"
    assert "the last line of all" in ran.verdict.parts["Proof"]
    assert {"Why", "Status"} <= ran.verdict.parts.keys()
