"""handler.log of Go handlers: go-kit's logfmt, and slog's text form of Application Health from 2.0.12."""

from __future__ import annotations

import re

from collector.parse.heads import Format, Head, level_of
from collector.parse.stamps import iso_stamp

_HEAD = re.compile(r"time=(\S+) (.*)", re.DOTALL)
_PAIR = re.compile(r'([A-Za-z_]\w*)=("(?:[^"\\]|\\.)*"?|\S*)')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_RAW = re.compile(r"^(?:\+ |panic: |goroutine \d+ \[|Writing a placeholder)")
#: An error= of a step that went well (Azure/custom-script-extension-linux).
_HARMLESS_EVENTS = frozenset({"migrate to mrseq"})


def pairs(text: str) -> dict[str, str]:
    """The key=value pairs of a logfmt line, quotes and escapes taken off; of a key given twice, the last."""
    return {key: _unquoted(value) for key, value in _PAIR.findall(text)}


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    inner = value[1:-1] if value.endswith('"') and len(value) > 1 else value[1:]
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), inner)


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
    return Head(
        stamp,
        level_of(fields.get("level", "")) or _level(event, error),
        message,
        name=fields.get("extensionName") or None,
        operation=fields.get("operation", "").title() or None,
        sequence=int(sequence) if sequence.isdigit() else None,
        fields=fields,
    )


def _level(event: str, error: str) -> str:
    if event in _HARMLESS_EVENTS:
        return "INFO"
    return "ERROR" if error or event.startswith("failed") or event.endswith("failed") else "INFO"


def _raw_head(text: str) -> Head | None:
    """Lines of the shim and of a crash have no stamp of their own."""
    if not _RAW.match(text):
        return None
    return Head(None, "ERROR" if text.startswith("panic: ") else "", text, joins=text.startswith("goroutine "))


FORMAT = Format("logfmt", head)
SLOG = Format("slog", head)
