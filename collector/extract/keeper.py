"""Keeps the signals of any number of records in bounded memory: repeats are counted, not copied."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from collector.extract.signals import Signal

#: Of the signals that are alike: so many first ones and so many last ones are kept.
_FIRST, _LAST = 20, 60
_LONGEST_DETAIL = 16_384  # characters


class SignalKeeper:
    def __init__(self) -> None:
        self._number = 0
        self._first: dict[object, list[tuple[int, Signal]]] = {}
        self._last: dict[object, deque[tuple[int, Signal]]] = {}

    def add(self, signals: Iterable[Signal]) -> None:
        for signal in signals:
            self._number += 1
            if len(signal.detail) > _LONGEST_DETAIL:
                signal = replace(
                    signal,
                    detail=signal.detail[: _LONGEST_DETAIL // 2] + signal.detail[-_LONGEST_DETAIL // 2 :],
                )
            key = (signal.path, signal.rule, signal.kind, signal.extension, signal.name, signal.sequence)
            first = self._first.setdefault(key, [])
            if len(first) < _FIRST:
                first.append((self._number, signal))
                continue
            last = self._last.setdefault(key, deque())
            if len(last) == _LAST:
                _, dropped = last.popleft()
                number, oldest = last[0]
                last[0] = (number, replace(oldest, times=oldest.times + dropped.times))
            last.append((self._number, signal))

    def signals(self) -> list[Signal]:
        """In the order in which they came."""
        kept = [item for items in (*self._first.values(), *self._last.values()) for item in items]
        return [signal for _, signal in sorted(kept, key=lambda item: item[0])]
