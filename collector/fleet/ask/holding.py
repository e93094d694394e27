"""Keeps evidence from being lost before anyone looks at it, by the very commands that are advised."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from collector.fleet.advice import Advice
from collector.fleet.ask.az import Answer, Az
from collector.fleet.ask.refusals import refusal_of

_CHANGING = 600.0  # seconds for one change


@dataclass(frozen=True, slots=True)
class Held:
    """What was done, what could not be done and why, and how to undo it."""

    done: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()


def hold(az: Az, advice: Advice, *, repairs: bool) -> Held:
    """Runs the commands that hold. `repairs`: the set has automatic repairs to suspend."""
    wanted = [one.text for one in advice.commands if one.phase == "hold"]
    done: list[str] = []
    failed: list[str] = []
    unsure = False  # a change may be made that was not seen to be
    for text in _of(wanted, repairs):
        answer = az.call(shlex.split(text)[1:], _CHANGING)
        if answer.code == 0:
            done.append(text)
        else:
            failed.append(f"{text}: {_reason(answer)}")
            unsure = unsure or answer.timed_out
    return Held(tuple(done), tuple(failed), tuple(undoing(advice, repairs=repairs)) if done or unsure else ())


def _reason(answer: Answer) -> str:
    if answer.timed_out:
        return f"az did not end within {_CHANGING:.0f} s; the change may be made all the same"
    refusal = refusal_of(answer.code, answer.err)
    return refusal.meaning + (f" ({refusal.words})" if refusal.words else "")


def undoing(advice: Advice, *, repairs: bool) -> list[str]:
    """The commands that undo it."""
    return _of(list(dict.fromkeys(one.text for one in advice.commands if one.phase == "release")), repairs)


def _of(commands: Sequence[str], repairs: bool) -> list[str]:
    """Only those of `az`, and those of automatic repairs only where there are any."""
    ours = [text for text in commands if text.startswith("az ")]
    return [text for text in ours if repairs or "AutomaticRepairs" not in text]
