"""``vmext rules``: what the product knows, and where each piece of it is from."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

import click

from collector.cli.printing import echo

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTH, _LABEL = 110, 16


@click.group()
def command() -> None:
    """What vmext knows of causes, codes and messages, and where that is documented."""


@command.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
def list_rules(form: str) -> None:
    """Print every rule with its source; as markdown also the practices, the limits, and how much else is known."""
    from collector.diagnose.rules import rules

    if form == "markdown":
        from collector.cli.rules_page import page

        echo(page())
    elif form == "json":
        echo(json.dumps({"rules": [_plain(rule) for rule in rules()]}, indent=1, ensure_ascii=False))
    else:
        longest = max(len(rule.id) for rule in rules())
        for rule in rules():
            echo(f"{click.style(rule.id.ljust(longest), bold=True)}  {rule.title} ({rule.owner})")
            echo(f"{'':{longest}}  {rule.source}")


@command.command("show")
@click.argument("name", metavar="ID")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show_one(name: str, form: str) -> None:
    """Print all that is known under ID.

    ID is that of a rule, a signature, a practice, a time limit or a check of vmext lint, or a code with its scope,
    such as msi:1603, shell:137 or Microsoft.Azure.Monitor.AzureMonitorLinuxAgent:56.
    """
    found = [(kind, _plain(row)) for kind, row in _known_as(name)]
    if not found:
        raise click.UsageError(_not_found(name))
    if form == "json":
        echo(json.dumps([{"is": kind, **row} for kind, row in found], indent=1, ensure_ascii=False))
        return
    for number, (kind, row) in enumerate(found):
        if number:
            echo("")
        for line in _lines(kind, row):
            echo(line)


def _known_as(name: str) -> Iterator[tuple[str, Any]]:
    """Every row of that name; a code may mean several things."""
    wanted = name.lower()
    for kind, rows in _named_rows():
        yield from ((kind, row) for row in rows if row.id.lower() == wanted)
    if ":" in wanted or wanted.startswith("code-"):
        from collector.diagnose.codes import TABLES, table

        for row in (row for name in TABLES for row in table(name) if row.code):
            short = f"code-{row.scope.rpartition('.')[2]}-{row.code}"
            if wanted in (f"{row.scope}:{row.code}".lower(), short.lower()):
                yield "code", row


def _named_rows() -> Iterator[tuple[str, Any]]:
    from collector.data.messages import KINDS, messages
    from collector.data.practices import practices
    from collector.data.time_limits import time_limits
    from collector.diagnose.lint.rules import rules as checks
    from collector.diagnose.rules import rules

    yield "rule", rules()
    yield from (("signature", messages(name)) for name in KINDS)
    yield "practice", practices().values()
    yield "time limit", time_limits()
    yield "check of lint", checks().values()


def _not_found(name: str) -> str:
    from difflib import get_close_matches

    if name.lstrip("-").isdigit():
        return f"a code alone is no id. What it may mean: vmext explain {name}"
    near = get_close_matches(name, [row.id for _, rows in _named_rows() for row in rows], 3)
    return f"nothing is known under {name!r}." + (f" Near it: {', '.join(near)}." if near else "")


def _plain(row: Any) -> dict[str, Any]:
    values = asdict(row) if is_dataclass(row) and not isinstance(row, type) else row._asdict()
    return {
        key: sorted(value) if isinstance(value, frozenset) else list(value) if isinstance(value, tuple) else value
        for key, value in values.items()
    }


def _lines(kind: str, row: dict[str, Any]) -> Iterator[str]:
    """What has a value, each under its name, wrapped so that it can be read."""
    from textwrap import wrap

    yield click.style(f"{kind} {row.get('id') or row['scope'] + ':' + row['code']}", bold=True)
    for key, value in row.items():
        text = ", ".join(value) if isinstance(value, list) else str(value)
        if key == "id" or not text:
            continue
        first, *more = wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
        yield f"  {key.replace('_', ' '):{_LABEL}}{first}"
        yield from (f"  {'':{_LABEL}}{line}" for line in more)
