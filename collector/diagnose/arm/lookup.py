"""A bare number, or the name of a code, to what it means. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from collector.diagnose import codes
from collector.diagnose.arm.explain import UNEXPLAINED, code_cause, failure_of, finding_of, next_steps, of_causes
from collector.diagnose.arm.names import handlers_of, known, split, system_of, types_of
from collector.diagnose.arm.values import ArmError, Explained, Inner
from collector.diagnose.commands import is_script
from collector.model import Cause, System

_NUMBER = re.compile(
    r"(?:(?:exit|return|error|status)[ _-]?(?:code|status)?[ :=]{0,3})?(?P<number>-?\d{1,10}|0x[0-9a-f]{1,8})h?",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{3,80}")
#: What one process hands over on Linux, and what fits into 32 bits.
_BYTE, _SIGNED, _UNSIGNED = 256, -(1 << 31), 1 << 32
#: The guest agent's own codes that a text tells as a number.
_OF_AGENT = range(1000, 2000)
_OTHER: dict[System, str] = {"linux": "Windows", "windows": "Linux"}
#: So many owners of a code are named.
_MOST = 8
_SUCCESS = (
    "0 means success: what ended with it did not fail. If the platform reports a failure all the same, it was told by "
    "something else: a status file with the state error, a time limit, or another extension."
)
_UNKNOWN = "No table here gives this number a meaning. Where a script ended with it, it is the script's own choice."


def number_in(text: str) -> int | None:
    """The number, if the text is one and nothing else: decimal, signed or not, or hexadecimal."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    digits = found["number"]
    number = int(digits, 16 if digits.lower().startswith("0x") else 10)
    return number if _SIGNED <= number < _UNSIGNED else None


def explain_number(number: int, extension: str, system: System | None) -> Explained:
    """Every meaning of an exit code that can be meant, the likeliest first."""
    likely: System | None = None if 0 <= number < _BYTE else "windows"
    handler = handlers_of(extension, system or likely)[0] if extension else ""
    of = system or (system_of(handler) if handler else None) or ("windows" if _is_wide(number) else None)
    error = ArmError(
        code="", kind="success" if number == 0 else "code", family="", inside="", extension=extension,
        publisher=split(handler)[0], type=split(handler)[1] if "." in handler else "", handler=handler, handler_by="",
        system=of or "linux", inner=Inner("", "", exit_code=number),
    )  # fmt: skip
    if number == 0:
        return Explained(error, "success", _SUCCESS, "Nothing to do for this code.", "", "high", "")
    causes = _causes(error, number, of, system)
    if causes and causes[0].id.startswith("status-") and not handler:
        error = replace(error, inner=Inner("", ""), agent_code=number)
    notes = _notes(error, number, causes, of)
    told = of_causes(error, tuple(causes)) if causes else _unknown(error, extension)
    if len(causes) > 1 and causes[0].confidence == "low":
        told = replace(told, title=f"{len(causes)} possible meanings")
    if types_of(handler):
        error = replace(error, handler="")  # no extension to ask for
    return replace(told, notes=notes, next_steps=next_steps(error)[:1])


def explain_name(word: str, extension: str) -> Explained | None:
    """The code that has this name, such as STATUS_DLL_NOT_FOUND or PluginInstallProcessingFailed."""
    word = word.strip()
    if not _NAME.fullmatch(word):
        return None
    rows = [
        row for table in codes.TABLES for row in codes.table(table) if row.name.split(" ")[0].lower() == word.lower()
    ]
    if not rows:
        return None
    row = rows[0]
    number = int(row.code) if row.code else None
    handler = row.scope if "." in row.scope else ""
    error = ArmError(
        code="", kind="code", family="", inside="", extension=extension, publisher=split(handler)[0],
        type=split(handler)[1], handler=handler, handler_by="",
        system="windows" if row.system == "windows" else "linux",
        inner=Inner("", "", exit_code=number if row.kind in ("exit", "told") else None,
                    status_code=number if row.kind == "status" else None),
    )  # fmt: skip
    distinct = list({one.meaning: one for one in rows}.values())
    causes = [_cause(one, error, several=len(distinct) > 1) for one in distinct[:_MOST]]
    note = f"{word} is {row.code or 'a name'} of {row.scope}."
    return replace(of_causes(error, tuple(causes)), title=word, notes=(note,))


def _is_wide(number: int) -> bool:
    """Whether the number can only be one of 32 bits."""
    return not 0 <= number < 1 << 16


def _causes(error: ArmError, number: int, of: System | None, system: System | None) -> list[Cause]:
    """From the extension's own meaning to those of everything else that can end with the number."""
    own: list[codes.CodeRow] = []
    if error.handler and not is_script(error.handler):
        own = list(codes.of_extension(error.handler, error.system, number))
    rows = [*own]
    if of in (None, "linux") and not own:
        rows += codes.of_shell(number)
    if system == "windows" or (of != "linux" and not 0 <= number < _BYTE):
        rows += codes.of_windows(number)
    meant = list({row.meaning: row for row in rows}.values())
    several = not _is_wide(number) and (len(own) > 1 or len({row.scope for row in meant}) > 1)
    sure = own if len(own) == 1 else []
    # So small a number is any program's own choice, and only by chance an error of Windows.
    by_chance = [row for row in meant if row not in own and row.system == "windows" and 0 <= number < _BYTE]
    causes = [_cause(row, error, several=row in by_chance or (several and row not in sure)) for row in meant]
    if error.handler and not own:
        finding = finding_of(error, failure_of(error))
        known = {cause.meaning for cause in causes}
        said = [cause for cause in finding.causes if cause.id != UNEXPLAINED and cause.meaning not in known]
        causes = [*causes, *said] if any(cause.confidence != "low" for cause in causes) else [*said, *causes]
    status = codes.of_status(error.handler, number) if error.handler else ()
    if number in _OF_AGENT and not own:
        status = (*status, *codes.of_status("guest-agent", number))
    status = tuple({row.name.split(" ")[0]: row for row in reversed(status)}.values())[::-1]
    told = {cause.meaning for cause in causes}
    causes += [replace(_cause(row, error, several=bool(causes) or len(status) > 1), id=f"status-{row.code}")
               for row in status if row.meaning not in told]  # fmt: skip
    return causes if causes or error.handler else _of_tools(error, number, of)


def _of_tools(error: ArmError, number: int, of: System | None) -> list[Cause]:
    """Commands that are known to end with the number: only possible, since nothing says which one ran."""
    rows = _also(("tools",), number, of, kinds=("exit",))
    found = []
    for row in list({row.scope: row for row in rows if row.severity != "info"}.values())[:_MOST]:
        cause = _cause(row, error, several=True)
        found.append(replace(cause, title=f"if {row.scope} ended with it", owner="unknown"))
    return found


def _cause(row: codes.CodeRow, error: ArmError, *, several: bool) -> Cause:
    return code_cause(row, failure_of(error), several=several)


def _also(tables: Iterable[str], number: int, of: System | None, kinds: Sequence[str]) -> list[codes.CodeRow]:
    forms = codes.forms(number)
    rows = (row for table in tables for row in codes.table(table))
    return [
        row for row in rows if row.code in forms and row.kind in kinds and (of is None or row.system in (of, "any"))
    ]


def _notes(error: ArmError, number: int, causes: Sequence[Cause], of: System | None) -> tuple[str, ...]:
    found = []
    if _is_wide(number):
        unsigned = number & 0xFFFFFFFF
        signed = unsigned - _UNSIGNED if unsigned >= -_SIGNED else unsigned
        found.append(f"One number: {signed} signed, {unsigned} unsigned, 0x{unsigned:08X} hexadecimal.")
    if of == "linux" and number >= _BYTE:
        found.append(f"On Linux an exit code has eight bits: {number} arrives as {number % _BYTE}.")
    if len(causes) > 1 and not _is_wide(number):
        found.append("Several meanings: only the text beside the code tells which one holds.")
    if error.handler and error.handler not in known():
        found.append(f"No extension is known as {error.extension}.")
        if types := types_of(error.handler):
            found.append(f"It is the publisher of {', '.join(types)}.")
    elif error.handler and of and system_of(error.handler) not in (None, of):
        found.append(f"{split(error.handler)[1]} is an extension for {_OTHER[of]}.")
    if not error.handler:
        own = sorted({row.scope for row in _also(("handlers",), number, of, kinds=("exit", "told"))})
        if own:
            more = f" and {len(own) - _MOST} more" if len(own) > _MOST else ""
            names = ", ".join(split(scope)[1] for scope in own[:_MOST])
            found.append(f"Of its own it means something for {names}{more}: name the one with --extension.")
    return tuple(found)


def _unknown(error: ArmError, extension: str) -> Explained:
    remedy = "Name the extension (--extension) and the system (--system), or give the whole error text."
    if extension:
        remedy = "Read the output of what ended with it: its last lines name the fault better than the number."
    return Explained(error, "no meaning known", _UNKNOWN, remedy, "", "low", "")
