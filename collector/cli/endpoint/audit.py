"""``vmext endpoint audit``: who did what."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from collector.cli.endpoint.opened import opened, show_rows

if TYPE_CHECKING:
    from collector.cli.endpoint import Given


@click.command("audit", short_help="Tell who did what.")
@click.option("--since", metavar="TIME", help="2026-11-23T10:00Z, or a time ago: 30m, 12h, 7d.")
@click.option("--until", metavar="TIME", help="The same forms.")
@click.option("--who", metavar="TEXT", help="Part of a name.")
@click.option("--action", metavar="NAME", help="open, download, login, token-create ...")
@click.option("--object", "about", metavar="NAME", help="A bundle's id, or the name of a token or account.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=1_000, show_default=True, metavar="N")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def command(
    given: Given,
    since: str | None,
    until: str | None,
    who: str | None,
    action: str | None,
    about: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Who opened and downloaded which bundle, signed in, made and revoked tokens; newest first."""
    now = datetime.now(timezone.utc)
    with opened(given) as database:
        from collector.endpoint.access.audit import acts, moment

        filters = {"who": who or "", "action": action or "", "object": about or ""}
        with database.reading() as connection:
            found = acts(connection, filters, since=moment(since, now), until=moment(until, now), limit=limit)
    names = ("time", "who", "action", "object", "detail", "address")
    show_rows([{name: getattr(row, name) for name in names} for row in found], as_json, "Nothing is recorded.")
