"""``vmext endpoint``: the central endpoint and its review pages."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from collector.cli.endpoint import account, audit, expected, retention, token
from collector.cli.endpoint.access_options import access_options
from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.endpoint.settings import Settings


class Given:
    """What was told to `vmext endpoint` before the name of a subcommand."""

    def __init__(self, data: Path | None, access: Mapping[str, Any], **options: Any) -> None:
        self._data, self._access = data, access
        self._options = options

    def settings(self) -> Settings:
        """Raises ConfigError where the endpoint's libraries are missing, or no folder was given."""
        try:
            import alembic  # noqa: F401
            import fastapi  # noqa: F401
            import uvicorn  # noqa: F401
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"the endpoint needs {error.name}, which is not installed",
                "In a checkout, with Python 3.10 or later: pip install '.[endpoint]'. Packages for instances lack it.",
            ) from error
        from collector.endpoint.access.settings import access_settings
        from collector.endpoint.settings import Settings

        if self._data is None:
            raise ConfigError("--data is missing", "Give a folder for the bundles, the index and the first token.")
        return Settings(self._data.absolute(), access=access_settings(self._access), **self._options)


@click.group(invoke_without_command=True)
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Bundles, index and the first token.")
@click.option(
    "--listen",
    default="127.0.0.1:8765",
    show_default=True,
    metavar="HOST:PORT",
    help="Port 0 takes a free one.",
)
@click.option(
    "--database",
    envvar="VMEXT_DATABASE",
    metavar="URL",
    help="The index: postgresql://USER@HOST/NAME; by default SQLite in DIR.",
)
@click.option("--workers", type=click.IntRange(0, 64), default=1, show_default=True, help="Processes that serve.")
@click.option("--indexers", type=click.IntRange(0, 64), default=1, show_default=True, help="Processes that index.")
@click.option("--one-process", is_flag=True, help="Serve and index in one process: half the memory, for small sites.")
@click.option(
    "--backlog",
    type=click.IntRange(1, 65_535),
    default=2048,
    show_default=True,
    help="Connections that wait for their turn.",
)
@click.option(
    "--store",
    envvar="VMEXT_STORE",
    metavar="URL",
    help="The bundles: az://CONTAINER[/FOLDER], s3://BUCKET[/FOLDER] or file:///FOLDER; by default in DIR.",
)
@click.option(
    "--watch-store",
    "watch",
    multiple=True,
    metavar="URL",
    help="Also show bundles that instances put there themselves; as --store. May be given again.",
)
@click.option("--grants", is_flag=True, help="Let agents put large bundles into the store themselves.")
@click.option(
    "--otlp-endpoint",
    envvar="VMEXT_OTLP_ENDPOINT",
    metavar="URL",
    help="Send findings as logs there, by OTLP/HTTP; OTEL_EXPORTER_OTLP_HEADERS is sent along.",
)
@access_options
@click.pass_context
def command(
    context: click.Context,
    /,
    data: Path | None,
    listen: str,
    database: str | None,
    workers: int,
    indexers: int,
    one_process: bool,
    backlog: int,
    store: str | None,
    watch: tuple[str, ...],
    grants: bool,
    otlp_endpoint: str | None,
    **access: Any,
) -> None:
    """Take bundles, store and index them, and show them.

    Binds to loopback unless told otherwise. The first token lies in DIR/admin.token.
    """
    if one_process and not (workers == indexers == 1):
        raise ConfigError("--one-process leaves no other processes", "Leave out --workers and --indexers, or this.")
    context.obj = Given(
        data,
        access,
        database=database,
        workers=1 if one_process else workers,
        indexers=None if one_process else indexers,
        backlog=backlog,
        store=store,
        watch=watch,
        grants=grants,
        otlp_endpoint=otlp_endpoint,
        otlp_headers=os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", ""),
    )
    if context.invoked_subcommand is None:
        from collector.cli.endpoint.serving import serve

        serve(context.obj.settings(), listen)
    elif data is not None:
        from collector.platforms.handing_over import hand_over

        context.call_on_close(lambda: hand_over(data))


@command.command(short_help="Bring the index to this version's schema.")
@click.pass_obj
def migrate(given: Given) -> None:
    """Bring the index to this version's schema, and end."""
    settings = given.settings()
    from collector.endpoint.database.engine import OF_THE_INDEX, Database
    from collector.endpoint.database.migrate import migrate as upgrade

    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        before, after = upgrade(Database(settings.database_url))
    except OSError as error:
        reason = (error.strerror or str(error)).removeprefix(OF_THE_INDEX)
        raise ConfigError(
            f"the index can't be upgraded: {reason}", "Give a database that answers and may be written."
        ) from error
    click.echo(f"The index has schema {after}." if before == after else f"The index has schema {after} now.")


@command.command(short_help="Index what lies in the store.")
@click.pass_obj
def reindex(given: Given) -> None:
    """Go through the whole store, and put into the index what is not there.

    Needed where the index was lost, or bundles were copied into the store. Removes what is left of uploads that
    nobody ended, too.
    """
    from collector.cli.endpoint.reindexing import reindex as run

    run(given.settings())


command.add_command(token.group)
command.add_command(account.group)
command.add_command(audit.command)
command.add_command(retention.command)
command.add_command(expected.command, "expected")
