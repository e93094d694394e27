"""handler.log of Go handlers: go-kit's logfmt, slog's text form of Application Health from 2.0.12, and logrus's, which
puts the time in quotes.

Lines of the shim (``set -x``) and of a crash have no stamp: each run of the shim's lines, and each panic with the
stacks of its goroutines, is one record that inherits its time.
"""

from __future__ import annotations

import re

from collector.parse.heads import Format, Head, Unfinished, level_of
from collector.parse.stamps import Stamp, iso_stamp

_HEAD = re.compile(r'time="?([^\s"]{19,40})"? (.*)', re.DOTALL)
_PAIR = re.compile(r'(?<![^\s])([A-Za-z_]\w{0,60})=("[^"\\]*(?:\\.[^"\\]*)*"?|\S*)', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
#: Azure/custom-script-extension-linux:misc/custom-script-shim
_SHIM = re.compile(r"\++ |Writing a placeholder")
_CRASH = re.compile(r"panic: |fatal error: ")
_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){1,4})(?:[/+-]|$)")
#: An error= of a step that went well (Azure/custom-script-extension-linux).
_HARMLESS_EVENTS = frozenset({"migrate to mrseq"})


def pairs(text: str) -> dict[str, str]:
    """The key=value pairs of a logfmt line, quotes and escapes taken off; of a key given twice, the last."""
    return {key: _unquoted(value) for key, value in _PAIR.findall(text)}


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    inner = value[1:-1] if value.endswith('"') and len(value) > 1 else value[1:]
    return _ESCAPE.sub(_character, inner) if "\\" in inner else inner


def _character(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2]
    if not code:
        return _ESCAPED.get(escape[3], escape[3])
    number = int(code, 16)
    return "\ufffd" if 0xD800 <= number < 0xE000 or not number else chr(number)


def head(text: str) -> Head | None:
    found = _HEAD.match(text)
    stamp = iso_stamp(found[1]) if found else None
    if found is None or stamp is None:
        return _raw_head(text)
    fields = pairs(found[2])
    error = fields.get("error", "")
    error = "" if error in ("null", "<nil>") else error
    event = fields.get("event") or fields.get("msg") or fields.get("message") or ""
    message = ": ".join(part for part in (event, error) if part)
    if not message:
        message = found[2]
    elif fields.get("message") and fields["message"] != event:
        message += f": {fields['message']}"
    sequence = fields.get("seq", "")
    version = _VERSION.match(fields.get("version", ""))
    return Head(
        stamp,
        level_of(fields.get("level", "")) or _level(event, error),
        message,
        version=version[1] if version else None,
        name=fields.get("extensionName") or None,
        operation=fields.get("operation", "").title() or None,
        sequence=int(sequence) if sequence.isdecimal() and len(sequence) < 10 else None,
        fields=fields,
    )


def quick_stamp(text: str) -> Stamp | None:
    found = _HEAD.match(text)
    return iso_stamp(found[1]) if found else None


def _level(event: str, error: str) -> str:
    if event in _HARMLESS_EVENTS:
        return "INFO"
    return "ERROR" if error or event.startswith("failed") or event.endswith("failed") else "INFO"


def _raw_head(text: str) -> Head | None:
    if _CRASH.match(text):
        return Head(None, "ERROR", text)
    return Head(None, "", text) if _SHIM.match(text) else None


def belongs(opened: Unfinished, head: Head, text: str) -> str | None:
    """The shim's lines that follow each other are one record."""
    is_shim = head.stamp is None and not head.level and opened.head.stamp is None and not opened.head.level
    return text if is_shim else None


FORMAT = Format("logfmt", head, belongs=belongs, quick_stamp=quick_stamp)
SLOG = Format("slog", head, belongs=belongs, quick_stamp=quick_stamp)
