"""`vmext collect` on the Windows machine itself: no --root, its own drive C, its own zone, its own state folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from collector.data.event_channels import LOGS, event_channels
from collector.platforms import current
from tests.collecting import Result, put, vmext

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="needs Windows: scripts/test-windows")

CSE = "Microsoft.Compute.CustomScriptExtension"
PLUGIN = f"Packages/Plugins/{CSE}/1.10.15"
STATUS = f"{PLUGIN}/Status/2.status"
HANDLER_LOG = f"WindowsAzure/Logs/Plugins/{CSE}/1.10.15/CustomScriptHandler.log"
AGENT_LOG = "WindowsAzure/Logs/WaAppAgent.log"
DSC = "Microsoft.Powershell.DSC"
DSC_LOG = f"WindowsAzure/Logs/Plugins/{DSC}/2.83.5/DscExtensionHandler.0.20260504-031220.log"
MESSAGE = "Command execution finished, but failed because it returned a non-zero exit code of: '1'. setup.ps1 : The term 'Install-Foo' is not recognized as the name of a cmdlet, function, script file, or operable program."


def lines(text: str) -> str:
    """As programs of Windows write it."""
    return textwrap.dedent(text).lstrip("\n").replace("\n", "\r\n")


def fail(root: Path, moment: datetime) -> None:
    """A Custom Script that failed at this moment, as it lies on drive C."""
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%S")
    local = moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    status = {
        "version": 1,
        "timestampUTC": f"{stamp}Z",
        "status": {
            "name": CSE,
            "operation": "Command Execution Finished",
            "status": "error",
            "code": 1,
            "formattedMessage": {"lang": "en-US", "message": MESSAGE},
        },
    }
    put(root, STATUS, json.dumps([status], indent=2).replace("\n", "\r\n"))
    put(root, f"{PLUGIN}/RuntimeSettings/2.settings", '{"runtimeSettings": [{"handlerSettings": {}}]}')
    put(
        root,
        HANDLER_LOG,
        lines(f"""
            [2604+00000001] [{moment:%m/%d/%Y %H:%M:%S.10}] [INFO] Executing command: powershell -File setup.ps1
            [2604+00000001] [{moment:%m/%d/%Y %H:%M:%S.20}] [ERROR] Command exited with code: 1
        """),
    )
    put(
        root,
        AGENT_LOG,
        lines(f"""
            [00000008] {stamp}.902Z [INFO]  Plugin enabled (handler name: {CSE}, version: 1.10.15).
            [00000008] {stamp}.951Z [INFO]  GuestAgent: grüße
        """),
    )
    put(root, DSC_LOG, b"\xff\xfe" + lines(f"{local} VERBOSE: DSC was asked for nothing\n").encode("utf-16-le"))


@pytest.fixture
def machine() -> Iterator[Path]:
    """Drive C with a failed extension on it; never that of a machine where the guest agent lives."""
    root = current().root()
    mine = [root / "WindowsAzure", root / "Packages"]
    if any(folder.exists() for folder in mine):
        pytest.skip("an Azure machine: the test writes where its guest agent does")
    fail(root, datetime.now(timezone.utc) - timedelta(minutes=5))
    try:
        yield root
    finally:
        for folder in mine:
            shutil.rmtree(folder, ignore_errors=True)


def live(*more: object, environ: dict[str, str] | None = None) -> Result:
    return vmext("collect", "--no-upload", *more, environ=environ)


def test_this_machine_with_nothing_but_the_command(machine: Path):
    state = current().state_dir()
    new = not state.exists()
    result = live()
    try:
        assert result.err == ""
        assert result.code == 10
        assert result.out.startswith("VMEXT FAILED CustomScriptExtension exit 1")
        assert f"it lies in {state}" in result.out
        assert list((state / "spool").glob("*.zip"))
    finally:
        if new:
            shutil.rmtree(state, ignore_errors=True)


def test_what_the_verdict_and_the_bundle_say(machine: Path, tmp_path: Path):
    result = live("--state-dir", tmp_path / "state", "--format", "json")
    assert (result.code, result.err, result.json["verdict"]) == (10, "", "failed")
    finding = result.json["findings"][0]
    assert (finding["extension"], finding["exit_code"], finding["sequence"]) == (CSE, 1, 2)
    assert Path(result.json["bundle"]["path"]).is_file()
    ledger = result.ledger()
    for path in (STATUS, HANDLER_LOG, AGENT_LOG, DSC_LOG):
        assert ledger[path]["outcome"] in ("read", "outside-window"), ledger[path]
    assert ledger[DSC_LOG]["encoding"].startswith("utf-16")
    assert ledger[f"{PLUGIN}/RuntimeSettings/2.settings"]["outcome"] == "skipped"
    assert not [path for path in ledger if "\\" in path]


def test_paths_are_shown_as_windows_writes_them(machine: Path, tmp_path: Path):
    result = live("--state-dir", tmp_path / "state")
    assert f"C:\\{STATUS}".replace("/", "\\") in result.out


def test_the_output_is_within_the_limit_as_it_leaves_the_process(machine: Path, tmp_path: Path):
    """Run Command counts bytes: a line end that grows on its way would push the first lines out."""
    for number in range(30):
        put(machine, f"Packages/Plugins/Acme.Long{number}/1.0/Status/0.status", (machine / STATUS).read_bytes())
    command = [sys.executable, "-m", "collector", "collect", "--no-upload", "--state-dir", str(tmp_path / "state")]
    for form in ("text", "json"):
        out = subprocess.run([*command, "--format", form], capture_output=True, timeout=120, check=False).stdout
        assert len(out) <= 4096
        assert b"\r" not in out
        assert out.endswith(b"\n")


def test_a_log_that_the_agent_is_writing(machine: Path, tmp_path: Path):
    with (machine / AGENT_LOG).open("ab") as agent:
        agent.write(b"[00000008] half a line")
        agent.flush()
        result = live("--state-dir", tmp_path / "state", "--format", "json")
    assert (result.code, result.ledger()[AGENT_LOG]["outcome"]) == (10, "read")


def test_a_log_that_no_one_may_read_is_denied_and_the_rest_is_told(machine: Path, tmp_path: Path):
    script = (
        "import ctypes, sys; create = ctypes.WinDLL('kernel32').CreateFileW; create.restype = ctypes.c_void_p\n"
        "create(sys.argv[1], 0xC0000000, 0, None, 3, 0, None); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(machine / AGENT_LOG)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        result = live("--state-dir", tmp_path / "state", "--format", "json")
        holder.kill()
    assert (result.code, result.ledger()[AGENT_LOG]["outcome"]) == (10, "denied")


def test_names_of_drive_c_in_any_case(machine: Path, tmp_path: Path):
    agent = machine / AGENT_LOG
    content = agent.read_bytes()
    agent.unlink()
    agent.with_name("WAAPPAGENT.LOG").write_bytes(content)
    result = live("--state-dir", tmp_path / "state", "--format", "json")
    assert result.code == 10
    assert result.ledger()["WindowsAzure/Logs/WAAPPAGENT.LOG"]["outcome"] == "read"


def test_a_disk_that_is_mounted_elsewhere(tmp_path: Path):
    fail(tmp_path / "disk", datetime(2026, 5, 4, 3, 12, 25, tzinfo=timezone.utc))
    result = live("--root", tmp_path / "disk", "--state-dir", tmp_path / "state", "--format", "json")
    assert (result.code, result.err) == (10, "")
    assert result.json["findings"][0]["extension"] == CSE
    assert result.ledger()[STATUS]["outcome"] == "read"


def test_the_local_stamps_of_this_machine_count_in_its_zone(machine: Path, tmp_path: Path):
    """The stamp of the DSC log is local; in the window of the last minutes it lies only in the machine's zone."""
    result = live("--state-dir", tmp_path / "state", "--format", "json")
    facts = result.member("system.json")
    assert "this machine's zone, UTC" in json.dumps(facts)


def test_the_machine_tells_its_own_name(machine: Path, tmp_path: Path):
    """Also where no metadata service answers."""
    identity = live("--state-dir", tmp_path / "state", "--format", "json").member("manifest.json")["identity"]
    assert identity["computer_name"].upper() == os.environ["COMPUTERNAME"].upper()
    assert "Windows" in identity["os"]


def test_a_state_folder_with_spaces_and_other_letters(machine: Path, tmp_path: Path):
    state = tmp_path / "Große Ablage ü 你好"
    result = live("--state-dir", state)
    assert (result.code, result.err) == (10, "")
    assert list((state / "spool").glob("*.zip"))
    assert result.out.isascii()


def test_each_event_log_of_the_agent_is_told(machine: Path, tmp_path: Path):
    """Read, or why it was not; a machine that keeps none of them, as Wine, has one row that says so."""
    ledger = live("--state-dir", tmp_path / "state", "--format", "json").ledger()
    told = {path: entry["outcome"] for path, entry in ledger.items() if path.startswith(LOGS)}
    assert told
    if (machine / LOGS).exists():
        assert set(told) == {channel.path for channel in event_channels()}
        assert told[f"{LOGS}/System.evtx"] in ("read", "outside-window", "empty", "truncated", "denied")
    else:
        assert told == {f"{LOGS}/*.evtx": "missing"}


def test_a_setting_in_the_environment(machine: Path, tmp_path: Path):
    result = live(environ={"VMEXT_STATE_DIR": str(tmp_path / "own")})
    assert result.code == 10
    assert list((tmp_path / "own" / "spool").glob("*.zip"))
    assert os.sep == "\\"
