"""The frame around followed logs: its lines are numbered, its counts find what is wrong, its processes do what they are
told. Nothing is timed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from tests.bench.measuring import Command, Unmeasured, plain_environ
from tests.bench.tailing_load import backlog, grow
from tests.bench.tailing_manners import SOURCES, quiet_disk
from tests.bench.tailing_own import Own, OwnTails
from tests.bench.tailing_peers import Pygtail, Rsyslog
from tests.bench.tailing_process import Tailer
from tests.bench.tailing_stream import (
    LINES,
    Arrived,
    Blocks,
    delays,
    first_number,
    last_number,
    numbered,
    numbers,
    read_trace,
    tally,
    trace_line,
)

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize("text", ["chatter", "operations"])
def test_every_line_has_the_next_number(text: str):
    blocks = Blocks(text, templates=2)  # type: ignore[arg-type]
    slices = [piece for number in (0, 1, 2) for piece in blocks.slices(number, NOW)]
    data = b"".join(data for _, data in slices)
    assert numbers(data) == list(range(3 * LINES))
    assert [after for after, _ in slices] == [last_number(data) + 1 for _, data in slices]
    assert first_number(slices[1][1]) == slices[0][0]
    assert data.count(b"ERROR ") >= 1, "one record in the last of the templates tells of a failure"
    assert last_number(numbered(7_654_321)) == first_number(numbered(7_654_321)[:-1] + b"\n") == 7_654_321
    with pytest.raises(ValueError, match="numbers"):
        numbers(b"no number\n")


def _piece(first: int, last: int, stream: int = 1, at: float = 0.0) -> Arrived:
    return Arrived(at, stream, 10 * first, 10 * (last + 1), first, last, last + 1 - first)


def test_what_is_missing_or_came_twice_is_counted(tmp_path: Path):
    whole = [_piece(0, 9), _piece(10, 19), _piece(20, 29)]
    assert (tally(whole, 30).missing, tally(whole, 30).twice) == (0, 0)
    assert tally(whole, 33).missing == 3
    assert tally([whole[0], whole[2]], 30).missing == 10
    assert tally([*whole, _piece(25, 29, stream=2)], 30).twice == 5
    assert tally([replace(whole[0], lines=8), *whole[1:]], 30).missing == 2
    again = [*whole, _piece(15, 29)]  # after a restart: the same bytes of the same stream
    assert (tally(again, 30).missing, tally(again, 30).twice) == (0, 0)
    trace = tmp_path / "trace"
    trace.write_text("".join(map(trace_line, whole)) + "12.5\t1", encoding="ascii")
    assert read_trace(trace) == whole


def test_a_write_waits_until_its_last_line_was_processed():
    pieces = [_piece(0, 9, at=1.0), _piece(10, 29, at=3.0)]
    assert delays(pieces, [(10, 0.5), (15, 1.5), (30, 2.0)]) == [0.5, 1.5, 1.0]
    assert delays(pieces, [(31, 2.0)]) == []


@pytest.mark.parametrize("make", [OwnTails, Own, Rsyslog, Pygtail])
def test_each_tailer_gets_through_a_log_that_grows(make: type[OwnTails | Own | Rsyslog | Pygtail], tmp_path: Path):
    tailer: Tailer = make(tmp_path / "disk", tmp_path / "own")
    tailer.log.touch()
    try:
        with tailer:
            load = grow(tailer, 4e6, 0.5)
    except Unmeasured as reason:
        pytest.skip(str(reason))
    assert load.rest_seconds < 240
    assert load.cpu > 0
    assert tailer.check() == ""
    assert numbers(tailer.log.read_bytes()) == list(range(load.all_lines))
    if isinstance(tailer, Own):
        found = tailer.tally(load.all_lines)
        assert (found.lines, found.missing, found.twice) == (load.all_lines, 0, 0)
        assert len(delays(tailer.arrived(), load.writes)) == len(load.writes) > 3


def test_a_log_that_is_there_at_once_is_read_from_its_beginning(tmp_path: Path):
    tailer = Own(tmp_path / "disk", tmp_path / "own")
    tailer.settle()
    tailer.log.write_bytes(b"".join(data for _, data in Blocks(templates=1).slices(0, NOW)))
    with tailer:
        assert backlog(tailer).cpu > 0
    assert (tailer.tally(LINES).lines, tailer.tally(LINES).missing) == (LINES, 0)


def test_a_day_of_rotations_loses_nothing_and_gives_nothing_twice(tmp_path: Path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "state").mkdir()
    program = [sys.executable, "-m", "tests.bench.tailing_rotation"]
    command: Command = [*program, tmp_path, tmp_path / "state", "24"]
    done = subprocess.run(command, capture_output=True, text=True, env=plain_environ(), check=True)
    told = json.loads(done.stdout)
    assert len(told["held"]) == 3
    counts = {name: (one["lines"], one["missing"], one["twice"]) for name, one in told["tallies"].items()}
    assert len(counts) == 4
    assert set(counts.values()) == {(24 * 40, 0, 0)}, counts


def test_the_quiet_disk_has_as_many_logs_as_it_claims(tmp_path: Path):
    disk = quiet_disk(tmp_path / "disk")
    assert sum(file.is_file() for file in (disk / "var").rglob("*")) == SOURCES
