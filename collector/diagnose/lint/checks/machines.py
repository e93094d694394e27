"""A machine or scale set as a whole: several extensions, policies, VM Applications. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from collector.diagnose.lint.checks import Context
from collector.diagnose.lint.values import Extension, Found, Machine

_APPS_MOST = 25


def check(machine: Machine, _: Context) -> Iterator[Found]:
    yield from _twice(machine)
    yield from _applications(machine)
    if not machine.extensions:
        return
    profile = machine.profile_path
    for key in (("osProfile", "allowExtensionOperations"), *_agent_keys()):
        if machine.profile(*profile, *key) is False:
            yield Found("extensions-not-allowed", (*machine.at, *profile, *key), f"{key[-1]} is false")
    if machine.kind != "vmss" or machine.is_of_aks:
        return
    mode = machine.profile("upgradePolicy", "mode")
    if isinstance(mode, str) and mode.casefold() == "manual":
        yield Found("upgrade-manual", (*machine.at, "upgradePolicy", "mode"), "upgradePolicy.mode is Manual")
    spared = machine.body.get("doNotRunExtensionsOnOverprovisionedVMs")
    if machine.profile("overprovision") is True and spared in (False, None):
        said = "overprovision is true, doNotRunExtensionsOnOverprovisionedVMs is not"
        yield Found("overprovision-runs-extensions", (*machine.at, "overprovision"), said)


def _agent_keys() -> tuple[tuple[str, ...], ...]:
    return tuple(("osProfile", f"{kind}Configuration", "provisionVMAgent") for kind in ("linux", "windows"))


def _twice(machine: Machine) -> Iterator[Found]:
    """Custom Script's two Linux types exclude each other too. What has conditions may never meet."""
    first: dict[tuple[str, str], Extension] = {}
    for extension in machine.extensions:
        if not extension.handler or machine.kind == "":
            continue
        if extension.family == "run-command":  # may run several times side by side
            continue
        script = extension.family == "custom-script"
        kind = "custom-script" if script else extension.handler.casefold()
        before = first.setdefault((kind, extension.condition), extension)
        if before is extension or before.name == extension.name:
            continue
        said = f"{extension.name or 'this one'} and {before.name or 'another'} are both {_kind(extension, before)}"
        rule = "cse-two" if script else "duplicate-handler"
        yield Found(rule, extension.place("type"), said, extension.name)


def _kind(one: Extension, other: Extension) -> str:
    return one.handler if one.handler == other.handler else f"Custom Scripts ({one.handler}, {other.handler})"


def _applications(machine: Machine) -> Iterator[Found]:
    key = (*machine.profile_path, "applicationProfile", "galleryApplications")
    listed = machine.profile(*key)
    if not isinstance(listed, list):
        return
    if len(listed) > _APPS_MOST:
        yield Found("apps-too-many", (*machine.at, *key), f"{len(listed)} are listed")
    for number, one in enumerate(listed):
        if isinstance(one, dict) and one.get("treatFailureAsDeploymentFailure") in (False, None):
            said = "treatFailureAsDeploymentFailure is not true"
            yield Found("apps-failure-flag", (*machine.at, *key, number), said)
