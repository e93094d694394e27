"""A comparison as text for a terminal. Who prints it makes harmless what stems from bundles. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from collector.bundle import words
from collector.bundle.console import cut, wrap
from collector.fleet.compare.comparing import Comparison, Differences, LineDifference, RangeDifference, ValueDifference
from collector.fleet.compare.explained import explanations
from collector.fleet.compare.grouping import Group, Instance, Signature, Unit
from collector.fleet.natural import natural
from collector.model import moved

_LABEL, _MARGIN = 8, 3
_BULLET = "- "
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LONGEST_LINE, _LONGEST_QUOTE, _LONGEST_TEXT = 300, 200, 400  # characters
_MOST_NAMES, _MOST_IDS = 12, 40
_MOST_CAUSES, _MOST_VALUES, _MOST_LINES = 3, 8, 5


@dataclass(frozen=True, slots=True)
class Part:
    """A label and what stands beside it: `quotes` stay on one line, so that they can be searched for."""

    label: str
    prose: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()


def rows(comparison: Comparison) -> Iterator[str]:
    """All lines, the answer first."""
    yield headline(comparison)
    healthy, several = comparison.count("healthy"), len(comparison.scale_sets) > 1
    for number, (group, differences) in enumerate(comparison.failures, start=1):
        yield ""
        yield f"{number:<{_MARGIN}}{_title(group, len(comparison.instances))}"
        for part in _parts(group, differences, healthy, several):
            yield from _labelled(part)
    if comparison.failures and not healthy:
        yield ""
        yield from wrap("No healthy bundle to compare with: collect on a healthy instance as well.", 0)


def headline(comparison: Comparison) -> str:
    """``VMEXT COMPARE 40 instances of vmss-web: 37 failed, 3 healthy``."""
    sets = comparison.scale_sets
    of = f" of {sets[0]}" if len(sets) == 1 else f" of {len(sets)} scale sets" if sets else ""
    told = {"failed": "failed", "hanging": "hanging", "healthy": "healthy", "nothing-found": "without any logs"}
    counts = [f"{count} {word}" for key, word in told.items() if (count := comparison.count(key))]  # type: ignore[arg-type]
    counted = words.plural(len(comparison.instances), "instance")
    more = f" ({words.plural(comparison.bundles, 'bundle')})" if comparison.bundles != len(comparison.instances) else ""
    return f"VMEXT COMPARE {counted}{of}{more}: {', '.join(counts)}"


def subject(signature: Signature) -> str:
    """``CustomScript enable exit 100``."""
    code = f"exit {words.code(signature.exit_code)}" if signature.exit_code is not None else ""
    return " ".join(part for part in (words.short(signature.extension), signature.operation or "", code) if part)


def _title(group: Group, of: int) -> str:
    word = "HANGS" if group.signature.kind == "hang" else "FAILED"
    return f"{word} on {len(group.members)} of {of}: {subject(group.signature)}"


def _labelled(part: Part) -> Iterator[str]:
    indent = _MARGIN + _LABEL
    lines = list(part.quotes)
    for text in part.prose:
        lines += wrap(text, indent)
    for item in part.items:
        first, *more = wrap(item, indent + len(_BULLET))
        lines += [_BULLET + first, *(" " * len(_BULLET) + line for line in more)]
    for number, line in enumerate(lines):
        yield f"{'':<{_MARGIN}}{part.label if number == 0 else '':<{_LABEL}}{line}"


# ---- parts ---------------------------------------------------------------------------------------------


def _parts(group: Group, differences: Differences, healthy: int, several: bool) -> Iterator[Part]:
    instance, told = group.members[0]
    yield Part("First", (_span(group) + (f"; {healthy} healthy" if healthy else ""),))
    place = f"{words.native(told.path, instance.system)}:{told.line} on {instance.name}" if told.path else ""
    yield Part("Line", quotes=(cut(told.message, _LONGEST_LINE) or "(no line tells it)", *filter(None, [place])))
    yield from _causes(group)
    if group.caused_by:
        yield Part("Follows", (f"from a failure of {group.caused_by}, of which these bundles tell nothing",))
    yield Part("On", (_where(group.instances, several),))
    if names := sorted({told.name for _, told in group.members if told.name}):
        yield Part("Named", (_some(names, _MOST_NAMES),))
    follows = (
        f"{subject(below.signature)} on {len(below.members)}: {cut(_first_title(below), 80)}" for below in group.follows
    )
    yield Part("Then", items=tuple(follows))
    yield _differs(differences, healthy, "hanging" if group.signature.kind == "hang" else "failed")


def _span(group: Group) -> str:
    """``vmss-web_12 at 10:02:11``, and the last one."""
    timed = [(instance, told.time) for instance, told in group.members if told.time]
    if not timed:
        return f"{group.members[0][0].name}, at an unknown time"
    first, last = timed[0], timed[-1]
    text = f"{first[0].name} at {_stamp(first[1])}"
    return text if len(timed) == 1 else f"{text}; last {last[0].name} at {_stamp(last[1])}"


def _stamp(moment: datetime | None) -> str:
    if moment is None:
        return "an unknown time"
    return words.stamp(moment) + ("" if moment.tzinfo else f" {words.LOCAL}")


def _causes(group: Group) -> Iterator[Part]:
    told = explanations(group)
    size = len(group.members)
    for number, one in enumerate(told[:_MOST_CAUSES]):
        sure = [f"{words.LIKELY[level]}" + (f" on {n}" if n != size else "") for level, n in one.sureness]
        sure = sure or [words.LIKELY[one.cause.confidence]]
        yield Part("Or" if number else "Cause", (f"{one.cause.title} ({one.cause.id}; {', '.join(sure)})",))
    for one in told[:1]:
        for label, text in (("Means", one.cause.meaning), ("Do", one.cause.remedy)):
            if text:
                yield Part(label, (cut(text, _LONGEST_TEXT),))


def _first_title(group: Group) -> str:
    told = explanations(group)
    return told[0].cause.title if told else group.members[0][1].message


def _where(instances: Sequence[Instance], several: bool) -> str:
    """Their ids in the form that ``--instance-ids`` takes, else their names. Of `several` scale sets: which one."""
    if len({one.scale_set for one in instances}) == 1 and all(one.id and one.scale_set for one in instances):
        ids = sorted((str(one.id) for one in instances), key=natural)
        return (f"of {instances[0].scale_set}: " if several else "") + f"--instance-ids {_some(ids, _MOST_IDS, ' ')}"
    return _some(sorted((one.name for one in instances), key=natural), _MOST_NAMES)


def _some(names: Sequence[str], most: int, joint: str = ", ") -> str:
    left = len(names) - most
    return joint.join(names[:most]) + (f" and {left} more (all with --format json)" if left > 0 else "")


# ---- differences ---------------------------------------------------------------------------------------


def _differs(told: Differences, healthy: int, bad: str) -> Part:
    """What differs, with how far that can be trusted. `bad`: what the ones that are not healthy are called."""
    if not told.healthy:
        return Part("Differs", ("there is no healthy one of this system to compare with",) if healthy else ())
    sides = f"{told.failed} {bad} and {told.healthy} healthy"
    items = tuple(_differences(told, bad))
    unread = (
        () if told.lines_compared else ("lines are not compared: a healthy one has too many that look like errors",)
    )
    if not items:
        return Part("Differs", (f"nothing clear between {sides}", *unread))
    prose = (f"weakly, since only {sides} are compared: may be chance",) if told.weak else ()
    return Part("Differs", (*prose, *unread), items=items)


def _differences(told: Differences, bad: str) -> Iterator[str]:
    texts = [(one.weak, _value(one, bad)) for one in told.values[:_MOST_VALUES]]
    texts += [(one.weak, _of_range(one, bad)) for one in told.ranges]
    texts += [(one.weak, _line(one, bad)) for one in told.lines[:_MOST_LINES]]
    for weak, text in texts:
        yield f"weak, few are known: {text}" if weak and not told.weak else text
    left = len(told.values[_MOST_VALUES:]) + len(told.lines[_MOST_LINES:])
    if left:
        yield f"{left} more with --format json"


def _value(one: ValueDifference, bad: str) -> str:
    side = "healthy" if one.failed * one.healthy_known >= one.healthy * one.failed_known else bad
    instead = f"; {one.instead} on {side} ones" if one.instead else ""
    return (
        f"{one.what} {one.value}: {one.failed} of {one.failed_known} {bad}, "
        f"{one.healthy} of {one.healthy_known} healthy{instead}"
    )


def _of_range(one: RangeDifference, bad: str) -> str:
    here, there = (_between(pair, one.unit) for pair in (one.failed, one.healthy))
    return f"{one.what}: {here} on {one.failed_known} {bad}, {there} on {one.healthy_known} healthy"


def _between(pair: tuple[float, float], unit: Unit) -> str:
    low, high = (_amount(number, unit) for number in pair)
    return low if low == high else f"{low} to {high}"


def _amount(number: float, unit: Unit) -> str:
    if unit == "bytes":
        return words.size(int(number))
    if unit == "time":
        return words.stamp(moved(_EPOCH, timedelta(seconds=number)))
    return f"{number:.0f} s" if unit == "seconds" else f"{number:.0f}"


def _line(one: LineDifference, bad: str) -> str:
    """The quoted line last, since it may be long."""
    return f"a line of {one.failed} of {one.failed_known} {bad} and of no healthy one: {cut(one.text, _LONGEST_QUOTE)}"
