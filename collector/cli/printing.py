"""What the commands that read bundles share: they go through many, and print what other machines wrote."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import click

from collector.bundle.console import harmless
from collector.errors import FAILURE_FOUND, HANG_FOUND, HEALTHY, NO_SOURCES, BundleError, ConfigError, EncryptedError
from collector.model import Verdict

T = TypeVar("T")


def echo(text: str) -> None:
    """A line to standard output; signs that this console can't show are escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding))


def tell(problem: str) -> None:
    """A line to standard error, under our name."""
    click.echo(f"vmext: {harmless(problem)}", err=True)


def each_readable(arguments: Iterable[str], read: Callable[[Path], T], problems: list[str]) -> Iterator[T]:
    """What `read` makes of each bundle that the arguments name, one at a time.

    One that can't be read is told on standard error and added to `problems`, and the others go on. Raises ConfigError
    where none can be read.
    """
    from collector.fleet.compare.bundles import find

    def miss(problem: str) -> None:
        problems.append(problem)
        tell(problem)

    paths, missing = find(arguments)
    for problem in missing:
        miss(problem)
    count = 0
    for path in paths:
        try:
            made = read(path)
        except EncryptedError as error:
            miss(f"{path}: {error}; give --identity KEY-FILE")
            continue
        except BundleError as error:
            miss(f"{path}: {error}")
            continue
        count += 1
        yield made
    if not count:
        raise ConfigError("no bundle could be read", "Give bundles, folders that hold some, or patterns.")


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """The documented exit code of many instances: the worst; that nothing was found only where it holds for all."""
    told = set(verdicts)
    if "failed" in told:
        return FAILURE_FOUND
    if "hanging" in told:
        return HANG_FOUND
    return NO_SOURCES if told == {"nothing-found"} else HEALTHY
