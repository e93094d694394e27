"""Tells different settings of an extension apart without telling anything of them. Pure.

The public settings alone are hashed: the protected ones are encrypted anew for each instance, so that they always
differ. Public settings can be short, and can hold what should not be there; anyone could try guesses against a
whole hash. Three hexadecimal digits leave every guess as good as thousands of others, and still tell the settings
of one instance from those of another, but for one time in 4,096.
"""

from __future__ import annotations

import hashlib
import json

_DIGITS = 3


def settings_hash(text: str) -> str:
    """Of a settings file's text; empty where it is none. The order of keys and blanks between them do not count."""
    try:
        document = json.loads(text)
        public = [one["handlerSettings"]["publicSettings"] for one in document["runtimeSettings"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    told = json.dumps(public, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()[:_DIGITS]
