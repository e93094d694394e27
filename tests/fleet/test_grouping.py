"""The same failure on many instances becomes one group; the newest bundle of an instance counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from collector.fleet.compare.grouping import groups, newest
from tests.fleet.fleets import AMA, LOCKED, NOON, instance, told


def test_messages_that_differ_only_in_what_changes_are_one_failure():
    (group,) = groups([instance(n, told(LOCKED.format(1000 + n))) for n in range(5)])
    assert [one.name for one in group.instances] == [f"web_{n}" for n in range(5)]
    assert group.signature.masked == LOCKED.format("<id>")


@pytest.mark.parametrize("changes", [
    {"exit_code": 127}, {"exit_code": None}, {"operation": "Install"}, {"extension": AMA}, {"kind": "hang"},
    {"message": "curl: (22) The requested URL returned error: 403"},
])  # fmt: skip
def test_another_code_operation_extension_or_message_is_another_failure(changes):
    assert len(groups([instance(1, told()), instance(2, told(**changes))])) == 2


@pytest.mark.parametrize("changes", [{"version": "2.1.20"}, {"name": "nightly"}, {"operation": "enable"}])
def test_a_version_a_name_and_the_case_of_an_operation_make_no_other_failure(changes):
    assert len(groups([instance(1, told()), instance(2, told(**changes))])) == 1


def test_the_most_spread_comes_first_then_the_earliest_and_hangs_last():
    later = NOON + timedelta(hours=1)
    hang: dict[str, Any] = {"kind": "hang", "exit_code": None}
    found = groups([
        instance(1, told("late", later)), instance(2, told("early")), instance(3, told("spread", later)),
        instance(4, told("spread", later)), *(instance(n, told("stuck", **hang)) for n in range(5, 9)),
    ])  # fmt: skip
    assert [group.signature.masked for group in found] == ["spread", "early", "late", "stuck"]


def test_an_instance_counts_once_with_its_first():
    (group,) = groups([instance(1, told(time=NOON + timedelta(minutes=5)), told(time=NOON))])
    assert [failure.time for _, failure in group.members] == [NOON]


def test_members_stand_in_the_order_of_time_and_the_unknown_last():
    times = [None, NOON + timedelta(minutes=2), NOON]
    (group,) = groups([instance(n, told(time=time)) for n, time in enumerate(times)])
    assert [one.name for one in group.instances] == ["web_2", "web_1", "web_0"]


def test_local_and_utc_times_can_be_sorted():
    (group,) = groups([instance(1, told(time=NOON.replace(tzinfo=None))), instance(2, told(time=NOON))])
    assert len(group.members) == 2


def test_what_only_follows_stands_below_its_cause():
    follows = told("waited", extension=AMA, caused_by=told().extension, exit_code=None)
    (first, second) = groups(
        [instance(n, told(), follows) for n in range(3)] + [instance(n, told("other"), follows) for n in range(3, 5)]
    )
    assert [below.signature.extension for below in first.follows] == [AMA]
    assert second.follows == (), "it stands where most of its instances are"
    assert len(first.follows[0].members) == 5


def test_what_follows_from_nothing_that_is_here_stands_alone():
    (group,) = groups([instance(1, told("waited", extension=AMA, caused_by="P.T"))])
    assert group.caused_by == "P.T"


def test_the_newest_bundle_of_an_instance_counts_and_the_same_one_once():
    old = instance(1, told(), bundle="a", place="old.zip")
    new = instance(1, bundle="b", place="new.zip", created=NOON + timedelta(minutes=1))
    for order in ([old, new], [new, old]):
        kept, notes = newest([*order, instance(2)])
        assert [one.place for one in kept] == ["new.zip", "2.zip"]
        assert notes == ("old.zip is an older bundle of web_1: only new.zip counts",)
    kept, notes = newest([new, instance(1, bundle="b", place="copy.zip")])
    assert len(kept) == 1
    assert notes == ("copy.zip is the same bundle as new.zip: it counts once",)
