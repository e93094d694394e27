"""What PowerShell's ``Get-AzVmssVM`` and ``ConvertTo-Json`` give, in the spelling of `az`. Pure.

It is the same answer of the platform; only the names of its fields begin with capitals (Azure/azure-powershell).
"""

from __future__ import annotations

import re
from typing import Any

#: Fields of an instance, and of the view of one, that no query of `az` names by chance together.
_INSTANCE = (frozenset({"InstanceId", "Resources"}), frozenset({"InstanceId", "InstanceView"}))
_VIEWS = (frozenset({"VmAgent", "Statuses"}), frozenset({"VMAgent", "Statuses"}))
#: So deep the names are changed: an instance is no deeper, and a file may be as deep as it likes.
_DEEPEST = 40
_CAPITALS = re.compile(r"^(?:[A-Z]+(?=[A-Z][a-z])|[A-Z])")


def as_az(item: Any) -> Any:
    """The object with the names of `az`, if it is PowerShell's; else as it is."""
    if isinstance(item, dict) and any(fields <= item.keys() for fields in (*_INSTANCE, *_VIEWS)):
        return _renamed(item)
    return item


def _renamed(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return value
    if isinstance(value, dict):
        named = {_CAPITALS.sub(lambda found: found[0].lower(), str(key)): part for key, part in value.items()}
        return {key: _renamed(part, depth + 1) for key, part in named.items()}
    return [_renamed(part, depth + 1) for part in value] if isinstance(value, list) else value
