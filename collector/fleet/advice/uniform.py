"""Commands for a uniform set: instances have numbers, and can be protected one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collector.fleet.advice import steps
from collector.fleet.advice.command import Command, for_each, quoted
from collector.fleet.case import CaseAnswer
from collector.fleet.scale_set import ScaleSet

#: Keeps every extension with its state: `az` leaves nulls out of lists, never out of objects.
PAIRED = (
    "[].{instanceId:instanceId, latestModelApplied:latestModelApplied, "
    "modelDefinitionApplied:modelDefinitionApplied, extensions:resources[].{id:id, state:provisioningState}}"
)


_PROTECTS = "keeps upgrades, reimages and scale-in away from it; latestModelApplied may turn false by that alone"


def commands(scale_set: ScaleSet, answer: CaseAnswer, source: str) -> Iterator[Command]:
    """Hold, stop, look, collect, repair, undo."""
    impacted = answer.impacted
    unsure = all(one.latest_model is None for one in scale_set.instances)
    if impacted or answer.spreads:
        yield steps.repairs(scale_set, "Suspend")
    yield from _protection(scale_set, impacted, True, steps.HOLD)
    if impacted and answer.older and answer.case != "none":
        yield from _stop(scale_set, answer)
    if steps.doubtful(scale_set) or (answer.spreads and unsure):
        yield paired(scale_set)
    if impacted:
        yield from steps.cause(scale_set, source)
        yield from _repair(scale_set, answer)
    if impacted or answer.spreads:
        yield steps.repairs(scale_set, "Resume")


def paired(scale_set: ScaleSet) -> Command:
    text = f"az vmss list-instances {steps.where(scale_set)} --query {quoted(PAIRED)} -o json"
    return Command(text, "each extension with its state, and who has the latest model", "look", steps.LOOK)


def _protection(scale_set: ScaleSet, numbers: Sequence[str], on: bool, step: str) -> Iterator[Command]:
    """Protection from the set's actions includes the one from scale-in; the platform wants both given."""
    word = "true" if on else "false"
    flags = f"--protect-from-scale-in {word} --protect-from-scale-set-actions {word}"
    start = f"az vmss update {steps.where(scale_set)} --instance-id"
    why = _PROTECTS if on else "takes the protection off"
    return for_each(numbers, lambda place: f"{start} {place} {flags}", why, "hold" if on else "release", step)


def _stop(scale_set: ScaleSet, answer: CaseAnswer) -> Iterator[Command]:
    """What fails on some of the upgraded only is no reason to stop."""
    at = steps.where(scale_set)
    if scale_set.upgrade_policy == "Manual" or answer.scaling_helps:
        return
    yield Command(f"az vmss rolling-upgrade get-latest {at}", "how far it is", "look", steps.STOP)
    why = "if it is still running: else more instances get what failed"
    yield Command(f"az vmss rolling-upgrade cancel {at}", why, "stop", steps.STOP)


def _repair(scale_set: ScaleSet, answer: CaseAnswer) -> Iterator[Command]:
    impacted = answer.impacted
    numbers = " ".join(map(quoted, impacted))
    if steps.replaces(answer):
        yield from steps.scale(scale_set, answer)
        why = "the new instances must have succeeded before you go on: show this answer as well"
        yield Command(paired(scale_set).text, why, "look", steps.SCALE)
        yield from _protection(scale_set, impacted, False, steps.DELETE)
        text = f"az vmss delete-instances {steps.where(scale_set)} --instance-ids {numbers}"
        yield Command(text, "their disks and logs go with them", "repair", steps.DELETE)
        return
    broken = steps.broken(scale_set, answer)
    rolls = bool(broken) or answer.case == "none"
    yield from _protection(scale_set, impacted, False, steps.FREE if rolls else steps.UNDO)
    yield from steps.corrections(scale_set, broken)
    if rolls and scale_set.upgrade_policy in (None, "Manual"):
        text = f"az vmss update-instances {steps.where(scale_set)} --instance-ids {numbers}"
        manual = scale_set.upgrade_policy == "Manual"
        why = "the upgrade policy is Manual" if manual else "only if the upgrade policy is Manual"
        yield Command(text, why, "repair", steps.ROLL)
