"""Custom Script: what its handlers refuse before anything runs. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from collector.diagnose.lint.checks import Context
from collector.diagnose.lint.values import OLD_LINUX_SCRIPT, UNKNOWN, Extension, Found, Machine, known

_BOTH = ("commandToExecute", "script", "fileUris")
_PUBLIC = ("timestamp", "skipDos2Unix")
_PROTECTED = ("storageAccountName", "storageAccountKey", "managedIdentity")
_ALL = {key.casefold(): key for key in (*_BOTH, *_PUBLIC, *_PROTECTED)}
_SCRIPT_MOST = 262_144
_TYPES: dict[str, tuple[type, ...]] = {
    "commandToExecute": (str,),
    "script": (str,),
    "fileUris": (list,),
    "timestamp": (int,),
    "skipDos2Unix": (bool,),
    "storageAccountName": (str,),
    "storageAccountKey": (str,),
    "managedIdentity": (dict,),
}
_SECTIONS = {"settings": "public", "protectedSettings": "protected"}


def check(machine: Machine, _: Context) -> Iterator[Found]:
    for extension in machine.extensions:
        if extension.family != "custom-script":
            continue
        yield from _keys(extension)
        yield from _together(extension)
        yield from _script(extension)
        yield from _identity(extension)
        if extension.handler.casefold() == OLD_LINUX_SCRIPT:
            yield _found(extension, "cse-old-type", "type", f"the type is {extension.handler}")


def _found(extension: Extension, rule: str, key: str, message: str, *rest: str | int) -> Found:
    return Found(rule, extension.place(key, *rest), message, extension.name or extension.handler)


def _keys(extension: Extension) -> Iterator[Found]:
    """Names, sections and types, as the schema of the Linux handler has them; Windows is not as strict."""
    strict = extension.system == "linux" and extension.handler.casefold() != OLD_LINUX_SCRIPT
    for section, values in (("settings", extension.public), ("protectedSettings", extension.protected)):
        wrong = _PROTECTED if section == "settings" else _PUBLIC
        for key, value in (values or {}).items():
            right = _ALL.get(key.casefold())
            if right is None:
                if strict:
                    yield _found(extension, "cse-key-unknown", section, f"{_SECTIONS[section]} setting {key}", key)
            elif right != key:
                yield _found(extension, "cse-key-case", section, f"{key} must be written {right}", key)
            elif key in wrong and (strict or section == "settings"):
                yield _found(extension, "cse-key-section", section, f"{key} is in {section}", key)
            elif strict and not _is_right(key, value):
                yield _found(extension, "cse-value-type", section, f"{key} is {_kind(value)}", key)


def _is_right(key: str, value: Any) -> bool:
    if value is UNKNOWN or (isinstance(value, str) and known(value) is None):
        return True
    if key == "timestamp":
        return isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31
    return isinstance(value, _TYPES[key])


def _kind(value: Any) -> str:
    names = {
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "null")


def _together(extension: Extension) -> Iterator[Found]:
    public, protected = extension.public, extension.protected
    for key in _BOTH:
        if _is_given(public, key) and _is_given(protected, key):
            yield _found(extension, "cse-both-sections", "settings", f"{key} is in settings and protectedSettings", key)
    given = {key for key in _BOTH for section in (public, protected) if _is_given(section, key)}
    if {"commandToExecute", "script"} <= given:
        yield _found(extension, "cse-command-and-script", "settings", "both are given")
    nothing = {key.casefold() for section in (public, protected) for key in section or ()}
    if public is not None and protected is not None and not nothing & {"commandtoexecute", "script"}:
        yield _found(extension, "cse-nothing-to-run", "settings", "neither commandToExecute nor script is given")


def _is_given(section: Mapping[str, Any] | None, key: str) -> bool:
    return bool(section) and section is not None and section.get(key) not in (None, "", [], UNKNOWN)


def _script(extension: Extension) -> Iterator[Found]:
    for section, values in (("settings", extension.public), ("protectedSettings", extension.protected)):
        text = known((values or {}).get("script"))
        if text is None or extension.system == "windows":
            continue
        if len(text) > _SCRIPT_MOST:
            yield _found(extension, "cse-script-size", section, f"script has {len(text):,} characters", "script")
        try:
            base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            yield _found(extension, "cse-script-encoding", section, "script can't be decoded", "script")


def _identity(extension: Extension) -> Iterator[Found]:
    protected = extension.protected or {}
    identity = protected.get("managedIdentity")
    if identity is None:
        return
    if _is_given(protected, "storageAccountName") or _is_given(protected, "storageAccountKey"):
        yield _found(extension, "cse-identity-and-key", "protectedSettings", "both are given", "managedIdentity")
    if isinstance(identity, dict) and identity.get("clientId") and identity.get("objectId"):
        yield _found(extension, "cse-identity-two-ids", "protectedSettings", "both are given", "managedIdentity")
    wanted = (1, 10) if extension.system == "windows" else (2, 1)
    version = str(known(extension.body.get("typeHandlerVersion")) or "").split(".")
    follows = extension.body.get("autoUpgradeMinorVersion")
    if extension.system and all(part.isdecimal() for part in version) and follows in (False, None):
        number = tuple(int(part[:9]) for part in version[:2])
        if len(number) == 2 and number < wanted:
            needed = ".".join(map(str, wanted))
            yield _found(
                extension,
                "cse-identity-version",
                "typeHandlerVersion",
                f"it is {'.'.join(version)}; {needed} is needed",
            )
