"""Which files are one rotated log, and in which order they were written."""

from __future__ import annotations

import random
from datetime import datetime, timezone
from pathlib import Path

import pytest

from collector.discover.rotation import rotated_sets
from collector.model import Source

# names of one log, oldest first
SETS = {
    "numbered": ["waagent.log.10.gz", "waagent.log.2.gz", "waagent.log.1", "waagent.log"],
    "by date and second": [
        "waagent.log-2026-05-03-1777777202.gz",
        "waagent.log-2026-05-04-1777863602.gz",
        "waagent.log-2026-05-04-1777870000",
        "waagent.log",
    ],
    "by date": ["waagent.log-20260503.gz", "waagent.log-20260504", "waagent.log"],
    "the way of rotating was changed": ["waagent.log-2026-05-04-1777863602.gz", "waagent.log.2.gz", "waagent.log.1", "waagent.log"],
    "Windows": ["WaAppAgent.000.log", "WaAppAgent.001.log", "WaAppAgent.log"],
    "one": ["handler.log"],
}  # fmt: skip


def source(path: str) -> Source:
    return Source(path, Path(path), "log")


@pytest.mark.parametrize("names", SETS.values(), ids=SETS)
def test_the_files_of_a_log_come_oldest_first(names: list[str]):
    for seed in range(5):
        shuffled = random.Random(seed).sample(names, len(names))
        (members,) = rotated_sets(source(f"var/log/{name}") for name in shuffled)
        assert [member.source.path for member in members] == [f"var/log/{name}" for name in names]


def test_other_logs_and_other_folders_are_sets_of_their_own():
    names = [
        "a/extension.log",
        "b/extension.log.1",
        "a/CommandExecution.log",
        "a/CommandExecution_web.log",
        "a/log_1777863602",
        "a/Extension.1.log",
        "a/akvvm_service_2026-05-04.log",
        "a/AppHealth-1.log",
    ]
    assert len(rotated_sets(source(name) for name in names)) == len(names)


def test_a_name_tells_until_when_it_was_written():
    names = ["waagent.log-2026-05-04-1777863602.gz", "waagent.log-20260506", "waagent.log-20269999", "waagent.log"]
    until = {
        member.source.path: member.until
        for members in rotated_sets(source(name) for name in names)
        for member in members
    }
    assert until[names[0]] == datetime(2026, 5, 4, 3, 0, 2, tzinfo=timezone.utc)
    assert until[names[1]] == datetime(2026, 5, 7, 14, tzinfo=timezone.utc), "in the zone where it ends last"
    assert until[names[2]] is None
    assert until[names[3]] is None


@pytest.mark.parametrize(
    "name", ["x.log-9999-12-31", "x.log-0001-01-01", "x.log-2026-05-04-99999999999", "x.log-20261399"]
)
def test_no_name_breaks_it(name: str):
    ((member,),) = rotated_sets([source(name)])
    assert member.until is None or member.until.year < 2200


def test_a_day_in_the_name_of_a_file_that_was_written_later_is_that_of_its_beginning():
    later = datetime(2026, 5, 20, tzinfo=timezone.utc).timestamp()
    ((member,),) = rotated_sets([Source("tool.log-20260501", Path(), "log", modified=later)])
    assert member.until is None


def test_where_the_order_is_not_known_it_is_said():
    (members,) = rotated_sets([source("WaAppAgent.000.log"), source("WaAppAgent.log")])
    assert [member.ordered for member in members] == [False, True]
