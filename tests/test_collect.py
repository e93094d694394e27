"""`vmext collect` as a whole: its contract, its exit codes, and what bad input leaves of it."""

from __future__ import annotations

import gzip
import json
import os
import re
import stat
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from collector.redact.patterns import secret_patterns
from tests.collecting import AGENT_LOG, CSE, HANDLER_LOG, STATUS, STDERR, collect, failing_disk, put, vmext


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return failing_disk(tmp_path / "disk")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def finding(result):
    return result.json["findings"][0]


# ---- the contract --------------------------------------------------------------------------------------


def test_the_json_verdict_holds_what_scripts_rely_on(disk: Path, state: Path):
    result = collect(disk, state)
    assert result.code == 10
    assert result.err == ""
    assert len(result.out.encode("ascii")) <= 4096
    document = result.json
    assert {"schema", "verdict", "instance", "window", "findings", "bundle", "delivery"} <= set(document)
    assert document["verdict"] == "failed"
    assert set(document["window"]) >= {"start", "end", "reason"}
    assert set(document["bundle"]) >= {"id", "path", "bytes", "sha256"}
    assert document["delivery"]["state"] == "skipped"
    first = finding(result)
    assert (first["extension"], first["exit_code"], first["sequence"], first["version"]) == (
        CSE,
        100,
        3,
        "2.1.19",
    )
    assert (first["kind"], first["operation"], first["owner"]) == ("failure", "Enable", "script")
    assert first["message"] == "E: Unable to locate package nginx-plus"


def test_a_finding_in_the_bundle_has_every_field(disk: Path, state: Path):
    result = collect(disk, state)
    document = result.member("findings.json")
    assert {"schema", "window", "findings"} <= set(document)
    fields = {
        "id", "kind", "extension", "name", "version", "operation", "sequence", "exit_code", "agent_code", "owner", "message",
        "meaning", "remedy", "confidence", "first_time", "last_time", "count", "sources",
    }  # fmt: skip
    assert fields <= set(document["findings"][0])
    assert {"path": STDERR, "line": 1} in document["findings"][0]["sources"]


def test_the_bundle_tells_how_long_the_run_took(disk: Path, state: Path):
    begin = time.monotonic()
    result = collect(disk, state)
    whole = time.monotonic() - begin
    told = result.member("manifest.json")["duration_seconds"]
    assert 0 < told <= whole
    assert result.member("system.json")["run"]["duration_seconds"] == told


def test_the_text_verdict_answers_first_and_last(disk: Path, state: Path):
    result = vmext("collect", "--root", disk, "--state-dir", state, "--no-upload")
    lines = result.out.rstrip("\n").split("\n")
    assert result.code == 10
    assert lines[0].startswith("VMEXT FAILED CustomScript exit 100")
    assert lines[-1].startswith("VMEXT FAILED CustomScript exit 100; bundle ")
    labels = [line.split(" ", 1)[0] for line in lines if line and not line.startswith((" ", "VMEXT"))]
    expected = ["Owner", "Where", "When", "What", "Proof", "Cause", "Do", "Others", "Ids", "Gaps", "Bundle"]
    assert [label for label in labels if label in expected] == expected


def test_the_window_comes_from_the_status_file_however_old(disk: Path, state: Path):
    window = collect(disk, state).json["window"]
    assert window["start"] <= "2026-05-04T03:12:14Z"
    assert window["end"] >= "2026-05-04T03:12:26Z"
    assert "3.status" in window["reason"]


def test_a_window_asked_for_is_kept(disk: Path, state: Path):
    result = collect(disk, state, "--since", "2026-05-05T00:00:00Z", "--until", "2026-05-06T00:00:00Z")
    assert (result.code, result.json["verdict"], result.json["findings"]) == (0, "healthy", [])
    assert result.ledger()[AGENT_LOG]["outcome"] == "outside-window"


def test_only_the_extensions_asked_for_are_read(disk: Path, state: Path):
    assert collect(disk, state, "--extension", "*CustomScript").code == 10
    nothing = collect(disk, state, "--extension", "Acme.*")
    assert (nothing.code, nothing.json["verdict"], nothing.json["findings"]) == (12, "nothing-found", [])


def test_a_disk_without_any_source_says_so(tmp_path: Path, state: Path):
    empty = tmp_path / "empty"
    empty.mkdir()
    result = collect(empty, state)
    assert (result.code, result.json["verdict"]) == (12, "nothing-found")


def test_the_bundle_lies_in_the_spool_and_a_copy_where_asked(disk: Path, state: Path, tmp_path: Path):
    result = collect(disk, state, "--output", tmp_path / "out")
    name = result.json["bundle"]["id"] + ".zip"
    assert (state / "spool" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    if sys.platform != "win32":  # there access lists tell who may read it: tests/windows
        assert stat.S_IMODE((state / "spool" / name).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--since", "yesterday"], "--since"),
        (["--margin", "long"], "--margin"),
        (["--timezone", "Mars/Olympus"], "Mars/Olympus"),
        (["--around", "2h", "--since", "3h"], "--around"),
        (["--since", "1h", "--until", "2h"], "--since"),
        (["--config", "/nowhere.toml"], "/nowhere.toml"),
        (["--probe-network"], "--probe-network"),
        (["--no-such-flag"], "--no-such-flag"),
    ],
)
def test_a_usage_error_names_the_flag_and_ends_with_2(disk: Path, state: Path, arguments: list[str], says: str):
    result = collect(disk, state, *arguments)
    assert result.code == 2
    assert says in result.err.replace("\\", "/")
    assert "Traceback" not in result.err
    assert result.out == ""


def test_a_root_that_is_no_folder_is_a_usage_error(tmp_path: Path, state: Path):
    result = collect(tmp_path / "nowhere", state)
    assert (result.code, "nowhere" in result.err) == (2, True)


@pytest.mark.parametrize("place", [STDERR, HANDLER_LOG, AGENT_LOG, STATUS])
@pytest.mark.parametrize("part", range(4))  # an excerpt does not hold all of them
def test_no_secret_leaves(disk: Path, state: Path, place: str, part: int):
    """Every kind of secret that the table knows, beside the failure, in each kind of file."""
    rows = secret_patterns()[part::4]
    secrets = "\n".join(f"error: {text}" for row in rows for text in row.matches)
    if place == STATUS:
        document = json.loads((disk / STATUS).read_text())
        document[0]["status"]["formattedMessage"]["message"] += f"\n[stderr]\n{secrets}"
        put(disk, STATUS, json.dumps(document))
    else:
        head = {
            HANDLER_LOG: "time=2026-05-04T03:12:24Z event=",
            AGENT_LOG: "2026-05-04T03:12:25.000000Z ERROR ExtHandler [Pub.Type-1.0] ",
        }
        lines = [head.get(place, "") + line for line in secrets.split("\n")]
        put(disk, place, (disk / place).read_text() + "\n".join(lines) + "\n")
    result = collect(disk, state)
    assert result.code == 10
    with zipfile.ZipFile(result.json["bundle"]["path"]) as opened:
        everything = b"".join(opened.read(name) for name in opened.namelist()) + result.out.encode()
    assert b"HIDDEN" not in everything
    assert len(set(re.findall(rb"\[[a-z]+:[0-9a-f]{4}\]", everything))) > 9


def test_progress_is_shown_on_a_terminal_alone(disk: Path, state: Path):
    command = [
        sys.executable,
        "-m",
        "collector",
        "collect",
        "--root",
        str(disk),
        "--state-dir",
        str(state),
        "--no-upload",
    ]
    pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals of this kind")
    leader, follower = pty.openpty()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=follower)
    out, _ = process.communicate(timeout=120)
    os.close(follower)
    shown = os.read(leader, 65_536)
    os.close(leader)
    assert b"waagent.log" in shown
    assert out.startswith(b"VMEXT FAILED")
    assert b"%" not in out


# ---- bad input: the rest goes on, and the ledger says what happened -------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no setpriv")
def test_a_file_that_may_not_be_read(disk: Path, state: Path):
    """Root may read everything, so the process gives up exactly that right."""
    (disk / AGENT_LOG).chmod(0)
    result = collect(disk, state, through=("setpriv", "--bounding-set=-dac_override,-dac_read_search"))
    assert result.code == 10
    assert result.ledger()[AGENT_LOG]["outcome"] == "denied"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no setpriv")
def test_a_disk_that_may_not_be_looked_into(disk: Path, state: Path):
    (disk.parent / "closed").mkdir()
    closed = disk.rename(disk.parent / "closed" / disk.name)
    closed.parent.chmod(0)
    result = collect(closed, state, through=("setpriv", "--bounding-set=-dac_override,-dac_read_search"))
    closed.parent.chmod(0o755)
    assert result.code == 2
    assert str(closed) in result.err
    assert "internal error" not in result.err


def test_a_folder_where_a_file_should_be(disk: Path, state: Path):
    (disk / AGENT_LOG).unlink()
    (disk / AGENT_LOG).mkdir()
    result = collect(disk, state)
    assert (result.code, result.ledger()[AGENT_LOG]["outcome"]) == (10, "not-a-file")


def test_a_binary_file(disk: Path, state: Path):
    put(disk, HANDLER_LOG, bytes(range(256)) * 400)
    result = collect(disk, state)
    assert (result.code, result.ledger()[HANDLER_LOG]["outcome"]) == (10, "undecodable")


def test_a_gzip_file_cut_short(disk: Path, state: Path):
    text = (disk / AGENT_LOG).read_bytes() * 3000
    put(disk, AGENT_LOG + ".2.gz", gzip.compress(text)[:-200])
    result = collect(disk, state)
    entry = result.ledger()[AGENT_LOG + ".2.gz"]
    assert (result.code, entry["outcome"]) == (10, "truncated")
    assert entry["lines"] > 0


@pytest.mark.parametrize("content", ['[{"status": {"status": "succ', "", "[1, 2]", "\x00\x00\x00"])
def test_a_status_file_that_is_not_json(disk: Path, state: Path, content: str):
    put(disk, STATUS, content)
    result = collect(disk, state)
    assert result.code == 10
    assert result.ledger()[STATUS]["outcome"] in ("undecodable", "empty")
    assert finding(result)["exit_code"] == 100  # the handler's log still tells it


def test_nuls_in_the_windows_summary(tmp_path: Path, state: Path):
    row = {
        "handlerName": "Acme.App",
        "handlerVersion": "1.0",
        "status": "NotReady",
        "code": 1007,
        "formattedMessage": {"lang": "en-US", "message": "Install failed, Exit code: 1603"},
    }
    text = json.dumps({"aggregateStatus": {"handlerAggregateStatus": [row]}, "timestampUTC": "2026-05-04T03:12:25Z"})
    put(tmp_path / "disk", "WindowsAzure/Logs/AggregateStatus/aggregatestatus.json", text + "\0" * 4000)
    result = collect(tmp_path / "disk", state)
    assert (result.code, finding(result)["extension"], finding(result)["agent_code"]) == (
        10,
        "Acme.App",
        1007,
    )


def test_a_file_that_vanishes_while_it_is_read(disk: Path, state: Path):
    """A second process deletes and writes logs all the time while collect reads them."""
    names = [f"var/log/azure/{CSE}/extra{number}.log" for number in range(40)]
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            for name in names:
                put(disk, name, "2026-05-04T03:12:20.000000Z INFO ExtHandler x\n" * 2000)
            for name in names:
                (disk / name).unlink(missing_ok=True)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        results = [collect(disk, state) for _ in range(3)]
    finally:
        stop.set()
        thread.join()
    for result in results:
        assert result.code == 10
        assert result.err == ""
        assert finding(result)["exit_code"] == 100


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no tmpfs")
def test_a_state_folder_on_a_full_disk_still_tells_the_verdict(disk: Path, tmp_path: Path):
    """A file system of 1 MB, filled to the last byte."""
    mount = tmp_path / "full"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], check=True)
    try:
        with (mount / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space"):
            while True:
                filler.write(bytes(4096))
        result = vmext("collect", "--root", disk, "--state-dir", mount / "state", "--no-upload")
        assert result.out.startswith("VMEXT FAILED CustomScript exit 100")
        assert "can't be written" in " ".join(result.out.split())
        assert not list(mount.rglob("*.zip"))
    finally:
        subprocess.run(["umount", str(mount)], check=True)


# ---- delivery ------------------------------------------------------------------------------------------


def test_an_endpoint_that_is_down_leaves_the_bundle_in_the_spool(disk: Path, state: Path):
    config = state.parent / "config.toml"
    config.write_text("deadline_seconds = 1\n")
    result = collect(disk, state, "--upload", "http://127.0.0.1:9", "--token", "abc", "--config", config)
    assert result.code == 20
    delivery = result.json["delivery"]
    assert (delivery["state"], delivery["target"]) == ("spooled", "http://127.0.0.1:9")
    assert delivery["error"]
    assert list((state / "spool").glob("*.zip"))
    assert "abc" not in result.out
    assert "--token-file" in result.err  # others can see a token on the command line


def test_two_collects_at_once_both_tell_their_verdict(disk: Path, state: Path):
    command = [
        sys.executable,
        "-m",
        "collector",
        "collect",
        "--root",
        str(disk),
        "--state-dir",
        str(state),
        "--no-upload",
    ]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert all(output.startswith("VMEXT FAILED CustomScript exit 100") for output in outputs)
    assert len(list((state / "spool").glob("*.zip"))) == len(
        {output.split("bundle ")[-1].split()[0] for output in outputs}
    )


@pytest.mark.parametrize("margin", ["99999999999w", "60000w"])
def test_a_margin_beyond_the_calendar_is_no_crash(disk: Path, state: Path, margin: str):
    assert collect(disk, state, "--around", "0001-01-02T00:00:00Z", "--margin", margin).code in (0, 2)
