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
    "VMEXT_RECIPIENTS": "recipients",
    "VMEXT_RECIPIENTS_FILE": "recipients_file",
    "VMEXT_IDENTITY_CLIENT_ID": "identity_client_id",
    "VMEXT_IDENTITY_RESOURCE_ID": "identity_resource_id",
    "VMEXT_PROXY": "proxy",
    "VMEXT_SPREAD": "spread_seconds",
}
#: Numbers that may be 0.
_MAY_BE_ZERO = frozenset({"spread_seconds"})


@dataclass(frozen=True, slots=True)
class Config:
    """All settings. Sizes in bytes, times in seconds."""

    state_dir: Path
    upload_url: str | None = None
    token: str | None = None
    token_file: str | None = None
    ca_bundle: str | None = None
    identity_client_id: str | None = None
    identity_resource_id: str | None = None
    proxy: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    spread_seconds: float = 0.0
    deadline_seconds: float = 60.0
    bytes_per_source: int = 150_000_000
    bytes_per_bundle: int = 5_000_000
    spool_bytes: int = 200_000_000
    spool_days: float = 30.0
    time_zone: str | None = None
    recipients: tuple[str, ...] = ()  # public keys that bundles are encrypted to
    recipients_file: str | None = None  # a file of more of them, one a line
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
    if config.recipients_file:
        more = _read_recipients(Path(config.recipients_file))
        config = replace(config, recipients=tuple(dict.fromkeys((*config.recipients, *more))))
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
        if number < 0 or (number == 0 and key not in _MAY_BE_ZERO):
            raise ConfigError(f"{where}: {key} must be above 0, not {value!r}")
        return int(number) if kind == "int" else number
    if kind.startswith("tuple"):
        return _texts(key, value, where)
    if kind == "bool":
        if not isinstance(value, bool):
            raise ConfigError(f"{where}: {key} must be true or false, not {value!r}")
        return value
    if not isinstance(value, str):
        raise ConfigError(f"{where}: {key} must be text, not {value!r}")
    return value


def _texts(key: str, value: object, where: str) -> tuple[str, ...]:
    """A list of texts, or one text of several that are separated by commas or blanks."""
    parts = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ConfigError(f"{where}: {key} must be a list of texts, not {value!r}")
    return tuple(parts)


def _read_token(file: Path) -> str:
    try:
        token = file.read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise ConfigError(f"the token file {file} can't be read: {error.strerror}") from error
    if not token or len(token.split()) != 1:
        raise ConfigError(f"the token file {file} must hold one token and nothing else")
    return token


def _read_recipients(file: Path) -> tuple[str, ...]:
    """Public keys, one a line; lines that begin with # say something to people."""
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except OSError as error:
        raise ConfigError(f"the recipients file {file} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"the recipients file {file} is no text") from error
    keys = tuple(line for line in lines if line and not line.startswith("#"))
    if not keys or not all(key.startswith("age1") for key in keys):
        hint = "age-keygen -y writes the public key that belongs to a private one; the private key stays where it is."
        raise ConfigError(f"the recipients file {file} must hold public keys (age1...), one a line", hint)
    return keys
