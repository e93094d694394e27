"""A matrix as lines of a terminal, folded to its width."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from collector.bundle.console import cut, cut_middle
from collector.fleet.rendering.matrix import MODEL, NO_CELL, Matrix, Row
from collector.fleet.scale_set import State

#: Colours a text for a state; gives it back as it is where there are no colours.
Paint = Callable[[str, State | None], str]
_GAP = "  "
_WIDEST_LABEL, _WIDEST_HEAD = 36, 26
_FIRST = "instance"


def lines(matrix: Matrix, width: int, paint: Paint) -> Iterator[str]:
    """Where it is too wide, columns without anything to see become a line below it; what is left goes in blocks."""
    shown = list(range(len(matrix.columns)))
    folded: list[int] = []
    if _width(matrix, shown) > width:
        folded = [at for at in shown if matrix.columns[at] != MODEL and _is_well(matrix.rows, at)]
        shown = [at for at in shown if at not in folded] or shown[:1]
        folded = [at for at in folded if at not in shown]
    for number, block in enumerate(_blocks(matrix, shown, width)):
        if number:
            yield ""
        yield from _block(matrix, block, paint)
    if folded:
        yield f"succeeded wherever it is: {', '.join(matrix.columns[at] for at in folded)}"


def _is_well(rows: Sequence[Row], at: int) -> bool:
    return all(row.states[at] == "succeeded" or row.cells[at] == NO_CELL for row in rows)


def _blocks(matrix: Matrix, shown: list[int], width: int) -> list[list[int]]:
    blocks: list[list[int]] = [[]]
    for at in shown:
        if blocks[-1] and _width(matrix, [*blocks[-1], at]) > width:
            blocks.append([])
        blocks[-1].append(at)
    return blocks


def _block(matrix: Matrix, columns: list[int], paint: Paint) -> Iterator[str]:
    first = _label_width(matrix)
    widths = [_column_width(matrix, at) for at in columns]
    heads = [cut_middle(matrix.columns[at], _WIDEST_HEAD) for at in columns]
    padded = [head.ljust(width) for head, width in zip(heads, widths, strict=True)]
    yield _GAP.join([_FIRST.ljust(first), *padded]).rstrip()
    for row in matrix.rows:
        cells = []
        for at, width in zip(columns, widths, strict=True):
            cells.append(paint(row.cells[at], row.states[at]) + " " * (width - len(row.cells[at])))
        yield _GAP.join([_label(row).ljust(first), *cells]).rstrip()


def _label(row: Row) -> str:
    """The number of instances in it, at its end, stays."""
    if len(row.label) <= _WIDEST_LABEL:
        return row.label
    text, _, count = row.label.rpartition(" ")
    return (
        f"{cut(text, _WIDEST_LABEL - len(count) - 1)} {count}"
        if count.startswith("(")
        else cut_middle(row.label, _WIDEST_LABEL)
    )


def _label_width(matrix: Matrix) -> int:
    return max([len(_FIRST), *(len(_label(row)) for row in matrix.rows)])


def _column_width(matrix: Matrix, at: int) -> int:
    return max([min(len(matrix.columns[at]), _WIDEST_HEAD), *(len(row.cells[at]) for row in matrix.rows)])


def _width(matrix: Matrix, columns: Sequence[int]) -> int:
    return _label_width(matrix) + sum(len(_GAP) + _column_width(matrix, at) for at in columns)
