"""The resident agent as a whole: takes its folder, puts the parts together, turns until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType
from typing import Any

from collector.config import Config
from collector.deliver.lock import held
from collector.errors import ConfigError, VmextError
from collector.platforms import current
from collector.platforms.state import redaction_key
from collector.redact.hiding import redactor_of
from collector.redact.redactor import Redactor
from collector.watch import own_log
from collector.watch.loop import Loop
from collector.watch.notify import Notifier, Supervisor
from collector.watch.order import Order
from collector.watch.parts import assemble
from collector.watch.status import FOLDER, LOCK
from collector.watch.telling import Teller

log = logging.getLogger(__name__)

#: ``vmext status`` may hold the lock for a moment, to see whether someone else does.
_TRIES, _TRY_SECONDS = 5, 0.2


class SystemClock:
    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)


class Wishes:
    """What signals of the system ask for; they are answered between two turns."""

    def __init__(self) -> None:
        self.stop = self.reload = False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Listens to SIGTERM, SIGINT and SIGHUP meanwhile."""
        before: dict[int, Any] = {}
        for name, answer in (("SIGTERM", self._stop), ("SIGINT", self._stop), ("SIGHUP", self._reload)):
            number = getattr(signal, name, None)
            if number is not None:
                before[number] = signal.signal(number, answer)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def ask_stop(self) -> None:
        self.stop = True

    def ask_reload(self) -> None:
        self.reload = True

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.ask_stop()

    def _reload(self, number: int, frame: FrameType | None) -> None:
        self.ask_reload()


def run(order: Order, load: Callable[[], Config], wishes: Wishes, supervisor: Supervisor | None = None) -> None:
    """Until `wishes.stop`. `load` reads the configuration; it is called again for `wishes.reload`, and what is wrong
    then leaves the settings as they were. `supervisor`: who is told how it goes, where that is not systemd.

    Raises ConfigError where the state folder can't be used, or another agent uses it.
    """
    config = load()
    host = current()
    host.lower_priority()
    host.lower_io_priority()
    with own_folder(config.state_dir):
        key = redaction_key(config.state_dir)
        notifier = supervisor or Notifier(os.environ)
        written = own_log.install(
            config.state_dir / own_log.FOLDER,
            _redactor(key, config, order),
            config.watch.log_level,
            config.watch.log_bytes,
            config.watch.log_files,
        )
        before = config
        while not wishes.stop:
            loop, config = _assembled(order, config, before, key)
            before = config
            written.configure(config.watch.log_level, config.watch.log_bytes, config.watch.log_files)
            teller = Teller(loop, order, config, notifier, _redactor(key, config, order))
            try:
                _turn(loop, teller, wishes)
            finally:
                loop.stop()
                teller.stop()
            if wishes.reload:
                wishes.reload = False
                config = _loaded(load, config, order, notifier)
        notifier.stopping()


def _turn(loop: Loop, teller: Teller, wishes: Wishes) -> None:
    loop.start()
    teller.ready()
    while not (wishes.stop or wishes.reload):
        loop.turn()
        teller.turn()


def _assembled(order: Order, config: Config, before: Config, key: bytes) -> tuple[Loop, Config]:
    """The loop, and the settings that it has: those from `before`, where with the new ones there can be none.

    Raises what `assemble` raises where `config` is not new.
    """
    try:
        return assemble(order, config, _redactor(key, config, order), SystemClock()), config
    except VmextError as error:
        if config is before:
            raise
        _tell_kept(error, order)
        return assemble(order, before, _redactor(key, before, order), SystemClock()), before


def _redactor(key: bytes, config: Config, order: Order) -> Redactor:
    """One for each that works on its own: they remember what they have seen."""
    return redactor_of(key, config, (order.instance, current().names()[0]))


def _tell_kept(error: VmextError, order: Order) -> None:
    wrong = f"{error} ({error.hint.rstrip('.')})" if error.hint else str(error)
    log.error("the configuration is left as it was: %s", wrong)
    order.tell(Redactor(os.urandom(32)).text(f"the configuration is left as it was: {wrong}"))


@contextmanager
def own_folder(state: Path) -> Iterator[None]:
    """Holds the agent's lock in the state folder. Raises ConfigError where another agent does, or it can't be used."""
    hint = "Give another one by --state-dir, VMEXT_STATE_DIR or state_dir in the configuration file."
    folder = state / FOLDER
    try:
        current().make_private(state)
        folder.mkdir(mode=0o700, exist_ok=True)
        with ExitStack() as stack:
            for _ in range(_TRIES):
                if mine := stack.enter_context(held(folder / LOCK)):
                    break
                stack.close()
                time.sleep(_TRY_SECONDS)
            if not mine:
                raise ConfigError(f"another vmext watch uses {state}", "vmext status tells what it does. " + hint)
            for left in folder.glob(".*.partial"):  # half written when the one before was killed
                left.unlink(missing_ok=True)
            yield
    except OSError as error:
        if error.filename is None or not str(error.filename).startswith(str(state)):
            raise
        raise ConfigError(f"the state folder {state} can't be used: {error.strerror}", hint) from error


def _loaded(load: Callable[[], Config], before: Config, order: Order, notifier: Supervisor) -> Config:
    """The configuration anew; the state folder stays what it was."""
    notifier.reloading()
    try:
        config = load()
    except ConfigError as error:
        _tell_kept(error, order)
        return before
    if config.state_dir != before.state_dir:
        log.warning("a change of state_dir needs a restart")
    log.info("the configuration was read again")
    order.tell("the configuration was read again")
    return replace(config, state_dir=before.state_dir)
