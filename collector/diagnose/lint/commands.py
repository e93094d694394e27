"""The commands that extensions and Run Commands will run, taken apart. Pure."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from collector.diagnose.lint.values import UNKNOWN, Extension, Machine, Place, RunCommand
from collector.model import System

#: A single & only with blanks around it: PowerShell has it as an operator, shells in 2>&1.
_PARTS = re.compile(r"\r?\n|;|&&|\s&\s|\|\|")
#: A command that goes on in the next line.
_CONTINUED = re.compile(r"[\\`^]\r?\n")
_ENCODED = re.compile(r"(?i)\s-e(?:nc|ncodedcommand|c)?\s+[\"']?([A-Za-z0-9+/=]{16,})")
_LONGEST = 1_000_000  # characters of a packed script
_MOST = 5_000  # commands of a script


@dataclass(frozen=True, slots=True)
class Command:
    """A command line or a script, as the single commands it consists of."""

    parts: tuple[str, ...]
    place: Place
    extension: str
    system: System | None
    asynchronous: bool = False


def commands_of(machine: Machine) -> Iterator[Command]:
    for extension in machine.extensions:
        yield from _of_extension(extension, machine.system)
    for run in machine.commands:
        yield from _of_run(run, machine.system)


def _of_extension(extension: Extension, system: System | None) -> Iterator[Command]:
    name = extension.name or extension.handler
    keys = ("commandToExecute", "script") if extension.family in ("custom-script", "run-command") else ()
    for section, values in (("settings", extension.public), ("protectedSettings", extension.protected)):
        for key in keys:
            value = (values or {}).get(key)
            if isinstance(value, list):  # Run Command's lines
                value = "\n".join(line for line in value if isinstance(line, str))
            if not isinstance(value, str):
                continue
            packed = key == "script" and extension.family == "custom-script"
            texts = ([] if packed else [value]) + unpacked(key, value)
            parts = tuple(part for text in texts for part in _split(text))
            yield Command(parts, extension.place(section, key), name, extension.system or system)


def _of_run(run: RunCommand, system: System | None) -> Iterator[Command]:
    source: Any = run.body.get("source")
    script = source.get("script") if isinstance(source, dict) else None
    if isinstance(script, str):
        later = run.body.get("asyncExecution") in (True, UNKNOWN)
        yield Command(tuple(_split(script)), (*run.at, "source", "script"), run.name, system, later)


def _split(text: str) -> list[str]:
    parts = (part.strip() for part in _PARTS.split(_CONTINUED.sub(" ", text)))
    return [part for part in parts if part and not part.startswith(("#", "REM ", "rem ", "::"))][:_MOST]


def unpacked(key: str, text: str) -> list[str]:
    """Scripts inside a text: Custom Script's `script`, and what PowerShell is given as -EncodedCommand."""
    if key == "script":
        inner = _decoded("".join(text.split()), "utf-8")
        return [inner] if inner else []
    found = (_decoded(match[1], "utf-16-le") for match in _ENCODED.finditer(text))
    return [inner for inner in found if inner]


def _decoded(packed: str, encoding: str) -> str | None:
    if len(packed) > _LONGEST:
        return None
    try:
        data = base64.b64decode(packed, validate=True)
        if data[:2] == b"\x1f\x8b":
            data = zlib.decompressobj(wbits=47).decompress(data, _LONGEST)
        return data.decode(encoding)
    except (binascii.Error, ValueError, zlib.error):
        return None
