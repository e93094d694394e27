"""Where an extension failed and where it did not, and the case in a sentence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from collector.bundle.words import plural
from collector.fleet.scale_set import Case, ScaleSet


@dataclass(frozen=True, slots=True)
class Spread:
    """Where one extension stands. The numbers count only instances that the case is about; `older` are failures
    on instances that don't have the set's latest model."""

    extension: str
    failed: tuple[str, ...]
    succeeded: int
    pending: int
    older: tuple[str, ...] = ()
    counted: int = 0  # failures where the file names no instances

    @property
    def failures(self) -> int:
        return len(self.failed) or self.counted

    @property
    def verdicts(self) -> int:
        return self.failures + self.succeeded

    @property
    def everywhere(self) -> bool:
        """It succeeded on none of the instances that have a verdict."""
        return self.failures > 0 and self.succeeded == 0

    @property
    def told(self) -> str:
        """``customScript on 2 of 4``."""
        return f"{self.label} on {self.failures} of {self.verdicts + self.pending}"

    @property
    def label(self) -> str:
        return self.extension or "an extension that can't be told"


#: So many extensions are named in a sentence.
_MOST_NAMED = 4


def sentence(case: Case, spreads: Sequence[Spread], scale_set: ScaleSet, counted: int, older: int) -> str:
    """What the case is and what follows from it."""
    failing = [spread for spread in spreads if spread.failures]
    latest = f" with the latest model ({older} have an older one)" if older else ""
    if case == "none":
        return _none(spreads, plural(counted, "instance"), older)
    if case == "all":
        return _all(failing, scale_set, counted, older)
    if any(not spread.extension for spread in failing):
        numbers = f"{max(spread.failures for spread in failing)} of {plural(counted, 'instance')}{latest}"
        return f"Failed on some ({numbers}), but which extension can't be told: ask again, with the query below."
    alone = "replace these nodes" if scale_set.managed_by_aks else "scale out, then delete these instances"
    each = ", ".join(spread.told for spread in failing)
    if case == "some" and len({frozenset(spread.failed) for spread in failing}) > 1:
        return f"Failed on some{latest}: {each}; each succeeded elsewhere: {alone}."
    if case == "some":
        numbers = f"{failing[0].failures} of {plural(counted, 'instance')}{latest}"
        well = str(failing[0].succeeded)
        if failing[0].pending:
            well += f" (on {failing[0].pending} it has not come to an end)"
        return f"Failed on some: {_labels(failing)} failed on {numbers} and succeeded on {well}: {alone}."
    if everywhere := [spread for spread in failing if spread.everywhere]:
        again = "it" if len(everywhere) == 1 else "they"
        return (
            f"Mixed: {each}. {_labels(everywhere)} succeeded nowhere: do not scale out, {again} will fail again; "
            "correct that first."
        )
    return f"Mixed: {each}. No instance is free of failures: find the causes before you scale out."


def _labels(spreads: Sequence[Spread]) -> str:
    labels = [spread.label for spread in spreads]
    if len(labels) > _MOST_NAMED:
        labels = [*labels[: _MOST_NAMED - 1], f"{len(labels) - _MOST_NAMED + 1} more extensions"]
    return " and ".join([", ".join(labels[:-1]), labels[-1]] if len(labels) > 1 else labels)


def _none(spreads: Sequence[Spread], instances: str, older: int) -> str:
    if not spreads:
        with_older = f" with the latest model, nor on the {older} with an older one" if older else ""
        return f"Failed nowhere: no extension is known to have failed on {instances}{with_older}."
    which = " and ".join(f"{spread.label} on {len(spread.older)}" for spread in spreads)
    return (
        f"Failed nowhere with the latest model ({instances}). Of the {older} with an older model, {which} failed: "
        "bring the latest model to these."
    )


def _all(failing: Sequence[Spread], scale_set: ScaleSet, counted: int, older: int) -> str:
    which = _labels(failing)
    if counted == 1 and not older:
        return (
            f"Failed on all, but there is only one instance to judge by: {which} failed on it. Whether a new instance "
            "would fail as well can't be known; do not scale out before the cause is known."
        )
    widest = max(failing, key=lambda spread: spread.failures)
    model = " with the latest model" if older else ""
    where = f"all {widest.failures} instances{model}" if widest.failures > 1 else f"the only instance{model}"
    if widest.pending:
        where = f"every instance{model} where it has come to an end ({widest.failures}; on {widest.pending} it has not)"
    elif min(spread.failures for spread in failing) < counted:
        where = f"every instance{model} that has {'it' if len(failing) == 1 else 'them'}"
    rest = f" ({older} still have an older one)" if older else ""
    again = "more nodes will not help" if scale_set.managed_by_aks else "do not scale out"
    rolls = older and scale_set.upgrade_policy != "Manual" and not scale_set.managed_by_aks
    upgrade = " Stop the rolling upgrade." if rolls else ""
    it = "it" if len(failing) == 1 else "they"
    return f"Failed on all: {which} failed on {where}{rest}: {again}, {it} will fail again.{upgrade} Correct the cause."
