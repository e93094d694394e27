"""``vmext endpoint expected``: which instances a scale set should have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.cli.endpoint import Given


@click.command(no_args_is_help=True, short_help="Take in the list of a set's instances.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("-g", "--resource-group", metavar="GROUP", help="Resource group, where the file does not tell it.")
@click.option("-n", "--name", metavar="SET", help="Scale set, where the file does not tell it or tells of several.")
@click.option("--scale-set", metavar="ID", help="The scale set's id in this endpoint, as its page's address has it.")
@click.pass_obj
def command(given: Given, file: Path, resource_group: str | None, name: str | None, scale_set: str | None) -> None:
    """Take in the list of a scale set's instances, so that silent ones show.

    FILE (or - for standard input) is what az printed, as JSON: az vmss list-instances, or az vm list for a flexible
    set. It takes the place of the list before.
    """
    settings = given.settings()
    from collector.cli.fleet.asking import place_of, text_of
    from collector.endpoint.database.engine import Database
    from collector.endpoint.database.migrate import migrate
    from collector.endpoint.reading.bundles import now
    from collector.endpoint.reading.expected import parsed, take

    database = Database(settings.database_url)
    try:
        migrate(database)
        found = parsed(text_of(file), name=name, group=resource_group)
        taken = take(database, found, by="command line", now=now(), within=None, scale_set=scale_set)
    except ConfigError as error:
        raise ConfigError(f"{place_of(file)}: {error}", error.hint) from error
    except OSError as error:
        raise ConfigError(f"the list can't be kept: {error.strerror}", "Give a database that answers.") from error
    finally:
        database.close()
    if taken is None:
        raise ConfigError(f"--scale-set: there is no scale set {scale_set}", "Its page's address ends with the id.")
    click.echo(
        f"{taken.name or 'The scale set'} should have {taken.instances} instances: /scale-sets/{taken.scale_set}"
    )
    for problem in taken.problems:
        click.echo(f"  {problem}")
