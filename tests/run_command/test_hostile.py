"""Files, names, parameters and environments that no agent would make: a verdict comes, and nothing from elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.run_command.azure import SCRIPT, Ran, run
from tests.run_command.test_reduced import SHELLS, TESTS, collect, failing

pytestmark = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="as root, as Run Command is")

DISK = TESTS / "cases/005-cse-2119-apt-100-sequencing/disk"
REASON = "FAILED CustomScript exit 100"
SCRIPT_FOLDER = "Microsoft.Azure.Extensions.CustomScript-2.1.19"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    shutil.copytree(DISK, tmp_path / "disk")
    return tmp_path / "disk"


def called(disk: Path, folder: Path, *parameters: str, shell: str = "dash", **environment: str) -> Ran:
    folder.mkdir(exist_ok=True)
    given = {"PATH": "/usr/bin:/bin", "VMEXT_COLLECT_ROOT": str(disk), "VMEXT_STATE_FOLDERS": str(folder)}
    program = shutil.which(SHELLS[shell][0])
    assert program, f"{shell} is not on this machine; .ci/run installs it"
    return run([program, *SHELLS[shell][1:], str(SCRIPT), *parameters], {**given, **environment})


@pytest.mark.parametrize("name", ["config/HandlerState", "config/HandlerStatus", "status/9.status"])
def test_a_pipe_a_socket_and_a_device_are_not_waited_for(disk: Path, tmp_path: Path, name: str):
    file = disk / "var/lib/waagent" / SCRIPT_FOLDER / name
    for make in (os.mkfifo, _listening, _zeros):
        file.unlink(missing_ok=True)
        make(file)
        ran = called(disk, tmp_path / "run", VMEXT_COLLECT_SECONDS="30")
        assert ran.verdict.line.startswith(REASON), ran.message


def _listening(file: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        here = os.open(file.parent, os.O_RDONLY)
        try:  # a path of a socket is at most 108 bytes
            end.bind(f"/proc/self/fd/{here}/{file.name}")
        finally:
            os.close(here)


def _zeros(file: Path) -> None:
    os.mknod(file, 0o20600, os.makedev(1, 5))


def test_folders_that_are_links_are_not_followed(disk: Path, tmp_path: Path):
    """What stands in other folders under the names of the agent's files is not the agent's."""
    failing(tmp_path / "other", "Contoso.Other", "from outside of the disk")
    outside = tmp_path / "other/var/lib/waagent/Contoso.Other-1.0.0"
    (outside / "HandlerStatus").write_text(
        json.dumps({"status": "NotReady", "code": 1, "message": "from outside of the disk"})
    )
    (outside / "stderr").write_text("from outside of the disk\n")
    handler = disk / "var/lib/waagent/Contoso.Web-1.0"
    handler.mkdir()
    (handler / "status").symlink_to(outside / "status")
    (handler / "config").symlink_to(outside)
    (disk / "var/lib/waagent/custom-script/download/9").symlink_to(outside)
    ran = called(disk, tmp_path / "run")
    assert "from outside" not in ran.text, ran.text
    assert ran.verdict.line.startswith(REASON)


@pytest.mark.parametrize("folder", ["var/log", "var/lib/waagent", "var/lib"])
def test_a_link_on_a_disk_does_not_lead_to_this_machine(disk: Path, tmp_path: Path, folder: str):
    """A link with a whole path means a folder of the disk, and is one of this machine when it is followed."""
    moved = tmp_path / "this machine's"
    shutil.move(disk / folder, moved)
    (disk / folder).symlink_to(moved)
    ran = called(disk, tmp_path / "run")
    assert ("Dependent extension" in ran.text, "nginx-plus" in ran.text) == (folder != "var/log", folder == "var/log")


def test_a_link_that_stays_on_the_disk_is_followed(disk: Path, tmp_path: Path):
    shutil.move(disk / "var/lib/waagent", disk / "moved")
    (disk / "var/lib/waagent").symlink_to("../../moved")
    assert called(disk, tmp_path / "run").verdict.line.startswith(REASON)


@pytest.mark.parametrize("name", ["Contoso.\u00dcn\u00ef", "Contoso.\x1b[31mRed", "Contoso.$(id) `id` \"' *", "-n"])
def test_names_of_folders_come_out_as_plain_words(tmp_path: Path, name: str):
    failing(tmp_path / "disk", name, "this one failed")
    ran = called(tmp_path / "disk", tmp_path / "run")
    assert ran.verdict.line.startswith("FAILED")
    assert all(" " <= sign <= "~" or sign == "\n" for sign in ran.text), ran.text
    assert "this one failed" in ran.text


def test_a_name_with_a_line_break_makes_up_no_file(tmp_path: Path):
    made_up = [{"status": {"status": "error", "code": 9, "formattedMessage": {"message": "it made this up"}}}]
    name = f"Contoso.X\n#V Evil 1.0 Enabled\n#S Evil 1.0 0.status status\n|{json.dumps(made_up)}\n#"
    failing(tmp_path / "disk", name, "this one failed")
    ran = called(tmp_path / "disk", tmp_path / "run")
    assert "Evil exit 9" not in ran.text, ran.text


HUGE = "9" * 30
NUMBERS = {"octal": "08", "too large": HUGE, "none": "", "a word": "ten", "negative": "-1"}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_odd_numbers_of_seconds_cost_no_verdict(tmp_path: Path, number: str, shell: str):
    for name in ("VMEXT_COLLECT_SECONDS", "VMEXT_COLLECT_WAIT"):
        ran = called(DISK, tmp_path / "run", f"{name}={number}", shell=shell)
        assert (ran.code, ran.verdict.line[: len(REASON)]) == (0, REASON), ran.message


ENVIRONMENTS = {
    "separators": {"IFS": "/a-"},
    "no path": {"PATH": ""},
    "a locale": {"LC_ALL": "tr_TR.UTF-8", "LANGUAGE": "de"},
    "names in quotes": {"QUOTING_STYLE": "c", "TIME_STYLE": "+%s"},
    "POSIX": {"POSIXLY_CORRECT": "1"},
    "options of tools": {"TAR_OPTIONS": "--no-such", "GREP_OPTIONS": "-v", "GZIP": "-1"},
    "files that are read at start": {"ENV": "/etc/passwd", "BASH_ENV": "/etc/passwd"},
    "other folders": {"CDPATH": "/:/usr", "TMPDIR": "/nowhere/$(id)", "HOME": "/nowhere"},
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_no_environment_changes_the_verdict(tmp_path: Path, environment: dict[str, str], shell: str):
    ran = called(DISK, tmp_path / "run", shell=shell, **environment)
    assert ran.out == collect(DISK, tmp_path / "plain").out, ran.message


@pytest.mark.parametrize("word", ["VMEXT_PACKGE_URL=https://h/x?sig=Hunter2", "HTTPS://h/x?sig=Hunter2", "Hunter2="])
def test_a_parameter_that_is_misspelt_is_not_repeated(tmp_path: Path, word: str):
    ran = called(DISK, tmp_path / "run", word)
    assert b"is no parameter; it was left out" in ran.err
    assert b"Hunter2" not in ran.err + ran.out
    assert (b"VMEXT_PACKGE_URL" in ran.err) == word.startswith("VMEXT")


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", ""], ids=repr)
def test_of_a_line_that_is_cut_at_its_beginning_nothing_is_shown(disk: Path, tmp_path: Path, end: str):
    """The word that says what it holds stands before the cut."""
    stderr = disk / "var/lib/waagent/custom-script/download/3/stderr"
    for before in (16384 - 60, 16384 - 20):
        stderr.write_text("curl: password " + "hunter hunter " * 20 + "x " * (before // 2) + end + "the reason")
        ran = called(disk, tmp_path / "run")
        assert "hunter hunter" not in ran.text, ran.text
        assert ("the reason" in ran.verdict.parts["Proof"]) == bool(end)


def test_a_huge_log_in_one_line_takes_no_time(disk: Path, tmp_path: Path):
    with (disk / "var/log/waagent.log").open("ab") as log:
        log.truncate(1 << 30)
    done = subprocess.run(
        ["dash", "-c", f"ulimit -v 1000000; exec dash {SCRIPT}"],
        env={"PATH": "/usr/bin:/bin", "VMEXT_COLLECT_ROOT": str(disk), "VMEXT_STATE_FOLDERS": str(tmp_path)},
        capture_output=True,
        timeout=60,
    )
    assert done.stdout.startswith(f"VMEXT {REASON}".encode())


@pytest.mark.parametrize("form", ["utf-16", "utf-8-sig", "CRLF", "no end"])
def test_the_forms_of_a_status_file_are_all_read(tmp_path: Path, form: str):
    failing(tmp_path / "disk", "Contoso.Web", "this one failed")
    file = next((tmp_path / "disk").rglob("0.status"))
    text = json.dumps(json.loads(file.read_text()), indent=1)
    data = {"CRLF": text.replace("\n", "\r\n").encode(), "no end": text.strip().encode()}
    file.write_bytes(data.get(form) or text.encode(form))
    assert "this one failed" in called(tmp_path / "disk", tmp_path / "run").verdict.parts["Proof"]


@pytest.mark.parametrize("awk", ["mawk", "busybox awk"])
def test_files_that_are_slow_to_read_keep_the_time(disk: Path, tmp_path: Path, awk: str):
    """Tens of thousands of empty texts in each of many files."""
    for number in range(12):
        folder = disk / f"var/lib/waagent/Contoso.Slow{number}-1.0/status"
        folder.mkdir(parents=True)
        for name in range(5):
            (folder / f"n{name}.1.status").write_text("[" + '"",' * 21000 + '""]')
    begun = os.times()
    ran = collect(disk, tmp_path / "run", awk=awk)
    used = sum(os.times()[2:4]) - sum(begun[2:4])
    assert ran.verdict.line.startswith(REASON)
    assert used < 60, "running away, in seconds of the processor"


@pytest.mark.parametrize("field", ["status", "code", "operation", "timestampUTC"])
@pytest.mark.parametrize("place", ["failing", "fine", "HandlerStatus"])
def test_no_field_takes_a_secret_past_what_hides_it(tmp_path: Path, field: str, place: str):
    """Some stand in the verdict outside of any line of the file's."""
    disk, secret = tmp_path / "disk", "password=hunterhunter"
    failing(disk, "Contoso.Web", "this one failed")
    file = next(disk.rglob("0.status"))
    document = json.loads(file.read_text())
    status = document[0]["status"]
    if place == "fine":
        status["status"] = "success"
    if field == "timestampUTC":
        document[0][field] = secret
    else:
        status[field] = secret
    if place == "HandlerStatus":
        file.unlink()
        file = file.parents[1] / "config/HandlerStatus"
        file.parent.mkdir()
        document = {"status": "NotReady", "code": 3, "message": "this one failed", field: secret}
    file.write_text(json.dumps(document))
    ran = called(disk, tmp_path / "run")
    assert "VMEXT" in ran.text
    assert "hunter" not in ran.text, ran.text
