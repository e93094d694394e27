"""Manual pages out of the command line itself: one for each command, and one for the configuration file."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from datetime import datetime, timezone

import click

from collector import __version__
from collector.cli import group
from collector.config.pages import meanings
from collector.config.values import ENVIRONMENT, WATCH

NAME = "vmext"
CONFIG_PAGE = "vmext.toml.5"
#: Letters that mean something else to roff, the backslash first (groff_char(7)).
_WRITTEN = {"\\": "\\e", "-": "\\-", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}
_EXIT_CODES = "Exit codes:"
_FILES = (
    ("/etc/vmext/config.toml", "settings, see vmext.toml(5)"),
    ("/etc/vmext/sources.d/*.toml", "more places of logs"),
    ("/var/lib/vmext", "bundles that wait to be sent, kept lines, the resident agent's own log, the redaction key"),
)


def pages(epoch: int) -> dict[str, str]:
    """File name and text (roff) of each page. `epoch`: date of the pages, seconds since 1970 UTC."""
    date = f"{datetime.fromtimestamp(epoch, timezone.utc):%Y-%m-%d}"
    root = click.Context(group, info_name=NAME)
    found = dict(_of_command(root, date))
    found[CONFIG_PAGE] = _config_page(date)
    return found


def _of_command(context: click.Context, date: str) -> Iterator[tuple[str, str]]:
    name = context.command_path.replace(" ", "-")
    inner = list(_inner(context))
    yield f"{name}.1", _page(context, name, inner, date)
    for one in inner:
        yield from _of_command(one, date)


def _inner(context: click.Context) -> Iterator[click.Context]:
    command = context.command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                yield click.Context(found, info_name=name, parent=context, **found.context_settings)


def _page(context: click.Context, name: str, inner: list[click.Context], date: str) -> str:
    command = context.command
    lines = [_title(name, 1, date), ".SH NAME", f"{_plain(name)} \\- {_plain(_short(command))}", ".SH SYNOPSIS"]
    usage = " ".join(_plain(piece) for piece in command.collect_usage_pieces(context))
    lines.append(f"\\fB{_plain(context.command_path)}\\fR {usage}")
    if command.help:
        lines += [".SH DESCRIPTION", *_paragraphs(command.help)]
    given = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    options = [record for one in given if (record := one.get_help_record(context))]
    if options:
        lines.append(".SH OPTIONS")
        for switches, meaning in options:
            lines += [".TP", f"\\fB{_plain(switches)}\\fR", _text(meaning)]
    if inner:
        lines.append(".SH COMMANDS")
        for one in inner:
            page = one.command_path.replace(" ", "-")
            lines += [".TP", f"\\fB{_plain(page)}\\fR(1)", _text(_short(one.command))]
    if command.epilog:
        notes = [] if command.epilog.strip("\b\n ").startswith(_EXIT_CODES) else [".SH NOTES"]
        lines += [*notes, *_paragraphs(command.epilog)]
    lines.append(".SH FILES")
    for file, meaning in _FILES:
        lines += [".TP", f"\\fI{_plain(file)}\\fR", _text(meaning)]
    above = [context.parent.command_path.replace(" ", "-")] if context.parent else []
    others = [*(f"{one}(1)" for one in above), f"{CONFIG_PAGE[:-2]}(5)"]
    lines += [".SH SEE ALSO", ", ".join(f"\\fB{_plain(other[:-3])}\\fR{other[-3:]}" for other in others)]
    return "\n".join(lines) + "\n"


def _config_page(date: str) -> str:
    lines = [
        *(_title(CONFIG_PAGE[:-2], 5, date), ".SH NAME", f"{CONFIG_PAGE[:-2]} \\- configuration of vmext"),
        *(".SH SYNOPSIS", "\\fI/etc/vmext/config.toml\\fR", ".SH DESCRIPTION"),
        _text("TOML in UTF-8. Everything is optional. Flags win over environment variables, these over the file."),
        _text("vmext config check finds mistakes, vmext config example prints a file with every setting."),
        ".SH GENERAL SETTINGS",
        _text("They stand at the top of the file, above every table."),
    ]
    variables = {setting: variable for variable, setting in ENVIRONMENT.items()}
    in_watch = False
    for row in meanings():
        table, _, key = row.name.rpartition(".")
        if table and not in_watch:
            in_watch = True
            lines += [".SH SETTINGS OF THE RESIDENT AGENT", _text(f"They stand in the table [{WATCH}].")]
        variable = f" ({_plain(variables[row.name])})" if row.name in variables else ""
        lines += [".TP", f"\\fB{_plain(key)}\\fR{variable}", _text(f"{row.meaning[:1].upper()}{row.meaning[1:]}.")]
    lines += [".SH SEE ALSO", "\\fBvmext\\fR(1), \\fBvmext\\-config\\fR(1), \\fBvmext\\-watch\\fR(1)"]
    return "\n".join(lines) + "\n"


def _title(name: str, section: int, date: str) -> str:
    return f'.TH "{_plain(name.upper())}" "{section}" "{date}" "vmext {__version__}" "vmext"'


def _short(command: click.Command) -> str:
    text = command.get_short_help_str(limit=10_000).rstrip(".")
    return re.split(r"(?<=[.:;])\s", text)[0].rstrip(".:;")


def _paragraphs(text: str) -> Iterator[str]:
    """Click's help and epilogs: of paragraphs that begin with \\b the lines are kept; one that is headed "Exit codes:"
    gets a section."""
    for number, paragraph in enumerate(re.split(r"\n\s*\n", inspect.cleandoc(text))):
        lines = paragraph.strip("\b\n").split("\n")
        if lines[0] == _EXIT_CODES:
            yield f".SH {_EXIT_CODES[:-1].upper()}"
            del lines[0]
        elif number:
            yield ".PP"
        if "\b" in paragraph:
            yield from (".nf", *(_text(line, joined=False) for line in lines), ".fi")
        else:
            yield _text(paragraph)


def _text(text: str, *, joined: bool = True) -> str:
    """A line of text in which nothing is taken for a request."""
    plain = _plain(" ".join(text.split()) if joined else text)
    return f"\\&{plain}" if plain[:1] in (".", "'") else plain


def _plain(text: str) -> str:
    for letter, written in _WRITTEN.items():
        text = text.replace(letter, written)
    return text
