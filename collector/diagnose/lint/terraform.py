"""Extensions in a Terraform plan or state, as `terraform show -json` prints it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from collector.diagnose.lint.model import extension_of
from collector.diagnose.lint.values import UNKNOWN, Extension, Machine, Place

#: Resource Manager's names and the provider's.
_NAMES = {
    "publisher": "publisher",
    "type": "type",
    "typeHandlerVersion": "type_handler_version",
    "autoUpgradeMinorVersion": "auto_upgrade_minor_version",
    "enableAutomaticUpgrade": "automatic_upgrade_enabled",
    "forceUpdateTag": "force_update_tag",
    "provisionAfterExtensions": "provision_after_extensions",
    "suppressFailures": "failure_suppression_enabled",
    "settings": "settings",
    "protectedSettings": "protected_settings",
    "protectedSettingsFromKeyVault": "protected_settings_from_key_vault",
}
_TEXTS = ("settings", "protectedSettings")


def is_plan(value: Any) -> bool:
    return isinstance(value, dict) and "terraform_version" in value and bool({"planned_values", "values"} & set(value))


def machines(value: dict[str, Any]) -> tuple[Machine, ...]:
    """Extensions by the machine they are for, as far as a plan tells it."""
    part = "planned_values" if "planned_values" in value else "values"
    found: dict[str, tuple[Extension, ...]] = {}
    kinds: dict[str, str] = {}
    for resource, at in _resources(value[part], (part,)):
        kind, values = str(resource.get("type", "")), resource.get("values")
        if not isinstance(values, dict):
            continue
        vmss = "scale_set" in kind
        if kind in ("azurerm_virtual_machine_scale_set_extension", "azurerm_virtual_machine_extension"):
            address = str(resource.get("address", at))
            owner = values.get("virtual_machine_scale_set_id") or values.get("virtual_machine_id") or address
            inner: list[tuple[Any, Place]] = [(values, (*at, "values"))]
        elif vmss and isinstance(values.get("extension"), list):
            owner = str(resource.get("address", at))
            inner = [(one, (*at, "values", "extension", number)) for number, one in enumerate(values["extension"])]
        else:
            continue
        kinds[str(owner)] = "vmss" if vmss else "vm"
        extensions = tuple(_extension(one, place) for one, place in inner if isinstance(one, dict))
        found[str(owner)] = found.get(str(owner), ()) + extensions
    return tuple(
        Machine(kinds[owner], owner, (), extensions=extensions, complete=False)  # type: ignore[arg-type]
        for owner, extensions in found.items()
    )


def _extension(values: dict[str, Any], at: Place) -> Extension:
    body = {ours: values[theirs] for ours, theirs in _NAMES.items() if values.get(theirs) not in (None, [])}
    for key in _TEXTS:
        if isinstance(body.get(key), str):
            try:
                body[key] = json.loads(body[key])
            except (ValueError, RecursionError):
                body[key] = UNKNOWN
    body.setdefault("protectedSettings", UNKNOWN)  # a plan may only know them later
    made = extension_of(str(values.get("name") or "extension"), body, at)
    return Extension(made.name, made.handler, body, at, renamed=_NAMES)


def _resources(module: Any, at: Place) -> Iterator[tuple[dict[str, Any], Place]]:
    """Resources of the root module and of all modules inside it."""
    root = module.get("root_module") if isinstance(module, dict) else None
    waiting: list[tuple[Any, Place]] = [(root, (*at, "root_module"))]
    while waiting:
        value, place = waiting.pop()
        if not isinstance(value, dict):
            continue
        for key in ("resources", "child_modules"):
            inner = value.get(key)
            for number, item in enumerate(inner if isinstance(inner, list) else ()):
                if key == "child_modules":
                    waiting.append((item, (*place, key, number)))
                elif isinstance(item, dict):
                    yield item, (*place, key, number)
