"""Whether this machine's clock is right, and how that is known."""

from __future__ import annotations

from pathlib import Path

from collector.platforms import current

#: systemd-timesyncd touches it when it has set the clock.
_MARK = Path("/run/systemd/timesync/synchronized")


def clock_note(offset_seconds: float | None, mark: Path = _MARK) -> str:
    """`offset_seconds`: this clock minus that of Azure's host, where it was asked."""
    notes = ["compared with the clock of Azure's host"] if offset_seconds is not None else []
    kept = current().is_clock_synchronised()
    if kept is None and mark.exists():
        kept = True
    if kept is not None:
        notes.append(
            "the kernel says that a time service keeps it right"
            if kept
            else "the kernel says that no time service keeps it right"
        )
    return "; ".join(notes)
