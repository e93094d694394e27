"""What a number means: an exit code for an extension, a tool, a shell, an installer or Windows itself, and the code
that a status file or the guest agent reports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from collector.data import strict
from collector.data.version_range import holds, is_range
from collector.diagnose.named import tool_named as tool_named
from collector.errors import DataError
from collector.model import System

TABLES = ("handlers", "tools", "windows")
#: exit: a process ends with it; told: a message names it where an exit code would stand, and the process ends with
#: another; status: the code field of a status file or of the agent's report; error: a name or number of a service.
KINDS = ("exit", "told", "status", "error")
OPERATIONS = ("Install", "Enable", "Disable", "Update", "Uninstall")
#: Families of Windows codes, the most specific first.
_WINDOWS_FAMILIES = ("ntstatus", "hresult", "msi", "wusa", "dism", "win32")
#: What handlers built on Microsoft's Go library end with where their own table is silent.
_GO_LIBRARY = "azure-extension-platform"
#: A shell reports its own trouble from here on; lower codes are the script's own choice.
_FIRST_OF_SHELL = 124


@dataclass(frozen=True, slots=True)
class CodeRow:
    scope: str  # Publisher.Type, a tool, or a family of Windows codes
    system: str
    code: str  # decimal; empty where an error has only a name
    kind: str
    operation: str  # those that it can come from, with commas; empty: any
    versions: str  # of the extension, such as ">=2.1,<3"; empty: all
    name: str
    meaning: str
    remedy: str
    severity: str
    source: str
    confidence: str

    @property
    def transient(self) -> bool:
        """Whether trying again may be all that it takes."""
        return self.severity == "transient"


@cache
def table(name: str, scopes: frozenset[str] | None = None) -> tuple[CodeRow, ...]:
    """The rows of some scopes, in lower case, or all. Raises DataError naming the line that is wrong."""
    seen: dict[object, str] = {}
    found = []
    filled = ("scope", "meaning", "remedy", "source")
    for place, row in strict.load(f"exit_codes/{name}", CodeRow, scopes=scopes, words={"kind": KINDS}, filled=filled):
        strict.once(place, seen, row.scope.lower(), row.system, row.code, row.kind, row.name, row.meaning)
        _check(place, name, row)
        found.append(row)
    return tuple(found)


def _check(place: str, name: str, row: CodeRow) -> None:
    """What no list of words can say; a row that can never be chosen is wrong too."""
    if not (row.code or row.kind == "error") or (row.code and not re.fullmatch(r"-?\d+", row.code)):
        raise DataError(f"{place}: the code {row.code!r} is no decimal number")
    if row.kind == "error" and not row.name:
        raise DataError(f"{place}: an error needs a name")
    if row.code and not -(1 << 31) <= int(row.code) < 1 << 32:
        raise DataError(f"{place}: no process can end with {row.code}")
    if not is_range(row.versions):
        raise DataError(f"{place}: {row.versions!r} is no range of versions")
    if row.operation and (unknown := set(row.operation.split(",")) - set(OPERATIONS)):
        raise DataError(f"{place}: unknown operation {', '.join(sorted(unknown))}")
    if name == "windows" and (row.system != "windows" or row.kind != "exit"):
        raise DataError(f"{place}: a Windows code is an exit code on windows")


def forms(code: int) -> frozenset[str]:
    """One number as tables and people write it: signed, unsigned, and as hexadecimal of 32 bits."""
    unsigned = code & 0xFFFFFFFF
    signed = unsigned - (1 << 32) if unsigned >= 1 << 31 else unsigned
    return frozenset({str(signed), str(unsigned), f"0x{unsigned:08X}", f"0x{unsigned:08x}", f"0x{unsigned:X}"})


def of_extension(
    extension: str, system: System, code: int, version: str | None = None, operation: str | None = None
) -> tuple[CodeRow, ...]:
    """What the extension's own handler means by an exit code; several rows where one code means several things.

    Rows for this version and operation go first; rows for others are left out. What tells of success is no
    failure's meaning and left out too.
    """
    own = _of(_scoped("handlers", extension, system), ("exit", "told"))
    found = [row for row in own if row.code in forms(code)]
    if not found and system == "linux" and 0 <= code <= 255:
        found = [row for row in own if row.kind == "exit" and _folded(int(row.code)) == code]
    return _fitting(found, version, operation)


def of_status(extension: str, code: int, version: str | None = None) -> tuple[CodeRow, ...]:
    """What the code field of the extension's status file means, success too; ``guest-agent`` asks for the agent's."""
    own = _of(_scoped("handlers", extension, None) or _scoped("tools", extension, None), ("status",))
    shared = _of(_scoped("tools", _GO_LIBRARY, None), ("status",))
    found = [row for row in (*own, *shared) if row.code in forms(code)]
    return tuple(row for row in found if version is None or holds(row.versions, version))


def of_shell(code: int) -> tuple[CodeRow, ...]:
    """What a POSIX shell means by the code; only those beyond a script's own choice."""
    return of_tool("shell", code, "linux") if code >= _FIRST_OF_SHELL else ()


def of_tool(tool: str, code: int, system: System | None = None) -> tuple[CodeRow, ...]:
    """What a well-known command, or Windows when it is asked for one thing, means by its exit code."""
    rows = (*_scoped("tools", tool, system), *_scoped("windows", tool, system))
    return _fitting([row for row in _of(rows, ("exit",)) if row.code in forms(code)])


def of_windows(code: int) -> tuple[CodeRow, ...]:
    """NTSTATUS, HRESULT, installer and Win32 names of a code, the most specific family first.

    Where no row has the number itself, the Win32 error wrapped into an HRESULT or NTSTATUS is looked for, or the
    NTSTATUS wrapped into an HRESULT.
    """
    rows = table("windows", frozenset(_WINDOWS_FAMILIES))
    wide = (code & 0xFFFFFFFF) > 0xFFFF
    families = [one for one in _WINDOWS_FAMILIES if wide or one not in ("ntstatus", "hresult")]
    found = _of_families(rows, code, families)
    if not found and (inner := _unwrapped(code)) is not None:
        found = _of_families(rows, inner, ["ntstatus"] if inner > 0xFFFF else ["msi", "win32"])
    return _fitting(found)


def _of_families(rows: Iterable[CodeRow], code: int, families: Iterable[str]) -> list[CodeRow]:
    found = [row for row in rows if row.code in forms(code)]
    return [row for family in families for row in found if row.scope == family]


def errors_of(scope: str) -> tuple[CodeRow, ...]:
    """The errors that an extension, the guest agent or ``arm`` tells by name or number, which are no exit codes."""
    return _of((*_scoped("handlers", scope, None), *_scoped("tools", scope, None)), ("error",))


def _scoped(name: str, scope: str, system: System | None) -> tuple[CodeRow, ...]:
    """Only this scope's rows are ever split and kept. Azure does not tell upper from lower case in names."""
    rows = table(name, frozenset({scope.lower()}))
    return tuple(row for row in rows if system is None or row.system in (system, "any"))


def _of(rows: Iterable[CodeRow], kinds: Iterable[str]) -> tuple[CodeRow, ...]:
    wanted = set(kinds)
    return tuple(row for row in rows if row.kind in wanted)


def _folded(code: int) -> int:
    """What Linux keeps of a number given to exit(): its last eight bits."""
    return code & 0xFF


def _unwrapped(code: int) -> int | None:
    """The error inside a wrapped one: HRESULT_FROM_WIN32, NTSTATUS_FROM_WIN32, HRESULT_FROM_NT."""
    unsigned = code & 0xFFFFFFFF
    if unsigned >> 16 in (0x8007, 0xC007):
        return unsigned & 0xFFFF
    return unsigned & ~0x10000000 if unsigned >> 28 == 0xD else None


def _fitting(rows: Iterable[CodeRow], version: str | None = None, operation: str | None = None) -> tuple[CodeRow, ...]:
    """Rows that tell of no success and of no other version or operation, the more specific first."""
    fits = [
        row
        for row in rows
        if row.severity != "info"
        and (version is None or holds(row.versions, version))
        and (operation is None or not row.operation or operation in row.operation.split(","))
    ]

    def told(row: CodeRow) -> int:
        """How much of what is known of the run the row names, version before operation."""
        return 2 * bool(version and row.versions) + bool(operation and row.operation)

    return tuple(sorted(fits, key=told, reverse=True))
