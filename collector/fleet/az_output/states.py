"""Words of the platform for a state to words of ours."""

from __future__ import annotations

from collections.abc import Iterable

from collector.fleet.scale_set import State

_WORDS: dict[str, State] = {
    "succeeded": "succeeded",
    "success": "succeeded",
    "failed": "failed",
    "error": "failed",
    "creating": "in-progress",
    "updating": "in-progress",
    "migrating": "in-progress",
    "accepted": "in-progress",
    "running": "in-progress",
    "pending": "in-progress",
    "transitioning": "in-progress",
    "inprogress": "in-progress",
    "deleting": "deleting",
    "canceled": "canceled",
    "cancelled": "canceled",
}
#: The first that stands among several is what people must know.
_GRAVEST: tuple[State, ...] = ("failed", "canceled", "deleting", "in-progress", "agent-unresponsive", "succeeded")


def of_word(word: object) -> State:
    """Of "Succeeded", "Updating" and their like."""
    return _WORDS.get(word.strip().lower(), "unknown") if isinstance(word, str) else "unknown"


def is_word(word: object) -> bool:
    """Whether the value is a provisioning state."""
    return isinstance(word, str) and word.strip().lower() in _WORDS


def of_code(code: str) -> State | None:
    """Of "ProvisioningState/failed/1"; None of "PowerState/running" and other codes."""
    family, _, rest = code.partition("/")
    return of_word(rest.partition("/")[0]) if family.lower() == "provisioningstate" else None


def gravest(states: Iterable[State]) -> State:
    """Of several states of one extension, the one that counts."""
    found = set(states)
    return next((state for state in _GRAVEST if state in found), "unknown")
