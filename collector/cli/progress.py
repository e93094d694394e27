"""A progress bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType

import click

from collector.model import Source


class Progress:
    """Counts sources as they are read. Used as a context manager; call it with the number, then each source."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._bar: click._termui_impl.ProgressBar[int] | None = None

    def __enter__(self) -> Progress:
        return self

    def begin(self, total: int) -> None:
        """`total` sources are about to be read."""
        if self._shown and total:
            self._bar = click.progressbar(length=total, label="Reading", file=sys.stderr, show_pos=True)
            self._bar.__enter__()

    def __call__(self, source: Source) -> None:
        """`source` is being read now."""
        if self._bar is not None:
            self._bar.label = source.path[-48:]
            self._bar.update(1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.__exit__(kind, error, trace)
