"""What failed extensions reported, in a line each."""

from __future__ import annotations

from collector.bundle.console import cut
from collector.fleet.scale_set import ScaleSet

_WIDEST = 200


def reasons(scale_set: ScaleSet, extension: str) -> list[tuple[str, list[str]]]:
    """Each line that failures of the extension told, with the instances that told it, the most frequent first."""
    told: dict[str, list[str]] = {}
    for instance in scale_set.instances:
        for row in instance.extensions:
            if row.name == extension and row.state == "failed" and row.message.strip():
                told.setdefault(telling(row.message), []).append(instance.id)
    return sorted(told.items(), key=lambda item: -len(item[1]))


def telling(message: str) -> str:
    """The message's first line, and the last one of its standard error."""
    rows = [row.strip() for row in message.replace("\r", "\n").split("\n") if row.strip()]
    first = next((row for row in rows if row not in ("[stdout]", "[stderr]")), "")
    errors = rows[rows.index("[stderr]") + 1 :] if "[stderr]" in rows else []
    text = f"{first} | {errors[-1]}" if errors and errors[-1] != first else first
    return cut(" ".join(text.split()), _WIDEST)
