"""One collect at a time in a state folder: the others wait, and take over its result if they asked for the same.

<state>/collect.lock       held by the process that collects; the system takes it back when that dies
<state>/collect.running    who that is, and how far it is
<state>/collect.result     what the last one printed, for those who waited meanwhile

A result counts only for who began to wait before it was there. Where no lock can be made everyone collects.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collector import pipeline
from collector.config import Config
from collector.deliver.lock import held
from collector.deliver.targets import shown
from collector.model import Source
from collector.platforms import current, durable
from collector.platforms.own_files import open_own
from collector.service.run import Run

log = logging.getLogger(__name__)

_LOCK, _RUNNING, _RESULT = "collect.lock", "collect.running", "collect.result"
_POLL_SECONDS = 0.2
#: How far a run is, is written so often at most.
_TOLD_SECONDS = 1.0
_MOST_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Running:
    """A collect of another process. `since`: seconds since the epoch; `source` of `sources` is being read."""

    pid: int
    since: float
    stage: str
    source: int = 0
    sources: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """What another process printed, in each form, and its exit code."""

    run: str
    asked: str
    pid: int
    finished: float
    code: int
    bundle: str | None
    texts: Mapping[str, str]


@dataclass(slots=True)
class Turn:
    """What came of waiting: `result` of a run that did the same, `busy` where the wait was too short, else it is our
    turn."""

    folder: Path | None = None
    asked: str = ""
    result: Result | None = None
    busy: Running | None = None
    run: str = field(default_factory=lambda: os.urandom(8).hex())

    @property
    def is_ours(self) -> bool:
        return self.result is None and self.busy is None

    def finished(self, code: int, bundle: str | None, texts: Mapping[str, str]) -> None:
        """Hands the result to those who wait. The texts are what was printed, without secrets."""
        if self.folder is None:
            return
        document = {
            "run": self.run,
            "asked": self.asked,
            "pid": os.getpid(),
            "finished": time.time(),
            "code": code,
            "bundle": bundle,
            "texts": dict(texts),
        }
        try:
            durable.write(self.folder / _RESULT, json.dumps(document).encode())
        except OSError as error:
            log.warning("who waits for this run has to run itself: %s", error.strerror)


class Steps:
    """Tells those who wait how far this run is, and passes it on."""

    def __init__(self, turn: Turn, shown: pipeline.Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = turn.folder / _RUNNING if turn.folder is not None else None
        self._shown, self._clock = shown, clock
        self._since, self._told = time.time(), -_TOLD_SECONDS
        self._source = self._sources = 0
        self.stage("looking for the incident")

    def begin(self, total: int) -> None:
        self._shown.begin(total)
        self._sources = total
        self.stage("reading")

    def __call__(self, source: Source) -> None:
        self._shown(source)
        self._source += 1
        if self._clock() - self._told >= _TOLD_SECONDS:
            self.stage("reading")

    def stage(self, name: str) -> None:
        """What is done now."""
        self._told = self._clock()
        if self._file is None:
            return
        document = {"pid": os.getpid(), "since": self._since, "stage": name}
        document |= {"source": self._source, "sources": self._sources}
        temporary = self._file.with_name(f".{self._file.name}.partial")
        try:
            descriptor = open_own(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(json.dumps(document).encode("ascii"))
            temporary.replace(self._file)
        except OSError:  # a full disk, or someone reads it right now (Windows): the next one will do
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def asked(run: Run, config: Config, times: Sequence[str | None]) -> str:
    """The same word for runs that do the same; no secret goes into it.

    `times`: --since, --until and --around as they were given.
    """
    told = [
        [None if path is None else str(path.resolve()) for path in (run.root, run.output, run.config_file)],
        [sorted(run.extensions), list(times), run.margin.total_seconds(), run.instance],
        [run.probe_network, shown(config.upload_url) if run.upload and config.upload_url else None, config.time_zone],
        [config.hide_ids, config.hide_addresses, config.hide_hostnames, list(config.recipients)],
        [config.bytes_per_source, config.bytes_per_bundle],
        [run.live, run.hang_seconds, sorted(run.hanging), run.incident],
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


@contextmanager
def turn(
    folder: Path,
    wanted: Callable[[], str],
    form: str,
    seconds: float | None,
    waiting: Callable[[Running | None], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Turn]:
    """Waits for its turn in a state folder, at most so many seconds (None: to the end). `wanted` is what `asked`
    gives, `form` the one in which the result is told; `waiting` is called while another runs, with what is known."""
    end = None if seconds is None else clock() + seconds
    with ExitStack() as stack:
        try:
            current().make_private(folder)
            mine = _waited(stack, folder, (wanted(), form), lambda: end is None or clock() < end, waiting, sleep)
        except OSError as error:
            log.warning("runs without waiting for others: %s", error.strerror)
            mine = Turn()
        yield mine
        if mine.is_ours and mine.folder is not None:
            with suppress(OSError):
                (folder / _RUNNING).unlink(missing_ok=True)


def _waited(
    stack: ExitStack,
    folder: Path,
    wanted: tuple[str, str],
    may_wait: Callable[[], bool],
    waiting: Callable[[Running | None], None],
    sleep: Callable[[float], None],
) -> Turn:
    """Our turn, with the lock in the stack, or what came instead of it. Raises OSError where no lock can be made."""
    before = _result(folder)
    while True:
        mine = stack.enter_context(held(folder / _LOCK))
        result = _result(folder)
        if result is not None and _is_for(result, *wanted) and (before is None or before.run != result.run):
            return Turn(result=result)
        if mine:
            return Turn(folder, wanted[0])
        stack.close()
        running = _running(folder)
        if not may_wait():
            return Turn(busy=running or Running(0, 0.0, "beginning"))
        waiting(running)
        sleep(_POLL_SECONDS)


def _is_for(result: Result, word: str, form: str) -> bool:
    return result.asked == word and isinstance(result.texts.get(form), str)


def _result(folder: Path) -> Result | None:
    told = _document(folder / _RESULT)
    try:
        return Result(**told) if told is not None and _is_sound(told) else None
    except TypeError:
        return None


def _is_sound(told: Mapping[str, Any]) -> bool:
    return isinstance(told.get("code"), int) and isinstance(told.get("texts"), dict)


def _running(folder: Path) -> Running | None:
    told = _document(folder / _RUNNING) or {}
    try:
        numbers = [int(told[name]) for name in ("pid", "since", "source", "sources")]
        return Running(numbers[0], numbers[1], str(told["stage"]), *numbers[2:])
    except (KeyError, TypeError, ValueError):
        return None


def _document(file: Path) -> dict[str, Any] | None:
    try:
        with os.fdopen(open_own(file, os.O_RDONLY), "rb") as stream:
            told = json.loads(stream.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None
