"""The order of a scale set's extensions, and the time they have. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from collector.diagnose.lint.checks import Context
from collector.diagnose.lint.values import UNKNOWN, Extension, Found, Machine, known

_DURATION = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?")
_SHOWN = 6  # extensions named of a chain
_LEAST, _MOST, _DEFAULT = 900, 7200, 5400
_SCRIPT, _OTHER = 5400, 1200
_OWN_COMMANDS = frozenset({"custom-script", "dsc"})
#: Handlers on Linux that install packages of the system.
_PACKAGES = re.compile(
    r"(?i)OmsAgentForLinux|AzureMonitorLinuxAgent|DependencyAgentLinux|LinuxDiagnostic|MDE\.Linux|NvidiaGpuDriverLinux"
    r"|AzureSecurityLinuxAgent|ServiceFabricLinuxNode"
)


def check(machine: Machine, _: Context) -> Iterator[Found]:
    waits = {one.name: names for one in machine.extensions if (names := _names(one)) is not None}
    yield from _order(machine, waits)
    if not machine.is_of_aks:
        yield from _budget(machine, waits)
    yield from _runs(machine)


def _names(extension: Extension) -> list[str] | None:
    """Whom it waits for; None where that is not wholly known."""
    value = extension.body.get("provisionAfterExtensions")
    if value is None:
        return []
    if not isinstance(value, list) or not all(known(name) is not None for name in value):
        return None
    return value


def _order(machine: Machine, waits: Mapping[str, list[str]]) -> Iterator[Found]:
    by_name = {one.name: one for one in machine.extensions}
    for one in machine.extensions:
        place = one.place("provisionAfterExtensions")
        for number, name in enumerate(waits.get(one.name, ())):
            if name not in by_name:
                if machine.complete and machine.kind == "vmss" and all(by_name):
                    there = ", ".join([other for other in by_name if other != one.name][:_SHOWN]) or "no other"
                    yield Found(
                        "sequence-unknown", (*place, number), f"{name} is not there; there is {there}", one.name
                    )
            elif by_name[name].body.get("settings") is None and by_name[name].system == "linux":
                yield Found("sequence-no-settings", (*place, number), f"{name} has no settings", one.name)
    circle = _sorted(waits)[1]
    if circle:
        place = by_name[circle[0]].place("provisionAfterExtensions")
        yield Found("sequence-circle", place, " waits for ".join(circle), circle[0])
    if machine.kind == "vmss" and len(waits) == len(machine.extensions) and not any(waits.values()):
        heavy = [one for one in machine.extensions if _installs(one)]
        if len(heavy) > 1:
            names = " and ".join(one.name for one in heavy[:3])
            yield Found("sequence-none", heavy[1].at, f"{names} have no order", heavy[1].name)


def _installs(extension: Extension) -> bool:
    return bool(_PACKAGES.search(extension.handler)) or (
        extension.family == "custom-script" and extension.system == "linux"
    )


def _sorted(waits: Mapping[str, list[str]]) -> tuple[list[str], list[str]]:
    """Names so that none comes before what it waits for; or else, second, a circle that forbids it."""
    graph = {name: [other for other in others if other in waits] for name, others in waits.items()}
    try:
        return list(TopologicalSorter(graph).static_order()), []
    except CycleError as error:
        return [], list(reversed(error.args[1]))


def _budget_of(machine: Machine) -> tuple[str | None, tuple[str, ...]]:
    for keys in ((*machine.profile_path, "extensionProfile", "extensionsTimeBudget"), ("extensionsTimeBudget",)):
        value = machine.profile(*keys)
        if isinstance(value, str):
            return known(value), keys
    return None, ()


def script_seconds(machine: Machine) -> int:
    """What a script may take: its own limit, or the scale set's budget where that ends before."""
    text, _ = _budget_of(machine)
    budget = _seconds(text) if text is not None else None
    return budget if budget and _LEAST <= budget < _SCRIPT else _SCRIPT


def _budget(machine: Machine, waits: Mapping[str, list[str]]) -> Iterator[Found]:
    text, keys = _budget_of(machine)
    if text is None:
        return
    seconds, place = _seconds(text), (*machine.at, *keys)
    if seconds is None or not _LEAST <= seconds <= _MOST:
        yield Found("budget-out-of-bounds", place, f"extensionsTimeBudget is {text[:40]}")
        return
    scripts = [one for one in machine.extensions if one.family in _OWN_COMMANDS]
    if scripts and seconds < _SCRIPT:
        said = f"extensionsTimeBudget is {seconds // 60} min, {scripts[0].name or scripts[0].handler} may take 90 min"
        yield Found("budget-below-script", place, said)
    chain = _longest(machine, waits)
    limits = sum(_limit(one) for one in chain)
    if len(chain) > 1 and limits > seconds != _DEFAULT:
        names = " -> ".join(one.name for one in chain[:_SHOWN]) + (" -> ..." if len(chain) > _SHOWN else "")
        said = f"{names} may take {limits // 60} min, extensionsTimeBudget is {seconds // 60} min"
        yield Found("budget-below-chain", place, said)


def _longest(machine: Machine, waits: Mapping[str, list[str]]) -> list[Extension]:
    """The chain of dependencies that may take longest; none where they go in a circle."""
    by_name = {one.name: one for one in machine.extensions}
    total: dict[str, int] = {}
    before: dict[str, str] = {}
    for name in _sorted(waits)[0]:
        earlier = [other for other in waits[name] if other in total]
        if earlier:
            before[name] = max(earlier, key=lambda other: total[other])
        total[name] = _limit(by_name[name]) + (total[before[name]] if earlier else 0)
    chain = [max(total, key=lambda name: total[name])] if total else []
    while chain and chain[-1] in before:
        chain.append(before[chain[-1]])
    return [by_name[name] for name in reversed(chain)]


def _limit(extension: Extension) -> int:
    return _SCRIPT if extension.family in _OWN_COMMANDS else _OTHER


def _runs(machine: Machine) -> Iterator[Found]:
    text, _ = _budget_of(machine)
    budget = (_seconds(text) if text is not None else None) or _DEFAULT
    for command in machine.commands:
        body, name = command.body, command.name
        if body.get("treatFailureAsDeploymentFailure") in (False, None):
            place = (*command.at, "treatFailureAsDeploymentFailure")
            yield Found("run-failure-flag", place, "treatFailureAsDeploymentFailure is not true", name)
        limit = body.get("timeoutInSeconds")
        if body.get("asyncExecution") in (True, UNKNOWN) or not isinstance(limit, int) or limit <= budget:
            continue
        said = f"timeoutInSeconds is {limit:,}, {'extensionsTimeBudget' if text else 'the limit'} is {budget:,} s"
        yield Found("run-timeout-too-long", (*command.at, "timeoutInSeconds"), said, name)


def _seconds(text: str) -> int | None:
    found = _DURATION.fullmatch(text.strip())
    if not found or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
