"""Output of `az` about a scale set, in any of its forms, to a `ScaleSet`. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from collector.bundle.words import plural
from collector.errors import ConfigError
from collector.fleet.az_output import aks, ids, machine, powershell, projection, summary, view
from collector.fleet.az_output.documents import documents
from collector.fleet.az_output.told import Told, joined
from collector.fleet.az_output.tree import Node, node
from collector.fleet.scale_set import Instance, Orchestration, ScaleSet, StateCount

_NO_INSTANCES = "Save the answer of: az vmss list-instances -g RESOURCE-GROUP -n SCALE-SET -o json"
_MOST_NAMED = 12


@dataclass(slots=True)
class _Found:
    """What was read so far."""

    told: list[Told] = field(default_factory=list)
    models: list[ScaleSet] = field(default_factory=list)
    counts: list[StateCount] = field(default_factory=list)
    others: int = 0  # objects that are about something else
    listed: bool = False  # at least one list of instances was there


def read_scale_set(text: str, *, name: str | None = None, group: str | None = None) -> ScaleSet:
    """`name` and `group` are what the reader knows beside the text; they win over guesses, not over ids.

    Raises `ConfigError` where the text is no JSON or tells of no scale set.
    """
    found = _Found()
    for document in documents(text):
        _document(document, found)
    if not (found.told or found.models or found.counts or (found.listed and not found.others)):
        raise ConfigError("it is JSON, but tells of no instances of a scale set", _NO_INSTANCES)
    told, problems = _of_one_set(joined(found.told), name)
    return _assembled(told, found, [*problems, *(problem for one in told for problem in one.problems)], name, group)


def _document(document: Any, found: _Found) -> None:
    if isinstance(document, dict) and isinstance(document.get("value"), list):
        document = document["value"]  # REST's wrap
    if isinstance(document, list):
        found.listed = True
        for item in _flattened(document):
            _entry(item, found)
    else:
        _entry(document, found)


def _flattened(items: Iterable[Any]) -> Iterator[Any]:
    """Queries may give lists of lists: rows without names, or a list for each instance."""
    for item in items:
        if isinstance(item, list) and item and all(isinstance(part, dict) for part in item):
            yield from item
        elif isinstance(item, list):
            yield {str(place): part for place, part in enumerate(item)}
        else:
            yield item


def _entry(item: Any, found: _Found) -> None:
    entry = node(powershell.as_az(item))
    if summary.is_summary(entry):
        found.counts += summary.counts(entry)
    elif summary.is_model(entry):
        found.models.append(summary.model(entry))
    elif told := _instance(entry):
        found.told.append(told)
    else:
        found.others += 1


def _instance(entry: Node) -> Told | None:
    if projection.single(entry):
        return projection.flat(entry)
    if machine.is_machine(entry):
        told = machine.read(entry)
        return told if told.instance.id else None
    if view.is_view(entry):
        return _viewed(entry)
    return projection.read(entry)


def _viewed(entry: Node) -> Told | None:
    """An instance view names its instance by the computer name only, which in a uniform set ends with its number."""
    instance = view.apply(Instance(id=""), entry)
    number = ids.number(instance.computer_name)
    named = number or instance.computer_name
    if not named:
        return None
    problems = () if number else (f"Instance {named}: its number can't be known, the file has its computer name only.",)
    return Told(replace(instance, id=named), problems=problems)


def _of_one_set(told: tuple[Told, ...], name: str | None) -> tuple[list[Told], list[str]]:
    """The instances of the set in question; machines of no set or of others are left out, and said so."""
    sets = Counter(one.scale_set for one in told if one.scale_set)
    problems = []
    kept = [one for one in told if one.in_set is not False] if sets else list(told)
    if len(kept) < len(told):
        problems.append(f"Left out {plural(len(told) - len(kept), 'machine')} without a scale set.")
    if len({found.lower() for found in sets}) > 1 or (name and sets):
        if not name:
            listed = ", ".join(f"{found} ({count})" for found, count in sets.most_common())
            raise ConfigError(f"it tells of several scale sets: {listed}", "Choose one of them with --name NAME.")
        ours = [one for one in kept if (one.scale_set or name).lower() == name.lower()]
        if not ours:
            raise ConfigError(f"it tells of no scale set {name}, but of {', '.join(sets)}", "Choose one with --name.")
        if len(ours) < len(kept):
            problems.append(f"Left out {plural(len(kept) - len(ours), 'instance')} of other scale sets.")
        kept = ours
    return kept, problems


def _assembled(told: list[Told], found: _Found, problems: list[str], name: str | None, group: str | None) -> ScaleSet:
    model = found.models[0] if found.models else ScaleSet(None, None)
    places = [one.place for one in told if one.place]
    flexible = [one.flexible for one in told if one.flexible is not None]
    mode: Orchestration = "flexible" if any(flexible) else ("uniform" if flexible else model.orchestration)
    scale_set = replace(
        model,
        name=next((one.scale_set for one in told if one.scale_set), None) or model.name or name,
        resource_group=next((place.group for place in places if place.group), None) or model.resource_group or group,
        subscription=next((place.subscription for place in places), None) or model.subscription,
        orchestration=mode,
        instances=tuple(sorted((one.instance for one in told), key=lambda one: ids.order(one.id))),
        counts=tuple(found.counts),
        whole=found.listed,
    )
    scale_set = replace(scale_set, problems=(*problems, *_gaps(scale_set, found)))
    return aks.marked(scale_set, {key: value for one in told for key, value in one.tags})


def _gaps(scale_set: ScaleSet, found: _Found) -> Iterator[str]:
    """What the file does not tell, in sentences."""
    instances = scale_set.instances
    if found.others:
        yield f"Left out {plural(found.others, 'object')} of the file, about something else than instances."
    if not instances:
        yield (
            "The file counts instances and names none: which ones failed can't be known from it."
            if scale_set.counts
            else "The file holds the set's model, which tells nothing of its instances."
            if found.models
            else "The file lists no instances: the set has none, or it is a flexible one, of which az vm list tells."
        )
    if without := [one.id for one in instances if not one.extensions]:
        yield f"No extension is listed for {named(without)}."
    unknown = [one.id for one in instances if any(row.name and row.state == "unknown" for row in one.extensions)]
    matched = {one.id for one in instances if any(not row.name and row.state == "failed" for row in one.extensions)}
    if rest := [one for one in unknown if one not in matched]:
        yield f"The state of some extensions is not told for {named(rest)}."
    if silent := [one.id for one in instances if any(row.state == "agent-unresponsive" for row in one.extensions)]:
        yield f"The guest agent of {named(silent)} does not report: what became of the extensions there is not known."
    if quiet := [one.id for one in instances if (one.agent or "").lower() == "not ready" and one.id not in silent]:
        yield f"The guest agent of {named(quiet)} is not ready: the states shown may be old."
    if off := [one.id for one in instances if one.power in ("deallocated", "stopped", "deallocating")]:
        yield f"Not running: {named(off)}. The states shown are from before."
    if odd := [one.id for one in instances if one.state == "failed" and not _explained(one)]:
        yield f"The platform calls {named(odd)} failed, but no extension there is told to have failed."


def _explained(instance: Instance) -> bool:
    return any(row.state in ("failed", "agent-unresponsive") for row in instance.extensions)


def named(numbers: list[str]) -> str:
    """``instance 3``, ``instances 3, 7 and 12 more``."""
    word = "instance" if len(numbers) == 1 else "instances"
    if len(numbers) <= _MOST_NAMED:
        return f"{word} {', '.join(numbers)}"
    return f"{word} {', '.join(numbers[:_MOST_NAMED])} and {len(numbers) - _MOST_NAMED} more"
