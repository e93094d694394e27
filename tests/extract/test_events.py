"""How many extracted records go into a bundle."""

from __future__ import annotations

from collector.extract.events import EventKeeper, fair
from collector.model import Record


def record(number: int, text: str = "x" * 10) -> Record:
    return Record("a.log", number, None, "none", "", text, (text,))


def numbers(records: list[Record]) -> list[int]:
    return [one.line for one in records]


def test_of_a_log_the_newest_are_kept():
    keeper = EventKeeper()
    for number in range(3_000):
        keeper.add(record(number))
    assert numbers(keeper.records()) == list(range(2_000, 3_000))


def test_long_records_are_fewer_but_one_always_stays():
    keeper = EventKeeper()
    for number in range(5):
        keeper.add(record(number, "x" * 200_000))
    assert numbers(keeper.records()) == [3, 4]
    keeper.add(record(9, "x" * 900_000))
    assert numbers(keeper.records()) == [9]


def test_no_log_takes_the_room_of_the_others():
    loud, quiet = [record(number) for number in range(100)], [record(number) for number in range(200, 203)]
    assert numbers(fair([loud, quiet], most=10)) == [*range(93, 100), 200, 201, 202]
    assert numbers(fair([loud, quiet], text=100)) == [*range(93, 100), 200, 201, 202]
    assert fair([]) == []
