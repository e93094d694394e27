"""Which parts of a core bundle are there, which is to be asked for next, and what each answer changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from collector.bundle.parts import Core, Part, joined, read_parts
from collector.fleet.ask.script import ABSENT

#: So often each part is asked for.
TRIES = 3
#: How vmext, its command line, and the script around it begin to say why they do not print a part.
_REFUSALS = ("vmext: ", "Error: ", ABSENT)


@dataclass(frozen=True, slots=True)
class Pulling:
    """One pull. `wanted` is the bundle whose core is pulled; None until the instance says which is its newest."""

    wanted: str | None = None
    parts: tuple[Part, ...] = ()
    lost: int = 0  # answers in a row that did not bring the part that was asked for
    restarted: bool = False
    notes: tuple[str, ...] = field(default=(), compare=False)  # what the last answer is worth telling

    @property
    def core(self) -> Core | None:
        return self.parts[0].core if self.parts else None

    @property
    def total(self) -> int | None:
        """How many parts there are, known from the first that came."""
        return self.parts[0].total if self.parts else None

    @property
    def missing(self) -> tuple[int, ...]:
        """Part 1 where nothing is known yet."""
        there = {part.number for part in self.parts}
        return tuple(number for number in range(1, (self.total or 1) + 1) if number not in there)

    @property
    def done(self) -> bool:
        return bool(self.parts) and not self.missing

    @property
    def given_up(self) -> bool:
        return self.lost >= TRIES

    def arguments(self) -> list[str]:
        """Of vmext collect on the instance, for the next part. All parts are asked of the bundle of the first."""
        number = str(self.missing[0])
        bundle = self.core.bundle if self.core else self.wanted
        part = f"{number}/{self.total}" if self.total else number
        return ["--part", part, *(["--bundle", bundle] if bundle else [])]

    def join(self) -> bytes:
        """The core. Raises BundleError where its hash does not hold."""
        return joined(self.parts)


def resumed(parts: Iterable[Part], wanted: str | None) -> Pulling:
    """Goes on with parts that an earlier pull left: those of the bundle that is wanted, or of the one with the most."""
    by_core: dict[tuple[Core, int], dict[int, Part]] = {}
    for part in parts:
        if wanted in (None, part.core.bundle):
            by_core.setdefault((part.core, part.total), {})[part.number] = part
    most = max(by_core.values(), key=len, default={})
    return Pulling(wanted, tuple(most[number] for number in sorted(most)))


def after(pulling: Pulling, out: str, err: str = "") -> Pulling:
    """The pull after an instance's answer: with its part, or with one more that was lost.

    A part of another core than before, or that its bundle is not there any more, means that the instance has a new
    bundle: the pull starts again with it, once.
    """
    asked = pulling.missing[0]
    parts, problems = read_parts(out)
    notes = [f"part {asked}: {problem}" for problem in problems]
    if not parts and (refusal := _refusal(err)):
        return _refused(pulling, refusal)
    there = {part.number: part for part in pulling.parts}
    if parts and pulling.core and (parts[-1].core, parts[-1].total) != (pulling.core, pulling.total):
        return _other(pulling, parts[-1], notes)
    for part in parts:
        there[part.number] = part
    came = asked in there
    if parts and not came:
        notes.append(f"part {asked} was asked for, part {parts[-1].number} came")
    ordered = tuple(there[number] for number in sorted(there))
    return replace(pulling, parts=ordered, lost=0 if came else pulling.lost + 1, notes=tuple(notes))


def _refusal(err: str) -> str:
    """What vmext said on the instance; asking again would not change it."""
    return next((line.strip() for line in err.splitlines() if line.startswith(_REFUSALS)), "")


def _refused(pulling: Pulling, refusal: str) -> Pulling:
    said = f"it says: {refusal}"
    if pulling.parts and not pulling.restarted and pulling.wanted is None:
        return Pulling(restarted=True, notes=(f"{said}; its newest bundle is pulled from the beginning",))
    return replace(pulling, lost=TRIES, notes=(said,))


def _other(pulling: Pulling, part: Part, notes: list[str]) -> Pulling:
    before = pulling.core.bundle if pulling.core else ""
    same = "another core of" if part.core.bundle == before else f"bundle {part.core.bundle} instead of"
    told = f"the instance gave {same} bundle {before}"
    if pulling.restarted or pulling.wanted not in (None, part.core.bundle):
        return replace(pulling, lost=TRIES, notes=(*notes, f"{told}, and the pull ends here"))
    again = f"{told}: it is pulled from the beginning"
    return Pulling(pulling.wanted, (part,), restarted=True, notes=(*notes, again))
