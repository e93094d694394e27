"""``vmext compare``: the same failure over many instances, and what differs from the healthy ones."""

from __future__ import annotations

from pathlib import Path

import click

from collector.cli import EXIT_CODES
from collector.cli.opening import identity_option

SCHEMA = """\b
--format json prints one object:
  {"schema": 1, "bundles": N, "scale_sets": [NAME],
   "instances": {"total", "failed", "hanging", "healthy", "nothing_found"},
   "failures": [{"kind", "extension", "operation", "exit_code", "masked",
     "message", "path", "line", "count", "first": {"instance", "time",
     "bundle"}, "instances": [{"name", "id", "scale_set", "bundle", "time"}],
     "names", "causes": [{"id", "title", "owner", "meaning", "remedy",
     "documentation", "count", "confidence": {LEVEL: N}, "possible_on"}],
     "caused_by", "follow_on": [...],
     "differences": {"failed": N, "healthy": N,
       "values": [{"what", "value", "failed", "failed_known", "healthy",
         "healthy_known", "instead", "weak"}],
       "ranges": [{"what", "unit", "failed": [LOW, HIGH], "failed_known",
         "healthy": [LOW, HIGH], "healthy_known", "weak"}],
       "lines": [{"text", "failed", "failed_known", "healthy_known",
         "weak"}], "lines_compared"}}],
   "problems": [TEXT]}

"""


@click.command(epilog=f"{SCHEMA}\n{EXIT_CODES}")
@click.argument("bundles", nargs=-1, required=True, metavar="BUNDLE...")
@identity_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(ctx: click.Context, bundles: tuple[str, ...], identity: Path | None, form: str) -> None:
    """Put the same failures of many bundles together and say what differs from the healthy instances.

    BUNDLE is a bundle, a folder that is searched for *.zip, or a pattern. Failures are the same if extension,
    operation, exit code and message are, where the message may differ in ids, times, addresses, names and the like,
    never in a code. Of several bundles of one instance the newest counts. Warnings are not compared.

    A bundle that can't be read is told on standard error, and the others are compared. Of a bundle only what is
    needed is read and checked; "vmext show" checks all of it.
    """
    import json
    from functools import partial

    from collector.bundle.encryption import identities
    from collector.cli.printing import each_readable, exit_code, tell
    from collector.cli.terminal import echo
    from collector.fleet.compare.bundles import read
    from collector.fleet.compare.comparing import compare
    from collector.fleet.compare.document import document
    from collector.fleet.compare.text import rows

    problems: list[str] = []
    reads = partial(read, identities=identities(identity) if identity else None)
    comparison = compare(list(each_readable(bundles, reads, problems)))
    if form == "json":
        click.echo(json.dumps(document(comparison, problems), indent=1))
    else:
        for note in comparison.notes:
            tell(note)
        for row in rows(comparison):
            echo(row)
    ctx.exit(exit_code(instance.verdict for instance in comparison.instances))
