"""What every extension has: version, upgrades, failures, its system. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collector.diagnose.lint.checks import Context
from collector.diagnose.lint.values import UNKNOWN, Extension, Found, Machine, known

_VERSION = re.compile(r"\d{1,5}\.\d{1,5}")
_NEEDED = ("publisher", "type", "typeHandlerVersion")


def check(machine: Machine, _: Context) -> Iterator[Found]:
    for extension in machine.extensions:
        if "publisher" not in extension.body and not extension.whole:
            continue
        if machine.kind != "arc":  # takes all numbers of a version, and needs none
            yield from _version(extension)
        yield from _flags(extension)
        if machine.system and extension.system and machine.system != extension.system:
            kind = "a Linux" if machine.system == "linux" else "a Windows"
            yield _found(extension, "wrong-system", "type", f"{extension.handler} on {kind} machine")


def _found(extension: Extension, rule: str, key: str, message: str) -> Found:
    return Found(rule, extension.place(key), message, extension.name or extension.handler)


def _version(extension: Extension) -> Iterator[Found]:
    if not extension.handler and extension.whole and "publisher" not in extension.body:
        missing = [key for key in _NEEDED if key not in extension.body]
        yield _found(extension, "extension-incomplete", missing[0], f"{', '.join(missing)} not given")
        return
    value = extension.body.get("typeHandlerVersion")
    if value is None or value is UNKNOWN or (isinstance(value, str) and known(value) is None):
        return
    if not extension.whole:  # a model shows the version as the service has it
        return
    if not _VERSION.fullmatch(str(value)):
        yield _found(extension, "version-format", "typeHandlerVersion", f"it is {str(value)[:40]!r}")


def _flags(extension: Extension) -> Iterator[Found]:
    body = extension.body
    if "publisher" in body and body.get("autoUpgradeMinorVersion") in (False, None):
        missing = body.get("autoUpgradeMinorVersion") is None
        said = "autoUpgradeMinorVersion is not given" if missing else "autoUpgradeMinorVersion is false"
        yield _found(extension, "minor-upgrade-off", "autoUpgradeMinorVersion", said)
    if body.get("suppressFailures") is True:
        yield _found(extension, "failures-suppressed", "suppressFailures", "suppressFailures is true")
    if extension.family != "custom-script" or not extension.whole or body.get("forceUpdateTag") is not None:
        return
    settings = [section for section in (extension.public, extension.protected) if section is not None]
    if extension.public is not None and not any(key.casefold() == "timestamp" for part in settings for key in part):
        yield _found(extension, "cse-no-rerun-key", "settings", "neither timestamp nor forceUpdateTag is given")
