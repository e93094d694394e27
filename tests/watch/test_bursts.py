"""Many errors of one source: when that is told, and when not again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collector.extract.signals import Signal
from collector.watch.bursts import Bursts
from collector.watch.runs import Placed
from tests.watch.instance import CSE, START


def error(seconds: float, line: int, path: str = "x.log", rule: str = "error-line") -> Placed:
    when = START + timedelta(seconds=seconds)
    return Placed(Signal(rule, "mention", 0, path, line, when, "it went wrong", extension=CSE), None, when)


def told(bursts: Bursts, times: list[float], path: str = "x.log") -> list[float]:
    """At which of the moments a burst is told."""
    return [seconds for line, seconds in enumerate(times) if bursts.feed([error(seconds, line, path)])]


#: How many errors come at which seconds, and when a burst is told.
CASES: dict[str, tuple[list[float], list[float]]] = {
    "nineteen": ([0.0] * 19, []),
    "twenty at once": ([0.0] * 20, [0.0]),
    "twenty within a minute": ([3.0 * n for n in range(20)], [57.0]),
    "twenty within two minutes": ([6.0 * n for n in range(20)], []),
    "it goes on for hours": ([float(n) for n in range(4 * 3_600)], [19.0]),
    "again after it was calm, but too soon": ([0.0] * 20 + [1_000.0] * 20, [0.0]),
    "again after it was calm and an hour": ([0.0] * 20 + [4_000.0] * 20, [0.0, 4_000.0]),
    "out of order": ([10.0, 5.0] * 10, [5.0]),
}


@pytest.mark.parametrize("name", CASES)
def test_when_it_is_told(name: str):
    times, expected = CASES[name]
    assert told(Bursts(), times) == expected


def test_each_source_counts_for_itself():
    bursts = Bursts(most=3)
    assert told(bursts, [0.0, 1.0], "a.log") == []
    assert told(bursts, [0.0, 1.0, 2.0], "b.log") == [2.0]


def test_several_signals_of_one_record_count_once():
    bursts = Bursts(most=3)
    assert bursts.feed([error(0, 1), error(0, 1, rule="plain-exit"), error(0, 1), error(1, 2)]) == []
    (notice,) = bursts.feed([error(2, 3)])
    assert notice.text == "3 error records within 60 s, the last: it went wrong"
    assert notice.since == START


def test_what_a_state_file_says_is_no_record():
    assert Bursts(most=1).feed([error(0, 1, rule="status-file")]) == []


def test_a_failure_that_was_told_explains_it():
    bursts = Bursts()
    bursts.failed(CSE, START)
    assert told(bursts, [30.0] * 20) == []
    assert told(bursts, [700.0] * 20, "y.log") == [700.0]


def test_it_can_be_switched_off():
    assert told(Bursts(most=0), [0.0] * 100) == []


def test_the_memory_is_bounded():
    bursts = Bursts()
    for number in range(3_000):
        bursts.feed([error(0, 1, f"{number}.log")])
        bursts.failed(f"Acme.{number}", START)
    assert len(bursts._sources) <= 1_000
    assert len(bursts._failed) <= 1_000


def test_what_was_told_outlives_a_restart():
    bursts = Bursts()
    assert told(bursts, [0.0] * 20) == [0.0]
    after = Bursts()
    after.load(bursts.dump())
    assert told(after, [1_000.0] * 20) == []
    assert told(after, [4_000.0] * 20) == [4_000.0]
    after.load({"x": 3})
