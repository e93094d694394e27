"""Where lines end in raw bytes of a file, in the unit of its encoding. Pure.

Places are offsets in a block; `shift` tells how many bytes of the file lie before the block, so that the characters of
UTF-16 and UTF-32 are found where the file has them.
"""

from __future__ import annotations

from collector.read.encoding import width
from collector.read.normal import NUL_RUN


def line_feed(encoding: str) -> bytes:
    """The bytes of LF."""
    return "\n".encode(encoding) if width(encoding) > 1 else b"\n"


def last_end(block: bytes, encoding: str, shift: int, carriage: bool = False) -> int:
    """Where the last whole line of a block ends; 0 if none does. `carriage`: whether CR alone ends lines."""
    unit = line_feed(encoding)
    end = _last(block, unit, shift)
    if carriage:
        end = max(end, _last(block, unit.replace(b"\n", b"\r"), shift))
    return end


def first_end(block: bytes, encoding: str, shift: int, carriage: bool = False) -> int:
    """Where the first line of a block ends; 0 if none does."""
    unit = line_feed(encoding)
    end = _first(block, unit, shift)
    if carriage:
        other = _first(block, unit.replace(b"\n", b"\r"), shift)
        end = min(end, other) if end and other else end or other
    return end


def nul_run(block: bytes, encoding: str) -> int:
    """Where a padding of NULs begins that stands after text in a block; 0 if none does. It ends a line as well."""
    wide = width(encoding)
    at = block.find(b"\0" * (NUL_RUN * wide))
    while at > 0 and wide > 1 and at % wide:
        at = block.find(b"\0" * (NUL_RUN * wide), at + 1)
    return max(at, 0)


def text_begin(block: bytes, encoding: str) -> int:
    """How many bytes of NULs a block begins with, in whole characters."""
    nuls = len(block) - len(block.lstrip(b"\0"))
    return nuls - nuls % width(encoding)


def text_end(block: bytes, encoding: str) -> int:
    """Where the text of a block ends that NULs follow up to its end, in whole characters."""
    wide = width(encoding)
    end = len(block.rstrip(b"\0"))
    return min(len(block), -(-end // wide) * wide)


def aligned(length: int, encoding: str, shift: int) -> int:
    """The length without the part of a character at its end."""
    return max(0, length - (shift + length) % width(encoding))


def _last(block: bytes, unit: bytes, shift: int) -> int:
    at = block.rfind(unit)
    while at >= 0 and (shift + at) % len(unit):
        at = block.rfind(unit, 0, at + len(unit) - 1)
    return at + len(unit) if at >= 0 else 0


def _first(block: bytes, unit: bytes, shift: int) -> int:
    at = block.find(unit)
    while at >= 0 and (shift + at) % len(unit):
        at = block.find(unit, at + 1)
    return at + len(unit) if at >= 0 else 0
