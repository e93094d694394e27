"""Many instances in few words."""

from __future__ import annotations

from collections.abc import Sequence

from collector.fleet.az_output.ids import is_number

_MOST_NAMES = 4


def ranges(numbers: Sequence[str]) -> str:
    """``0-199, 203``; names, which have no order, by the first few of them."""
    if not all(map(is_number, numbers)):
        more = len(numbers) - _MOST_NAMES
        return ", ".join(numbers) if more <= 1 else f"{', '.join(numbers[:_MOST_NAMES])} and {more} more"
    runs: list[list[int]] = []
    for number in sorted(map(int, numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(_run(first, last) for first, last in runs)


def _run(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first}, {last}" if last == first + 1 else f"{first}-{last}"
