"""Configuration: flags over environment over file. The only reader of configuration."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from collector.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Environment variables and the settings they stand for.
ENVIRONMENT = {
    "VMEXT_UPLOAD_URL": "upload_url",
    "VMEXT_TOKEN": "token",
    "VMEXT_TOKEN_FILE": "token_file",
    "VMEXT_STATE_DIR": "state_dir",
    "VMEXT_CA_BUNDLE": "ca_bundle",
}


@dataclass(frozen=True, slots=True)
class Config:
    """All settings. Sizes in bytes, times in seconds."""

    state_dir: Path
    upload_url: str | None = None
    token: str | None = None
    token_file: str | None = None
    ca_bundle: str | None = None
    deadline_seconds: float = 60.0
    bytes_per_source: int = 150_000_000
    bytes_per_bundle: int = 5_000_000
    spool_bytes: int = 200_000_000
    time_zone: str | None = None
    hide_ids: bool = False
    hide_addresses: bool = False
    hide_hostnames: bool = False


def load_config(flags: Mapping[str, object], environ: Mapping[str, str], file: Path, default_state_dir: Path) -> Config:
    """The settings in force. A flag that is None was not given.

    Raises ConfigError naming the file and the key, the variable or the flag that is wrong.
    """
    config = Config(state_dir=default_state_dir)
    config = _apply(config, _from_file(file), str(file))
    config = _apply(
        config, {key: environ[name] for name, key in ENVIRONMENT.items() if environ.get(name)}, "environment"
    )
    config = _apply(config, {key: value for key, value in flags.items() if value is not None}, "command line")
    if config.token is None and config.token_file:
        config = replace(config, token=_read_token(Path(config.token_file)))
    return config


def _from_file(file: Path) -> Mapping[str, object]:
    try:
        loaded: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except NotADirectoryError:
        return {}
    except OSError as error:
        raise ConfigError(f"the configuration file {file} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"the configuration file {file} is not TOML: {error}") from error
    return loaded


def _apply(config: Config, values: Mapping[str, object], where: str) -> Config:
    kinds = {field.name: field for field in fields(Config)}
    changed: dict[str, Any] = {}
    for key, value in values.items():
        if key not in kinds:
            raise ConfigError(f"{where}: there is no setting {key!r}", f"Known settings: {', '.join(sorted(kinds))}.")
        changed[key] = _typed(key, value, getattr(config, key), str(kinds[key].type), where)
    return replace(config, **changed)


def _typed(key: str, value: object, current: object, kind: str, where: str) -> object:
    """The value as the field's type; numbers must be positive."""
    if kind == "Path":
        return Path(str(value)).expanduser()
    if kind in ("int", "float"):
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ConfigError(f"{where}: {key} must be a number, not {value!r}")
        try:
            number = float(value)
        except ValueError as error:
            raise ConfigError(f"{where}: {key} must be a number, not {value!r}") from error
        if number <= 0:
            raise ConfigError(f"{where}: {key} must be above 0, not {value!r}")
        return int(number) if kind == "int" else number
    if kind == "bool":
        if not isinstance(value, bool):
            raise ConfigError(f"{where}: {key} must be true or false, not {value!r}")
        return value
    if not isinstance(value, str):
        raise ConfigError(f"{where}: {key} must be text, not {value!r}")
    return value


def _read_token(file: Path) -> str:
    try:
        token = file.read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise ConfigError(f"the token file {file} can't be read: {error.strerror}") from error
    if not token or len(token.split()) != 1:
        raise ConfigError(f"the token file {file} must hold one token and nothing else")
    return token
