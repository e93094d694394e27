"""``vmext verify``: is a bundle whole, and is it what it says it is?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from collector.bundle.console import harmless
from collector.bundle.encryption import identities
from collector.bundle.verifying import Verified, verify
from collector.bundle.words import plural
from collector.cli.opening import identity_option
from collector.cli.printing import echo
from collector.errors import HEALTHY, NOT_GENUINE


@click.command()
@click.argument("bundles", metavar="BUNDLE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@identity_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(ctx: click.Context, bundles: tuple[Path, ...], identity: Path | None, form: str) -> None:
    """Check bundles: bounds, the hash of every member, the id that is made from them, schemas and forms.

    It says that nothing is broken or changed by accident. It is no signature: whoever can write a whole new bundle
    can give it the id that belongs to it.

    \b
    Exit codes: 0 all are what they say they are, 22 at least one is not.
    """
    keys = identities(identity) if identity else None
    results = [verify(bundle, keys) for bundle in bundles]
    if form == "json":
        click.echo(json.dumps(_document(results), indent=1))
    else:
        for result in results:
            for row in _rows(result):
                echo(row)
    ctx.exit(NOT_GENUINE if any(result.problems for result in results) else HEALTHY)


def _rows(result: Verified) -> Iterator[str]:
    path = harmless(str(result.path))
    if result.problems:
        yield click.style(f"WRONG  {path}", fg="red", bold=True)
        yield from (f"       {harmless(problem)}" for problem in result.problems)
        return
    told = f"{plural(result.members, 'member')} and the id fit" if result.opened else "envelope and payload fit"
    sealed = "" if result.opened or not result.encrypted else "; what is in it can only be checked with --identity"
    yield click.style("OK", fg="green", bold=True) + f"     {path}: {_about(result)}{told}{sealed}"


def _about(result: Verified) -> str:
    kind = "encrypted, " if result.encrypted else ""
    return f"{result.id}, {kind}schema {result.schema}, vmext {harmless(str(result.agent_version))}: "


def _document(results: Sequence[Verified]) -> dict[str, Any]:
    rows = [{"ok": not one.problems, **asdict(one), "path": str(one.path)} for one in results]
    return {"schema": 1, "ok": all(row["ok"] for row in rows), "bundles": rows}
