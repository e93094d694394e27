"""The key that opens bundles which are encrypted, as an option of every command that reads bundles."""

from __future__ import annotations

from pathlib import Path

import click

identity_option = click.option(
    "--identity",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Private key of age-keygen, for bundles that are encrypted.",
)
