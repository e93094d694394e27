"""``vmext endpoint token``: tokens of senders, readers and administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from collector.cli.endpoint.opened import opened, show_rows, whoever
from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.cli.endpoint import Given
    from collector.endpoint.access.tokens import Token


@click.group("token")
def group() -> None:
    """Make, list and revoke tokens."""


@group.command(short_help="Make a token and print it, this once.")
@click.option("--name", required=True, metavar="NAME", help="What it is for; told in lists and in the record.")
@click.option(
    "--scope", required=True, type=click.Choice(["upload", "read", "admin"]), help="upload sends, and sees nothing."
)
@click.option(
    "--scale-set", metavar="[SUBSCRIPTION/]GROUP/NAME", help="Sends for and sees only this one; else every one."
)
@click.option("--days", type=float, default=90, show_default=True, metavar="N", help="How long it lasts.")
@click.pass_obj
def create(given: Given, name: str, scope: str, scale_set: str | None, days: float) -> None:
    """Make a token and print it, this once: only its hash is kept."""
    with opened(given) as database:
        from collector.endpoint.access.tokens import Tokens

        token, secret = Tokens(database).create(name, scope, scale_set=scale_set, days=days, by=whoever())
    click.echo(secret)
    reach = token.scale_set or "every scale set"
    click.echo(f"Token {token.id} ({scope}, {reach}) lasts until {token.expires:%Y-%m-%d %H:%M} UTC.", err=True)


@group.command("list", short_help="All tokens, newest first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def listing(given: Given, as_json: bool) -> None:
    """All tokens, newest first, with their last use; never the tokens themselves."""
    with opened(given) as database:
        from collector.endpoint.access.audit import now
        from collector.endpoint.access.tokens import Tokens

        rows = [_row(token, token.state(now())) for token in Tokens(database).all()]
    show_rows(rows, as_json, "There is no token.")


@group.command(short_help="End a token at once.")
@click.argument("which", metavar="NAME-OR-ID")
@click.pass_obj
def revoke(given: Given, which: str) -> None:
    """End a token at once, and the sessions that were begun with it."""
    with opened(given) as database:
        from collector.endpoint.access.tokens import Tokens

        token = Tokens(database).revoke(which, by=whoever())
    if token is None:
        raise ConfigError(f"there is no good token {which[:64]!r}", "vmext endpoint token list tells which there are.")
    click.echo(f"Token {token.id} ({token.name}) is revoked. Running endpoints know of it within 5 seconds.")


def _row(token: Token, state: str) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "state": state,
        "scope": token.scope,
        "scale_set": token.scale_set,
        "created": token.created,
        "created_by": token.created_by,
        "expires": token.expires,
        "last_used": token.last_used,
    }
