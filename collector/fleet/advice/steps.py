"""Steps that uniform and flexible sets share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collector.fleet.advice.command import Command, quoted
from collector.fleet.case import CaseAnswer
from collector.fleet.scale_set import ExtensionRow, ScaleSet
from collector.fleet.spread import Spread

HOLD = "Hold the evidence"
STOP = "Stop the rolling upgrade"
LOOK = "See what the file does not tell"
COLLECT = "Collect the logs and find the cause"
SCALE = "Scale out"
DELETE = "Delete the failed instances"
CORRECT = "Correct the extension in the set's model"
FREE = "Take the protection off, so that the correction reaches them"
ROLL = "Bring the model to the instances"
UNDO = "Undo the hold"
_MOST_CODES = 3


def where(scale_set: ScaleSet) -> str:
    """``-g RG -n SET``."""
    return f"-g {group(scale_set)} -n {set_name(scale_set)}"


def group(scale_set: ScaleSet) -> str:
    return quoted(scale_set.resource_group or "RESOURCE-GROUP")


def set_name(scale_set: ScaleSet) -> str:
    return quoted(scale_set.name or "SCALE-SET")


def repairs(scale_set: ScaleSet, action: str) -> Command:
    """Automatic repairs replace unhealthy instances, and their logs with them."""
    text = f"az vmss set-orchestration-service-state {where(scale_set)} --service-name AutomaticRepairs"
    if action == "Suspend":
        why = "else automatic repairs may replace the instances; an error here only says that the set has none"
        return Command(f"{text} --action Suspend", why, "hold", HOLD)
    return Command(f"{text} --action Resume", "turns automatic repairs on again", "release", UNDO)


def cause(scale_set: ScaleSet, source: str) -> Iterator[Command]:
    """The logs, and what the exit codes mean that the file tells already."""
    rows = [row for one in scale_set.instances for row in one.extensions if row.exit_code]
    codes = dict.fromkeys((row.exit_code, row.type) for row in rows)
    for code, extension in list(codes)[:_MOST_CODES]:
        of = f" --extension {quoted(extension)}" if extension else ""
        yield Command(f"vmext explain {code}{of}", "what the exit code means", "look", COLLECT)
    why = "on the failed instances and a healthy one, to compare"
    yield Command(f"vmext fleet collect {source}", why, "collect", COLLECT)


def scale(scale_set: ScaleSet, answer: CaseAnswer) -> Iterator[Command]:
    """As many new instances as will be deleted. A list that a query or a person made shorter is not seen to be one,
    and a capacity that follows from it would take instances away: so the number is looked at first."""
    more, now = len(answer.impacted), len(scale_set.instances)
    look = f"must say {now}, as many as the file lists; if not, give the next command {more} more than it says"
    look = look if scale_set.whole else "the number now"
    yield Command(f"az vmss show {where(scale_set)} --query sku.capacity", look, "look", SCALE)
    why, capacity = f"the number now and {more} more", "NEW-CAPACITY"
    if scale_set.whole:
        why = f"{now} listed and {more} new; autoscale, where it is on, may change the number back"
        capacity = str(now + more)
    yield Command(f"az vmss scale {where(scale_set)} --new-capacity {capacity}", why, "repair", SCALE)


def replaces(answer: CaseAnswer) -> bool:
    """Whether new instances are the remedy; not as long as it is open which extension failed."""
    return answer.scaling_helps and "" not in answer.failed


def broken(scale_set: ScaleSet, answer: CaseAnswer) -> list[Spread]:
    """The extensions that must be corrected in the model; none where one instance must speak for all."""
    if answer.scaling_helps or (len(scale_set.instances) == 1 and not scale_set.whole):
        return []
    failing = [spread for spread in answer.spreads if spread.failures and spread.extension]
    return [spread for spread in failing if spread.everywhere] or failing


def row_of(scale_set: ScaleSet, extension: str) -> ExtensionRow:
    """What the file tells of an extension anywhere."""
    rows = [row for one in scale_set.instances for row in one.extensions if row.name == extension]
    return next((row for row in rows if row.type), rows[0] if rows else ExtensionRow(extension, "unknown"))


def corrections(scale_set: ScaleSet, spreads: Sequence[Spread]) -> Iterator[Command]:
    """Sets each of the extensions anew in the set's model."""
    at = f"-g {group(scale_set)} --vmss-name {set_name(scale_set)}"
    for spread in spreads:
        row = row_of(scale_set, spread.extension)
        if not (row.type and row.publisher):
            text = f"az vmss extension show {at} -n {quoted(spread.extension)}"
            yield Command(text, "tells publisher, type and version", "look", CORRECT)
    why = "after the cause is corrected; the platform never gives protected settings back, so write them anew"
    for spread in spreads:
        text = f"az vmss extension set {at} {extension_arguments(scale_set, spread.extension)}"
        yield Command(text, why, "repair", CORRECT)


_SETTINGS = "--settings settings.json --protected-settings protected-settings.json --force-update"


def extension_arguments(scale_set: ScaleSet, extension: str) -> str:
    """What `az vm extension set` is told, whatever the machine."""
    return f"{_kind(row_of(scale_set, extension))} {_SETTINGS}"


def _kind(row: ExtensionRow) -> str:
    """Publisher, type, version and name; `-n` is the type, the name in the model has an option of its own."""
    version = ".".join((row.version or "").split(".")[:2]) or "VERSION"
    publisher, name = quoted(row.publisher or "PUBLISHER"), quoted(row.type or "TYPE")
    text = f"--publisher {publisher} -n {name} --version {quoted(version)}"
    return text if row.name == row.type else f"{text} --extension-instance-name {quoted(row.name)}"


def doubtful(scale_set: ScaleSet) -> bool:
    """The file leaves open which extension is in which state, or on which instances."""
    unknown = any(row.state == "unknown" for one in scale_set.instances for row in one.extensions)
    return unknown or not scale_set.instances or (len(scale_set.instances) == 1 and not scale_set.whole)
