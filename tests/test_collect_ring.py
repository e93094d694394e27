"""`vmext collect` with a ring beside it: lines whose files are gone are evidence all the same, and are called what they
are."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from collector.model import Source
from collector.platforms.state import redaction_key
from collector.read.keeping.recent import Recent
from collector.read.keeping.ring import Ring
from collector.redact.redactor import Redactor
from tests.collecting import AGENT_LOG, CSE, HANDLER_LOG, STATUS, STDERR, Result, collect, failing_disk, put
from tests.read.pieces import piece

QUOTED = "command terminated with exit status=100"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return failing_disk(tmp_path / "disk")


def watched(disk: Path, state: Path, path: str = HANDLER_LOG, stream: int = 3, begin: int = 0, root: str = "") -> None:
    """As the agent keeps a log that it follows."""
    state.mkdir(exist_ok=True)
    recent, redactor = Recent(), Redactor(redaction_key(state))
    ring = Ring(state / "ring", root or str(disk.resolve()))
    source = Source(path, disk / path, "output" if path == STDERR else "log", extension=CSE, sequence=3)
    recent.add(piece((disk / path).read_bytes()[begin:], begin, stream, source), 0.0)
    ring.flush(recent, redactor, 5.0)
    ring.close()


def kept_entries(result: Result) -> dict[str, str]:
    return {path: entry["note"] for path, entry in result.ledger().items() if "ring" in entry["note"]}


def test_a_deleted_log_is_read_from_the_ring(disk: Path, tmp_path: Path):
    put(disk, HANDLER_LOG, (disk / HANDLER_LOG).read_text() + "time=2026-05-04T03:12:26Z AccountKey=hidden1234567\n")
    size = (disk / HANDLER_LOG).stat().st_size
    watched(disk, tmp_path / "state")
    shutil.rmtree((disk / HANDLER_LOG).parent)
    (disk / STATUS).unlink()
    result = collect(disk, tmp_path / "state")
    assert result.code == 10, result.err
    assert result.json["findings"][0]["exit_code"] == 100  # which nothing else on the disk tells
    entry = result.ledger()[HANDLER_LOG]
    assert (entry["outcome"], entry["lines"]) == ("read", 3)
    assert f"from the resident agent's ring, the file is gone: 3 lines, bytes 0 to {size} of it" in entry["note"]
    assert "; 1 source gone from the disk, read from what the resident agent kept" in " ".join(
        result.member("summary.txt").split()
    )
    text = "\n".join(result.texts())
    assert QUOTED in text
    assert "hidden1234567" not in text
    assert text.count("AccountKey=[") == 1


def test_what_is_missing_before_is_told(disk: Path, tmp_path: Path):
    begin = (disk / HANDLER_LOG).read_bytes().index(b"\n") + 1
    watched(disk, tmp_path / "state", begin=begin)
    (disk / HANDLER_LOG).unlink()
    entry = collect(disk, tmp_path / "state").ledger()[HANDLER_LOG]
    assert entry["outcome"] == "truncated"
    assert f"1 lines, bytes {begin} to " in entry["note"]


@pytest.mark.parametrize("form", ["same", "grown", "renamed", "packed", "copied"])
def test_what_is_still_on_the_disk_is_read_there_and_once(disk: Path, tmp_path: Path, form: str):
    watched(disk, tmp_path / "state")
    file = disk / HANDLER_LOG
    data = file.read_bytes()
    if form == "grown":
        file.write_bytes(data + data)
    if form == "renamed":
        file.rename(f"{file}.1")
        put(disk, HANDLER_LOG, "time=2026-05-04T03:20:00Z new\n")
    if form == "packed":
        file.unlink()
        Path(f"{file}.2.gz").write_bytes(gzip.compress(data))
    if form == "copied":
        Path(f"{file}.1").write_bytes(data)
        file.write_bytes(b"")
    result = collect(disk, tmp_path / "state")
    assert kept_entries(result) == {}
    assert result.json["findings"][0]["count"] == 1


def test_a_file_that_was_cut_and_written_anew_has_two_entries(disk: Path, tmp_path: Path):
    watched(disk, tmp_path / "state")
    old = (disk / HANDLER_LOG).read_bytes()
    put(disk, HANDLER_LOG, b"time=2026-05-04T04:00:00Z version=v2.1.19 operation=enable event=other\n" * 20)
    (disk / STATUS).unlink()
    result = collect(disk, tmp_path / "state")
    ledger = result.ledger()
    assert f"bytes 0 to {len(old)}" in ledger[f"{HANDLER_LOG}.kept-3"]["note"]
    assert ledger[HANDLER_LOG]["note"] == "not read: it begins after the window"
    assert result.json["findings"][0]["exit_code"] == 100  # which nothing else on the disk tells


def test_a_ring_of_another_root_is_not_read(disk: Path, tmp_path: Path):
    watched(disk, tmp_path / "state", root="/")
    (disk / HANDLER_LOG).unlink()
    result = collect(disk, tmp_path / "state")
    assert kept_entries(result) == {}
    assert HANDLER_LOG not in result.ledger()


def test_only_what_was_asked_for(disk: Path, tmp_path: Path):
    watched(disk, tmp_path / "state")
    (disk / HANDLER_LOG).unlink()
    assert kept_entries(collect(disk, tmp_path / "state", "--extension", "OmsAgent*")) == {}
    assert list(kept_entries(collect(disk, tmp_path / "state", "--extension", "Custom*"))) == [HANDLER_LOG]


def test_the_output_of_a_script_whose_folder_is_gone(disk: Path, tmp_path: Path):
    watched(disk, tmp_path / "state", STDERR)
    shutil.rmtree((disk / STDERR).parents[1])
    entry = collect(disk, tmp_path / "state").ledger()[STDERR]
    assert "from the resident agent's ring" in entry["note"]


def test_a_damaged_ring_is_told_and_stops_nothing(disk: Path, tmp_path: Path):
    watched(disk, tmp_path / "state")
    (segment,) = (tmp_path / "state/ring").iterdir()
    segment.write_bytes(b"\0" * 10_000)
    (disk / HANDLER_LOG).unlink()
    result = collect(disk, tmp_path / "state")
    assert result.code == 10
    assert result.ledger()[f"ring/{segment.name}"]["outcome"] == "undecodable"


def test_without_a_ring_nothing_changes(disk: Path, tmp_path: Path):
    assert kept_entries(collect(disk, tmp_path / "state")) == {}
    assert AGENT_LOG in collect(disk, tmp_path / "state").ledger()
