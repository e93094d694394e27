"""Keeps the signals of any number of records in bounded memory: repeats are counted, not copied."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from collector.extract.signals import Signal

#: Of the signals that are alike: so many first ones and so many last ones are kept.
_FIRST, _LAST = 10, 30
#: Characters of the text around a signal that are kept. Nobody reads those of a beginning or a good end.
_LONGEST_DETAIL = {"failure": 16_384, "hang": 16_384, "start": 0, "end": 0, "settings": 0, "target": 0, "goal-end": 0}
_LONGEST_WEAK = 2_048


class SignalKeeper:
    def __init__(self) -> None:
        self._number = 0
        self._first: dict[object, list[tuple[int, Signal]]] = {}
        self._last: dict[object, deque[tuple[int, Signal]]] = {}

    def add(self, signals: Iterable[Signal]) -> None:
        for signal in signals:
            self._number += 1
            longest = _LONGEST_DETAIL.get(signal.kind, _LONGEST_WEAK)
            if len(signal.detail) > longest:
                half = longest // 2
                shorter = signal.detail[:half] + signal.detail[-half:] if half else ""
                signal = replace(signal, detail=shorter, by_line=False)
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
