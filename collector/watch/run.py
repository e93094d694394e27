"""The resident agent as a whole: takes its folder, puts the parts together, turns until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType
from typing import Any

from collector import __version__
from collector.config import Config
from collector.errors import VmextError
from collector.platforms import current
from collector.platforms.state import keep_key, redaction_key
from collector.redact.hiding import redactor_of
from collector.redact.redactor import Redactor
from collector.watch import own_log
from collector.watch.loop import Loop
from collector.watch.notify import Notifier, Supervisor
from collector.watch.order import Order
from collector.watch.own_folder import OwnFolder, own_folder
from collector.watch.parts import assemble
from collector.watch.settings import Settings, again, first, kept
from collector.watch.telling import Teller

log = logging.getLogger(__name__)


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

    Raises ConfigError where the state folder can't be used, or another agent uses it; DataError for a broken table.
    """
    settings = first(load, order, os.environ)
    host = current()
    host.lower_priority()
    host.lower_io_priority()
    state = settings.config.state_dir
    with own_folder(state) as folder:
        key = redaction_key(state)
        notifier = supervisor or Notifier(os.environ)
        redactor, watch = _redactor(key, settings.config, order), settings.config.watch
        written = own_log.install(state / own_log.FOLDER, redactor, watch.log_level, watch.log_bytes, watch.log_files)
        for warning in settings.warnings:
            log.warning("%s", warning)
        before = settings
        while not wishes.stop:
            loop, settings = _assembled(order, settings, before, key)
            before, watch = settings, settings.config.watch
            written.configure(watch.log_level, watch.log_bytes, watch.log_files)
            teller = Teller(loop, order, settings.config, notifier, _redactor(key, settings.config, order))
            try:
                _turn(loop, teller, wishes, folder)
                if not (wishes.stop or wishes.reload):
                    _made_anew(state, key, loop, order)
            finally:
                loop.stop()
                teller.stop()
            if wishes.reload:
                wishes.reload = False
                notifier.reloading()
                settings = again(load, settings, order, os.environ)
        notifier.stopping()
        log.info("vmext %s stopped", __version__)
        order.tell(redactor.text(f"vmext {__version__} stopped"))


def _turn(loop: Loop, teller: Teller, wishes: Wishes, folder: OwnFolder) -> None:
    """Until something is wished, or the state folder had to be made anew."""
    loop.start()
    teller.ready()
    while not (wishes.stop or wishes.reload or folder.was_made_anew()):
        loop.turn()
        teller.turn()


def _made_anew(state: Path, key: bytes, loop: Loop, order: Order) -> None:
    """Puts back what is known; what else lay there is lost."""
    keep_key(state, key)
    loop.unsaved()
    text = f"the state folder {state} or the lock in it was deleted, and is made anew; what waited there is lost"
    log.error("%s", text)
    order.tell(loop.redactor.text(text))


def _assembled(order: Order, settings: Settings, before: Settings, key: bytes) -> tuple[Loop, Settings]:
    """The loop, and the settings that it has: those from `before`, where with the new ones there can be none.

    Raises what `assemble` raises where `settings` are not new.
    """
    try:
        loop = _loop(order, settings, key)
    except VmextError as error:
        if settings is before:
            raise
        settings = kept(before, error, order, os.environ)
        loop = _loop(order, settings, key)
    loop.standing = settings.warnings
    return loop, settings


def _loop(order: Order, settings: Settings, key: bytes) -> Loop:
    redactor = _redactor(key, settings.config, order)
    return assemble(order, settings.config, redactor, SystemClock(), tables=settings.tables)


def _redactor(key: bytes, config: Config, order: Order) -> Redactor:
    """One for each that works on its own: they remember what they have seen."""
    return redactor_of(key, config, (order.instance, current().names()[0]))
