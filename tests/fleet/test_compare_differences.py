"""What differs between failed and healthy: told where it is clear, with n of m, called weak where it may be chance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.fleet.compare.comparing import compare, differences
from collector.fleet.compare.text import rows
from tests.fleet.fleets import instance, told


def side(first: int, count: int, **changes):
    return [instance(first + n, **changes) for n in range(count)]


def values(failed, healthy):
    return [
        (one.what, one.value, one.failed, one.failed_known, one.healthy, one.healthy_known, one.instead, one.weak)
        for one in differences(failed, healthy).values
    ]


def test_a_version_that_only_the_failed_have():
    failed, healthy = (
        side(0, 37, extensions={"CustomScript": "2.1.19"}),
        side(50, 3, extensions={"CustomScript": "2.1.10"}),
    )
    assert values(failed, healthy) == [("CustomScript", "2.1.19", 37, 37, 0, 3, "2.1.10", False)]


def test_an_extension_that_the_healthy_do_not_have():
    failed, healthy = side(0, 5, extensions={"A": "1", "B": "1"}), side(50, 5, extensions={"A": "1"})
    assert values(failed, healthy) == [("B", "1", 5, 5, 0, 5, "not seen", False)]


def test_what_both_have_or_have_by_halves_is_no_difference():
    same = {"traits": {"zone": "1"}}
    assert not values(side(0, 5, **same), side(50, 5, **same))
    mixed = [*side(50, 5, **same), *side(60, 5, traits={"zone": "2"})]
    assert not values(side(0, 5, **same), mixed)


def test_what_is_not_known_does_not_count():
    failed = [*side(0, 4, traits={"system": "Ubuntu 22.04"}), *side(10, 6)]
    healthy = [*side(50, 4, traits={"system": "Ubuntu 24.04"}), *side(60, 1)]
    ((_, _, have, known, *_),) = values(failed, healthy)
    assert (have, known) == (4, 4)
    assert not values(failed, side(70, 5))


def test_one_healthy_instance_is_weak_evidence():
    failed, healthy = side(0, 37, traits={"zone": "1"}), side(50, 1, traits={"zone": "2"})
    assert values(failed, healthy) == [("zone", "1", 37, 37, 0, 1, "2", True)]
    assert differences(failed, healthy).weak


def test_that_one_healthy_instance_has_a_value_of_its_own_is_no_difference():
    failed = [instance(n, traits={"image": f"build-{n}"}) for n in range(9)]
    assert not values(failed, side(50, 1, traits={"image": "build-50"}))


def test_a_value_that_only_the_healthy_agree_on():
    failed = [instance(n, traits={"image": f"build-{n}"}) for n in range(9)]
    assert values(failed, side(50, 4, traits={"image": "golden"})) == [("image", "golden", 0, 9, 4, 4, "", False)]


def test_what_is_of_the_failed_extension_comes_first():
    failed, healthy = side(0, 5, extensions={"A": "1", "B": "1"}), side(50, 5, extensions={"A": "2", "B": "2"})
    assert [one.what for one in differences(failed, healthy, about="B").values] == ["B", "A"]


GB = 10**9


@pytest.mark.parametrize(("unit", "failed", "healthy", "is_told"), [
    ("bytes", (1, 2), (11, 12), True), ("bytes", (11, 12), (1, 2), True), ("bytes", (0, 0), (5, 5), True),
    ("bytes", (1, 11), (10, 12), False), ("bytes", (100, 100), (101, 120), False), ("bytes", (5, 5), (5, 5), False),
    ("time", (0, 60), (300, 600), False), ("time", (0, 60), (900, 1000), True), ("seconds", (0, 1), (70, 80), True),
])  # fmt: skip
def test_ranges_are_told_where_they_lie_clearly_apart(unit, failed, healthy, is_told):
    def some(first, ends):
        return [instance(first + n, measures={"x": (float(end), unit)}) for n, end in enumerate((*ends, *ends))]

    found = differences(some(0, failed), some(50, healthy)).ranges
    assert bool(found) == is_told
    assert [(one.failed, one.healthy, one.weak) for one in found] == ([(failed, healthy, False)] if is_told else [])


def test_one_in_twenty_may_lie_outside_of_a_range():
    failed = [instance(n, measures={"free": (float(1 if n else 99), "bytes")}) for n in range(20)]
    assert differences(failed, side(50, 3, measures={"free": (90.0, "bytes")})).ranges
    assert not differences(failed[:19], side(50, 3, measures={"free": (90.0, "bytes")})).ranges


def test_lines_that_most_of_the_failed_have_and_no_healthy_one():
    lines = frozenset({"E: could not get lock x", "dns failed", "seen everywhere failed"})
    failed = [*side(0, 6, lines=lines), *side(10, 4, lines=frozenset({"rare failed"}))]
    healthy = side(50, 3, lines=frozenset({"seen everywhere failed"}))
    (line,) = differences(failed, healthy, known=["E: could not get lock x"]).lines
    assert (line.text, line.failed, line.failed_known, line.healthy_known) == ("dns failed", 6, 10, 3)


def test_no_line_is_said_to_be_missing_where_not_all_were_looked_at():
    failed, healthy = side(0, 4, lines=frozenset({"dns failed"})), side(50, 3, lines_cut=True)
    told_differences = differences(failed, healthy)
    assert (told_differences.lines, told_differences.lines_compared) == ((), False)
    assert differences(failed, side(50, 3)).lines_compared


def test_lines_that_are_not_compared_are_told():
    failed = [instance(n, told()) for n in range(3)]
    text = "\n".join(rows(compare([*failed, *side(50, 3, lines_cut=True)])))
    assert "nothing clear between 3 failed and 3 healthy" in text
    assert "lines are not compared: a healthy one has too many that look like errors" in text


def test_ids_of_several_scale_sets_say_of_which():
    both = [instance(1, told()), instance(2, told(exit_code=1), scale_set="api")]
    assert {row.strip() for row in rows(compare(both)) if "--instance-ids" in row} == {
        *("On      of web: --instance-ids 1", "On      of api: --instance-ids 2"),
    }


def test_a_group_is_compared_with_the_healthy_ones_of_its_system_only():
    failed = [instance(n, told(), traits={"zone": "1"}) for n in range(3)]
    healthy = [instance(50, system="windows", traits={"zone": "2"}), instance(51, traits={"zone": "1"})]
    ((_, told_differences),) = compare([*failed, *healthy]).failures
    assert (told_differences.failed, told_differences.healthy, told_differences.values) == (3, 1, ())


def test_other_failures_are_not_taken_for_healthy():
    ((_, one), (_, other)) = compare([instance(1, told("a")), instance(2, told("b"), verdict="failed")]).failures
    assert one.healthy == other.healthy == 0


@given(
    st.lists(st.sampled_from(["a", "b", None]), max_size=12), st.lists(st.sampled_from(["a", "b", None]), max_size=12)
)
def test_counts_are_those_of_the_instances(failed, healthy):
    def some(found):
        return [instance(n, traits={"x": one} if one else {}) for n, one in enumerate(found)]

    for one in differences(some(failed), some(healthy)).values:
        assert one.failed == failed.count(one.value)
        assert one.healthy == healthy.count(one.value)
        assert one.failed_known == len([x for x in failed if x])
        assert one.healthy_known == len([x for x in healthy if x])
        assert one.clearness >= 0.6
        assert one.weak == (min(one.failed_known, one.healthy_known) < 3)
