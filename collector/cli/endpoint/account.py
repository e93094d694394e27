"""``vmext endpoint account``: local accounts of people."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from collector.cli.endpoint.opened import opened, show_rows, whoever
from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.cli.endpoint import Given


@click.group("account", short_help="Add, list and remove accounts of people.")
def group() -> None:
    """Add, list and remove accounts of people who read the pages."""


@group.command()
@click.argument("name")
@click.option("--scope", type=click.Choice(["read", "admin"]), default="read", show_default=True)
@click.pass_obj
def add(given: Given, name: str, scope: str) -> None:
    """Add an account. The password is asked for, or read from standard input."""
    with opened(given) as database:
        from collector.endpoint.access.accounts import Accounts

        Accounts(database).add(name, _password(), scope, by=whoever())
    click.echo(f"{name.lower()} can sign in now ({scope}).")


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def listing(given: Given, as_json: bool) -> None:
    """All accounts."""
    with opened(given) as database:
        from collector.endpoint.access.accounts import Accounts
        from collector.endpoint.access.audit import now

        names = ("name", "scope", "created", "created_by", "last_login")
        rows = [
            {name: getattr(account, name) for name in names}
            | {"state": "closed" if account.is_locked(now()) else "open"}
            for account in Accounts(database).all()
        ]
    show_rows(rows, as_json, "There is no account.")


@group.command()
@click.argument("name")
@click.pass_obj
def remove(given: Given, name: str) -> None:
    """Remove an account and end its sessions."""
    with opened(given) as database:
        from collector.endpoint.access.accounts import Accounts

        if not Accounts(database).remove(name, by=whoever()):
            raise _unknown(name)
    click.echo(f"{name.lower()} is removed. Running endpoints know of it within 5 seconds.")


@group.command(short_help="Give an account a new password.")
@click.argument("name")
@click.pass_obj
def password(given: Given, name: str) -> None:
    """Give an account a new password; ends its sessions, and opens it where wrong tries have closed it."""
    with opened(given) as database:
        from collector.endpoint.access.accounts import Accounts

        if not Accounts(database).set_password(name, _password(), by=whoever()):
            raise _unknown(name)
    click.echo(f"{name.lower()} has a new password.")


def _password() -> str:
    """Raises ConfigError where none is given."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    given = sys.stdin.readline(1_024).rstrip("\r\n")
    if not given:
        raise ConfigError("no password was given", "Type it when asked, or give it as a line on standard input.")
    return given


def _unknown(name: str) -> ConfigError:
    return ConfigError(f"there is no account {name[:64]!r}", "vmext endpoint account list tells which there are.")
