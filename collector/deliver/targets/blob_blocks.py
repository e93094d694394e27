"""The blocks of a large bundle: their names tell their content, so that what is there already is known."""

from __future__ import annotations

import base64
import errno
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_SIZE = 256 << 10
#: The service takes 50,000 of a blob.
_MOST = 40_000
_LISTED = re.compile(rb"<Name>\s*([A-Za-z0-9+/=]{4,128})\s*</Name>\s*<Size>\s*(\d{1,12})\s*</Size>")


@dataclass(frozen=True, slots=True)
class Block:
    id: str  # base64, all of one length as the service demands
    number: int
    start: int
    size: int

    @property
    def query(self) -> str:
        """The id as a value of a query."""
        return quote(self.id, safe="")

    def read(self, file: Path) -> bytes:
        """Raises OSError, also where the file has changed since it was cut."""
        with file.open("rb") as stream:
            stream.seek(self.start)
            body = stream.read(self.size)
        if _named(self.number, body) != self.id:
            raise OSError(errno.EIO, "it has changed meanwhile")
        return body


def cut(file: Path, size: int = _SIZE) -> tuple[tuple[Block, ...], str, str]:
    """The blocks of a file, its MD5 in base64 and its SHA-256. Raises OSError."""
    size = max(size, -(-file.stat().st_size // _MOST))
    blocks: list[Block] = []
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    start = 0
    with file.open("rb") as stream:
        while body := stream.read(size):
            md5.update(body)
            sha256.update(body)
            number = len(blocks)
            blocks.append(Block(_named(number, body), number, start, len(body)))
            start += len(body)
    return tuple(blocks), base64.b64encode(md5.digest()).decode(), sha256.hexdigest()


def _named(number: int, body: bytes) -> str:
    return base64.b64encode(f"{number:05d}-{hashlib.sha256(body).hexdigest()[:40]}".encode()).decode()


def block_list(blocks: Sequence[Block]) -> bytes:
    """The document that makes a blob of blocks. `Latest`: what a write again sent, or what stands already."""
    names = "".join(f"<Latest>{block.id}</Latest>" for block in blocks)
    return f'<?xml version="1.0" encoding="utf-8"?><BlockList>{names}</BlockList>'.encode()


def known_blocks(document: bytes) -> dict[str, int]:
    """Size by id, from the service's list of blocks."""
    return {name.decode(): int(size) for name, size in _LISTED.findall(document)}
