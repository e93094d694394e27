"""Instances by extensions: one row for each instance, equal rows of large sets put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from collector.fleet.rendering.ranges import ranges
from collector.fleet.scale_set import ExtensionRow, Instance, ScaleSet, State

#: Up to so many instances are shown one by one, and so many failed ones of a larger set.
_FEW, _MOST_FAILED = 20, 40
#: Heading of what is told without an extension's name.
NAMELESS = "(not told which)"
AGENT = "guest agent"
MODEL = "model"
NO_CELL = "-"


@dataclass(frozen=True, slots=True)
class Row:
    label: str  # "3", "0-199, 203 (201)"
    cells: tuple[str, ...]
    states: tuple[State | None, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def matrix(scale_set: ScaleSet) -> Matrix:
    """Columns in the order in which the extensions are told of."""
    instances = scale_set.instances
    columns = tuple(dict.fromkeys(_column(row) for one in instances for row in one.extensions))
    aged = any(one.latest_model is False for one in instances)
    rows = [(one, _row(one, columns, aged)) for one in instances]
    return Matrix((*columns, MODEL) if aged else columns, tuple(_grouped(rows)))


def _column(row: ExtensionRow) -> str:
    return row.name or (AGENT if row.state == "agent-unresponsive" else NAMELESS)


def _row(instance: Instance, columns: Sequence[str], aged: bool) -> Row:
    by_column = {_column(row): row for row in instance.extensions}
    found = [by_column.get(column) for column in columns]
    cells = [_cell(row) if row else NO_CELL for row in found]
    states: list[State | None] = [row.state if row else None for row in found]
    if aged:
        cells.append({True: "latest", False: "older", None: "not told"}[instance.latest_model])
        states.append(None)
    return Row(instance.id, tuple(cells), tuple(states))


def _cell(row: ExtensionRow) -> str:
    """What failed is in capitals: there may be no colours."""
    if row.state == "failed":
        return "FAILED" if row.exit_code is None else f"FAILED ({row.exit_code})"
    return "unresponsive" if row.state == "agent-unresponsive" else row.state


def _grouped(rows: list[tuple[Instance, Row]]) -> list[Row]:
    if len(rows) <= _FEW:
        return [row for _, row in rows]
    failing = sum("failed" in row.states for _, row in rows)
    groups: dict[tuple[str, ...], list[Row]] = {}
    for _, row in rows:
        alone = "failed" in row.states and failing <= _MOST_FAILED
        groups.setdefault((row.label, *row.cells) if alone else row.cells, []).append(row)
    return [_together(group) for group in groups.values()]


def _together(rows: list[Row]) -> Row:
    if len(rows) == 1:
        return rows[0]
    return Row(f"{ranges([row.label for row in rows])} ({len(rows)})", rows[0].cells, rows[0].states)
