"""What differs between the instances of a scale set on which an extension failed and those where it is well. Pure.

The counting is `vmext compare`'s; here it is told in sentences, with its figures and with what they can't tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import cast

from collector.bundle.words import short
from collector.endpoint.reading.members import Member
from collector.fleet.compare.comparing import ENOUGH, NOT_SEEN, ValueDifference, differences
from collector.fleet.compare.grouping import Instance
from collector.model import System, Verdict

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MOST = 6


@dataclass(frozen=True, slots=True)
class Difference:
    """One sentence, and whether it rests on too few. `what` is what differs: image, zone, ..."""

    sentence: str
    weak: bool
    what: str
    #: whether the value told is rather that of the failed
    of_failed: bool


@dataclass(frozen=True, slots=True)
class Differing:
    """`summary` says what was compared and how far that goes, also where nothing differs."""

    extension: str
    failed: int
    healthy: int
    summary: str
    found: tuple[Difference, ...] = ()


def differing(members: Sequence[Member], *extensions: str) -> list[Differing]:
    """For each of these extensions. An instance whose state of it is not known stands on neither side."""
    names = {name: short(name) for one in members for name in one.cells}
    made = {one.label: _of(one, names) for one in members if not one.is_silent}
    return [_differing(members, made, extension) for extension in extensions]


def _differing(members: Sequence[Member], made: Mapping[str, Instance], extension: str) -> Differing:
    failed = [one for one in members if _is(one, extension, "failed", "hanging")]
    healthy = [one for one in members if _is(one, extension, "well") and one.outcome == "well"]
    if not healthy:  # then those that lack it: that may be the difference
        healthy = [one for one in members if one.outcome == "well"]
    name = short(extension)
    did = "hangs" if all(one.cells[extension].outcome == "hanging" for one in failed) else "failed"
    bad, good = len(failed), len(healthy)
    if not bad:
        return Differing(extension, bad, good, f"{name} failed on no instance.")
    if not good:
        why = "none that has reported is healthy"
        return Differing(extension, bad, good, f"Nothing to compare with: {why}. Collect on a healthy one as well.")
    found = differences([made[one.label] for one in failed], [made[one.label] for one in healthy], about=name)
    told = tuple(Difference(_sentence(one), one.weak, one.what, on_failed(one)) for one in found.values[:_MOST])
    sides = f"{bad} on which {name} {did} and {good} healthy"
    if not told:
        looked = "image, guest agent, system, location, zone, versions of extensions and model"
        return Differing(extension, bad, good, f"Nothing differs clearly between the {sides} ones: {looked} are alike.")
    few = f" With fewer than {ENOUGH} on a side this may be chance." if min(bad, good) < ENOUGH else ""
    return Differing(extension, bad, good, f"Compared: the {sides} ones. A difference is no cause.{few}", told)


def _is(member: Member, extension: str, *outcomes: str) -> bool:
    cell = member.cells.get(extension)
    return cell is not None and cell.outcome in outcomes and not member.is_silent


def _of(member: Member, names: Mapping[str, str]) -> Instance:
    versions = {names[name]: cell.version for name, cell in member.cells.items() if cell.version}
    return Instance(
        key=member.id or member.label,
        name=member.label,
        id=member.instance_id,
        scale_set=None,
        system=cast(System, member.system or "linux"),
        bundle=member.bundle or "",
        place="",
        created=member.last_seen or _EPOCH,
        verdict=cast(Verdict, member.verdict or "nothing-found"),
        extensions=versions,
        traits=member.traits,
    )


def _sentence(one: ValueDifference) -> str:
    """``Zone 2: 30 of 37 failed ones, none of 3 healthy ones; most healthy ones have 1.``."""
    value, other = _apart(one.value, one.instead)
    named = f"without {one.what}" if one.value == NOT_SEEN else f"{one.what} {value}"
    instead = ""
    if one.instead:
        other = f"no {one.what}" if one.instead == NOT_SEEN else other
        instead = f"; most {'healthy' if on_failed(one) else 'failed'} ones have {other}"
    figures = f"{_all(one.failed, one.failed_known)} failed ones, {_all(one.healthy, one.healthy_known)} healthy ones"
    return f"{named[0].upper()}{named[1:]}: {figures}{instead}."


def on_failed(one: ValueDifference) -> bool:
    """Whether the value is rather that of the failed."""
    return one.failed * one.healthy_known >= one.healthy * one.failed_known


def _apart(value: str, other: str) -> tuple[str, str]:
    """Without the parts that both begin with: of an image its publisher, offer and SKU."""
    if not other or value.count(":") != other.count(":"):
        return value, other
    here, there = value.split(":"), other.split(":")
    while len(here) > 1 and here[0] == there[0]:
        here, there = here[1:], there[1:]
    return ":".join(here), ":".join(there)


def _all(part: int, whole: int) -> str:
    if part == 0:
        return f"none of {whole}"
    return f"all {whole}" if part == whole and whole > 1 else f"{part} of {whole}"
