"""A core bundle in parts that each fit into what Run Command gives back of one run. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from collector.bundle import block
from collector.bundle.summary import LIMIT
from collector.errors import BundleError

KIND = "part"
_DIGITS = 64  # of each part's SHA-256
_MOST_PARTS = 99
_FIELDS = (re.compile(r"\d{1,2}"), re.compile(r"\d{1,2}"), re.compile(r"[0-9a-f]{16}"), re.compile(r"\d{1,7}"),
           re.compile(r"[0-9a-f]{64}"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Core:
    """Which core a part is of: of which bundle, its size and its hash."""

    bundle: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Part:
    """Part `number` of `total`; its own hash has been checked."""

    core: Core
    number: int
    total: int
    data: bytes


def count(core_bytes: int, limit: int = LIMIT) -> int:
    """In how many parts so many bytes come."""
    return max(1, -(-core_bytes // _room(limit)))


def part_text(core: bytes, bundle: str, number: int, limit: int = LIMIT) -> str:
    """What one run prints: part `number`, from 1, in ASCII, at most `limit` bytes also with two for each line end."""
    total, room = count(len(core), limit), _room(limit)
    if not 1 <= number <= total:
        raise BundleError(f"the core of bundle {bundle} has {total} parts, and no part {number}")
    data = core[(number - 1) * room : number * room]
    fields = (str(number), str(total), bundle, str(len(core)), hashlib.sha256(core).hexdigest())
    rows = block.render(KIND, fields, data, _DIGITS)
    return "\n".join([_above(number, total, bundle), *rows, _below(number, total, bundle)]) + "\n"


def _room(limit: int) -> int:
    """Bytes of the core in one part."""
    most, bundle = _MOST_PARTS, "0" * 16
    fields = (str(most), str(most), bundle, "9" * 7, "0" * 64)
    around = len(_above(most, most, bundle)) + len(_below(most - 1, most, bundle)) + 4
    return block.room(KIND, fields, limit - around, _DIGITS)


def _above(number: int, total: int, bundle: str) -> str:
    return f"VMEXT PART {number}/{total} of the core of bundle {bundle}"


def _below(number: int, total: int, bundle: str) -> str:
    if number < total:
        return f"VMEXT PART {number}/{total}; the next: vmext collect --part {number + 1}/{total} --bundle {bundle}"
    return f"VMEXT PART {number}/{total}; the last"


# ---- joining -------------------------------------------------------------------------------------------


def read_parts(text: str) -> tuple[list[Part], list[str]]:
    """The parts in `text`, and what is wrong with those that can't be read."""
    parts: list[Part] = []
    problems: list[str] = []
    for one in block.find(text, KIND):
        if isinstance(one, block.Damaged):
            problems.append(f"a part can't be read: {one.problem}")
        elif (part := _part(one)) is None:
            problems.append("a part can't be read: its first line is none of ours")
        else:
            parts.append(part)
    return parts, problems


def _part(one: block.Block) -> Part | None:
    if len(one.fields) < len(_FIELDS):  # a later version may add some
        return None
    if not all(pattern.fullmatch(field) for pattern, field in zip(_FIELDS, one.fields, strict=False)):
        return None
    number, total, bundle, size, sha256 = one.fields[: len(_FIELDS)]
    part = Part(Core(bundle, int(size), sha256), int(number), int(total), one.data)
    return part if 1 <= part.number <= part.total else None


def joined(parts: Iterable[Part]) -> bytes:
    """The core, if these are all its parts, in any order. Raises BundleError naming what is missing or wrong."""
    by_number = {part.number: part for part in parts}
    first = next(iter(by_number.values()), None)
    if first is None:
        raise BundleError("there is no part")
    if any((part.core, part.total) != (first.core, first.total) for part in by_number.values()):
        raise BundleError("these are parts of more than one bundle")
    missing = [str(number) for number in range(1, first.total + 1) if number not in by_number]
    if missing:
        raise BundleError(f"of {first.total} parts these are missing: {', '.join(missing)}")
    data = b"".join(by_number[number].data for number in range(1, first.total + 1))
    if len(data) != first.core.bytes or hashlib.sha256(data).hexdigest() != first.core.sha256:
        raise BundleError("the parts together do not have the hash that each of them tells")
    return data
