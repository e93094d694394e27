"""What came of asking each instance, and the exit code that follows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from collector.errors import FAILURE_FOUND, HANG_FOUND, HEALTHY, NO_SOURCES, NOT_DELIVERED, PARTLY_ASKED
from collector.fleet.ask.plan import Choice, Role
from collector.fleet.ask.script import ABSENT
from collector.fleet.ask.verdicts import Verdict
from collector.fleet.scale_set import ScaleSet

#: How asking ended: a verdict came; it ran without one; it took too long; the platform refused;
#: az itself did not work; Ctrl-C.
Run = Literal["answered", "no verdict", "timed out", "refused", "az failed", "interrupted"]

_ABSENT_SIGNS = (ABSENT, "vmext: command not found", "vmext: not found")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One instance. `left` is the command that deletes a run command which could not be deleted."""

    id: str
    role: Role
    run: Run
    verdict: Verdict | None = None
    problem: str = ""
    remedy: str = ""
    out: str = ""  # what the script wrote
    err: str = ""
    tries: int = 1
    left: str = ""


def undelivered(verdict: Verdict) -> str:
    """Why the bundle was not delivered, and where it lies, as the verdict tells it."""
    told = " ".join(verdict.parts.get("Bundle", "").split())
    _, found, reason = told.partition("NOT DELIVERED: ")
    return (
        f"not delivered: {reason.replace(' it lies in ', '; it lies in ', 1)}"
        if found
        else "its bundle was not delivered"
    )


def no_verdict(err: str, exit_code: int | None) -> tuple[str, str]:
    """Why a script that ran gave no verdict, and what to do."""
    if any(sign in err for sign in _ABSENT_SIGNS):
        return ABSENT, "Install it there, or bring one with --script scripts/run-command/collect.sh (collect.ps1)."
    if exit_code in (124, 137):
        return "vmext was ended by its time limit", "Give more time with --timeout."
    last = next((line.strip() for line in reversed(err.splitlines()) if line.strip()), "")
    ended = f"vmext ended with {exit_code}" if exit_code is not None else "the script ended"
    return f"{ended} without a verdict" + (f": {last[:120]}" if last else ""), ""


def exit_code(outcomes: Sequence[Outcome], left_out: Sequence[Choice]) -> int:
    """As one instance's own exit codes, the worst of all; and 21 where an impacted one gave no verdict."""
    verdicts = [outcome.verdict for outcome in outcomes if outcome.verdict]
    if left_out or len(verdicts) < len(outcomes):
        return PARTLY_ASKED
    if any(verdict.delivered == "no" for verdict in verdicts):
        return NOT_DELIVERED
    words = {verdict.word for verdict in verdicts}
    ranked = (("failed", FAILURE_FOUND), ("hanging", HANG_FOUND), ("nothing-found", NO_SOURCES))
    return next((number for word, number in ranked if word in words), HEALTHY)


def unasked_code(scale_set: ScaleSet) -> int:
    """Where nobody was to be asked: that nothing is known to have failed is no health where nothing is known."""
    if not any(row.state != "unknown" for one in scale_set.instances for row in one.extensions):
        return NO_SOURCES
    return PARTLY_ASKED if untold(scale_set) else HEALTHY


def untold(scale_set: ScaleSet) -> list[str]:
    """Instances on which the state of an extension is not told."""
    return [one.id for one in scale_set.instances if any(row.state == "unknown" for row in one.extensions)]
