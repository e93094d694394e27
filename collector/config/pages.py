"""The settings for people: the example file, the tables of the documentation, what is in force."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from collector.config.values import ENVIRONMENT, KINDS, SECRET, WATCH, Config, value_of
from collector.data import strict
from collector.errors import DataError

_WIDTH = 100
_HEAD = """\
# Configuration of vmext: /etc/vmext/config.toml, %ProgramData%\\vmext\\config.toml, or --config FILE.
# Everything is optional. What is commented out shows the default, or a value to show the form.
# Flags win over environment variables, these over this file. `vmext config check` finds mistakes,
# `vmext config show` tells what is in force and where it comes from.
"""
_WATCH_HEAD = f"""
# The resident agent. It reads this file again on SIGHUP (systemctl reload vmext).
[{WATCH}]
"""
_HIDDEN = "(set, not shown)"
#: What is told where a setting has no value.
_DEFAULTS: Mapping[str, str] = {"state_dir": "by system"}


class Meaning(NamedTuple):
    name: str
    sample: str  # a value to show where the default is none
    meaning: str


def meanings() -> tuple[Meaning, ...]:
    """A row for each setting, in the order in which people read them.

    Raises DataError where the table and the settings differ.
    """
    rows = tuple(row for _, row in strict.load("settings", Meaning, filled=("name", "meaning")))
    names = [row.name for row in rows]
    if sorted(names) != sorted(KINDS):
        raise DataError(f"settings.tsv: {', '.join(sorted(set(names) ^ set(KINDS))) or 'a name'} is wrong there")
    return rows


def example() -> str:
    """The commented example file; as it stands it changes nothing."""
    parts = [_HEAD]
    in_watch = False
    for row in meanings():
        table, _, key = row.name.rpartition(".")
        if table and not in_watch:
            parts.append(_WATCH_HEAD)
            in_watch = True
        text = textwrap.wrap(f"{row.meaning[:1].upper()}{row.meaning[1:]}.".replace("`", ""), _WIDTH - 2)
        value = toml_value(_default(row.name)) or toml_value(_sample(row))
        parts.append("\n" + "".join(f"# {line}\n" for line in text) + f"#{key} = {value}\n")
    return "".join(parts)


def page_table(*, watch: bool) -> str:
    """The settings as a table in Markdown."""
    variables = {name: variable for variable, name in ENVIRONMENT.items()}
    lines = ["| setting | variable | default | meaning |", "|---|---|---|---|"]
    for row in meanings():
        table, _, key = row.name.rpartition(".")
        if bool(table) != watch:
            continue
        variable = f"`{variables[row.name]}`" if row.name in variables else ""
        default = toml_value(_default(row.name))
        shown = f"`{default}`" if default else _DEFAULTS.get(row.name, "")
        lines.append(f"| `{key}` | {variable} | {shown} | {row.meaning} |")
    return "\n".join(lines) + "\n"


def in_force(config: Config, origins: Mapping[str, str]) -> Iterator[tuple[str, object, str]]:
    """Full name, value and origin of each setting; None where none is set, secrets masked."""
    for row in meanings():
        value = value_of(config, row.name)
        if row.name in SECRET and value is not None:
            value = _HIDDEN
        if value in ("", ()):
            value = None
        plain = str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
        yield row.name, plain, origins.get(row.name, "default")


def toml_value(value: object) -> str:
    """A value as it is written in the file, "" where there is none."""
    if value is None or value in ("", ()):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}" if value < 1e6 else repr(value)
    if isinstance(value, (tuple, list)):
        return f"[{_joined(value)}]"
    if isinstance(value, (str, Path)):
        # a text of JSON is a basic string of TOML, but for one sign
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", r"\u007f")
    return str(value)


def _joined(values: Iterable[object]) -> str:
    return ", ".join(toml_value(one) for one in values)


def _default(name: str) -> object:
    return None if name == "state_dir" else value_of(Config(state_dir=Path()), name)


def _sample(row: Meaning) -> object:
    """The sample in the setting's type; a form of text where none is given."""
    return (row.sample,) if KINDS[row.name].startswith("tuple") else row.sample or "..."
