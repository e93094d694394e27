"""Tells systemd how the service does, by datagrams to the socket that it names.

Source: sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import MutableMapping
from typing import Protocol

from collector.model import RedactedText

log = logging.getLogger(__name__)

_SOCKET, _PERIOD, _PERIOD_PID = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
_MOST_STATUS = 200  # characters


class Supervisor(Protocol):
    """Who started the service, and is told how it does."""

    def ready(self, status: RedactedText | None = None) -> None: ...

    def reloading(self) -> None: ...

    def stopping(self) -> None: ...

    def alive(self, now: float) -> None: ...


class Notifier:
    """Never blocks and never fails: what systemd does not take is lost. Nothing at all where there is no systemd."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        """Takes the variables out of `environ`, so that children do not speak for the service."""
        self._address = _address(environ.pop(_SOCKET, ""))
        self._period = _period(environ.pop(_PERIOD, ""), environ.pop(_PERIOD_PID, ""))
        self._alive_at: float | None = None
        self._failed = False

    @property
    def is_wanted(self) -> bool:
        return self._address is not None

    @property
    def ping_seconds(self) -> float | None:
        """How often `alive` must be called at least; None where systemd does not watch us."""
        return self._period / 2 if self._period and self.is_wanted else None

    def ready(self, status: RedactedText | None = None) -> None:
        """The service has started, or has read its configuration again. `status`: one line for people, in
        ``systemctl status``."""
        self._send("READY=1", *_status(status))

    def reloading(self) -> None:
        """The configuration is read again; `ready` is to follow."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={_monotonic_microseconds()}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def alive(self, now: float) -> None:
        """Pings the watchdog where half of its period has passed. `now`: seconds of a clock that nobody sets.

        To be called by the loop alone: a thread of its own would ping although the loop hangs.
        """
        period = self.ping_seconds
        if period is None or (self._alive_at is not None and now - self._alive_at < period):
            return
        self._alive_at = now
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode(), self._address)
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.warning("systemd can't be told: %s", error)
            self._failed = True


def _monotonic_microseconds() -> int:
    """Of CLOCK_MONOTONIC, which is Python's monotonic clock wherever there is systemd."""
    return time.monotonic_ns() // 1_000


def _address(text: str) -> str | None:
    """A path, or an abstract name; others (vsock) are for guests of virtual machines."""
    if not hasattr(socket, "AF_UNIX") or text[:1] not in ("/", "@") or len(text) < len("/x"):
        return None
    return f"\0{text[1:]}" if text[0] == "@" else text


def _period(text: str, pid: str) -> float | None:
    """Seconds within which a ping is wanted from this process."""
    if pid and pid != str(os.getpid()):
        return None
    return int(text) / 1_000_000 if text.isdecimal() and int(text) > 0 else None


def _status(text: RedactedText | None) -> list[str]:
    """Only redacted text: it goes into the system's journal."""
    if text is None:
        return []
    if type(text) is not RedactedText:
        raise TypeError("only redacted text is told")
    return [f"STATUS={' '.join(text.split())[:_MOST_STATUS]}"]
