"""Which bundles have to go when the spool is full: healthy ones first, failed ones last. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

#: A bundle that tells of no failure is kept for this part of the time that others are kept for.
HEALTHY_PART = 0.25

Standing = Literal["healthy", "refused", "failed"]
#: In the order in which they go.
_ORDER: dict[Standing, int] = {"healthy": 0, "refused": 1, "failed": 2}


class Kept(NamedTuple):
    """One bundle: `age` in seconds. `refused`: the receiver will never take it, it waits for a person."""

    id: str
    bytes: int
    age: float
    standing: Standing


class Quota(NamedTuple):
    """At most so many bytes, and for so many seconds."""

    bytes: int = 200_000_000
    seconds: float = 30 * 86_400.0


def surplus(kept: Iterable[Kept], quota: Quota, newest: str) -> tuple[tuple[Kept, str], ...]:
    """What has to go and why, in order: what is too old, then the oldest healthy, refused, failed ones above the
    quota. Never the one whose id is `newest`: it was written a moment ago and nobody has seen it."""
    going = []
    rest = sorted(kept, key=lambda one: (_ORDER[one.standing], -one.age, one.id))
    total = sum(one.bytes for one in rest)
    for one in rest:
        limit = quota.seconds * (HEALTHY_PART if one.standing == "healthy" else 1)
        if one.id != newest and one.age > limit:
            going.append((one, f"it is older than {limit / 86_400:g} days"))
            total -= one.bytes
    gone = {one.id for one, _ in going}
    for one in rest:
        if total <= quota.bytes:
            break
        if one.id == newest or one.id in gone:
            continue
        going.append((one, f"the spool is above its quota of {quota.bytes} bytes"))
        total -= one.bytes
    return tuple(going)
