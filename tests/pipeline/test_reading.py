"""What is read of the logs of a disk, seen from the real command: windows, rotated logs, big files, line numbers."""

from __future__ import annotations

import gzip
import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.collecting import AGENT_LOG, CSE, collect, put

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


def failing(extension: str, code: int, sequence: int | None = None, at: datetime = BEGIN) -> str:
    """What the agent writes of an operation that failed."""
    told = (
        ""
        if sequence is None
        else line(at, f"INFO ExtHandler [{extension}-1.0] Update settings file: {sequence}.settings")
    )
    event = f"ERROR ExtHandler ExtHandler Event: name={extension}, op=Enable, message=[ExtensionOperationError] "
    return told + line(at, f"{event}Non-zero exit code: {code}, bin/enable\n[stdout]\n\n[stderr]\nno\n, duration=9")


def codes(disk: Path, state: Path, *more: object) -> list[tuple[str, int | None, int | None]]:
    """Extension, exit code and sequence number of every failure that stands."""
    found = collect(disk, state, *more).member("findings.json")["findings"]
    return [(one["extension"], one["exit_code"], one["sequence"]) for one in found if one["kind"] != "warning"]


def test_an_extension_that_is_asked_for_has_its_own_window(disk: Path, state: Path):
    later = BEGIN + timedelta(days=3)
    text = failing("A.One", 94, 4) + quiet(BEGIN, 4320) + failing("B.Two", 93, 1, later)
    put(disk, AGENT_LOG, text)
    assert codes(disk, state, "--extension", "A.One") == [("A.One", 94, 4)]


@pytest.mark.parametrize("hours", [3, 20])
def test_failures_within_a_day_belong_together_however_long_the_log(disk: Path, state: Path, hours: int):
    later = BEGIN + timedelta(hours=hours)
    text = failing("A.One", 221, 4) + quiet(BEGIN, hours * 3600, timedelta(seconds=1))
    put(disk, AGENT_LOG, text + failing("B.Two", 222, 8, later) + quiet(later, 300_000, timedelta(seconds=1)))
    assert sorted(codes(disk, state)) == [("A.One", 221, 4), ("B.Two", 222, 8)]


def test_a_sequence_number_holds_on_in_the_next_file_of_a_rotated_log(disk: Path, state: Path):
    first, second = failing("A.One", 55, 2), failing("A.One", 205, 3, BEGIN + timedelta(hours=4))
    settings, rest = second.split("\n", 1)
    put(disk, f"{AGENT_LOG}.1", first + quiet(BEGIN, 240) + settings + "\n")
    put(disk, AGENT_LOG, rest + quiet(BEGIN + timedelta(hours=4), 60))
    assert codes(disk, state) == [("A.One", 205, 3)]


def test_sequence_numbers_from_before_a_window_that_was_asked_for_hold_in_it(disk: Path, state: Path):
    text = failing("A.One", 206, 3) + quiet(BEGIN, 27) + failing("A.One", 207, 4, BEGIN + timedelta(minutes=27))
    put(disk, AGENT_LOG, text + quiet(BEGIN + timedelta(minutes=28), 20_000))
    assert codes(disk, state, "--since", (BEGIN + timedelta(minutes=20)).isoformat()) == [("A.One", 207, 4)]


@pytest.mark.parametrize("between", ["", f"{AGENT_LOG}.1"])
def test_a_long_stretch_without_stamps_hides_nothing(disk: Path, state: Path, between: str):
    """The end of the log, or a whole file of it, was overwritten."""
    damage = "no stamp in this line, nor in the next\n" * 450_000
    old = failing("A.One", 211) + quiet(BEGIN, 100)
    if between:
        put(disk, f"{AGENT_LOG}.2", old)
        put(disk, between, damage)
        put(disk, AGENT_LOG, quiet(BEGIN + timedelta(days=1), 10))
    else:
        put(disk, AGENT_LOG, old + damage)
    assert [code for _, code, _ in codes(disk, state)] == [211]


def test_a_failure_in_the_second_pass_of_a_repeated_hour_is_told(disk: Path, state: Path):
    put(disk, "etc/timezone", "Europe/Berlin\n")
    first = datetime(2026, 10, 24, 12, tzinfo=timezone.utc)
    berlin = ZoneInfo("Europe/Berlin")
    lines = [
        f"{(first + timedelta(seconds=n)).astimezone(berlin):%Y/%m/%d %H:%M:%S}.000000 INFO ExtHandler all is well\n"
        for n in range(80_000)
    ]
    when = datetime(2026, 10, 25, 1, 30, tzinfo=timezone.utc)
    lines.insert(int((when - first).total_seconds()), f"{when.astimezone(berlin):%Y/%m/%d %H:%M:%S}.000000 {FAILED}\n")
    put(disk, AGENT_LOG, "".join(lines))
    (finding,) = collect(disk, state).member("findings.json")["findings"]
    assert finding["first_time"] == "2026-10-25T01:30:00Z"


def test_a_short_stretch_of_a_wrong_clock_that_the_survey_saw_is_not_lost_again(disk: Path, state: Path):
    wrong = datetime(2020, 1, 1, tzinfo=timezone.utc)
    boot = quiet(wrong, 50, timedelta(seconds=1)) + failing("A.One", 231, 4, wrong + timedelta(seconds=50))
    half = quiet(BEGIN, 90_000, timedelta(seconds=5))
    put(disk, AGENT_LOG, half + boot + quiet(BEGIN + timedelta(days=6), 90_000, timedelta(seconds=5)))
    assert codes(disk, state) == [("A.One", 231, 4)]


def test_a_line_of_a_message_with_escaped_line_ends_is_told_by_the_line_of_its_record(disk: Path, state: Path):
    text = "".join(
        f"time={BEGIN + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ} operation=enable seq=5 event=start\n"
        for n in range(30)
    )
    error = "command terminated with exit status=213\\n[stdout]\\n\\n[stderr]\\nE: Unable to locate package foo"
    text += f'time={BEGIN + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ} operation=enable seq=5 event="failed to handle" error="{error}"\n'
    put(disk, f"var/log/azure/{CSE}/handler.log", text)
    (finding,) = collect(disk, state).member("findings.json")["findings"]
    assert finding["message"] == "E: Unable to locate package foo"
    assert {source["line"] for source in finding["sources"]} == {31}


def test_a_second_try_that_the_agent_tells_of_hides_no_failure_in_a_handlers_own_log(tmp_path: Path, state: Path):
    logs = tmp_path / "windows" / "WindowsAzure" / "Logs"
    folder = logs / "Plugins" / "Microsoft.Compute.CustomScriptExtension" / "1.10.15"
    folder.mkdir(parents=True)
    (logs / "WaAppAgent.log").write_text(
        "[00000005] 2026-03-02T09:05:01.600Z [ERROR] Enable failed for plugin (name: Microsoft.Compute.BGInfo, version "
        "2.1) with exception Command C:\\x.cmd of Microsoft.Compute.BGInfo has exited with Exit code: 1, Code: 1009\n"
        "[00000005] 2026-03-02T09:25:01.600Z [WARN]  Plugin enabled (handler name: Microsoft.Compute.BGInfo, extension "
        "name: BGInfo, version: 2.1)., Code: 0\n"
    )
    (folder / "CustomScriptHandler.log").write_text(
        "[3060+00000001] [03/02/2026 16:10:00.20] [INFO] Command execution task started. Awaiting completion...\n"
        "[3060+00000001] [03/02/2026 16:10:09.20] [ERROR] Command execution finished. Command exited with code: 7\n"
    )
    assert codes(tmp_path / "windows", state) == [("Microsoft.Compute.CustomScriptExtension", 7, None)]


@pytest.mark.parametrize(
    ("last", "code"),
    [("Enable completed for P.T-1.4\n2015/08/04 10:26:38 Processing", 0), ("Processing", 10)],
    ids=["enabled", "only gone through"],
)
def test_the_first_agents_word_that_it_has_gone_through_is_no_success(
    tmp_path: Path, state: Path, last: str, code: int
):
    log = tmp_path / "first" / "var" / "log" / "waagent.log"
    log.parent.mkdir(parents=True)
    log.write_text(
        "2015/08/04 10:16:30 Found RuntimeSettings for P.T V 1.4\n"
        "2015/08/04 10:16:36 ERROR:Process 2171 returned non-zero exit code (1)\n"
        "2015/08/04 10:16:36 ERROR:Installation failed for P.T-1.4\n"
        "2015/08/04 10:16:36 Processing completed for P.T-1.4\n"
        "2015/08/04 10:26:30 Found RuntimeSettings for P.T V 1.4\n"
        f"2015/08/04 10:26:38 {last} completed for P.T-1.4\n"
    )
    assert collect(tmp_path / "first", state).code == code


def test_what_later_agents_wrote_below_the_first_ones_lines_is_read_as_theirs(tmp_path: Path, state: Path):
    log = tmp_path / "first" / "var" / "log" / "waagent.log"
    log.parent.mkdir(parents=True)
    first = "".join(
        f"2015/08/04 10:{minute}:30 Found RuntimeSettings for P.T V 1.4\n"
        f"2015/08/04 10:{minute}:38 Enable completed for P.T-1.4\n"
        f"2015/08/04 10:{minute}:38 Processing completed for P.T-1.4\n"
        for minute in range(10, 60)
    )
    log.write_text(
        f"{first}"
        "2016/12/07 15:31:00.100000 INFO [Contoso.Sync.Agent-1.2.3] Target handler state: enabled\n"
        "2016/12/07 15:31:01.100000 INFO [Contoso.Sync.Agent-1.2.3] Enable extension [sync.sh enable]\n"
        "2016/12/07 18:00:00.100000 INFO the agent goes on\n"
    )
    (found,) = collect(tmp_path / "first", state).member("findings.json")["findings"]
    assert (found["kind"], found["extension"], found["version"]) == ("hang", "Contoso.Sync.Agent", "1.2.3")
