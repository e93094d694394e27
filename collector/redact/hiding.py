"""A redactor as a site wants it: secrets always, and what else it hides."""

from __future__ import annotations

from collections.abc import Iterable

from collector.config import Config
from collector.redact.patterns import HIDDEN
from collector.redact.redactor import Redactor


def redactor_of(key: bytes, config: Config, names: Iterable[str | None] = ()) -> Redactor:
    """`names`: of this machine, which are hidden with host names. `key`: of pseudonyms."""
    hide = {"ids": config.hide_ids, "addresses": config.hide_addresses, "hostnames": config.hide_hostnames}
    return Redactor(key, [kind for kind in HIDDEN if hide[kind]], [name for name in names if name])
