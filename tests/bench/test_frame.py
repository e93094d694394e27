"""The frame of the benchmarks: its logs are what they claim to be, and its rows judge rightly. Nothing is timed."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from tests.bench.__main__ import table
from tests.bench.logs import END, MB, RATE, Errors, agent_log, kept, packed_log, pieces, utf16_twin
from tests.bench.measuring import Result, measure, unmeasured

RECORD = re.compile(rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (INFO|WARNING|ERROR) ", re.M)


@pytest.mark.parametrize(("errors", "share"), [("none", 0), ("sparse", 0.001), ("dense", 0.2)])
def test_a_log_has_growing_stamps_the_promised_errors_and_the_promised_rate(errors: Errors, share: float):
    text = b"".join(pieces(20 * MB, errors))
    found = RECORD.findall(text)
    stamps = [stamp for stamp, _ in found]
    assert 20 * MB - 10_000 < len(text) <= 20 * MB
    assert text.startswith(stamps[0])
    assert text.endswith(b"\n")
    assert stamps == sorted(stamps)
    assert sum(level == b"ERROR" for _, level in found) / len(found) == pytest.approx(share, rel=0.4)
    assert b"\0" not in text
    if errors == "dense":
        assert b"\n[stdout]\n" in text
        assert b"\n, duration=0\n" in text


def test_a_log_covers_the_time_that_an_agent_takes_to_write_it(tmp_path: Path):
    log = agent_log(tmp_path, 20 * MB, "sparse")
    assert (log.last - log.first).total_seconds() == pytest.approx(20 * MB / RATE, rel=0.01)
    assert 0 < (END - log.last).total_seconds() < 600


def test_the_same_recipe_makes_the_same_file_and_makes_it_once(tmp_path: Path):
    one, other = (agent_log(tmp_path / name, MB, "dense") for name in ("one", "other"))
    assert one.path.name == other.path.name
    assert one.path.read_bytes() == other.path.read_bytes()
    one.path.write_bytes(b"touched")
    assert kept(tmp_path / "one", "agent-dense-1MB", ".log", {"size": MB, "seed": 1}, lambda file: None) == one.path
    assert one.path.read_bytes() == b"touched"
    assert agent_log(tmp_path / "other", MB, "dense", seed=2).path != other.path
    assert not other.path.exists(), "what another recipe made is removed"


def test_the_twin_says_the_same_and_the_packed_one_has_its_size(tmp_path: Path):
    log = agent_log(tmp_path, MB, "sparse")
    assert utf16_twin(log, tmp_path).path.read_text(encoding="utf-16") == log.path.read_text(encoding="ascii")
    assert packed_log(tmp_path, MB, "sparse").stat().st_size == pytest.approx(MB, rel=0.2)


def test_rows_judge_by_the_ratio_or_by_the_bound():
    assert Result("x", 13, "ms", 1.3, peer=10).met
    assert not Result("x", 14, "ms", 1.3, peer=10).met
    assert Result("x", 64, "MB", 64).met
    assert not Result("x", 65, "MB", 64).met
    assert not Result("x", 0, "", 1, at_least=True).met
    assert not Result("x", 1, "ms", 1.3, peer=0).met
    assert not unmeasured("x", "no peer").met
    rows = table([Result("x", 14, "ms", 1.3, peer=10, peer_name="p"), unmeasured("y", "no peer")]).splitlines()
    assert rows[2:] == [
        "| x | 14 ms | 10 ms (p) | 1.40 | ≤ 1.30 | NOT met |  |",
        "| y | ? |  |  | ≤ ? | NOT met | not measured: no peer |",
    ]


def test_a_child_is_measured_without_the_memory_of_this_process():
    held = bytearray(150 * MB)
    cost = measure(["sh", "-c", "echo told; exit 3"], expect=(3,))
    assert cost.out == "told\n"
    assert cost.rss_mb < 50 < len(held) / MB
    assert not math.isnan(cost.cpu + cost.wall)
    with pytest.raises(RuntimeError, match="ended with 3"):
        measure(["sh", "-c", "exit 3"])
