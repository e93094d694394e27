"""Short ways to write records and state files in tests."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from collector.extract.context import Context
from collector.extract.runs import current_handlers, resolve_names, with_sequences
from collector.extract.signals import Signal, of_record
from collector.model import HandlerStatus, Record, Source, StatusFile, SystemFacts

START = datetime(2026, 5, 4, 3, 12, tzinfo=timezone.utc)
CSE = "Microsoft.Azure.Extensions.CustomScript"
AMA = "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent"
RUN = "Microsoft.CPlat.Core.RunCommandHandlerLinux"
FACTS = SystemFacts(live=False)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def agent(
    seconds: float,
    message: str,
    *,
    extension: str | None = None,
    level: str = "INFO",
    line: int | None = None,
) -> list[Signal]:
    """Signals of one record of waagent.log."""
    op = message.split("op=", 1)[1].split(",", 1)[0] if message.startswith("Event: ") else ""
    name = message.split("name=", 1)[1].split(",", 1)[0] if op else extension
    record = Record(
        "var/log/waagent.log",
        line or int(seconds) + 1,
        at(seconds),
        "utc",
        level,
        message,
        tuple(message.split("\n")),
        extension=name,
        operation=op or None,
        fields={"op": op, "name": name or ""} if op else {},
        format="waagent",
    )
    return of_record(record)


def handler(
    seconds: float,
    message: str,
    *,
    extension: str = CSE,
    sequence: int | None = 3,
    level: str = "INFO",
    operation: str | None = "Enable",
    time: datetime | None = None,
    name: str | None = None,
) -> list[Signal]:
    """Signals of one record of a handler's own log."""
    record = Record(
        "var/log/azure/x/handler.log",
        int(seconds) + 1,
        time or at(seconds),
        "offset",
        level,
        message,
        (message,),
        extension=extension,
        sequence=sequence,
        operation=operation,
        name=name,
        format="logfmt",
    )
    return of_record(record)


def source(kind: str, extension: str, sequence: int | None = None, name: str | None = None) -> Source:
    leaf = f"{f'{name}.' if name else ''}{sequence}.status" if kind == "status" else "HandlerStatus"
    path = f"var/lib/waagent/{extension}-1.0/{leaf}"
    return Source(path, Path(path), kind, extension=extension, version="1.0", sequence=sequence, name=name)  # type: ignore[arg-type]


def status(
    seconds: float,
    state: str,
    message: str = "",
    *,
    extension: str = CSE,
    sequence: int = 3,
    name: str | None = None,
    code: int | None = None,
    execution: dict[str, object] | None = None,
) -> StatusFile:
    return StatusFile(
        source("status", extension, sequence, name),
        sequence,
        name,
        "Enable",
        state,
        code,
        message,
        at(seconds),
        (),
        execution,
    )


def handler_status(state: str, message: str, *, extension: str = CSE, code: int = 0) -> HandlerStatus:
    return HandlerStatus(source("handler-status", extension), extension, "1.0", state, code, message)


def context(**changes: object) -> Context:
    values: dict[str, object] = {
        "system": "linux",
        "now": at(86_400),
        "live": False,
        "outputs": {},
        **changes,
    }
    return Context(**values)  # type: ignore[arg-type]


def joined(*parts: list[Signal]) -> list[Signal]:
    signals = [signal for part in parts for signal in part]
    return with_sequences(current_handlers(resolve_names(signals, {CSE, AMA, RUN})))
