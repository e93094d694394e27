"""The read stage as it is measured: its window, and that it finds what a plain search finds. Nothing is timed."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from tests.bench.logs import MB, Log, agent_log, utf16_twin
from tests.bench.reading import WORDS, window_of
from tests.bench.stage import common_prefix, matching, reader


def plain_search(log: Log, prefix: str) -> list[str]:
    lines = log.path.read_text(encoding="ascii").split("\n")
    return [line for line in lines if prefix in line and re.search(WORDS, line, re.IGNORECASE)]


def test_the_window_is_ten_minutes_that_no_other_stamp_begins_like():
    log = Log(Path("x"), datetime(2026, 5, 1, 8, 1, tzinfo=timezone.utc), datetime(2026, 5, 1, 23, tzinfo=timezone.utc))
    start, end = window_of(log)
    assert (start.isoformat(), end - start) == ("2026-05-01T18:00:00+00:00", timedelta(minutes=10, microseconds=-1))
    assert common_prefix(start, end) == "2026-05-01T18:0"


def test_the_stage_finds_the_lines_of_the_window_that_a_plain_search_finds(tmp_path: Path):
    log = agent_log(tmp_path, 10 * MB, "sparse")
    start, end = window_of(log)
    prefix, words = common_prefix(start, end), WORDS.split("|")
    expected = plain_search(log, prefix)
    assert expected
    hashed = hashlib.sha256("".join(line + "\n" for line in expected).encode()).hexdigest()
    assert matching(reader(log.path, words, start, end), words, prefix) == (len(expected), hashed)


def test_the_stage_finds_the_lines_of_a_whole_log_in_either_encoding(tmp_path: Path):
    log = agent_log(tmp_path, MB, "dense")
    expected, words = len(plain_search(log, "")), WORDS.split("|")
    for one in (log, utf16_twin(log, tmp_path)):
        assert matching(reader(one.path, words), words, "")[0] == expected


def test_the_stage_tells_its_time_as_a_process(tmp_path: Path):
    log = agent_log(tmp_path, MB, "sparse")
    command = [sys.executable, "-m", "tests.bench.stage", "time", str(log.path), WORDS]
    assert float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) > 0
