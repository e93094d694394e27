"""What a terminal shows of a scale set: the matrix, what failed where, the case, what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from collector.bundle.console import wrap
from collector.fleet.advice import Advice, Command
from collector.fleet.case import CaseAnswer
from collector.fleet.rendering.matrix import matrix
from collector.fleet.rendering.ranges import ranges
from collector.fleet.rendering.reasons import reasons
from collector.fleet.rendering.table import Paint, lines
from collector.fleet.scale_set import ScaleSet
from collector.fleet.spread import Spread

#: So many commands that differ in the instance only are written out; more become a loop.
_MOST_ALIKE = 6
_MOST_REASONS = 3


def text(scale_set: ScaleSet, answer: CaseAnswer, advice: Advice, *, width: int, paint: Paint) -> Iterator[str]:
    """Line by line, not yet free of what steers a terminal."""
    yield _head(scale_set, answer)
    if scale_set.instances:
        yield ""
        yield from lines(matrix(scale_set), width, paint)
    elif scale_set.counts:
        yield ""
        yield from (f"  {one.extension}: {one.state} on {one.count}" for one in scale_set.counts)
    if answer.spreads:
        yield from ("", "Failed")
        for spread in answer.spreads:
            yield from _where(scale_set, spread)
    yield ""
    yield from wrap(answer.sentence, 0)
    yield from todo(advice)
    problems = (*scale_set.problems, *answer.problems)
    if problems:
        yield from ("", "Not known, or left out")
        for problem in problems:
            first, *rest = wrap(problem, 4)
            yield f"  - {first}"
            yield from (f"    {row}" for row in rest)


def _head(scale_set: ScaleSet, answer: CaseAnswer) -> str:
    name = scale_set.name or "A scale set whose name the file does not tell"
    group = f" in {scale_set.resource_group}" if scale_set.resource_group else ""
    kind = "managed by AKS" if scale_set.managed_by_aks else scale_set.orchestration
    number = len(scale_set.instances)
    if not number and scale_set.counts:
        return f"{name}{group}: numbers only"
    failed = f", {len(answer.impacted)} with a failed extension" if answer.impacted else ""
    return f"{name}{group} ({kind}): {number} {'instance' if number == 1 else 'instances'}{failed}"


def _where(scale_set: ScaleSet, spread: Spread) -> Iterator[str]:
    if spread.failures or not spread.older:
        yield from _listed(spread.told, spread.failed)
    if spread.older:
        yield from _listed(f"{spread.label} on {len(spread.older)} with an older model", spread.older)
    told = reasons(scale_set, spread.extension)
    for line, numbers in told[:_MOST_REASONS]:
        yield f"      {line}" + (f" ({ranges(numbers)})" if len(told) > 1 else "")
    if len(told) > _MOST_REASONS:
        yield f"      and {len(told) - _MOST_REASONS} other messages (--format csv has them all)"


def _listed(what: str, numbers: Sequence[str]) -> Iterator[str]:
    first, *rest = wrap(f"{what}: {ranges(numbers)}" if numbers else what, 6)
    yield f"  {first}"
    yield from (f"      {row}" for row in rest)


def todo(advice: Advice) -> Iterator[str]:
    """Steps with their commands; many that differ in the instance only as a loop."""
    steps = groupby(advice.commands, key=lambda command: command.step)
    for number, (step, commands) in enumerate(steps, 1):
        yield from ("", f"{number}. {step}")
        for _, group in groupby(commands, key=_kind):
            alike = list(group)
            yield f"   # {alike[0].why}"
            yield from (f"   {row}" for row in _folded(alike))


def _kind(command: Command) -> tuple[str, str]:
    """Alike are commands that differ in the instance only."""
    return command.why, command.template or command.text


def _folded(commands: Sequence[Command]) -> Iterator[str]:
    if len(commands) <= _MOST_ALIKE:
        yield from (command.text for command in commands)
        return
    places = " ".join(command.each for command in commands)
    yield f"for i in {places}; do {commands[0].template}; done"
