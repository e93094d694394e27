"""Target: status files, handler states and the agent's summary, as text. The first byte chooses which."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collector.extract.states import of_broken, of_handler_status, of_status
from collector.model import BrokenState, HandlerStatus, Source, StatusFile
from collector.parse.handlers import parse_aggregate, parse_handler_status
from collector.parse.status import parse_status

_SOURCE = Source("x/status/3.status", Path("x"), "status", "auto", "Pub.Type", "1.0", sequence=3)
_KINDS = 3


def check(data: bytes) -> None:
    if data:
        _check(data[0] % _KINDS, data[1:].decode("utf-8", "replace"))


def check_all(data: bytes) -> None:
    for kind in range(_KINDS):
        _check(kind, data[1:].decode("utf-8", "replace"))


def seeds(files: list[Path]) -> Iterator[bytes]:
    for file in files:
        text = file.read_bytes()
        if len(text) < 20_000 and text.lstrip(b"\xef\xbb\xbf \r\n")[:1] in (b"{", b"["):
            yield from (bytes([kind]) + text for kind in range(_KINDS))


def _check(kind: int, text: str) -> None:
    values: tuple[StatusFile | HandlerStatus | BrokenState, ...]
    if kind == 0:
        values = (parse_status(_SOURCE, text),)
    elif kind == 1:
        values = (parse_handler_status(_SOURCE, text),)
    else:
        values = parse_aggregate(_SOURCE, text)
    for value in values:
        if isinstance(value, StatusFile):
            assert value.time is None or value.time.tzinfo is not None, "a status file's time is aware"
            of_status(value)
        elif isinstance(value, HandlerStatus):
            of_handler_status(value)
        else:
            assert value.problem, "a broken file has a reason"
            of_broken(value)
