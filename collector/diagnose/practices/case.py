"""What one check is told, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from collector.diagnose.practices.material import Material, Operation, Text
from collector.model import Failure, Identity, PracticeState, SystemFacts, order

#: States of a status file, in lower case.
BAD, WELL, ON_ITS_WAY = frozenset({"error", "failed"}), "success", "transitioning"


class Found(NamedTuple):
    """What a check saw. `detail` is one sentence without a full stop, and never a value of a setting."""

    state: PracticeState
    detail: str
    path: str = ""
    line: int = 0


class Case(NamedTuple):
    """One operation of an extension, or the machine as a whole (`operation` without an extension)."""

    material: Material
    operation: Operation
    failures: tuple[Failure, ...]  # of this operation; of all for the machine
    identity: Identity
    facts: SystemFacts
    now: datetime

    @property
    def status(self) -> str:
        return self.operation.status.status if self.operation.status else ""

    @property
    def failed(self) -> bool:
        """It failed, or hangs."""
        return self.status in BAD or any(failure.kind != "warning" for failure in self.failures)

    @property
    def succeeded(self) -> bool:
        return not self.failed and self.status == WELL

    @property
    def unfinished(self) -> bool:
        hangs = any(failure.kind == "hang" for failure in self.failures)
        return hangs or (self.status == ON_ITS_WAY and not self.failed)

    @property
    def has_run(self) -> bool:
        """Whether anything tells what became of it."""
        return self.failed or bool(self.status or self.operation.texts)

    def texts(self, *places: str) -> tuple[Text, ...]:
        return tuple(text for text in self.operation.texts if text.place in places)

    def setting(self, key: str) -> object:
        """A public setting whatever its letter case, None where there is none."""
        settings = self.operation.settings
        if settings is None:
            return None
        return next((value for name, value in settings.public.items() if name.lower() == key.lower()), None)

    @property
    def settings_path(self) -> str:
        return self.operation.settings.path if self.operation.settings else ""

    def length(self) -> timedelta | None:
        """How long it took, or has been going on."""
        hang = next((failure.hang_since for failure in self.failures if failure.hang_since), None)
        begin = hang or self.operation.started
        if begin is None:
            return None
        end = self.now if hang or self.unfinished else self.operation.ended
        if end is None or (end.tzinfo is None) != (begin.tzinfo is None):
            return None
        return end - begin if order(end) >= order(begin) else None


Check = Callable[[Case], "Found | None"]
#: Checks by the id of their practice. None: nothing was seen that speaks against it.
Checks = Mapping[str, Check]


def passed(detail: str, path: str = "", line: int = 0) -> Found:
    return Found("pass", detail, path, line)


def violated(detail: str, path: str = "", line: int = 0) -> Found:
    return Found("violated", detail, path, line)


def unknown(detail: str) -> Found:
    return Found("unknown", detail)


def not_applicable(detail: str) -> Found:
    return Found("not-applicable", detail)
