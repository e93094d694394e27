"""Notices to incidents: what belongs together, when it is due, and what is never told twice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from collector.watch.incident import Incidents, Notice, NoticeKind, title_of
from tests.watch.instance import CSE, START


def notice(key: str, kind: str = "failure", seconds: float = 0.0, since: float | None = None) -> Notice:
    at = START + timedelta(seconds=seconds)
    begun = None if since is None else START + timedelta(seconds=since)
    return Notice(kind, (CSE, key), f"{key} went wrong", at, begun, CSE, "var/log/x.log")  # type: ignore[arg-type]


#: When notices with these keys come, and when which incidents are due: seconds, keys.
TIMES: dict[str, tuple[list[tuple[float, str]], list[tuple[float, str]]]] = {
    "one": ([(0, "a")], [(3.0, "a")]),
    "the same three times": ([(0, "a"), (1, "a"), (2.9, "a")], [(3.0, "a")]),
    "the same again later": ([(0, "a"), (3.5, "a"), (60, "a")], [(3.0, "a")]),
    "two together": ([(0, "a"), (2, "b")], [(5.0, "ab")]),
    "two apart": ([(0, "a"), (3.5, "b")], [(3.0, "a"), (6.5, "b")]),
    "a row of them is held for eight seconds": (
        [(0, "a"), (2, "b"), (4, "c"), (6, "d"), (7.5, "e"), (9, "f")],
        [(8.0, "abcde"), (12.0, "f")],
    ),
}


@pytest.mark.parametrize("name", TIMES)
def test_when_which_are_one(name: str):
    coming, expected = TIMES[name]
    incidents, found = Incidents(), []
    for tick in range(700):
        at = tick / 10
        for when, key in coming:
            if when == at:
                incidents.add(notice(key), at)
        wait = incidents.wait(at)
        due = incidents.due(at)
        assert bool(due) == (wait == 0)
        found += [(at, "".join(dict.fromkeys(key[1] for key in one.keys))) for one in due]
    assert found == expected


def test_both_times_can_be_set():
    incidents = Incidents(quiet=1, held=2)
    incidents.add(notice("a"), 0)
    incidents.add(notice("b"), 0.9)
    incidents.add(notice("c"), 1.8)
    assert not incidents.due(1.9)
    assert len(incidents.due(2.0)) == 1


def test_what_was_late_to_be_asked_for_is_not_joined_by_what_came_much_later():
    incidents = Incidents()
    incidents.add(notice("a"), 0)
    incidents.add(notice("b"), 20)
    assert [one.keys for one in incidents.due(100)] == [((CSE, "a"),), ((CSE, "b"),)]


def test_an_instance_that_is_taken_away_does_not_wait():
    incidents = Incidents()
    incidents.add(notice("a"), 0)
    incidents.add(notice("terminate", "going"), 0.1)
    (incident,) = incidents.due(0.1)
    assert incident.kind == "going"
    assert len(incident.notices) == 2


def test_the_time_frame_reaches_from_the_start_of_what_hung():
    incidents = Incidents(margin=timedelta(minutes=5))
    incidents.add(notice("a", "hang", seconds=6_000, since=600), 0)
    incidents.add(notice("b", "failure", seconds=6_001), 0)
    (incident,) = incidents.due(3)
    assert incident.start == START + timedelta(seconds=300)
    assert incident.end == START + timedelta(seconds=6_061)
    assert incident.title == "CustomScript failed: b went wrong (and 1 more)"
    assert incident.extensions == (CSE,)
    assert incident.hanging == (f"{CSE}/a",)


@pytest.mark.parametrize(
    "kind, text, title",
    [
        (
            "failure",
            "failed to handle: failed to execute command: exit status=127",
            "CustomScript failed to execute command: exit status=127",
        ),
        ("failure", "failed to get\n the blob", "CustomScript failed to get the blob"),
        ("failure", "exit: failed to run", "CustomScript failed: exit: failed to run"),
        ("failure", "a" * 300, "CustomScript failed: " + "a" * 197 + "..."),
        ("hang", "failed to end", "CustomScript hangs: failed to end"),
        ("agent", "it is gone", "it is gone"),
    ],
)
def test_a_title_is_short_and_says_failed_once(kind: NoticeKind, text: str, title: str):
    assert title_of([Notice(kind, ("a",), text, START, extension=CSE)]) == title


def test_what_turned_out_to_be_none_is_taken_back():
    incidents = Incidents()
    incidents.add(notice("a"), 0)
    incidents.withdraw((CSE, "a"))
    assert incidents.due(10) == ()
    assert incidents.add(notice("a"), 20), "it was never reported"


def test_lines_of_one_failure_are_few_and_short():
    incidents = Incidents()
    for number in range(50):
        incidents.add(replace(notice("a"), text=f"{number} " + "x" * 10_000), 0)
    (incident,) = incidents.due(3)
    assert len(incident.notices) == 4
    assert all(len(one.text) <= 400 for one in incident.notices)


def test_a_flood_is_parted_and_the_memory_bounded():
    incidents = Incidents(remembered=50)
    for number in range(1_000):
        incidents.add(notice(str(number)), 0)
    due = incidents.due(3)
    assert sum(len(one.keys) for one in due) == 1_000
    assert max(len(one.notices) for one in due) == 100
    for one in due:
        incidents.finished(one)
    assert len(json.dumps(incidents.dump())) < 10_000
    assert not incidents.add(notice("999"), 100)


def again(incidents: Incidents, at: float = 0.0) -> Incidents:
    """After a restart."""
    loaded = Incidents()
    loaded.load(json.loads(json.dumps(incidents.dump())), at)
    return loaded


def test_the_mark_of_an_incident_outlives_restarts_and_redaction():
    incidents = Incidents()
    incidents.add(notice("secret"), 0)
    (reported,) = incidents.due(3)
    kept = json.dumps(incidents.dump()).replace("secret", "[hidden]")
    after = Incidents()
    after.load(json.loads(kept), 0.0)
    (again,) = after.due(0.0)
    assert again.keys != reported.keys
    assert again.mark == reported.mark
    assert len(reported.mark) == 16


def test_what_fails_again_has_another_mark():
    marks = set()
    for seconds in (0, 0, 60):  # a notebook that is lost begins to count anew
        incidents = Incidents()
        incidents.add(replace(notice("a"), time=notice("a").time + timedelta(seconds=seconds)), 0)
        marks.add(incidents.due(3)[0].mark)
    assert len(marks) == 2


@pytest.mark.parametrize("marks", [None, 3, [], [3], ["../x"]])
def test_a_mark_that_makes_no_sense_is_made_anew(marks: object):
    incidents = Incidents()
    incidents.add(notice("a"), 0)
    (reported,) = incidents.due(3)
    after = Incidents()
    after.load({**incidents.dump(), "marks": marks}, 0.0)
    assert after.due(0.0)[0].mark == reported.mark


def test_a_restart_loses_nothing_and_repeats_nothing():
    incidents = Incidents()
    incidents.add(notice("a"), 0)
    (reported,) = incidents.due(3)
    incidents.add(notice("b", "hang", since=-100), 4)
    after = again(incidents, at=50)
    assert after.due(50) == (reported,), "it had no bundle yet"
    assert not after.add(notice("a"), 50)
    (held,) = after.due(53)
    assert held.notices == (notice("b", "hang", since=-100),)
    after.finished(replace(reported, start=START))
    after.finished(held)
    last = again(after, at=100)
    assert last.due(200) == ()
    assert not last.add(notice("a"), 200)
    assert not last.add(notice("b"), 200)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"reported": 3, "held": "x", "open": 5},
        {"reported": [3, ["a"]], "held": [3, {}, {"kind": "x"}, {"kind": "failure", "key": 3}], "open": [3, [4]]},
        {"held": [{"kind": "failure", "key": ["a"], "time": "yesterday"}]},
        {"held": [{"kind": ["failure"], "key": ["a"], "time": "2026-05-04T03:12:01Z"}]},
        {"open": [[{"kind": "failure", "key": ["a"], "time": "0001-01-01T00:00:00+14:00"}]]},
        {"held": [{"kind": "failure", "key": ["a"], "time": "9999-12-31T23:59:59-14:00"}]},
    ],
)
def test_a_state_that_makes_no_sense_is_left_out(state: dict[str, object]):
    incidents = Incidents()
    incidents.load(state, 0)
    assert incidents.due(100) == ()
    assert not incidents.dump()["held"]
    assert incidents.add(notice("b"), 100)


def test_one_restart_after_another_does_not_put_it_off_for_ever():
    incidents = Incidents()
    incidents.add(notice("a"), 0)
    for at in range(1, 4):
        incidents = again(incidents, at)
        assert not incidents.due(at)
    assert len(again(incidents, at=4).due(4)) == 1
