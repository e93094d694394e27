"""What fits: fair to each source, failing lines first, newest first, the rest counted."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.bundle.layout import cost, fit, newest_events, plan, share
from collector.model import Excerpt, LedgerEntry, Line
from tests.bundle.samples import EVENTS, REPORT, finding, report


def excerpt(path: str, count: int, failing: set[int] | None = None, width: int = 88) -> Excerpt:
    lines = tuple(Line(number, "x" * width) for number in range(1, count + 1))
    return Excerpt(path, lines, frozenset(failing or ()))


def numbers(part: Excerpt) -> list[int]:
    return [line.number for line in part.lines]


def test_what_fits_stays_as_it_is():
    fitted = plan(REPORT, 10_000_000)
    assert fitted.report.excerpts == REPORT.excerpts
    assert fitted.report.ledger == REPORT.ledger
    assert (fitted.left_out.lines, fitted.left_out.events, fitted.left_out.sources) == (0, 0, 0)


def test_a_huge_source_does_not_push_out_a_small_one():
    small, huge = excerpt("small", 10), excerpt("huge", 10_000)
    for order in ((small, huge), (huge, small)):
        shared = {part.path: part for part in share(order, 20_000)}
        assert len(shared["small"].lines) == 10
        assert len(shared["huge"].lines) == 190


def test_sources_of_one_size_get_the_same():
    shared = share([excerpt(name, 1_000) for name in "abcd"], 40_000)
    assert [len(part.lines) for part in shared] == [100, 100, 100, 100]


def test_failing_lines_come_first_then_their_neighbours():
    part = fit(excerpt("log", 1_000, failing={100, 900}), 6 * 100)
    assert numbers(part) == [99, 100, 101, 899, 900, 901]
    assert part.left_out == 994


def test_newer_failing_lines_come_before_older_ones():
    assert numbers(fit(excerpt("log", 1_000, failing={100, 500, 900}), 2 * 100)) == [500, 900]


def test_without_failing_lines_the_newest_stay():
    assert numbers(fit(excerpt("log", 100), 3 * 100)) == [98, 99, 100]


def test_the_lines_already_left_out_are_counted_with_the_new_ones():
    assert fit(replace(excerpt("log", 10), left_out=7), 4 * 100).left_out == 7 + 6


def test_the_ledger_says_what_the_budget_took():
    parts = (excerpt("log", 1_000), excerpt("other", 1, width=5_000))
    ledger = (
        LedgerEntry("log", "log", "read", excerpt_lines=1_000, note="odd"),
        LedgerEntry("other", "log", "read", excerpt_lines=1),
        LedgerEntry("third", "log", "denied"),
    )
    fitted = plan(replace(REPORT, excerpts=parts, ledger=ledger, events=()), 4_000)
    assert fitted.report.ledger == (
        replace(ledger[0], excerpt_lines=15, note="odd; 985 lines left out for the bundle's budget"),
        replace(ledger[1], excerpt_lines=0, outcome="dropped", note="1 line left out for the bundle's budget"),
        ledger[2],
    )
    assert [part.path for part in fitted.report.excerpts] == ["log"]
    assert (fitted.left_out.lines, fitted.left_out.sources) == (986, 1)


def test_the_newest_events_stay():
    events = tuple(replace(EVENTS[1], line=number) for number in range(100))
    assert [event.line for event in newest_events(events, 5 * 720)] == [95, 96, 97, 98, 99]


def test_a_huge_detail_is_cut_and_says_so():
    huge = report(finding(detail="a" * 100_000))
    for failure in (plan(huge, 0).report.failures[0], plan(huge, 0).report.findings[0].failure):
        assert failure.detail.endswith("... 34464 characters left out")
        assert len(failure.detail) < 66_000


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.sets(st.integers(1, 60))), max_size=6), st.integers(-5, 12_000))
def test_never_more_than_the_room_and_every_line_is_kept_or_counted(shapes, room):
    parts = [excerpt(str(index), count, failing) for index, (count, failing) in enumerate(shapes)]
    shared = share(parts, room)
    assert sum(cost(line) for part in shared for line in part.lines) <= max(0, room)
    for old, new in zip(parts, shared, strict=True):
        assert len(new.lines) + new.left_out == len(old.lines)
        assert numbers(new) == sorted(numbers(new))
