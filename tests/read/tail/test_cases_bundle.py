"""Cases 36, 37 and N6, and what 17 and N1 have of it: the bundle, the cleaner, and a full disk, with the real commands.

Their own tests have much more of each: tests/bundle, tests/redact, tests/fault.
"""

from __future__ import annotations

import base64
import gzip
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collector.discover.scan import scan
from collector.read.lines import LineReader
from collector.redact.redactor import Redactor
from tests.collecting import AGENT_LOG, CSE, HANDLER_LOG, STDERR, collect, failing_disk, put, vmext
from tests.read.tail.driver import Tail, lines, text

KEY = b"k" * 32
SECRET = "hunter2HIDDEN99"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="tests/windows has a whole run on Windows")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return failing_disk(tmp_path / "disk")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state of vmext"


def test_17_a_damaged_bundle_in_the_spool_keeps_no_other_from_being_sent(disk: Path, state: Path, tmp_path: Path):
    """Cut by a power failure, say. It is neither a crash nor a reason to send nothing."""
    good = collect(disk, state).json["bundle"]
    put(state, "spool/0123456789abcdef.zip", Path(good["path"]).read_bytes()[:700])
    put(state, "spool/fedcba9876543210.zip", b"")
    target = tmp_path / "target"
    target.mkdir()
    result = vmext("upload", "--upload", target.as_uri(), "--state-dir", state)
    assert "Traceback" not in result.err
    assert [one.stat().st_size for one in target.rglob("*.zip") if good["id"] in one.name] == [good["bytes"]]


def test_36_a_file_vanishes_between_the_listing_and_its_turn(disk: Path):
    listed = [one for one in scan(disk, "linux").sources if one.kind in ("log", "output")]
    assert len(listed) > 2
    (disk / HANDLER_LOG).unlink()
    readers = {one.path: LineReader(one) for one in listed}
    counts = {path: sum(1 for _ in reader) for path, reader in readers.items()}
    assert {path: reader.outcome for path, reader in readers.items()} == {
        path: "vanished" if path == HANDLER_LOG else "read" for path in readers
    }
    assert counts.pop(HANDLER_LOG) == 0
    assert all(counts.values())


def test_36_what_changed_between_two_runs_is_in_the_second_bundle(disk: Path, state: Path):
    first, same = collect(disk, state), collect(disk, state)
    put(disk, STDERR, "E: Unable to locate package another-one\n")
    second = collect(disk, state)
    assert first.code == same.code == second.code == 10
    assert not any("another-one" in one for one in first.texts())
    assert any("another-one" in one for one in second.texts())
    assert first.json["bundle"]["id"] != second.json["bundle"]["id"]


def test_36_a_binary_file_over_every_bound(disk: Path, state: Path):
    """It takes no room, and keeps nothing else out."""
    name = HANDLER_LOG.replace("handler.log", "a binary.log")
    put(disk, name, random.Random(3).randbytes(8_000_000))
    result = collect(disk, state)
    assert result.code == 10
    assert result.ledger()[name]["outcome"] == "undecodable"
    assert Path(result.json["bundle"]["path"]).stat().st_size < 300_000


def test_36_a_budget_is_reached_by_noise_and_the_failing_line_is_there(disk: Path, state: Path, tmp_path: Path):
    noise = "".join(
        f"2026-05-04T03:12:{number % 60:02}.000000Z INFO ExtHandler {random.Random(number).getrandbits(900):x}\n"
        for number in range(8_000)
    )
    for number in range(4):
        put(disk, HANDLER_LOG.replace("handler", f"a noisy one {number}"), noise)
    config = tmp_path / "config.toml"
    config.write_text("bytes_per_bundle = 100000\n")
    result = collect(disk, state, "--config", config)
    assert result.code == 10
    assert Path(result.json["bundle"]["path"]).stat().st_size <= 100_000
    assert any("Unable to locate package nginx-plus" in one for one in result.texts())


def test_36_what_a_killed_run_left_is_removed(disk: Path, state: Path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = put(state, f"spool/.{dead.pid}-000000000000.partial", b"half a bundle")
    result = collect(disk, state)
    assert result.code == 10
    assert not left.exists()


def redacted(content: bytes) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "collector", "redact", "-"], input=content, capture_output=True, check=True
    )
    return done.stdout


def test_37_a_file_that_is_not_utf_8_and_a_binary_one():
    legacy = "Größe --password=".encode("cp1252") + SECRET.encode() + " größer\n".encode("cp1252")
    got = redacted(legacy)
    assert SECRET.encode() not in got
    assert got.startswith("Größe --password=".encode("cp1252")) and got.endswith(" größer\n".encode("cp1252"))
    binary = bytes(range(1, 256)) * 40
    assert redacted(binary) == binary


@pytest.mark.parametrize(
    "text",
    ["WALinuxAgent-2.15.0.1 running", "wire server 168.63.129.16", "metadata 169.254.169.254", "version 1.2.3.4"],
)
def test_37_versions_that_look_like_addresses_stay(text: str):
    assert Redactor(KEY, ["addresses"]).text(text) == text


def test_37_an_address_goes_where_a_site_asks_for_it():
    assert "10.1.2.3" not in Redactor(KEY, ["addresses"]).text("connect to 10.1.2.3 failed")


def test_37_a_packed_script_with_a_packed_secret_in_it():
    inner = base64.b64encode(gzip.compress(f"mysql -u root --password={SECRET} -e 'select 1'\n".encode())).decode()
    outer = base64.b64encode(gzip.compress(f"echo {inner} | base64 -d | zcat | sh\n".encode())).decode()
    got = Redactor(KEY).text(f"name=P.T, op=Enable, message={outer}, duration=0")
    assert outer not in got and inner not in got


def test_37_a_secret_has_the_same_name_in_the_next_run_of_this_instance():
    line = f"setup.sh --password={SECRET} failed"
    first, next_run, another = (Redactor(key).text(line) for key in (KEY, KEY, b"o" * 32))
    assert first == next_run != another
    assert SECRET not in first + another


def test_n1_a_window_over_the_rotation_of_two_logs_with_different_clocks(disk: Path, state: Path):
    """One log in UTC, one two hours east of it; each was rotated inside the window. What each of the four files tells
    inside it is there, and what they tell before and after is not."""
    agent = f"ERROR ExtHandler Event: name={CSE}, op=Enable, message=the agent's failure at {{}}, duration=0"
    agent = f"2026-05-04T{{:02}}:{{:02}}:00.000000Z {agent}\n"
    handler = 'time=2026-05-04T{:02}:{:02}:00+02:00 level=error event="the handler\'s failure at {}"\n'
    for path, line, zone, rotated in ((AGENT_LOG, agent, 0, 10), (HANDLER_LOG, handler, 2, 14)):
        told = [(minute, line.format(3 + zone, minute, minute)) for minute in (1, 7, 9, 16, 18, 50)]
        put(disk, path + ".1", "".join(one for minute, one in told if minute < rotated))
        put(disk, path, "".join(one for minute, one in told if minute >= rotated))
    result = collect(disk, state, "--since", "2026-05-04T03:05:00Z", "--until", "2026-05-04T03:20:00Z")
    assert {result.ledger()[path + end]["outcome"] for path in (AGENT_LOG, HANDLER_LOG) for end in ("", ".1")} == {
        "read"
    }
    shown = re.findall(r"the (\w+)'s failure at (\d+)", "".join(result.texts()))
    assert {(who, int(minute)) for who, minute in shown} == {
        (who, minute) for who in ("agent", "handler") for minute in (7, 9, 16, 18)
    }


@contextmanager
def full_disk() -> Iterator[None]:
    """A limit on the size of files stands for the disk's: a write fails in its middle just the same."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_n6_the_disk_is_full_when_the_state_is_to_be_saved(tail: Tail):
    """Reading goes on; the state before stays whole; once there is room again the next saving has everything."""
    tail.write("a.log", text(1, 3))
    tail.look()
    tail.write("a.log", text(4, 6))
    tail.saves = False
    assert tail.look() == lines(4, 6)
    before = tail.checkpoint.read_bytes()
    tail.acknowledge(tail.pieces[-1].stream, tail.pieces[-1].end, {"sequence": 1})
    with full_disk():
        tail.tails.save()
    assert tail.checkpoint.read_bytes() == before
    assert list(tail.checkpoint.parent.iterdir()) == [tail.checkpoint]
    tail.write("a.log", text(7, 9))
    assert tail.look() == lines(7, 9)
    tail.restart()
    assert tail.look() == []


def test_n6_the_disk_is_full_when_the_bundle_is_to_be_written(disk: Path, tmp_path: Path):
    """A file system of 1 MB, filled to the last byte: the verdict is told all the same, and no half bundle stays."""
    mount = tmp_path / "full"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], check=False).returncode:
        pytest.skip("may not mount a file system")
    try:
        with (mount / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space"):
            while True:
                filler.write(bytes(4096))
        result = vmext("collect", "--root", disk, "--state-dir", mount / "state", "--no-upload")
        assert result.out.startswith("VMEXT FAILED CustomScript exit 100")
        assert not list(mount.rglob("*.zip"))
    finally:
        subprocess.run(["umount", str(mount)], check=True)
