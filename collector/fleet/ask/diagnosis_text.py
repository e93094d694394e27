"""The answer of ``fleet diagnose`` as lines of a terminal. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from collector.bundle.console import wrap
from collector.fleet.ask.answers import Group
from collector.fleet.ask.diagnosis import Diagnosis, headline, parts_of
from collector.fleet.ask.holding import Held
from collector.fleet.ask.outcome import Outcome
from collector.fleet.ask.outcome_table import one_line, ordered, together
from collector.fleet.rendering.ranges import ranges
from collector.fleet.rendering.text import todo

#: Colours a text by the verdict that it tells of.
Style = Callable[[str, str], str]
_LABELS = ("Owner", "Cause", "Seen", "Or", "Proof", "Do", "Don't")
_INDENT = 9


def text(diagnosis: Diagnosis, style: Style) -> Iterator[str]:
    """Line by line, not yet free of what steers a terminal."""
    groups = diagnosis.groups
    yield style(headline(diagnosis), groups[0].verdict.word if groups else "no answer")
    if diagnosis.scale_set.instances:
        yield from _labelled("Case", diagnosis.case.sentence)
    if diagnosis.first:
        yield from _labelled("First", diagnosis.first)
    for group in groups:
        yield ""
        yield from _group(group, style, diagnosis.scale_set.managed_by_aks)
    yield from _healthy(diagnosis, style)
    yield from (row for difference in diagnosis.unlike for row in _labelled("Differs", difference))
    yield from _missing(diagnosis)
    yield from _held(diagnosis.held)
    yield from todo(diagnosis.advice)
    known = (*diagnosis.scale_set.problems, *diagnosis.case.problems) if diagnosis.scale_set.instances else ()
    problems = (*known, *diagnosis.problems)
    if problems:
        yield ""
        yield from (row for problem in problems for row in _labelled("Note", problem))


def _group(group: Group, style: Style, aks: bool) -> Iterator[str]:
    verdict = group.verdict
    parts = parts_of(verdict, aks)
    yield from _labelled("Answer", verdict.line, lambda row: style(row, verdict.word))
    yield from _labelled("On", ranges(group.ids))
    for label in _LABELS:
        if label in parts:
            yield from _paragraph(label, parts[label])
    bundles = together((outcome.id, _bundle(outcome)) for outcome in group.outcomes)
    yield from _labelled("Bundles", "; ".join(f"{ranges(names)}: {told}" for told, names in bundles.items()))


def _bundle(outcome: Outcome) -> str:
    verdict = outcome.verdict
    if verdict is None or verdict.bundle is None:
        return "none"
    state = {"yes": "delivered", "no": "NOT DELIVERED", "not asked": "not sent, it lies on the instance"}
    return f"{verdict.bundle} {state[verdict.delivered]}"


def _healthy(diagnosis: Diagnosis, style: Style) -> Iterator[str]:
    for outcome in diagnosis.outcomes:
        if outcome.role == "healthy" and outcome.verdict:
            yield ""
            line, word = outcome.verdict.line, outcome.verdict.word
            told = (
                "no extension failure found" if word == "healthy" else f"{line}, although the platform says it is well"
            )
            yield from _labelled("Healthy", f"{outcome.id}: {told}", lambda row, word=word: style(row, word))  # type: ignore[misc]


def _missing(diagnosis: Diagnosis) -> Iterator[str]:
    """Who gave no answer, and why; what may be left behind."""
    outcomes = ordered(diagnosis.outcomes)
    silent = [(choice.id, f"not asked: {choice.why}") for choice in diagnosis.plan.left_out]
    silent += [(one.id, f"{one.run}: {_full(one)}") for one in outcomes if not one.verdict]
    doubtful = [(one.id, _full(one)) for one in outcomes if one.verdict and one.problem]
    if silent or doubtful:
        yield ""
    for label, pairs in (("Missing", silent), ("But", doubtful)):
        for told, names in together(pairs).items():
            yield from _labelled(label, f"{ranges(names)}: {told}")
    for outcome in outcomes:
        if outcome.left:
            yield from _labelled("Left", f"a run command may be left on {outcome.id}; delete it with:")
            yield " " * _INDENT + outcome.left


def _full(outcome: Outcome) -> str:
    return ". ".join(text.rstrip(".") for text in (outcome.problem, outcome.remedy) if text) + "."


def _held(held: Held) -> Iterator[str]:
    if held.done or held.failed:
        yield ""
    for label, rows in (("Held", held.done), ("Failed", held.failed), ("Undo", held.undo)):
        for number, row in enumerate(rows):
            yield f"{label if number == 0 else '':<{_INDENT}}{one_line(row)}"


def _labelled(label: str, said: str, style: Callable[[str], str] = str) -> Iterator[str]:
    for number, row in enumerate(wrap(one_line(said), _INDENT)):
        yield f"{label if number == 0 else '':<{_INDENT}}{style(row)}"


def _paragraph(label: str, said: str) -> Iterator[str]:
    """As the instance wrapped it: quotes and commands keep their lines."""
    for number, row in enumerate(said.split("\n")):
        yield f"{label if number == 0 else '':<{_INDENT}}{row}"
