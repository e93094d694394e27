"""A wait that ends although what is waited for does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")

#: Windows delivers Ctrl-C only between two waits.
_SLICE_SECONDS = 0.5


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` gives or raises; TimeoutError after `seconds`.

    A socket's time-out holds for one read, and names and shares are looked up without any. So the work runs in a
    thread of its own, which is left to itself when the time is up, and ends with the process at the latest.
    """
    running: _Running[T] = _Running(work)
    thread = threading.Thread(target=running.run, name="delivery", daemon=True)
    thread.start()
    end = time.monotonic() + seconds
    while thread.is_alive():
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        thread.join(min(left, _SLICE_SECONDS))
    return running.outcome()


class _Running(Generic[T]):
    """As a context, it keeps what its body raises for whoever waits."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._made: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        with self:
            self._made.append(self._work())

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._made[0]

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._error = error
        return True
