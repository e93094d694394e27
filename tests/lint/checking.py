"""What all tests of `vmext lint` need: a fixed day, real redaction, and short ways to write documents."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from collector.diagnose.lint.document import read
from collector.diagnose.lint.judge import lint
from collector.diagnose.lint.values import Problem
from collector.redact.redactor import Redactor

NOW = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
_REDACTOR = Redactor(b"key of the tests")


def is_secret(text: str) -> bool:
    return _REDACTOR.text(text) != text


def problems(value: Any, **options: Any) -> tuple[Problem, ...]:
    """Of a document as a value or as its text."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2)
    return lint(read(text), now=NOW, is_secret=is_secret, **options)[0]


def ids(value: Any, **options: Any) -> list[str]:
    return sorted(problem.id for problem in problems(value, **options))


def template(*resources: Any, **parts: Any) -> dict[str, Any]:
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": list(resources),
        **parts,
    }


def properties(handler: str, settings: Any = None, protected: Any = None, **more: Any) -> dict[str, Any]:
    """Properties of an extension in which nothing is wrong but what is asked for."""
    publisher, _, kind = handler.rpartition(".")
    version = {"CustomScript": "2.1", "CustomScriptExtension": "1.10"}.get(kind, "1.0")
    body = {
        "publisher": publisher,
        "type": kind,
        "typeHandlerVersion": version,
        "autoUpgradeMinorVersion": True,
        "forceUpdateTag": "1",
        **more,
    }
    if settings is not None:
        body["settings"] = settings
    if protected is not None:
        body["protectedSettings"] = protected
    return {key: value for key, value in body.items() if value is not ...}


LINUX = "Microsoft.Azure.Extensions.CustomScript"
OLD = "Microsoft.OSTCExtensions.CustomScriptForLinux"
WINDOWS = "Microsoft.Compute.CustomScriptExtension"
DSC = "Microsoft.Powershell.DSC"
HEALTH = "Microsoft.ManagedServices.ApplicationHealthLinux"


def extension(body: dict[str, Any], name: str = "vm/one", **more: Any) -> dict[str, Any]:
    return {
        "type": "Microsoft.Compute/virtualMachines/extensions",
        "apiVersion": "2023-09-01",
        "name": name,
        "properties": body,
        **more,
    }


def one(handler: str, settings: Any = None, protected: Any = None, **more: Any) -> dict[str, Any]:
    """A template with one extension."""
    return template(extension(properties(handler, settings, protected, **more)))


def scale_set(*bodies: dict[str, Any], profile: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A template with one scale set, whose extensions are named a, b, c."""
    listed = [{"name": "abcdefgh"[number], "properties": body} for number, body in enumerate(bodies)]
    inside = dict(profile or {})
    extension_profile = {"extensions": listed, **inside.pop("extensionProfile", {})}
    return template(
        {
            "type": "Microsoft.Compute/virtualMachineScaleSets",
            "name": "set",
            "properties": {"virtualMachineProfile": {"extensionProfile": extension_profile, **inside}, **more},
        }
    )


def run_command(script: str, **more: Any) -> dict[str, Any]:
    body = {"source": {"script": script}, "treatFailureAsDeploymentFailure": True, **more}
    return template({"type": "Microsoft.Compute/virtualMachines/runCommands", "name": "vm/run", "properties": body})
