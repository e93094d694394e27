"""What to do about a scale set: commands in the order in which they should be run. Pure."""

from __future__ import annotations

from collector.fleet.advice import aks, flexible, uniform
from collector.fleet.advice.command import Advice, Command, quoted
from collector.fleet.case import CaseAnswer
from collector.fleet.scale_set import ScaleSet

__all__ = ["Advice", "Command", "advise"]


def advise(scale_set: ScaleSet, answer: CaseAnswer, *, source: str = "FILE") -> Advice:
    """`source`: how `vmext fleet collect` is told what was read, quoted for a shell."""
    if scale_set.managed_by_aks:
        commands = aks.commands(scale_set, answer, source)
    elif scale_set.orchestration == "flexible":
        commands = flexible.commands(scale_set, answer, source)
    else:
        commands = uniform.commands(scale_set, answer, source)
    more = f" --subscription {quoted(scale_set.subscription)}" if scale_set.subscription else ""
    return Advice(tuple(_there(command, more) for command in commands))


def _there(command: Command, more: str) -> Command:
    """In the set's own subscription: another one may have a set of the same name, and az may stand in that."""
    if not (more and command.text.startswith("az ")):
        return command
    template = command.template and command.template + more
    return Command(command.text + more, command.why, command.phase, command.step, command.each, template)
