"""Makes small registry hives: header, one bin, keys (nk), their lists (lh), values (vk).

Format: M. Suhanov, "Windows registry file format specification".
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import TypeAlias

NONE = 0xFFFFFFFF
#: A security descriptor that says nothing: revision 1, relative, without owner, group and lists.
_NO_OWNER = struct.pack("<BBHIIII", 1, 0, 0x8000, 0, 0, 0, 0)
SZ, BINARY, DWORD = 1, 3, 4
#: Text is REG_SZ, a number REG_DWORD, bytes REG_BINARY; a pair gives the type and the bytes.
Value: TypeAlias = "str | int | bytes | tuple[int, bytes]"
Keys: TypeAlias = "Mapping[str, Keys | Value]"


@dataclass
class Bin:
    """The only bin; cells lie one after another, at offsets that count from the bin's start."""

    data: bytearray = field(default_factory=lambda: bytearray(32))
    security_at: int = 0

    def cell(self, content: bytes) -> int:
        offset = len(self.data)
        size = -(-(len(content) + 4) // 8) * 8
        self.data += struct.pack("<i", -size) + content.ljust(size - 4, b"\0")
        return offset

    def key(self, name: str, content: Keys, parent: int, root: bool = False) -> int:
        below = {key: part for key, part in content.items() if isinstance(part, Mapping)}
        values = [self._value(key, part) for key, part in content.items() if not isinstance(part, Mapping)]
        value_list = self.cell(struct.pack(f"<{len(values)}I", *values)) if values else NONE
        own = self.cell(bytes(76 + len(name)))
        children = [
            (self.key(key, part, own), key) for key, part in sorted(below.items(), key=lambda one: one[0].upper())
        ]
        entries = b"".join(struct.pack("<II", offset, _hash(key)) for offset, key in children)
        child_list = self.cell(b"lh" + struct.pack("<H", len(children)) + entries) if children else NONE
        record = struct.pack(
            "<2sHQIIIIIIIIIIIIIIIHH",
            b"nk",
            0x2C if root else 0x20,  # the name is ASCII; the root is an entry and not to be deleted
            133_000_000_000_000_000,
            0,
            parent,
            len(children),
            0,
            child_list,
            NONE,
            len(values),
            value_list,
            self.security(),
            NONE,
            max((len(key) * 2 for key in below), default=0),
            0,
            64 if values else 0,
            1024 if values else 0,
            0,
            len(name),
            0,
        )
        self.data[own + 4 : own + 4 + len(record) + len(name)] = record + name.encode("ascii")
        return own

    def security(self) -> int:
        """The only descriptor, which all keys share; others that write hives want each key to have one."""
        if not self.security_at:
            at = len(self.data)
            self.security_at = self.cell(struct.pack("<2sHIIII", b"sk", 0, at, at, 1, len(_NO_OWNER)) + _NO_OWNER)
        return self.security_at

    def _value(self, name: str, value: Value) -> int:
        kind, data = _stored(value)
        size, place = len(data), 0
        if size <= 4:
            size, place = size | 0x80000000, int.from_bytes(data, "little")
        else:
            place = self.cell(data)
        return self.cell(struct.pack("<2sHIIIHH", b"vk", len(name), size, place, kind, 1, 0) + name.encode("ascii"))


def hive(keys: Keys, *, in_use: bool = False) -> bytes:
    """A whole hive. `in_use`: the second sequence number lags behind, as while the logs hold changes."""
    bin_ = Bin()
    root = bin_.key("ROOT", keys, NONE, root=True)
    free = -len(bin_.data) % 4096
    if free:
        bin_.data += struct.pack("<i", free).ljust(free, b"\0")
    size = len(bin_.data)
    bin_.data[:32] = struct.pack("<4sIIQQI", b"hbin", 0, size, 0, 0, 0)
    name = "SYSTEM".encode("utf-16-le")
    head = struct.pack("<4sIIQIIIIIII64s", b"regf", 2, 1 if in_use else 2, 0, 1, 5, 0, 1, root, size, 1, name)
    head = head.ljust(508, b"\0")
    checksum = reduce(lambda left, right: left ^ right, struct.unpack("<127I", head))
    return (head + struct.pack("<I", checksum)).ljust(4096, b"\0") + bytes(bin_.data)


def system_hive(zone: Keys, current: int = 1, **others: Keys) -> bytes:
    """A SYSTEM hive with zone settings in its current control set; `others` are further keys at the root."""
    used = {"Control": {"Lsa": {}, "TimeZoneInformation": zone, "Windows": {}}}
    return hive({"Select": {"Current": current}, f"ControlSet{current:03}": used, **others})


def _stored(value: Value) -> tuple[int, bytes]:
    if isinstance(value, str):
        return SZ, (value + "\0").encode("utf-16-le")
    if isinstance(value, int):
        return DWORD, (value & 0xFFFFFFFF).to_bytes(4, "little")
    return (BINARY, value) if isinstance(value, bytes) else value


def _hash(name: str) -> int:
    return reduce(lambda total, sign: (total * 37 + ord(sign)) & 0xFFFFFFFF, name.upper(), 0)
