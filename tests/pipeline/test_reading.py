"""What is read of the logs of a disk, seen from the real command: windows, rotated logs, big files, line numbers."""

from __future__ import annotations

import gzip
import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.collecting import AGENT_LOG, collect, put

BEGIN = datetime(2026, 5, 1, tzinfo=timezone.utc)
FAILED = (
    "ERROR ExtHandler ExtHandler Event: name=Contoso.Sync.AgentLinux, op=Enable, message=[ExtensionOperationError] "
    "Non-zero exit code: 12, /var/lib/waagent/Contoso.Sync.AgentLinux-5.2.0/bin/sync.sh enable\n[stdout]\n\n[stderr]\n"
    "sync: the share refused the mount\n, duration=10"
)


def line(when: datetime, text: str = "INFO ExtHandler ExtHandler all is well") -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S.%f}Z {text}\n"


def quiet(begin: datetime, count: int, step: timedelta = timedelta(minutes=1)) -> str:
    return "".join(line(begin + number * step) for number in range(count))


def around(when: datetime) -> tuple[str, ...]:
    return ("--around", when.isoformat(), "--margin", "10m")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return tmp_path / "disk"


def name(day: int, suffix: str = "") -> str:
    until = BEGIN + timedelta(days=day)
    return f"{AGENT_LOG}-{until:%Y-%m-%d}-{int(until.timestamp())}{suffix}"


def test_only_files_of_a_rotated_log_that_can_overlap_the_window_are_read(disk: Path, state: Path):
    for day in range(1, 6):
        text = quiet(BEGIN + timedelta(days=day - 1), 1440)
        put(disk, name(day, ".gz"), gzip.compress(text.encode()))
    put(disk, AGENT_LOG, quiet(BEGIN + timedelta(days=5), 300))
    ledger = collect(disk, state, *around(BEGIN + timedelta(days=2, hours=12))).ledger()
    assert ledger[name(3, ".gz")]["records_in_window"] == 21
    others = [name(1, ".gz"), name(2, ".gz"), name(4, ".gz"), name(5, ".gz"), AGENT_LOG]
    assert {ledger[path]["outcome"] for path in others} == {"outside-window"}
    assert all(ledger[path]["note"].startswith("not read: ") for path in others)
    assert sum(ledger[path]["bytes_read"] for path in others) == 0


@pytest.mark.parametrize("names", [[f"{AGENT_LOG}.2.gz", f"{AGENT_LOG}.1", AGENT_LOG], [name(1), name(2), AGENT_LOG]])
def test_a_window_over_several_files_of_a_log_is_read_in_their_order(disk: Path, state: Path, names: list[str]):
    text = quiet(BEGIN, 48 * 60).splitlines(keepends=True)
    text.insert(24 * 60 - 2, line(BEGIN + timedelta(hours=24, minutes=-2), FAILED))
    for number, path in enumerate(names):
        part = "".join(text[number * 1441 : (number + 1) * 1441]) if number < 2 else "".join(text[2882:])
        put(disk, path, gzip.compress(part.encode()) if path.endswith(".gz") else part)
    result = collect(disk, state)
    (finding,) = result.member("findings.json")["findings"]
    assert (finding["exit_code"], finding["first_time"]) == (12, "2026-05-01T23:58:00Z")
    assert [result.ledger()[path]["records_in_window"] > 0 for path in names] == [True, True, False]
    stamps = [event["Timestamp"] for event in map(json.loads, result.member("events.jsonl").splitlines())]
    assert stamps == sorted(stamps)


def test_a_failure_in_a_big_log_has_the_number_of_its_line(disk: Path, state: Path):
    half = quiet(BEGIN, 200_000, timedelta(seconds=5))
    when = BEGIN + timedelta(seconds=5 * 200_000)
    put(disk, AGENT_LOG, half + line(when, FAILED) + quiet(when, 200_000, timedelta(seconds=5)))
    result = collect(disk, state, *around(when))
    (finding,) = result.member("findings.json")["findings"]
    exit_line = next(row for row in finding["evidence"] if "Non-zero exit code" in row["text"])
    assert exit_line["line"] == 200_001
    entry = result.ledger()[AGENT_LOG]
    assert entry["bytes_read"] < entry["bytes_total"] / 20
    assert "nothing is missed" in entry["guarantee"]
    excerpt = next(text for text in result.texts() if "Non-zero exit code" in text)
    assert "\n>200001  " in excerpt
    assert "\n 200000  " in excerpt


def test_an_old_failure_of_a_big_log_is_found_although_nothing_else_tells_of_it(disk: Path, state: Path):
    """The end of the log is surveyed first; without evidence there, all of it."""
    text = line(BEGIN, FAILED) + quiet(BEGIN, 400_000, timedelta(seconds=5))
    assert len(text) > 16_000_000
    put(disk, AGENT_LOG, text)
    result = collect(disk, state)
    (finding,) = result.member("findings.json")["findings"]
    assert (result.code, finding["exit_code"], finding["evidence"][0]["line"]) == (10, 12, 5)


def test_a_later_success_far_behind_the_window_makes_it_a_warning(disk: Path, state: Path):
    when = BEGIN + timedelta(days=1)
    later = when + timedelta(days=4)
    success = (
        "INFO ExtHandler ExtHandler Event: name=Contoso.Sync.AgentLinux, op=Enable, message=Launch command succeeded: "
        "bin/sync.sh enable, duration=1016"
    )
    put(disk, AGENT_LOG, quiet(BEGIN, 1440) + line(when, FAILED) + quiet(when, 5760) + line(later, success))
    result = collect(disk, state)
    assert (result.code, [finding["kind"] for finding in result.member("findings.json")["findings"]]) == (
        0,
        ["warning"],
    )


def test_a_clock_that_was_set_back_is_said_and_nothing_is_lost(disk: Path, state: Path):
    """At boot the clock was two days ahead until the time was synchronised."""
    ahead = BEGIN + timedelta(days=2)
    text = quiet(BEGIN, 20_000, timedelta(seconds=1)) + quiet(ahead, 1_200, timedelta(seconds=1))
    text += line(ahead + timedelta(minutes=4), FAILED) + quiet(BEGIN + timedelta(hours=6), 50_000, timedelta(seconds=5))
    put(disk, AGENT_LOG, text)
    result = collect(disk, state, *around(ahead))
    assert [finding["exit_code"] for finding in result.member("findings.json")["findings"]] == [12]


def test_local_stamps_without_a_zone_are_read_in_every_zone_and_never_called_utc(disk: Path, state: Path):
    local = "".join(
        f"{BEGIN + timedelta(minutes=n):%Y/%m/%d %H:%M:%S}.000001 INFO ExtHandler all is well\n" for n in range(60_000)
    )
    when = BEGIN + timedelta(days=20)
    marked = f"{when:%Y/%m/%d %H:%M:%S}.000002 {FAILED}\n"
    text = local.splitlines(keepends=True)
    text.insert(20 * 1440 + 1, marked)
    put(disk, AGENT_LOG, "".join(text))
    result = collect(disk, state, *around(when))
    (finding,) = result.member("findings.json")["findings"]
    assert finding["first_time"] == "2026-05-21T00:00:00.000002"
    assert "guarantee" in result.ledger()[AGENT_LOG]


@pytest.mark.parametrize(("written", "outcome"), [(-3600, "outside-window"), (3600, "read")])
def test_a_log_without_stamps_that_was_last_written_before_the_window_is_outside(
    disk: Path, state: Path, written: int, outcome: str
):
    path = "var/log/azure/cluster-provision.log"
    file = put(disk, path, "+ apt-get install nginx\n+ exit 1\n")
    put(disk, AGENT_LOG, quiet(BEGIN, 10))
    os.utime(file, (BEGIN.timestamp() + written,) * 2)
    assert collect(disk, state, *around(BEGIN)).ledger()[path]["outcome"] == outcome


def test_what_was_not_read_to_its_end_claims_nothing(disk: Path, state: Path):
    put(disk, f"{AGENT_LOG}.1.gz", gzip.compress(quiet(BEGIN, 600).encode())[:-9])
    entry = collect(disk, state, *around(BEGIN)).ledger()[f"{AGENT_LOG}.1.gz"]
    assert (entry["outcome"], entry["guarantee"]) == ("truncated", "")


def test_a_failure_in_a_file_that_its_name_puts_before_the_window_is_told(disk: Path, state: Path):
    """A log that is named by the day on which it begins, and on a copied disk has that time too."""
    path = "var/log/azure/Contoso.Sync.AgentLinux/tool.log-20260501"
    text = quiet(BEGIN, 20 * 1440) + line(BEGIN + timedelta(days=20), "ERROR enable failed with exit code 9")
    os.utime(put(disk, path, text), (BEGIN.timestamp(),) * 2)
    assert collect(disk, state).code == 10
