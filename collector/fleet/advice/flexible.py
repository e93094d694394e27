"""Commands for a flexible set: its instances are virtual machines with names, and are handled as such."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collector.fleet.advice import steps
from collector.fleet.advice.command import Command, for_each, quoted
from collector.fleet.case import CaseAnswer
from collector.fleet.scale_set import ScaleSet
from collector.fleet.spread import Spread

PAIRED = "[].{name:name, scaleSet:virtualMachineScaleSet.id, extensions:resources[].{id:id, state:provisioningState}}"


def commands(scale_set: ScaleSet, answer: CaseAnswer, source: str) -> Iterator[Command]:
    """Hold, look, collect, repair, undo."""
    impacted = answer.impacted
    if impacted or answer.spreads:
        yield steps.repairs(scale_set, "Suspend")
    yield from _lock(scale_set, impacted)
    if steps.doubtful(scale_set):
        text = f"az vm list -g {steps.group(scale_set)} --query {quoted(PAIRED)} -o json"
        yield Command(text, "each extension with its state", "look", steps.LOOK)
    silent = {one.id for one in scale_set.instances if not any(row.message for row in one.extensions)}
    view = f"az vm get-instance-view -g {steps.group(scale_set)} -o json -n"
    unheard = [name for name in impacted if name in silent]
    yield from for_each(unheard, lambda name: f"{view} {name}", "what its extensions reported", "look", steps.LOOK)
    if impacted:
        # the locks that hold would keep a managed run command from being deleted
        yield from steps.cause(scale_set, f"{source} --method invoke")
        yield from _repair(scale_set, answer)
    if impacted or answer.spreads:
        yield steps.repairs(scale_set, "Resume")


def _lock(scale_set: ScaleSet, names: Sequence[str]) -> Iterator[Command]:
    start = f"az resource lock create --lock-type CanNotDelete {_on(scale_set)}"
    why = "keeps scale-in and people from deleting it; needs Owner or User Access Administrator"
    return for_each(names, lambda name: f"{start} {name}", why, "hold", steps.HOLD)


def _unlock(scale_set: ScaleSet, names: Sequence[str], step: str) -> Iterator[Command]:
    start = f"az resource lock delete {_on(scale_set)}"
    return for_each(names, lambda name: f"{start} {name}", "takes the lock off", "release", step)


def _on(scale_set: ScaleSet) -> str:
    return f"-n vmext-hold -g {steps.group(scale_set)} --resource-type Microsoft.Compute/virtualMachines --resource"


def _repair(scale_set: ScaleSet, answer: CaseAnswer) -> Iterator[Command]:
    impacted, group = answer.impacted, steps.group(scale_set)
    if steps.replaces(answer):
        yield from steps.scale(scale_set, answer)
        why = "the new instances must have succeeded before you go on"
        text = f"az vm list -g {group} --query {quoted(PAIRED)} -o json"
        yield Command(text, why, "look", steps.SCALE)
        yield from _unlock(scale_set, impacted, steps.DELETE)
        delete = f"az vm delete -g {group} --yes -n"
        yield from for_each(impacted, lambda name: f"{delete} {name}", "its logs go with it", "repair", steps.DELETE)
        return
    broken = steps.broken(scale_set, answer)
    yield from steps.corrections(scale_set, broken)
    for spread in broken:
        yield from _set_on_machines(scale_set, spread)
    yield from _unlock(scale_set, impacted, steps.UNDO)


def _set_on_machines(scale_set: ScaleSet, spread: Spread) -> Iterator[Command]:
    start = f"az vm extension set -g {steps.group(scale_set)}"
    rest = steps.extension_arguments(scale_set, spread.extension)
    why = "the model's change reaches a machine only by an upgrade, so it is set here as well"
    return for_each(spread.failed, lambda name: f"{start} --vm-name {name} {rest}", why, "repair", steps.ROLL)
