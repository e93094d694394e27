"""Who is let in, and when the others are told to come again."""

from __future__ import annotations

from collections import Counter

import pytest

from collector.endpoint.answers import RefusalError
from collector.endpoint.intake.gate import HELD, Bounds, Gate
from collector.endpoint.intake.turns import Turns
from collector.endpoint.pulse import Beat, Pulse


class Told(Pulse):
    """A pulse that says what a test gives it."""

    def __init__(self, beat: Beat) -> None:
        self.last = beat


def refused(gate: Gate, length: int = 1_000) -> RefusalError:
    with pytest.raises(RefusalError) as caught, gate.passage(length):
        pass
    assert caught.value.retry_after
    return caught.value


def test_so_many_are_let_in_and_the_next_when_one_is_done():
    gate = Gate(Told(Beat()), Bounds(requests=2))
    with gate.passage(10):
        with gate.passage(10):
            assert refused(gate).status == 429
        with gate.passage(10):
            pass
    assert (gate.requests, gate.bytes) == (0, 0)


def test_a_large_bundle_counts_as_what_is_held_of_it():
    gate = Gate(Told(Beat()), Bounds(bytes=2 * HELD))
    with gate.passage(60_000_000), gate.passage(60_000_000):
        assert gate.bytes == 2 * HELD
        assert refused(gate).status == 429
    assert gate.bytes == 0


def test_who_is_told_so_before_anything_is_made_for_it():
    gate = Gate(Told(Beat()), Bounds(requests=2))
    with gate.passage(10):
        assert gate.away() is None
        gate.bundles = 2
        assert gate.away() == 1
        gate.bundles = 0
        with gate.passage(10):
            assert gate.away() == 1
    assert gate.away() is None
    assert Gate(Told(Beat(waiting=100_000))).away() == 60


def test_bytes_are_bounded_and_one_large_bundle_is_always_let_in():
    gate = Gate(Told(Beat()), Bounds(bytes=100))
    with gate.passage(1_000):
        assert refused(gate, 1).status == 429
    with gate.passage(60), gate.passage(40):
        assert refused(gate, 1).status == 429


@pytest.mark.parametrize(
    ("beat", "status"),
    [
        (Beat(waiting=100_000), 429),
        (Beat(room=500), 507),
        (Beat(room=-1), 507),
        (Beat(waiting=99_999, room=1_000), None),
    ],
)
def test_what_is_refused_before_anything_suffers(beat: Beat, status: int | None):
    gate = Gate(Told(beat))
    if status is None:
        with gate.passage(1_000):
            pass
    else:
        assert refused(gate).status == status


def test_what_fails_gives_its_place_back():
    gate = Gate(Told(Beat()), Bounds(requests=1))
    with pytest.raises(RefusalError), gate.passage(10):
        raise RefusalError(400, "no bundle")
    with gate.passage(10):
        assert gate.requests == 1


def test_who_is_sent_away_comes_again_as_fast_as_they_can_be_served():
    turns = Turns()
    for second in range(1, 11):
        for _ in range(200):
            turns.served(float(second))
    told = Counter(turns.next(11.0) for _ in range(2_000))
    assert max(told.values()) <= 250  # no second gets many more than are served in one
    assert max(told) <= 12


def test_nobody_is_told_to_wait_longer_than_senders_do_and_the_late_are_spread():
    turns = Turns()
    told = Counter(turns.next(0.0) for _ in range(5_000))
    assert (min(told) >= 1, max(told) <= 40) == (True, True)
    assert max(told.values()) < 1_000


def test_after_a_while_without_anyone_the_first_turn_is_soon():
    turns = Turns()
    for _ in range(500):
        turns.next(0.0)
    assert turns.next(1_000.0) == 1
