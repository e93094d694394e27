"""How the names of rotated logs are formed. Pure.

Names: ``waagent.log.1``, ``waagent.log.2.gz``, ``waagent.log-2026-05-04-1777863602.gz`` (Azure/WALinuxAgent:
config/waagent.logrotate), ``waagent.log-20260504`` (logrotate's dateext), ``WaAppAgent.000.log``;
``waagent.log.kept-12``: what the resident agent kept of a file that lay there.
"""

from __future__ import annotations

import re
from functools import lru_cache

NAME = re.compile(
    r"(?P<base>.+?)(?:"
    r"-(?P<date>\d{4}-?\d\d-?\d\d)(?:-(?P<epoch>\d{9,11}))?"
    r"|\.(?P<number>\d{1,3})"
    r"|\.kept-(?P<kept>\d{1,9})"
    r"|\.(?P<before>\d{3})(?P<ending>\.log)"
    r")?(?:\.gz)?",
    re.IGNORECASE,
)


@lru_cache(maxsize=8_192)
def set_name(path: str) -> str:
    """What all files of one rotated log have in common, in lower case; `path` with forward slashes."""
    folder, slash, name = path.rpartition("/")
    found = NAME.fullmatch(name)
    base = (found["base"] + (found["ending"] or "")) if found else name
    return f"{folder}{slash}{base}".lower()


def is_rotated_name(path: str) -> bool:
    """Whether it is named as a file that was rotated away; a log that is written may be named by its date as well."""
    return set_name(path) != path.lower()
