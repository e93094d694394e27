"""Asks `az` what a scale set is and how its instances are. Reads only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from collector.errors import ConfigError
from collector.fleet.ask.az import Answer, Az
from collector.fleet.ask.refusals import refusal_of
from collector.fleet.ask.set_facts import SetFacts, set_facts, with_facts
from collector.fleet.reading import read_scale_set
from collector.fleet.scale_set import ExtensionRow, Instance, ScaleSet

#: Seconds for one answer. A thousand instances with their views take more than a minute.
_READING = 300.0


def facts_of(az: Az, group: str, name: str, subscription: str | None) -> SetFacts:
    """The scale set itself. Asked first: what is wrong with az, the login or the names shows here.

    Raises ConfigError saying so.
    """
    return set_facts(_read(az, ["vmss", "show", "-g", group, "-n", name], subscription, _called(group, name)))


def scale_set_of(az: Az, group: str, name: str, facts: SetFacts, subscription: str | None, parallel: int) -> ScaleSet:
    """Its instances with what their agents report. Raises ConfigError where they can't be listed."""
    what = f"the instances of {_called(group, name)}"
    unread: dict[str, str] = {}
    if facts.orchestration == "flexible":
        text, unread = _machines(az, group, name, subscription, what, parallel)
    else:
        listing = ["vmss", "list-instances", "-g", group, "-n", name, "--expand", "instanceView"]
        text = _read(az, listing, subscription, what)
    try:
        found = read_scale_set(text, name=name, group=group)
    except ConfigError as error:
        raise ConfigError(f"{what} can't be read: {error}", error.hint) from error
    found = with_facts(replace(found, name=name, resource_group=group, whole=True), facts)
    problems = (f"The view of {machine} could not be read: {why}." for machine, why in unread.items())
    instances = tuple(_untold(one) if one.id in unread else one for one in found.instances)
    return replace(found, instances=instances, problems=(*problems, *found.problems))


def _untold(instance: Instance) -> Instance:
    """What could not be read must not look like a machine without extensions."""
    return instance if instance.extensions else replace(instance, extensions=(ExtensionRow("", "unknown"),))


def _machines(
    az: Az, group: str, name: str, subscription: str | None, what: str, parallel: int
) -> tuple[str, dict[str, str]]:
    """Machines of a flexible set, each with its view, since a list of them tells no state of an extension; and why
    the views that are missing could not be read."""
    text = _read(az, ["vm", "list", "-g", group, "--vmss", name], subscription, what)
    try:
        machines = [one for one in json.loads(text) if isinstance(one, dict)]
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigError(f"{what} can't be read: az gave no JSON list", "Run az vm list by hand, and look.") from error
    names = [str(one.get("name")) for one in machines]
    tail = ["--subscription", subscription] if subscription else []

    def view_of(machine: str) -> Answer:
        return az.call(["vm", "get-instance-view", "-g", group, "-n", machine, *tail], _READING)

    with ThreadPoolExecutor(max_workers=parallel) as pool:
        try:
            views = list(pool.map(view_of, names))
        except KeyboardInterrupt:
            az.stop()
            raise
    unread: dict[str, str] = {}
    for number, view in enumerate(views):
        reason = _unseen(view)
        if reason:
            unread[names[number]] = reason
        else:
            machines[number] = json.loads(view.out)
    return json.dumps(machines), unread


def _unseen(view: Answer) -> str:
    if view.code:
        return "az did not end in time" if view.timed_out else refusal_of(view.code, view.err).meaning
    try:
        return "" if isinstance(json.loads(view.out), dict) else "az's answer is no object"
    except (ValueError, RecursionError):
        return "az's answer is no JSON"


def _read(az: Az, arguments: Sequence[str], subscription: str | None, what: str) -> str:
    answer = az.call([*arguments, *(["--subscription", subscription] if subscription else [])], _READING)
    if answer.timed_out:
        raise ConfigError(f"{what} can't be read: az did not end within {_READING:.0f} s")
    if answer.code:
        refusal = refusal_of(answer.code, answer.err)
        said = f" (az: {refusal.words})" if refusal.words else ""
        raise ConfigError(f"{what} can't be read: {refusal.meaning}{said}", refusal.remedy)
    return answer.out


def _called(group: str, name: str) -> str:
    return f"the scale set {name} ({group})"
