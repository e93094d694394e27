"""Two bundles beside each other: what they have in common, and where they differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import zip_longest

from collector.bundle import words
from collector.bundle.reader import Bundle
from collector.fleet.compare.bundles import own_names, told_of
from collector.fleet.compare.grouping import Instance, Told, Unit, signature
from collector.fleet.compare.masking import masked
from collector.model import Excerpt, Line, moved

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
#: Of each list so many are shown; of a line so many characters, of an excerpt so many lines are looked at.
_MOST, _LONGEST, _LOOKED_AT = 12, 300, 2_000
#: What tells one instance from another anyhow.
_ALWAYS = ("scale set",)


@dataclass(frozen=True, slots=True)
class Pair:
    """A value of either side; "" where it is not told there."""

    what: str
    left: str
    right: str
    #: whether a side that does not tell it does not have it
    is_whole: bool = False

    @property
    def differs(self) -> bool:
        return self.left != self.right

    @property
    def is_one_sided(self) -> bool:
        return not self.is_whole and not (self.left and self.right)


@dataclass(frozen=True, slots=True)
class Parting:
    """Where two files of the same path part. `number`: of the excerpt in its bundle; a line is None past the end."""

    path: str
    left_number: int
    right_number: int
    left: Line | None
    right: Line | None
    same: int  # lines before that say the same


@dataclass(frozen=True, slots=True)
class Beside:
    """Findings as their bundles tell them: of both, of the left only, of the right only."""

    left: Instance
    right: Instance
    both: tuple[Told, ...]
    only_left: tuple[Told, ...]
    only_right: tuple[Told, ...]
    differing: tuple[Pair, ...]
    alike: tuple[Pair, ...]
    one_sided: tuple[Pair, ...]  # what only one of the bundles tells
    partings: tuple[Parting, ...]
    lines_left: tuple[str, ...]  # masked lines that look like errors
    lines_right: tuple[str, ...]


def beside(left: Bundle, right: Bundle) -> Beside:
    """Raises BundleError where a member that is needed is damaged."""
    one, other = told_of(left, left.id), told_of(right, right.id)
    known, there = {signature(told) for told in one.told}, {signature(told) for told in other.told}
    pairs = list(_pairs(one, other, left, right))
    return Beside(
        left=one,
        right=other,
        both=tuple(told for told in one.told if signature(told) in there),
        only_left=tuple(told for told in one.told if signature(told) not in there),
        only_right=tuple(told for told in other.told if signature(told) not in known),
        differing=tuple(pair for pair in pairs if pair.differs and not pair.is_one_sided),
        alike=tuple(pair for pair in pairs if not pair.differs),
        one_sided=tuple(pair for pair in pairs if pair.is_one_sided),
        partings=tuple(_partings(left, right))[:_MOST],
        lines_left=_lines(one, other),
        lines_right=_lines(other, one),
    )


def _lines(one: Instance, other: Instance) -> tuple[str, ...]:
    return tuple(line[:_LONGEST] for line in sorted(one.lines - other.lines)[:_MOST])


# ---- values --------------------------------------------------------------------------------------------


def _pairs(one: Instance, other: Instance, left: Bundle, right: Bundle) -> Iterator[Pair]:
    """Versions of extensions, their states, then what the machines are like."""
    yield from _each(one.extensions, other.extensions, "{}, version", is_whole=True)
    yield from _each(_states(left), _states(right), "{}, state")
    traits = [{key: value for key, value in side.traits.items() if key not in _ALWAYS} for side in (one, other)]
    yield from _each(traits[0], traits[1], "{}")
    yield from _each(_measures(one), _measures(other), "{}")


def _each(left: Mapping[str, str], right: Mapping[str, str], name: str, *, is_whole: bool = False) -> Iterator[Pair]:
    for what in dict.fromkeys((*left, *right)):
        yield Pair(name.format(what), left.get(what, ""), right.get(what, ""), is_whole)


def _states(bundle: Bundle) -> dict[str, str]:
    return {words.label(state.extension, state.name): state.state for state in bundle.states}


def _measures(instance: Instance) -> dict[str, str]:
    return {what: _amount(number, unit) for what, (number, unit) in instance.measures.items()}


def _amount(number: float, unit: Unit) -> str:
    if unit == "bytes":
        return words.size(int(number))
    if unit == "time":
        return words.stamp(moved(_EPOCH, timedelta(seconds=number)))
    return f"{number:.0f} s" if unit == "seconds" else f"{number:.0f}"


# ---- lines ---------------------------------------------------------------------------------------------


def _partings(left: Bundle, right: Bundle) -> Iterator[Parting]:
    """The first line of each file of both in which they say different things, whatever the times and numbers; files
    that tell of a failure first."""
    there = {excerpt.path: (number, excerpt) for number, excerpt in enumerate(right.excerpts)}
    pairs = [
        (number, excerpt, *there[excerpt.path]) for number, excerpt in enumerate(left.excerpts) if excerpt.path in there
    ]
    names = own_names(left.identity), own_names(right.identity)
    for number, excerpt, other_number, other in sorted(
        pairs, key=lambda pair: not (pair[1].failing or pair[3].failing)
    ):
        found = _first(excerpt, other, *names)
        if found is not None:
            same, one, two = found
            path = words.native(excerpt.path, left.identity.system)
            yield Parting(path, number, other_number, one, two, same)


def _first(
    left: Excerpt, right: Excerpt, left_names: frozenset[str], right_names: frozenset[str]
) -> tuple[int, Line | None, Line | None] | None:
    pairs: Sequence[tuple[Line | None, Line | None]] = list(
        zip_longest(left.lines[:_LOOKED_AT], right.lines[:_LOOKED_AT])
    )
    for same, (one, two) in enumerate(pairs):
        if one is None or two is None or masked(one.text, left_names) != masked(two.text, right_names):
            return same, one, two
    return None
