"""Which Run Commands only carried vmext itself: they never count as failures.

A collect that found a failure ends with exit code 10, so the Run Command that carried it looks failed; and
while it runs, it is transitioning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from collector.extract.context import Carrier
from collector.extract.runs import Run, runs_of
from collector.extract.signals import Signal
from collector.model import order

RunKey = tuple[str, "str | None", "int | None"]

_CALL = re.compile(
    r"(?:^|[\s/\\\"'`;&|(])vmext(?:\.exe)?[\"']?\s+(?:collect|upload|watch)\b|install-and-collect",
    re.MULTILINE,
)
_VERDICT = re.compile(r"^(?:\[stdout\]\s*)?VMEXT (?:FAILED|HANGING|HEALTHY|NOTHING)", re.MULTILINE)


def calls_vmext(script: str) -> bool:
    """Whether a script's text runs vmext."""
    return _CALL.search(script) is not None


def printed_verdict(text: str) -> bool:
    """Whether a text holds what vmext prints at last."""
    return _VERDICT.search(text) is not None


def carriers_of(
    signals: Sequence[Signal],
    scripts: Mapping[RunKey, str],
    own: RunKey | None,
    goals: Sequence[datetime],
) -> tuple[Carrier, ...]:
    """Every run that carried vmext: by its script, by a verdict in its output, or `own` for this process."""
    found = []
    for run in runs_of(signals):
        key = (run.extension, run.name, run.sequence)
        if own == key or calls_vmext(scripts.get(key, "")) or (_is_command(run) and _told_verdict(run)):
            found.append(Carrier(run.extension, run.name, run.sequence, _started(run, goals)))
    if own is not None and all((c.extension, c.name, c.sequence) != own for c in found):
        found.append(Carrier(*own, started=None))
    return tuple(found)


def _is_command(run: Run) -> bool:
    return "RunCommand" in run.extension or "CustomScript" in run.extension


def _told_verdict(run: Run) -> bool:
    return any(printed_verdict(signal.detail) for signal in run.signals if signal.rule == "status-file")


def _started(run: Run, goals: Sequence[datetime]) -> datetime | None:
    """The goal state that brought the run: it is this one that makes the agent enable all handlers again."""
    times = [signal.time for signal in run.signals if signal.time]
    if not times:
        return None
    first = min(times, key=order)
    before = [goal for goal in goals if order(goal) <= order(first)]
    return before[-1] if before else first
