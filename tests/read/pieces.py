"""Pieces as a tail gives them, of real files."""

from __future__ import annotations

from pathlib import Path

from collector.model import Source
from collector.read.split import chunk_of
from collector.read.tailing.piece import Piece
from collector.redact.redactor import Redactor

KEY = b"k" * 32


def redactor() -> Redactor:
    return Redactor(KEY)


def log(path: str = "var/log/azure/X/handler.log", root: Path = Path("/nowhere"), **more: str) -> Source:
    return Source(path, root / path, "log", **more)  # type: ignore[arg-type]


def piece(data: bytes, offset: int = 0, stream: int = 1, source: Source | None = None, *, final: bool = False) -> Piece:
    return Piece(stream, source or log(), offset, offset + len(data), chunk_of(1, data), "utf-8", final)
