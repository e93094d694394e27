"""Tells which kind of document it is, and hands it to the reader that knows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from collector.diagnose.lint import template, terraform
from collector.diagnose.lint.model import extension_of, extensions_of, machine_of
from collector.diagnose.lint.values import ANY_CUSTOM_SCRIPT, PROTECTED_FILE, UNKNOWN, Extension, Machine
from collector.errors import ConfigError

_CUSTOM_SCRIPT_KEYS = frozenset({"commandtoexecute", "fileuris", "script"})
_HINT = (
    "Give an ARM template, `az vmss show` or `az vm show` output, one extension's JSON, or the file of --settings "
    "with --extension Publisher.Type."
)


def machines(
    value: Any, parameters: Mapping[str, Any], handler: str = "", protected: Any = None
) -> tuple[Machine, ...]:
    """All machines with extensions that a document tells of. Raises ConfigError for one that is of no known kind.

    `handler`, `protected`: whose settings the document is, and the protected settings that go with them.
    """
    if handler and template.is_template(value):
        raise ConfigError("this is a template, not the settings of an extension", "Leave --extension out.")
    if handler:
        return (_settings(value, handler, protected),)
    if isinstance(value, list):
        found = [machine for number, item in enumerate(value) for machine in _listed(item, number)]
        if found:
            return tuple(found)
        raise ConfigError("no machine, scale set or extension is in this list", _HINT)
    if not isinstance(value, dict):
        raise ConfigError("this is no object of Azure Resource Manager", _HINT)
    if template.is_template(value):
        return template.machines(value, parameters)
    if terraform.is_plan(value):
        return terraform.machines(value)
    properties = value.get("properties")
    if isinstance(properties, dict) and template.is_template(properties.get("template")):
        given = template.parameter_values(properties.get("parameters")) | dict(parameters)
        return template.machines(properties["template"], given, ("properties", "template"))
    single = _single(value)
    if single:
        return (single,)
    if {key.casefold() for key in value} & _CUSTOM_SCRIPT_KEYS:
        return (_settings(value, ANY_CUSTOM_SCRIPT, protected),)
    if "deploymentParameters" in str(value.get("$schema", "")):
        raise ConfigError("this is a parameters file", "Give the template, and this file with --parameters.")
    raise ConfigError("it is not clear what this is", _HINT)


def _listed(value: Any, number: int) -> tuple[Machine, ...]:
    """A list of machines or of extensions, as `az ... list` prints it."""
    if not isinstance(value, dict):
        return ()
    found = _single(value, (number,))
    return (found,) if found else ()


def _single(value: Mapping[str, Any], at: tuple[str | int, ...] = ()) -> Machine | None:
    """A scale set, a machine or one extension, with its properties inside (REST) or flat (`az`)."""
    inner = value.get("properties")
    body, place = (inner, (*at, "properties")) if isinstance(inner, dict) else (value, at)
    name = str(value.get("name") or "")
    if isinstance(body.get("virtualMachineProfile"), dict):
        return machine_of("vmss", name, body, place, whole=False)
    if body.get("publisher") is not None and {"type", "type1", "typePropertiesType"} & set(body):
        one = extension_of(name, body, place, whole=_is_written(body))
        return Machine("", name, extensions=(one,), complete=False)
    if isinstance(body.get("storageProfile"), dict) or isinstance(body.get("osProfile"), dict):
        machine = machine_of("vm", name, body, place, whole=False, extra=value.get("resources"))
        return replace(machine, at=place, complete="resources" in value)
    if isinstance(body.get("extensions"), list):  # an extension profile
        return Machine(
            "vmss", name, place, body, extensions=extensions_of(body["extensions"], (*place, "extensions"), False)
        )
    return None


def _is_written(body: Mapping[str, Any]) -> bool:
    """Whether a person wrote it: what is read back has a state, and never its protected settings."""
    return "provisioningState" not in body


def _settings(value: Any, handler: str, protected: Any) -> Machine:
    """The file given to `az vmss extension set --settings`."""
    if not isinstance(value, dict):
        raise ConfigError("settings of an extension are an object", "Give the file of --settings, as {...}.")
    if protected is not None and not isinstance(protected, dict):
        raise ConfigError("protected settings of an extension are an object", "Give the file of --protected-settings.")
    body = {"settings": value, "protectedSettings": UNKNOWN if protected is None else protected}
    one = Extension("", handler, body, (), renamed={"settings": "", "protectedSettings": PROTECTED_FILE})
    return Machine("", "", extensions=(one,), complete=False)
