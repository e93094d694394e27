"""The configuration in force, and everything that is wrong in it, at once."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from collector.config import Config, Loaded, load_config, read, unknown_variables
from collector.errors import ConfigError, VmextError
from collector.platforms import current

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Examined:
    """`file`: where the configuration file lies or would lie. `tables`: own tables of places beside it. `warnings`:
    what is probably not meant so, and hinders nothing."""

    file: Path
    loaded: Loaded
    tables: tuple[Path, ...]
    problems: tuple[VmextError, ...]
    warnings: tuple[str, ...] = ()


def settings(flags: Mapping[str, object], environ: Mapping[str, str], file: Path | None) -> Config:
    """The configuration in force on this host; ConfigError for what is wrong in it."""
    host = current()
    if file is not None and not file.is_file():
        raise ConfigError(f"--config: there is no file {file}")
    config = load_config(flags, environ, file or host.config_file(), host.state_dir())
    for warning in unknown_variables(environ):
        log.warning("%s", warning)
    if config.upload_url:
        from collector.deliver.targets import kind_of

        kind_of(config.upload_url, config.token)
    return config


def examine(file: Path | None, environ: Mapping[str, str]) -> Examined:
    """Reads what a command would read. Raises ConfigError where a file is given that is none."""
    host = current()
    if file is not None and not file.is_file():
        raise ConfigError(f"there is no file {file}")
    place = file or host.config_file()
    from collector.discover.catalog import own_files

    loaded = read({}, environ, place, host.state_dir())
    tables = own_files(place)
    of_values = (_address(loaded), _network(loaded), _keys(loaded), _zone(loaded, host.root()))
    problems = (*loaded.problems, *(problem for found in of_values for problem in found), *_places(tables))
    return Examined(place, loaded, tables, problems, (*unknown_variables(environ), *_readable(loaded)))


def _address(loaded: Loaded) -> Iterator[VmextError]:
    from collector.deliver.targets import kind_of

    if loaded.config.upload_url:
        try:
            kind_of(loaded.config.upload_url, loaded.config.token)
        except VmextError as error:
            yield error


def _readable(loaded: Loaded) -> Iterator[str]:
    """With a token such an address is refused."""
    from collector.deliver.targets import is_loopback

    try:
        parts = urlsplit(loaded.config.upload_url or "")
    except ValueError:  # told as a problem
        return
    if parts.scheme == "http" and not loaded.config.token and not is_loopback(parts.hostname or ""):
        yield f"upload_url ({loaded.origins['upload_url']}): by http:// bundles can be read on the way; give https://"


def _network(loaded: Loaded) -> Iterator[VmextError]:
    from collector.deliver.targets.network import Network

    config = loaded.config
    try:
        Network(config.ca_bundle, config.proxy, config.client_cert, config.client_key).check()
    except ConfigError as error:
        yield error


def _keys(loaded: Loaded) -> Iterator[VmextError]:
    from collector.bundle.encryption import recipients

    if loaded.config.recipients:
        try:
            recipients(loaded.config.recipients)
        except ConfigError as error:
            yield error


def _zone(loaded: Loaded, root: Path) -> Iterator[VmextError]:
    from collector.discover.zone import named_zone

    name = loaded.config.time_zone
    if name:
        try:
            named_zone(root, name)
        except ConfigError as error:
            yield ConfigError(f"{loaded.origins['time_zone']}: time_zone: {name!r} is no time zone", error.hint)


def _places(tables: tuple[Path, ...]) -> Iterator[VmextError]:
    """A broken table is told by itself: it is put beside the product's own, not beside the others."""
    from collector.discover.catalog import own_table

    for table in tables:
        try:
            own_table(table)
        except VmextError as error:
            yield error
