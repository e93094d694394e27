"""``vmext diagnose``: what today's rules say of old bundles."""

from __future__ import annotations

from pathlib import Path

import click

from collector.cli import EXIT_CODES
from collector.cli.opening import identity_option

SCHEMA = """\b
--format json prints one object:
  {"schema": 1, "rules_of": VERSION, "bundles": [{"bundle", "path",
   "instance", "verdict", "created", "made_by", "same",
   "findings": [{..., "then": {"id", "title", "confidence", "owner",
     "meaning", "remedy"} or null, "changed": [FIELD]}]}],
   "problems": [TEXT]}
  where a finding has the fields of findings.json besides.

"""


@click.command(epilog=f"{SCHEMA}\n{EXIT_CODES}")
@click.argument("bundles", nargs=-1, required=True, metavar="BUNDLE...")
@identity_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(ctx: click.Context, bundles: tuple[str, ...], identity: Path | None, form: str) -> None:
    """Answer from old bundles again, by the rules of today, and say what changed.

    BUNDLE is a bundle, a folder that is searched for *.zip, or a pattern. One bundle is told in full, several are told
    as a table. What was extracted then is what today's rules are applied to: a failure that was not seen then is not
    seen now, and the verdict stays.

    A bundle that can't be read is told on standard error, and the others are answered.
    """
    import json
    from functools import partial

    from collector.bundle.encryption import identities
    from collector.cli.printing import each_readable, exit_code
    from collector.cli.terminal import echo
    from collector.fleet.again.document import document
    from collector.fleet.again.second_look import look_again
    from collector.fleet.again.text import full, table

    problems: list[str] = []
    reads = partial(look_again, identities=identities(identity) if identity else None)
    looks = list(each_readable(bundles, reads, problems))
    if form == "json":
        click.echo(json.dumps(document(looks, problems), indent=1))
    else:
        for row in full(looks[0]) if len(looks) == 1 else table(looks):
            echo(row)
    ctx.exit(exit_code(look.report.verdict for look in looks))
