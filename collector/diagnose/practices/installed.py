"""Which extensions and versions lie on the disk beside each other."""

from __future__ import annotations

import re

from collector.diagnose.practices.case import Case, Checks, Found, not_applicable, passed, unknown, violated

_OLD_SCRIPT = "microsoft.ostcextensions.customscriptforlinux"
_SCRIPT = "microsoft.azure.extensions.customscript"
_ENABLED = "enabled"


def _key(version: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version or ""))


def _enabled(case: Case, extension: str) -> bool:
    return any(one.extension.lower() == extension and one.state.lower() == _ENABLED for one in case.material.installed)


def _one_script(case: Case) -> Found | None:
    is_old = case.operation.extension.lower() == _OLD_SCRIPT  # the newer one tells it
    if not is_old and _enabled(case, _OLD_SCRIPT) and _enabled(case, _SCRIPT):
        return violated("CustomScript and CustomScriptForLinux are both enabled")
    return _one_name(case)


def _one_name(case: Case) -> Found | None:
    mine = case.operation.extension.lower()
    names = {one.name for one in case.material.operations if one.extension.lower() == mine}
    return violated(f"{len(names)} of the same type lie on the disk") if len(names) > 1 else passed("there is one")


def _old_script(case: Case) -> Found | None:
    if _enabled(case, _OLD_SCRIPT):
        return violated("CustomScriptForLinux is enabled")
    return unknown("its files lie on the disk; nothing tells that it is enabled")


def _rolled_back(case: Case) -> Found | None:
    mine = case.operation.extension.lower()
    versions = sorted(
        (one for one in case.material.installed if one.extension.lower() == mine), key=lambda one: _key(one.version)
    )
    if len(versions) < 2:
        return not_applicable("one version lies on the disk")
    newest, states = versions[-1], {one.version: one.state.lower() for one in versions}
    older = [one for one in versions[:-1] if states[one.version] == _ENABLED]
    if older and newest.state and newest.state.lower() != _ENABLED:
        return violated(f"version {older[-1].version} is enabled, and the newer {newest.version} is {newest.state}")
    return passed(f"{len(versions)} versions lie on the disk; the newest is {newest.version}")


def _newest(case: Case) -> Found | None:
    """An older version is told as violated only where the extension failed: else it is no news."""
    version = case.operation.version
    offered = case.material.offered.get(case.operation.extension.lower(), ())
    mine = _key(version)
    newer = [one for one in offered if _key(one)[:1] == mine[:1] and _key(one) > mine]
    if not mine or not offered:
        return unknown("nothing on the disk tells which versions are offered")
    if not newer:
        return passed(f"{version} is the newest of its kind")
    told = f"{version} is installed, {max(newer, key=_key)} is offered"
    return violated(told) if case.failed else passed(told)


CHECKS: Checks = {
    "cse-one-per-vm": _one_script,
    "cse-old-type": _old_script,
    "dsc-w-one": _one_name,
    "ext-autoupgrade": _rolled_back,
    "ext-autominor": _newest,
}
