"""``vmext show``: a bundle in the terminal."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from collector.bundle import words
from collector.bundle.console import harmless
from collector.bundle.encryption import identities
from collector.bundle.reader import Bundle, open_bundle
from collector.cli.opening import identity_option
from collector.cli.printing import echo
from collector.cli.show_text import core_in, given, show_findings
from collector.errors import BundleError, ConfigError
from collector.model import Excerpt, System

#: Lines shown around a failing line, and of one source.
_AROUND, _MOST_LINES = 3, 60
_WIDEST = 400  # characters of a line


@click.command()
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print findings.json.")
@identity_option
@click.option("-m", "--member", metavar="MEMBER", help="Print one member, such as excerpts/var/log/waagent.log.txt.")
def command(bundle: Path, as_json: bool, identity: Path | None, member: str | None) -> None:
    """Print what is in a bundle: the verdict, the findings, the failing lines, what was read.

    The bundle is checked first: its bounds, and the hash of every member.

    BUNDLE may also be a text (- reads standard input): what vmext collect --inline printed, as Run Command, az, the
    portal or a ticket shows it, or all parts of vmext collect --part.
    """
    if as_json and member:
        raise click.UsageError("--json and --member can't be given together; findings.json is a member as well.")
    one = given(bundle)
    try:
        file = one.bundle or core_in(one.text)
        if file is None:
            if member:
                raise click.UsageError("--member is for bundles; this is a text.")
            show_findings(one, as_json=as_json)
            return
        opened = open_bundle(file, identities=identities(identity) if identity else None)
        if as_json:
            click.echo(json.dumps(opened.findings_document, indent=1))
        elif member:
            _print_member(opened.text(member))
        else:
            for line in _lines(opened):
                echo(line)
    except BundleError as error:
        hint = error.hint or "Fetch the bundle again, or collect once more."
        raise ConfigError(f"{one.place}: {error}", hint) from error


def _lines(bundle: Bundle) -> Iterator[str]:
    """Everything, in the order a reader asks: what is it, which lines tell it, what was looked at."""
    yield from _summary(bundle)
    marked = [excerpt for excerpt in bundle.excerpts if excerpt.failing]
    if marked:
        yield from ("", click.style("The lines around it", bold=True))
    for excerpt in marked:
        yield from _excerpt(excerpt, bundle.identity.system)
    yield from ("", click.style("What was read", bold=True), *_ledger(bundle))
    yield from ("", click.style("Members", bold=True))
    for member in bundle.manifest["members"]:
        yield f"  {words.size(member['bytes']):>11}  {harmless(member['name'])}"


def _summary(bundle: Bundle) -> Iterator[str]:
    colour = {"failed": "red", "hanging": "yellow", "healthy": "green"}.get(bundle.verdict, "yellow")
    rows = bundle.summary.rstrip("\n").split("\n")
    for number, row in enumerate(rows):
        text = harmless(row)
        ends = number in (0, len(rows) - 1)
        yield click.style(text, fg=colour, bold=True) if ends else click.style(text[:7], bold=True) + text[7:]
    others = bundle.findings[1:]
    if others:
        yield from ("", click.style(f"All {len(bundle.findings)} findings", bold=True))
        yield from (f"  {harmless(_finding(finding))}" for finding in bundle.findings)


def _finding(finding: dict[str, object]) -> str:
    what = words.label(str(finding["extension"]), str(finding["name"]) if finding["name"] else None)
    number = finding["exit_code"]
    ended = f" exit {words.code(number)}" if isinstance(number, int) else ""
    return f"{finding['kind']}: {what}{ended}: {finding.get('title') or finding['message']}"


def _excerpt(excerpt: Excerpt, system: System) -> Iterator[str]:
    """Failing lines and their neighbours; failing ones have a mark and, on a terminal, a colour."""
    near = {number for line in excerpt.failing for number in range(line - _AROUND, line + _AROUND + 1)}
    chosen = [line for line in excerpt.lines if line.number in near][-_MOST_LINES:]
    yield from ("", click.style(harmless(words.native(excerpt.path, system)), underline=True))
    before: int | None = None
    for line in chosen:
        if before is not None and line.number > before + 1:
            yield "       ..."
        before = line.number
        bad = line.number in excerpt.failing
        text = f"{'>' if bad else ' '}{line.number:>6} {harmless(line.text)[:_WIDEST]}"
        yield click.style(text, fg="red") if bad else text


def _ledger(bundle: Bundle) -> Iterator[str]:
    counts = Counter(entry.outcome for entry in bundle.ledger)
    yield "  " + (", ".join(f"{number} {outcome}" for outcome, number in counts.most_common()) or "nothing")
    fine = words.GOOD_OUTCOMES | words.NO_SOURCE
    for entry in bundle.ledger:
        if entry.outcome not in fine:
            note = f" ({entry.note})" if entry.note else ""
            yield f"  {entry.outcome}: {harmless(words.native(entry.path, bundle.identity.system) + note)}"


def _print_member(text: str) -> None:
    """As it is into a file or a pipe, harmless on a terminal."""
    for row in text.removesuffix("\n").split("\n"):
        echo(harmless(row) if sys.stdout.isatty() else row)
