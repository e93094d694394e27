"""When two bundles are of one instance, and when two findings are one incident. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from collector.model import Identity


def instance_key(identity: Identity, bundle_id: str) -> str:
    """The same for every bundle of an instance.

    An instance that tells nothing of itself is known by its bundle alone, so that no two are taken for one.
    """
    place = f"{identity.subscription or ''}/{identity.resource_group or ''}"
    if identity.scale_set and (number := identity.instance_id or identity.instance_name):
        return f"{place}/{identity.scale_set}/{number}".lower()[:300]
    name = identity.instance_name or identity.computer_name
    return f"{place}//{name}".lower()[:300] if name else f"bundle {bundle_id}"


def scale_set_key(identity: Identity) -> str:
    """The same for every instance of a scale set; lone machines have that of their resource group, with no name."""
    return f"{identity.subscription or ''}/{identity.resource_group or ''}/{identity.scale_set or ''}".lower()[:300]


def short_id(key: str) -> str:
    """16 hexadecimal digits that stand for a key in addresses."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16]


def signature(finding: Mapping[str, Any], identity: Identity) -> str:
    """16 hexadecimal digits: the same for the same failure within a scale set, or within the lone machines of a group.

    The text of the failure is no part of it, since paths and times in it differ from instance to instance.
    """
    code = finding["exit_code"]
    parts = (
        identity.subscription or "",
        identity.resource_group or "",
        identity.scale_set or "",
        str(finding["extension"]),
        str(finding["kind"]),
        str(finding["operation"] or ""),
        str(finding["id"]),
        "" if code is None else str(code),
    )
    return short_id("\0".join(parts).lower())
