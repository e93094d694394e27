"""Every single value inside settings, with its place, and names that tell of a secret. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from collector.diagnose.lint.values import Place

#: More values than settings can have; a computed value may be huge.
_MOST = 20_000
#: Names whose value is a secret whatever it looks like.
_SECRET = re.compile(
    r"(?:password|passwd|passphrase|secret|(?:account|access|workspace|shared|api|registration|primary|storage)_?key\d?"
    r"|connectionstring|sas_?token|access_?token|auth_?token|private_?key)$",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Whether a value of this name is a secret whatever it looks like."""
    return _SECRET.search(name) is not None


def leaves(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    """Values that hold no others, in the order in which they are written."""
    waiting: list[tuple[Place, Any]] = [(place, value)]
    for _ in range(_MOST):
        if not waiting:
            return
        at, item = waiting.pop()
        if isinstance(item, dict):
            waiting += [((*at, key), inner) for key, inner in reversed(item.items())]
        elif isinstance(item, list):
            waiting += [((*at, number), item[number]) for number in reversed(range(len(item)))]
        else:
            yield at, item
