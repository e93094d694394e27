"""The agent's own folder: one agent for each, and a lock that is held as long as it runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from collector.deliver.lock import held
from collector.errors import ConfigError
from collector.platforms import current
from collector.watch.status import FOLDER, LOCK

log = logging.getLogger(__name__)

#: ``vmext status`` may hold the lock for a moment, to see whether someone else does.
_TRIES, _TRY_SECONDS = 5, 0.2
#: Whether the lock is still where others look for it is seen so often.
_LOOK_SECONDS = 5.0
_HINT = "Give another one by --state-dir, VMEXT_STATE_DIR or state_dir in the configuration file."


class OwnFolder:
    """Holds the lock of the state folder from `take` to the end of `own_folder`."""

    def __init__(self, state: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._state = state
        self._clock = clock
        self._looked_at = clock()
        self._stack = ExitStack()
        self._taken: tuple[int, int] | None = None  # device and number of the lock's file
        self._is_told = False

    def take(self) -> None:
        """Raises ConfigError where another agent holds the lock, OSError where it can't be made."""
        current().make_private(self._state)
        folder = self._state / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        with ExitStack() as stack:
            for _ in range(_TRIES):
                if mine := stack.enter_context(held(folder / LOCK)):
                    break
                stack.close()
                time.sleep(_TRY_SECONDS)
            if not mine:
                raise ConfigError(
                    f"another vmext watch uses {self._state}", f"vmext status tells what it does. {_HINT}"
                )
            self.close()
            self._stack, self._taken = stack.pop_all(), self._there()

    def was_made_anew(self) -> bool:
        """Whether the lock's file was gone, so that another agent could have started, and is held anew. To be asked
        often; it looks every few seconds. That it can't be made is told once, and tried again.

        Raises ConfigError where another agent has started meanwhile.
        """
        at = self._clock()
        if at - self._looked_at < _LOOK_SECONDS:
            return False
        self._looked_at = at
        if self._there() == self._taken:
            return False
        try:
            self.take()
        except OSError as error:
            if not self._is_told:
                log.error("the state folder %s is gone and can't be made anew: %s", self._state, error.strerror)
            self._is_told = True
            return False
        self._is_told = False
        return True

    def close(self) -> None:
        self._stack.close()

    def _there(self) -> tuple[int, int] | None:
        """Which file lies there. Where that can't be told for the moment, the one that we hold: taken once more, it
        would look as if another agent had it."""
        try:
            status = (self._state / FOLDER / LOCK).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return self._taken
        return status.st_dev, status.st_ino


@contextmanager
def own_folder(state: Path) -> Iterator[OwnFolder]:
    """Holds the agent's lock in the state folder. Raises ConfigError where another agent does, or it can't be used."""
    folder = OwnFolder(state)
    try:
        folder.take()
        try:
            for left in (state / FOLDER).glob(".*.partial"):  # half written when the one before was killed
                left.unlink(missing_ok=True)
            yield folder
        finally:
            folder.close()
    except OSError as error:
        if error.filename is None or not str(error.filename).startswith(str(state)):
            raise
        raise ConfigError(f"the state folder {state} can't be used: {error.strerror}", _HINT) from error
