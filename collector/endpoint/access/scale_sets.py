"""How the one scale set that a token is for is named, and which scale sets fit the name. Pure."""

from __future__ import annotations

import re

from collector.errors import ConfigError
from collector.model import Identity

_PART = re.compile(r"^[^/\s%\\]{1,128}$")


def told_scale_set(text: str) -> str:
    """`[SUBSCRIPTION/]GROUP/NAME` as it is kept: in small letters, which Azure takes for the same.

    Raises ConfigError.
    """
    parts = text.strip().lower().split("/")
    if len(parts) not in (2, 3) or not all(_PART.match(part) for part in parts):
        raise ConfigError(
            f"{text[:100]!r} names no scale set", "Give [SUBSCRIPTION/]GROUP/NAME, for example web-rg/vmss-web."
        )
    return "/".join(parts)


def is_of(told: str, key: str) -> bool:
    """Whether a scale set's key (`naming.scale_set_key`) is what `told` names; without a subscription it fits any."""
    return key == told or (told.count("/") == 1 and key.partition("/")[2] == told)


def shown(identity: Identity) -> str:
    """The scale set of a bundle for people, with what it does not tell."""
    parts = (identity.subscription or "no subscription", identity.resource_group or "no group")
    return "/".join((*parts, identity.scale_set or "no scale set"))[:300]
