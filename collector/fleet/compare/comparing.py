"""What differs between the instances with a failure and the healthy ones: only what is clear, with n of m. Pure.

A difference is no cause. With one or two instances on a side it may well be chance, and is called weak.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from collector.bundle.words import short
from collector.fleet.compare.grouping import Group, Instance, Unit, groups, newest
from collector.model import Verdict

#: With fewer known instances on a side a difference is weak.
ENOUGH = 3
#: So much more of one side than of the other must share a value.
_CLEAR_SHARE = 0.6
#: Of so many instances one may lie outside a range that is called theirs.
_ONE_OUTSIDE = 20
#: How far apart two ranges must lie: as a factor, or in seconds.
_CLEAR_FACTOR = 1.25
_CLEAR_SECONDS: Mapping[Unit, float] = {"time": 600, "seconds": 60}
NOT_SEEN = "not seen"


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """A value that many of one side have and few of the other. `known`: instances of which it is known."""

    what: str
    value: str
    failed: int
    failed_known: int
    healthy: int
    healthy_known: int
    instead: str  # what most of the other side have, "" where they do not agree

    @property
    def weak(self) -> bool:
        return min(self.failed_known, self.healthy_known) < ENOUGH

    @property
    def clearness(self) -> float:
        return abs(self.failed / self.failed_known - self.healthy / self.healthy_known)


@dataclass(frozen=True, slots=True)
class RangeDifference:
    """A measure whose ranges lie apart."""

    what: str
    unit: Unit
    failed: tuple[float, float]
    failed_known: int
    healthy: tuple[float, float]
    healthy_known: int

    @property
    def weak(self) -> bool:
        return min(self.failed_known, self.healthy_known) < ENOUGH


@dataclass(frozen=True, slots=True)
class LineDifference:
    """A masked line that most of the failed have and no healthy one."""

    text: str
    failed: int
    failed_known: int
    healthy_known: int

    @property
    def weak(self) -> bool:
        return min(self.failed_known, self.healthy_known) < ENOUGH


@dataclass(frozen=True, slots=True)
class Differences:
    """Of one failure; empty tuples where nothing differs clearly. Lines are not compared where a healthy bundle has
    some that were not looked at."""

    failed: int
    healthy: int
    values: tuple[ValueDifference, ...] = ()
    ranges: tuple[RangeDifference, ...] = ()
    lines: tuple[LineDifference, ...] = ()
    lines_compared: bool = True

    @property
    def weak(self) -> bool:
        return min(self.failed, self.healthy) < ENOUGH


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that is told of many bundles. `notes`: which of them do not count, and why."""

    bundles: int
    instances: tuple[Instance, ...]
    failures: tuple[tuple[Group, Differences], ...]
    notes: tuple[str, ...] = ()

    def count(self, verdict: Verdict) -> int:
        return sum(instance.verdict == verdict for instance in self.instances)

    @property
    def scale_sets(self) -> tuple[str, ...]:
        return tuple(sorted({one.scale_set for one in self.instances if one.scale_set}))


def compare(bundles: Sequence[Instance]) -> Comparison:
    """What failed where, and what differs there from the healthy instances."""
    instances, notes = newest(bundles)
    healthy = [instance for instance in instances if instance.verdict == "healthy"]
    failures = tuple((group, _beside(group, healthy)) for group in groups(instances))
    return Comparison(len(bundles), instances, failures, notes)


def _beside(group: Group, healthy: Sequence[Instance]) -> Differences:
    """A group's differences from the healthy instances of the same system: with others nearly everything differs."""
    systems = {instance.system for instance in group.instances}
    alike = [instance for instance in healthy if instance.system in systems]
    return differences(group.instances, alike, [group.signature.masked], short(group.signature.extension))


def differences(
    failed: Sequence[Instance], healthy: Sequence[Instance], known: Collection[str] = (), about: str = ""
) -> Differences:
    """`known` are masked lines that tell the failure itself: that only the failed have them is no news.

    What is of the extension `about` comes first.
    """
    if not failed or not healthy:
        return Differences(len(failed), len(healthy))
    values = [*_versions(failed, healthy), *_traits(failed, healthy)]
    values.sort(key=lambda one: (one.weak, not (about and one.what.startswith(about)), -one.clearness, one.what))
    compared = not any(one.lines_cut for one in healthy)
    lines = tuple(_lines(failed, healthy, known)) if compared else ()
    return Differences(
        len(failed), len(healthy), tuple(values), tuple(_ranges(failed, healthy)), lines, lines_compared=compared
    )


# ---- values --------------------------------------------------------------------------------------------


def _versions(failed: Sequence[Instance], healthy: Sequence[Instance]) -> Iterable[ValueDifference]:
    for name in sorted({name for one in (*failed, *healthy) for name in one.extensions}):
        here, there = (
            Counter([one.extensions.get(name, NOT_SEEN) for one in some if one.extensions])
            for some in (failed, healthy)
        )
        yield from _difference(name, here, there)


def _traits(failed: Sequence[Instance], healthy: Sequence[Instance]) -> Iterable[ValueDifference]:
    for name in sorted({name for one in (*failed, *healthy) for name in one.traits}):
        here, there = (Counter([one.traits[name] for one in some if name in one.traits]) for some in (failed, healthy))
        yield from _difference(name, here, there)


def _difference(what: str, here: Counter[str], there: Counter[str]) -> Iterable[ValueDifference]:
    """The value that tells the two sides apart best, if one does it clearly. `here`: how often the failed have each."""
    all_here, all_there = here.total(), there.total()
    if not all_here or not all_there:
        return
    share = {one: here[one] / all_here - there[one] / all_there for one in {*here, *there}}
    best = max(share, key=lambda one: (abs(share[one]), share[one], one))
    if abs(share[best]) < _CLEAR_SHARE:
        return
    if share[best] < 0 and there[best] < ENOUGH - 1:
        return  # the failed do not agree, and one healthy instance has, of course, some value of its own
    other, count = (there if share[best] > 0 else here).most_common(1)[0]
    agreed = other != best and count * 2 > (all_there if share[best] > 0 else all_here)
    yield ValueDifference(what, best, here[best], all_here, there[best], all_there, other if agreed else "")


# ---- ranges --------------------------------------------------------------------------------------------


def _ranges(failed: Sequence[Instance], healthy: Sequence[Instance]) -> Iterable[RangeDifference]:
    for what in sorted({what for one in failed for what in one.measures}):
        sides = [[one.measures[what] for one in side if what in one.measures] for side in (failed, healthy)]
        units = {unit for side in sides for _, unit in side}
        if not all(sides) or len(units) != 1:
            continue
        unit = units.pop()
        here, there = (_range([number for number, _ in side]) for side in sides)
        low, high = sorted((here, there))
        if _apart(low[1], high[0], unit):
            yield RangeDifference(what, unit, here, len(sides[0]), there, len(sides[1]))


def _range(numbers: list[float]) -> tuple[float, float]:
    """From the least to the most, without the few that lie outside on either end."""
    numbers.sort()
    outside = len(numbers) // _ONE_OUTSIDE
    return numbers[outside], numbers[-1 - outside]


def _apart(end: float, start: float, unit: Unit) -> bool:
    if unit in _CLEAR_SECONDS:
        return start - end >= _CLEAR_SECONDS[unit]
    return start > end and start >= end * _CLEAR_FACTOR


# ---- lines ---------------------------------------------------------------------------------------------


def _lines(failed: Sequence[Instance], healthy: Sequence[Instance], known: Collection[str]) -> Iterable[LineDifference]:
    """The most spread first."""
    elsewhere = frozenset[str]().union(*(one.lines for one in healthy))
    counts = Counter(line for one in failed for line in one.lines)
    for line, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if count * 2 <= len(failed):
            return
        if line not in elsewhere and not any(line in told or told in line for told in known):
            yield LineDifference(line, count, len(failed), len(healthy))
