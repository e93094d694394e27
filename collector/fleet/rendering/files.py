"""A scale set as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from collector.fleet.advice import Advice
from collector.fleet.case import CaseAnswer
from collector.fleet.rendering.escapes import for_markdown, for_spreadsheets
from collector.fleet.rendering.matrix import matrix
from collector.fleet.rendering.ranges import ranges
from collector.fleet.rendering.reasons import telling
from collector.fleet.scale_set import ScaleSet

_COLUMNS = (
    *("scale_set", "instance", "name", "extension", "state", "exit_code", "since", "latest_model"),
    *("publisher", "type", "version", "message"),
)


def document(scale_set: ScaleSet, answer: CaseAnswer, advice: Advice) -> dict[str, Any]:
    """The whole answer for programs."""
    return {
        "scale_set": scale_set.name,
        "instances": {one.id: {row.name: row.state for row in one.extensions} for one in scale_set.instances},
        "case": answer.case,
        "failed": answer.failed,
        "commands": [command.text for command in advice.commands],
        "problems": [*scale_set.problems, *answer.problems],
    }


def table(scale_set: ScaleSet) -> str:
    """One row for each extension of each instance; an instance without any has a row as well."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one in scale_set.instances:
        latest = "" if one.latest_model is None else str(one.latest_model).lower()
        head = (scale_set.name, one.id, one.name)
        for row in one.extensions:
            values = (row.name, row.state, row.exit_code, row.since, latest, row.publisher, row.type, row.version)
            writer.writerow([for_spreadsheets(value) for value in (*head, *values, telling(row.message))])
        if not one.extensions:
            writer.writerow([for_spreadsheets(value) for value in (*head, "", "", "", "", latest, "", "", "", "")])
    return out.getvalue()


def markdown(scale_set: ScaleSet, answer: CaseAnswer) -> Iterator[str]:
    """For a ticket: the case, the table, what failed where, what is not known."""
    yield f"**{for_markdown(scale_set.name or 'Scale set')}**: {for_markdown(answer.sentence)}"
    grid = matrix(scale_set)
    if grid.rows:
        yield ""
        yield "| instance | " + "".join(f"{for_markdown(column)} | " for column in grid.columns).rstrip()
        yield "|---|" + "---|" * len(grid.columns)
        for row in grid.rows:
            marked = zip(row.cells, row.states, strict=True)
            cells = (f"**{cell}** | " if state == "failed" else f"{cell} | " for cell, state in marked)
            yield f"| {for_markdown(row.label)} | " + "".join(cells).rstrip()
    if answer.spreads:
        yield ""
    for spread in answer.spreads:
        numbers = (*spread.failed, *spread.older)
        where = f": {ranges(numbers)}" if numbers else ""
        yield f"- {for_markdown(spread.told + where)}"
    problems = (*scale_set.problems, *answer.problems)
    if problems:
        yield from ("", "Not known:", "")
        yield from (f"- {for_markdown(problem)}" for problem in problems)
