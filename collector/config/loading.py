"""Reads file, environment and flags into a `Config`, and tells everything that is wrong in them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from collector.config.named_files import read_recipients, read_token
from collector.config.typed import typed
from collector.config.values import ENVIRONMENT, KINDS, WATCH, Config
from collector.errors import ConfigError
from collector.platforms import current
from collector.platforms.own_files import read_named
from collector.platforms.paths import reachable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

log = logging.getLogger(__name__)

FLAG = "command line"
_PREFIX = "VMEXT_"
#: Signs of the longest path below the state folder, with room to spare.
_ROOM_BELOW = 80
_MOST_BYTES = 1_048_576
_RELATIVE = "Which folder that is would depend on where vmext is started."


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force. `origins`: full name and where its value comes from, defaults left out. `problems`:
    everything that is wrong; what is wrong was left as it was before."""

    config: Config
    origins: Mapping[str, str]
    problems: tuple[ConfigError, ...]


@dataclass(frozen=True, slots=True)
class _Given:
    name: str  # of a setting, in full
    value: object
    where: str  # for errors
    origin: str
    is_text: bool = False


def load_config(flags: Mapping[str, object], environ: Mapping[str, str], file: Path, default_state_dir: Path) -> Config:
    """The settings in force. Those of the resident agent are called ``watch.NAME`` in `flags`; a flag that is None was
    not given.

    Raises ConfigError naming the file and the key, the variable or the flag that is wrong.
    """
    loaded = read(flags, environ, file, default_state_dir)
    if loaded.problems:
        first, *others = loaded.problems
        if others:
            more = f"{len(others)} more {'is' if len(others) == 1 else 'are'} wrong; vmext config check tells all."
            raise ConfigError(str(first), f"{first.hint} {more}".strip()) from first
        raise first
    return loaded.config


def read(flags: Mapping[str, object], environ: Mapping[str, str], file: Path, default_state_dir: Path) -> Loaded:
    """As `load_config`, and goes on after a mistake, so that all of them are told at once."""
    problems: list[ConfigError] = []
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    given = [*_from_file(file, problems), *_from_environment(environ)]
    given += [_Given(name, value, FLAG, FLAG) for name, value in flags.items() if value is not None]
    for one in given:
        try:
            if one.name not in KINDS:
                raise _unknown(one)
            value = typed(one.name, one.value, one.where, is_text=one.is_text)
            if isinstance(value, Path) and one.origin == str(file) and not value.root:
                raise ConfigError(f"{one.where}: {one.name} must be an absolute path, not {one.value!r}", _RELATIVE)
            values[one.name] = value
            origins[one.name] = one.origin
        except ConfigError as error:
            problems.append(error)
    config = _config(values, default_state_dir)
    problems += _apart(config)
    config = _with_named_files(config, origins, problems)
    return Loaded(config, origins, tuple(problems))


def _config(values: Mapping[str, Any], state_dir: Path) -> Config:
    own = {name: value for name, value in values.items() if "." not in name}
    watch = {name.partition(".")[2]: value for name, value in values.items() if "." in name}
    config = replace(Config(state_dir=state_dir), **own)
    config = replace(config, state_dir=reachable(config.state_dir, _ROOM_BELOW))
    return replace(config, watch=replace(config.watch, **watch))


def _from_file(file: Path, problems: list[ConfigError]) -> Iterator[_Given]:
    """Every key of the file; tables but the known one are wrong."""
    host = current()
    if file == host.config_file() and file.exists() and not host.trusts(file):
        log.warning("%s is not read: it belongs to a user who is no administrator", file)
        return
    try:
        loaded: dict[str, Any] = tomllib.loads(read_named(file, _MOST_BYTES).decode("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        problems.append(ConfigError(f"the configuration file {file} can't be read: {error.strerror}"))
        return
    except UnicodeDecodeError as error:
        hint = "It is UTF-16, as > of Windows PowerShell writes: pipe to Set-Content -Encoding utf8 instead."
        wide = error.object[:2] in (b"\xff\xfe", b"\xfe\xff")
        told = f"the configuration file {file} is not UTF-8: see byte {error.start + 1}"
        problems.append(ConfigError(told, hint if wide else ""))
        return
    except (ValueError, RecursionError) as error:
        problems.append(ConfigError(f"the configuration file {file} is not TOML: {error}"))
        return
    for key, value in loaded.items():
        if key == WATCH and isinstance(value, Mapping):
            for name, inner in value.items():
                yield _Given(f"{WATCH}.{name}", inner, f"{file}, [{WATCH}]", str(file))
        elif key == WATCH:
            problems.append(ConfigError(f"{file}: {WATCH} must be a table, not {value!r}", f"Write [{WATCH}]."))
        elif isinstance(value, Mapping):
            hint = f"The only table is [{WATCH}]; other settings stand above it."
            problems.append(ConfigError(f"{file}: there is no table [{key}]", hint))
        else:
            yield _Given(key, value, str(file), str(file))


def _from_environment(environ: Mapping[str, str]) -> Iterator[_Given]:
    for variable, name in ENVIRONMENT.items():
        if value := environ.get(variable):
            yield _Given(name, value, f"environment variable {variable}", variable, is_text=True)


def unknown_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each variable that looks like one of ours and stands for nothing, with what was probably meant."""
    return tuple(
        f"the environment variable {name} means nothing{_meant(name)}"
        for name in sorted(environ)
        if name.upper().startswith(_PREFIX) and name not in ENVIRONMENT
    )


def _meant(variable: str) -> str:
    """Of settings that have no variable: where they are set."""
    from difflib import get_close_matches

    def bare(name: str) -> str:
        return name.upper().removeprefix(_PREFIX).removeprefix(f"{WATCH.upper()}_")

    wanted = bare(variable)
    known = {bare(name): name for name in ENVIRONMENT}
    if wanted.lower() in KINDS and wanted not in known:
        return f"; {wanted.lower()} can only be set in the configuration file"
    near = get_close_matches(wanted, known, n=1)
    return f"; did you mean {known[near[0]]}?" if near else ""


def _unknown(given: _Given) -> ConfigError:
    """Names the place, the key, and what was probably meant."""
    from difflib import get_close_matches

    table, _, key = given.name.rpartition(".")
    message = f"{given.where}: there is no setting {key!r}"
    same = [name for name in KINDS if name.rpartition(".")[2] == key]
    if same:  # in the other table
        place = f"below [{WATCH}]" if not table else f"above [{WATCH}]"
        return ConfigError(f"{message} there", f"It stands {place}.")
    peers = {name.rpartition(".")[2]: name for name in KINDS if name.rpartition(".")[0] == table}
    near = get_close_matches(key, peers, n=1)
    if near:
        return ConfigError(f"{message}; did you mean {near[0]}?")
    return ConfigError(message, f"Known settings: {', '.join(sorted(peers))}.")


def _apart(config: Config) -> Iterator[ConfigError]:
    """Settings that can't hold together."""
    watch = config.watch
    if watch.held_seconds < watch.related_seconds:
        yield ConfigError(
            f"watch.held_seconds ({watch.held_seconds:g}) is less than watch.related_seconds"
            f" ({watch.related_seconds:g})",
            "An incident is held back until nothing related has come for a while, and held_seconds at most.",
        )
    if watch.ring_bytes < watch.ring_bytes_per_source:
        yield ConfigError(
            f"watch.ring_bytes ({watch.ring_bytes}) is less than watch.ring_bytes_per_source"
            f" ({watch.ring_bytes_per_source})"
        )


def _with_named_files(config: Config, origins: dict[str, str], problems: list[ConfigError]) -> Config:
    """What stands in the files that settings name."""

    def attempt(step: Callable[[], Config]) -> Config:
        try:
            return step()
        except ConfigError as error:
            problems.append(error)
            return config

    if config.token is None and config.token_file:
        token_file = Path(config.token_file)
        config = attempt(lambda: replace(config, token=read_token(token_file)))
        if config.token is not None:
            origins["token"] = str(token_file)
    if config.recipients_file:
        recipients_file = Path(config.recipients_file)
        config = attempt(lambda: replace(config, recipients=_joined(config, read_recipients(recipients_file))))
        origins.setdefault("recipients", str(recipients_file))
    return config


def _joined(config: Config, more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*config.recipients, *more)))
