"""What fits: fair to each source, failing lines first, newest first, the rest counted."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.bundle.layout import MOST_SOURCES, allot, cost, fair_events, fit, plan, share
from collector.model import Excerpt, LedgerEntry, Line, Record
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


def events(path: str, count: int, width: int = 10) -> tuple[Record, ...]:
    return tuple(replace(EVENTS[1], path=path, line=number, raw=("x" * width,)) for number in range(count))


def test_telling_events_stay_then_the_newest():
    assert [event.line for event in fair_events(events("log", 100), 5 * 720)] == [95, 96, 97, 98, 99]
    told = fair_events(events("log", 100), 3 * 720, {("log", 7), ("other", 8)})
    assert [event.line for event in told] == [7, 98, 99]


def test_the_records_of_a_busy_log_do_not_push_out_those_of_a_quiet_one():
    busy, quiet = events("busy", 500), events("quiet", 4)
    for records in (busy + quiet, quiet + busy):
        kept = [event.path for event in fair_events(records, 20 * 720)]
        assert (kept.count("quiet"), kept.count("busy")) == (4, 16)


def test_the_ledger_says_how_many_records_the_budget_took():
    ledger = (LedgerEntry("log", "log", "read"), LedgerEntry("other", "log", "read"))
    fitted = plan(replace(REPORT, excerpts=(), ledger=ledger, events=events("log", 50)), 4 * 5 * 720)
    assert fitted.report.ledger == (replace(ledger[0], note="45 records left out for the bundle's budget"), ledger[1])
    assert fitted.left_out.events == 45


def test_a_failing_line_that_does_not_fit_is_cut_not_left_out():
    part = fit(excerpt("log", 3, failing={2}, width=5_000), 500)
    assert part.lines == (Line(2, "x" * 488, cut=True),)
    assert fit(excerpt("log", 3, failing={2}, width=5_000), 91).lines == ()


def test_of_too_many_sources_those_that_tell_of_a_failure_stay():
    parts = [excerpt(str(number), 1, {1} if number == 2_400 else set()) for number in range(2_500)]
    kept = [part.path for part in share(parts, 10_000_000) if part.lines]
    assert len(kept) == MOST_SOURCES
    assert kept[-1] == "2400"


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 5_000), max_size=30), st.integers(-5, 50_000))
def test_no_one_starves(costs, room):
    """Whoever gets less than he needs gets no less than anyone else, nor than his share."""
    allotted = allot(costs, room)
    assert sum(allotted) <= max(0, room)
    for cost_, got in zip(costs, allotted, strict=True):
        assert got <= cost_
        if got < cost_:
            assert got >= max(0, room) // len(costs)
            assert got >= max(allotted) - 1, "one byte may not be divisible"


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 2_000), st.integers(0, 300), st.booleans()), min_size=1, max_size=8),
    st.integers(0, 200_000),
)
def test_however_large_one_source_is_each_keeps_its_failing_lines(shapes, room):
    """Of each source the newest failing line is in the bundle as soon as its fair share has room for a part of it."""
    parts = [
        excerpt(str(index), count, {max(1, count // 2)} if fails else set(), width)
        for index, (count, width, fails) in enumerate(shapes)
    ]
    fair = room // len(parts)
    for old, new in zip(parts, share(parts, room), strict=True):
        kept = set(numbers(new))
        widest = max(cost(line) for line in old.lines)
        if fair >= min(widest, 92):
            assert new.lines or not old.failing
            assert old.failing <= kept
        if fair >= widest:
            assert new.lines
        if fair >= sum(cost(line) for line in old.lines):
            assert new is old


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


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 200), st.integers(0, 400)), min_size=1, max_size=6),
    st.integers(0, 200_000),
    st.randoms(use_true_random=False),
)
def test_however_busy_one_log_is_each_keeps_its_telling_and_newest_records(shapes, room, chance):
    records = [record for path, shape in enumerate(shapes) for record in events(str(path), *shape)]
    mixed = sorted(records, key=lambda record: (record.line, chance.random()))
    telling = {(str(path), count // 3) for path, (count, _) in enumerate(shapes)}
    kept = fair_events(mixed, room, telling)
    assert list(kept) == [record for record in mixed if record in kept], "their order stays"
    prices = [700 + 2 * width for _, width in shapes]
    assert sum(prices[int(record.path)] for record in kept) <= room
    for path, (count, _) in enumerate(shapes):
        lines = [record.line for record in kept if record.path == str(path)]
        fits = min(count, room // len(shapes) // prices[path])
        assert len(lines) >= fits
        if fits:
            assert count // 3 in lines
            newest = [line for line in lines if line != count // 3]
            assert newest == [line for line in range(count) if line != count // 3][count - 1 - len(newest) :]
