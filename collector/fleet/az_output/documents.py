"""Text as people save it to JSON documents: marks, colours, warnings and several answers in one file."""

from __future__ import annotations

import json
import re
from typing import Any

from collector.errors import ConfigError

#: Colours and other sequences that steer a terminal (`az --output jsonc`).
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
#: A document begins a line; `[` of a log line such as "[Warning] ..." does not.
_BEGIN = re.compile(r"^[ \t]*(?=\{[ \t]*(?:\"|\}|$)|\[[ \t]*(?:[\[{\]\"]|$))", re.MULTILINE)
_RULE = re.compile(r"^-{3,}(?:[ \t]+-{3,})*[ \t]*$", re.MULTILINE)  # below the head of a table
_HINT = "Save the command's output with: -o json > FILE (and without 2>&1, so that warnings stay out of it)."


def documents(text: str) -> tuple[Any, ...]:
    """Every JSON document in the text. Raises `ConfigError` where there is none, or where one is broken."""
    text = _ESCAPES.sub("", text).lstrip("\ufeff").replace("\0", "")
    if not text.strip():
        raise ConfigError("it is empty", _HINT)
    try:
        return (json.loads(text),)
    except json.JSONDecodeError:
        return _among_other_lines(text)
    except (RecursionError, ValueError) as error:
        raise _strange(error) from error


def _among_other_lines(text: str) -> tuple[Any, ...]:
    """What az wrote to standard error may stand around the documents, and there may be several."""
    found: list[Any] = []
    decoder = json.JSONDecoder()
    place = 0
    while begin := _BEGIN.search(text, place):
        try:
            value, place = decoder.raw_decode(text, begin.end())
        except json.JSONDecodeError as error:
            raise _broken(text, error) from error
        except (RecursionError, ValueError) as error:
            raise _strange(error) from error
        found.append(value)
    if not found:
        raise _no_json(text)
    return tuple(found)


def _strange(error: Exception) -> ConfigError:
    """Nested a thousand deep, or a number of thousands of digits: never az."""
    what = "is nested too deeply" if isinstance(error, RecursionError) else "holds a number that is too long"
    return ConfigError(f"its JSON {what}", _HINT)


def _broken(text: str, error: json.JSONDecodeError) -> ConfigError:
    where = f"line {error.lineno}, column {error.colno}"
    if not text[error.pos :].strip() or error.msg.startswith("Unterminated string"):
        return ConfigError(
            f"its JSON ends in the middle, at {where}: it was cut off",
            "Run the command again and save the whole output; copying from a terminal loses lines.",
        )
    return ConfigError(f"its JSON is broken at {where}: {error.msg}", _HINT)


def _no_json(text: str) -> ConfigError:
    """Says which of the other outputs of `az` it looks like."""
    lines = [line for line in text.splitlines() if line.strip()]
    if _RULE.search(text):
        what = "the output of -o table"
    elif any(line.startswith(("ERROR:", "(")) and len(lines) < 12 for line in lines):
        return ConfigError("it holds an error message of az, no JSON", f"Explain it with: vmext explain FILE. {_HINT}")
    elif re.search(r"^(?:- )?\w+:(?: |$)", text, re.MULTILINE) and not any("\t" in line for line in lines):
        what = "the output of -o yaml"
    elif any("\t" in line for line in lines):
        what = "the output of -o tsv"
    else:
        what = "no output of az"
    return ConfigError(f"it is no JSON; it looks like {what}", _HINT)
