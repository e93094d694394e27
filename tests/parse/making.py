"""Makes sources, lines and records for the tests of parse."""

from __future__ import annotations

from datetime import datetime, timezone, tzinfo
from pathlib import Path
from typing import Any

from collector.model import Line, Record, Source
from collector.parse.registry import detect, parse

LOGS = Path(__file__).parents[1] / "logs"


def source(format_name: str = "auto", **more: Any) -> Source:
    return Source("x.log", Path("x.log"), "log", format_name, **more)


def lines(text: str) -> list[Line]:
    return [Line(number, line) for number, line in enumerate(text.split("\n"), start=1)]


def records(text: str, format_name: str = "auto", zone: tzinfo | None = None, **more: Any) -> list[Record]:
    """The records of a text, as the pipeline makes them."""
    told = source(format_name, **more)
    found = lines(text)
    return list(parse(found, told, detect(told, found[:60]), zone))


def sample(name: str) -> str:
    """A file of tests/logs as the reader hands it on: a carriage return inside a line stays."""
    with (LOGS / name).open(encoding="utf-8", newline="") as file:
        return file.read().removesuffix("\n")


def utc(*values: int) -> datetime:
    return datetime(*values, tzinfo=timezone.utc)  # type: ignore[misc, arg-type]
