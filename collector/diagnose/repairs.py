"""What brings the extension back, as commands that can be pasted, and what not to do. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from collector.diagnose import commands
from collector.diagnose.rules import Repair
from collector.diagnose.weighing import Weighed
from collector.model import Failure, Identity

_LOOK_FIRST = "delete or reimage the instance before its logs and processes have been looked at"
_NOT_BEFORE = "reinstall it before that is corrected: it would fail again"
_SAME_SCRIPT = "reinstall the extension unchanged or scale out: the same script would fail again"


@dataclass(frozen=True, slots=True)
class Advice:
    do: tuple[str, ...] = ()
    dont: str = ""


def of(failure: Failure, weighed: Weighed, identity: Identity) -> Advice:
    """The steps that the likeliest cause calls for: to run it again where that is enough, else to reinstall it."""
    if failure.kind == "warning":
        return Advice()
    repair: Repair = weighed.rule.repair if weighed.rule else "correct"
    if repair == "reinstall" and _script_ended(failure):
        repair = "correct"  # the handler is well: it ran the script and told its code
    steps = {
        "rerun": commands.run_again,
        "correct": commands.run_again,
        "reinstall": commands.reinstall,
        "reimage": commands.reimage,
    }
    do = steps[repair](failure, identity) if repair in steps else ()
    return Advice(do, _dont(failure, weighed))


def _dont(failure: Failure, weighed: Weighed) -> str:
    if failure.kind == "hang":
        return _LOOK_FIRST
    if weighed.rule and weighed.rule.dont:
        return weighed.rule.dont
    passing = weighed.rule is not None and weighed.rule.severity == "transient"
    if _script_ended(failure) and not passing:
        return _SAME_SCRIPT
    return _NOT_BEFORE if weighed.rule and weighed.rule.repair == "correct" and not passing else ""


def _script_ended(failure: Failure) -> bool:
    return commands.is_scripts_end(failure) and failure.exit_code is not None
