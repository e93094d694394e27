"""Builds the deb and the rpm out of a tree that holds the whole program. scripts/build-packages calls it."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import click

import checkout
import contents
import deb
import rpm
import sbom
import wheels
from about import About
from collector import __version__

_BUILDERS = {"deb": deb.build, "rpm": rpm.build}


@click.command()
@click.option("--arch", type=click.Choice(["x86_64", "aarch64"]), required=True)
@click.option("--tree", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--format", "formats", type=click.Choice(list(_BUILDERS)), multiple=True, default=list(_BUILDERS))
@click.option("--version", default=__version__)
@click.option("--level", type=click.IntRange(0, 9), default=9)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
def main(arch: str, tree: Path, formats: tuple[str, ...], version: str, level: int, out: Path) -> None:
    """Prints the path of each package that was built, and of its bill of materials."""
    out.mkdir(parents=True, exist_ok=True)
    about = About(arch, checkout.commit_time(), version, level)
    parts = [*contents.parts_of_interpreter(), *(wheel.part for wheel in wheels.fetch(f"linux-{arch}"))]
    for name in formats:
        with tempfile.TemporaryDirectory(prefix="vmext-package-") as work:
            try:
                package = _BUILDERS[name](tree.resolve(), Path(work), out.resolve(), about)
                click.echo(package)
                click.echo(sbom.write(package, version, parts, about.epoch))
            except (OSError, subprocess.CalledProcessError) as error:
                raise click.ClickException(f"the {name} can't be built: {error}") from error


if __name__ == "__main__":
    main()
