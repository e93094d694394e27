"""What the instances answered, put side by side: who says the same, and what only the failed ones have. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collector.fleet.ask.outcome import Outcome
from collector.fleet.ask.outcome_table import ordered
from collector.fleet.ask.verdicts import Verdict
from collector.fleet.rendering.ranges import ranges
from collector.fleet.scale_set import Instance, ScaleSet

_GRAVEST = ("failed", "hanging", "nothing-found", "healthy")


@dataclass(frozen=True, slots=True)
class Group:
    """Instances that gave the same answer; `verdict` is that of the first of them."""

    verdict: Verdict
    outcomes: tuple[Outcome, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(outcome.id for outcome in self.outcomes)


def groups_of(outcomes: Sequence[Outcome]) -> list[Group]:
    """Answers of the impacted instances, the gravest and most frequent first."""
    found: dict[tuple[str, str, str], list[Outcome]] = {}
    for outcome in ordered(outcomes):
        if outcome.verdict and outcome.role != "healthy":
            verdict = outcome.verdict
            # a head that was cut off has no title: it goes to those of the same subject
            title = verdict.title or _title(outcomes, verdict)
            found.setdefault((verdict.word, verdict.subject, title), []).append(outcome)
    groups = [Group(_fullest(alike), tuple(alike)) for alike in found.values()]
    return sorted(groups, key=lambda group: (_GRAVEST.index(group.verdict.word), -len(group.outcomes)))


def _title(outcomes: Sequence[Outcome], verdict: Verdict) -> str:
    told = (one.verdict for one in outcomes if one.verdict and one.verdict.whole)
    return next((one.title for one in told if (one.word, one.subject) == (verdict.word, verdict.subject)), "")


def _fullest(alike: Sequence[Outcome]) -> Verdict:
    """One whose head was not cut off, if there is one."""
    verdicts = [outcome.verdict for outcome in alike if outcome.verdict]
    return next((one for one in verdicts if one.whole), verdicts[0])


def differences(scale_set: ScaleSet, failed: Sequence[str], healthy: Sequence[str]) -> Iterator[str]:
    """What all failed instances have in common and no healthy one has, in sentences."""
    by_id = {instance.id: instance for instance in scale_set.instances}
    bad = [by_id[one] for one in failed if one in by_id]
    good = [by_id[one] for one in healthy if one in by_id]
    if not bad or not good:
        return
    few = " (of one instance each, which proves little)" if len(bad) == len(good) == 1 else ""
    for what in dict.fromkeys(name for instance in (*bad, *good) for name in _traits(instance)):
        ours = {_traits(instance).get(what) for instance in bad}
        theirs = {_traits(instance).get(what) for instance in good}
        if len(ours) == 1 and None not in ours | theirs and not ours & theirs:
            others = ", ".join(sorted(str(value) for value in theirs))
            yield f"{what}: {ours.pop()} on {ranges([one.id for one in bad])}, {others} on healthy ones{few}"


def _traits(instance: Instance) -> dict[str, str]:
    """Only what is told of the instance."""
    model = {True: "latest", False: "older"}.get(instance.latest_model) if instance.latest_model is not None else None
    told = {"guest agent": instance.agent_version, "zone": instance.zone, "model": model}
    told |= {f"version of {row.name}": row.version for row in instance.extensions if row.name}
    return {what: value for what, value in told.items() if value}
