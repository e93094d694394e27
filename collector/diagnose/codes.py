"""Exit codes: what a number means for an extension, a shell, an installer or Windows itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache

from collector.data import rows
from collector.errors import DataError
from collector.model import System

#: Meanings of the status file's code begin so; they are no exit codes.
_OF_STATUS_FILE = ("Clarification code", "Status code (not the process exit code)")
_WINDOWS_FAMILIES = ("ntstatus", "hresult", "msi", "wusa", "dism", "win32")


@dataclass(frozen=True, slots=True)
class CodeRow:
    scope: str
    system: str
    code: str
    name: str
    meaning: str
    remedy: str
    severity: str
    source: str
    confidence: str


@cache
def _table(name: str) -> tuple[CodeRow, ...]:
    known = [field.name for field in fields(CodeRow)]
    found = []
    for row in rows(f"exit_codes/{name}"):
        if list(row) != known:
            raise DataError(f"exit_codes/{name}.tsv has the columns {list(row)}, not {known}")
        if not row["meaning"].startswith(_OF_STATUS_FILE):
            found.append(CodeRow(**row))
    return tuple(found)


def forms(code: int) -> frozenset[str]:
    """One number as tables write it: signed, unsigned, and as hexadecimal of 32 bits."""
    unsigned = code & 0xFFFFFFFF
    signed = unsigned - (1 << 32) if unsigned >= 1 << 31 else unsigned
    return frozenset({str(signed), str(unsigned), f"0x{unsigned:08X}", f"0x{unsigned:08x}", f"0x{unsigned:X}"})


def of_extension(extension: str, system: System, code: int) -> tuple[CodeRow, ...]:
    """What the extension's own handler means by the code; several rows where one code means several things."""
    return _matching(_table("handlers"), (extension,), system, code)


def of_shell(code: int) -> tuple[CodeRow, ...]:
    """What a POSIX shell means by the code; only those beyond a script's own choice."""
    return _matching(_table("tools"), ("shell",), "linux", code) if code >= 124 else ()


def of_windows(code: int) -> tuple[CodeRow, ...]:
    """NTSTATUS, HRESULT, installer and Win32 names of a code, the most specific family first."""
    found = _matching(_table("windows"), _WINDOWS_FAMILIES, "windows", code)
    wide = (code & 0xFFFFFFFF) > 0xFFFF
    return tuple(
        row
        for family in _WINDOWS_FAMILIES
        for row in found
        if row.scope == family and (wide or family not in ("ntstatus", "hresult"))
    )


def of_tool(tool: str, code: int) -> tuple[CodeRow, ...]:
    """What a well-known command means by the code."""
    return _matching(_table("tools"), (tool,), "linux", code)


def _matching(table: Iterable[CodeRow], scopes: Iterable[str], system: System, code: int) -> tuple[CodeRow, ...]:
    wanted, numbers = set(scopes), forms(code)
    return tuple(
        row for row in table if row.scope in wanted and row.system in (system, "any", "both") and row.code in numbers
    )
