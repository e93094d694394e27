"""Which of several versions of a handler on a disk is the current one. Pure.

Old versions stay after an upgrade; the agent takes the highest whose state is neither of two
(Azure/WALinuxAgent:azurelinuxagent/ga/exthandlers.py). On Windows the states lie in the registry, which
can not always be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from collector.model import Source, System

#: States of a version that is not there any more, or never was.
_GONE = frozenset({"NotInstalled", "FailedUpgrade"})


def current_version(states: Mapping[str, str | None]) -> str | None:
    """The current one of these versions by their states; None where no state tells it."""
    told = [version for version, state in states.items() if state and state not in _GONE]
    return max(told, key=_number, default=None)


def with_notes(sources: Iterable[Source], states: Mapping[tuple[str, str], str], system: System) -> list[Source]:
    """The sources; where several versions of a handler lie on the disk, the note says which is current.

    `states`: the words in HandlerState by extension and version.
    """
    sources = list(sources)
    versions: dict[str, set[str]] = {}
    for source in sources:
        if source.extension and source.version:
            versions.setdefault(source.extension.lower(), set()).add(source.version)
    notes: dict[tuple[str, str], str] = {}
    for extension, here in versions.items():
        if len(here) > 1:
            known = {version: states.get((extension, version)) for version in here}
            notes |= {(extension, version): note for version, note in _notes(known, system).items()}
    return [_noted(source, notes.get(((source.extension or "").lower(), source.version or ""))) for source in sources]


def _notes(states: Mapping[str, str | None], system: System) -> Mapping[str, str]:
    count = len(states)
    current = current_version(states)
    if system == "windows" and not any(states.values()):
        highest = max(states, key=_number)
        other = f"one of {count} versions here, the highest is {highest}"
        return {version: f"highest of {count} versions here" if version == highest else other for version in states}
    if current is None:
        return dict.fromkeys(states, f"one of {count} versions here, none of them current by its HandlerState")
    other = f"one of {count} versions here, the current one is {current}"
    return {version: f"current one of {count} versions here" if version == current else other for version in states}


def _noted(source: Source, note: str | None) -> Source:
    return replace(source, note="; ".join(filter(None, (source.note, note)))) if note else source


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
