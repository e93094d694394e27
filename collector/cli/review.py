"""``vmext review``: the pages for bundles that lie in a folder or a container, without any endpoint."""

from __future__ import annotations

import hashlib
import socket
import threading
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collector.cli.opening import identity_option
from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.endpoint.parts import Parts
    from collector.endpoint.settings import Settings

#: Seconds between two lines on standard error that tell how far it is.
_TOLD_EVERY = 2.0


@click.command()
@click.argument("place", metavar="URL-OR-FOLDER")
@click.option(
    "--listen", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="Port 0 takes a free one."
)
@click.option("--browser/--no-browser", default=True, help="Open the pages in the browser; they are always told.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="How often to look for new bundles; by default 2 for a folder, 10 for a container.",
)
@identity_option
@click.option(
    "--cache", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Where the indexes are kept."
)
def command(
    place: str, listen: str, browser: bool, every: float | None, identity: Path | None, cache: Path | None
) -> None:
    """Read the bundles in a folder or a container, as pages in the browser.

    URL-OR-FOLDER is where instances deliver to: a folder, a container's SAS URL, az://CONTAINER[/FOLDER] or
    s3://BUCKET[/FOLDER]; credentials of the latter come from the environment (AZURE_STORAGE_..., AWS_...) or the
    machine's identity. Nothing is ever written there. What is new shows up while this runs.
    """
    settings = _settings(place, every, identity, cache)
    from collector.cli.endpoint.serving import bound_to

    bound = bound_to(listen)
    if not ip_address(bound.getsockname()[0]).is_loopback:
        raise ConfigError(f"--listen: {listen} is not this machine alone", "For others there is vmext endpoint.")
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        from collector.endpoint.parts import open_parts

        parts = open_parts(settings)
    except OSError as error:
        raise ConfigError(
            f"--cache: {settings.data} can't be used: {error.strerror or error}", "Give a folder that may be written."
        ) from error
    try:
        next(iter(parts.watchers[0].place.listing()), None)
    except OSError as error:
        hint = "Check the address, and that you may list and read what is there."
        raise ConfigError(f"{error.strerror or error}", hint) from None
    _serve(parts, bound, browser)


def _settings(place: str, every: float | None, identity: Path | None, cache: Path | None) -> Settings:
    """Raises ConfigError. Each place has an index of its own; what a key opens is kept apart from what it does not."""
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401

        from collector.endpoint.settings import Settings
        from collector.endpoint.stores.addresses import place_of
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"review needs {error.name}, which is not installed",
            "In a checkout, with Python 3.10 or later: pip install '.[endpoint]'. Packages for instances lack it.",
        ) from error
    from collector.platforms import current

    name = place_of(place, "review").name
    kept = hashlib.sha256(f"{name}\0{'opened' if identity else ''}".encode("utf-8", "replace")).hexdigest()[:16]
    data = ((cache or current().cache_dir() / "review") / kept).absolute()
    return Settings(data, watch=(place,), every=every, identity=identity)


def _serve(parts: Parts, bound: socket.socket, browser: bool) -> None:
    import uvicorn

    from collector.endpoint.access.caller import READ
    from collector.endpoint.access.once import OpenOnce
    from collector.endpoint.access.sessions import COOKIE, Person
    from collector.endpoint.app import create_app

    def begin() -> str:
        with parts.database.writing() as connection:
            return parts.access.sessions.begin(connection, Person("review", "you", READ))

    sessions = parts.access.sessions
    app = OpenOnce(create_app(parts), COOKIE, begin, lambda secret: sessions.find(secret) is not None)
    host, port = bound.getsockname()[:2]
    link = f"http://{f'[{host}]' if ':' in host else host}:{port}{app.path}"
    stopped = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            click.echo(f"vmext review of {parts.watchers[0].place.name} ready on {link} (the link works once)")
            if browser:
                threading.Thread(target=_open, args=(link,), daemon=True).start()
            threading.Thread(target=_tell, args=(parts, stopped), daemon=True).start()

    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3)
    try:
        Server(config).run(sockets=[bound])
    finally:
        stopped.set()


def _open(link: str) -> None:
    import webbrowser  # packages for instances lack it

    if not webbrowser.open(link):
        click.echo("vmext: no browser was found; open the link yourself", err=True)


def _tell(parts: Parts, stopped: threading.Event) -> None:
    """A line whenever something has changed."""
    progress, told = parts.watchers[0].progress, ""
    while not stopped.wait(_TOLD_EVERY):
        try:
            waiting = parts.index.waiting()
        except OSError as error:
            click.echo(f"vmext: {error.strerror}", err=True)
            continue
        now = f"{progress.looked_at} files looked at, {progress.taken} new bundles, {waiting} of them not indexed yet"
        now += f", {progress.problems} damaged or no bundles: see /stores" if progress.problems else ""
        now = f"can't look at it: {progress.problem}" if progress.problem else now
        if now != told and (progress.looked_at or progress.problem):
            click.echo(f"vmext: {now}", err=True)
            told = now
