"""Files that settings name: of a token, of public keys."""

from __future__ import annotations

from pathlib import Path

from collector.errors import ConfigError
from collector.platforms.own_files import read_named

_MOST_BYTES = 1_048_576


def read_token(file: Path) -> str:
    """The one word of the file. Raises ConfigError."""
    try:
        token = read_named(file, _MOST_BYTES).decode("utf-8-sig").strip()
    except OSError as error:
        raise ConfigError(f"the token file {file} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"the token file {file} is no text") from error
    if not token or len(token.split()) != 1:
        raise ConfigError(f"the token file {file} must hold one token and nothing else")
    return token


def read_recipients(file: Path) -> tuple[str, ...]:
    """Public keys, one a line; lines that begin with # say something to people. Raises ConfigError."""
    try:
        lines = [line.strip() for line in read_named(file, _MOST_BYTES).decode("utf-8-sig").splitlines()]
    except OSError as error:
        raise ConfigError(f"the recipients file {file} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"the recipients file {file} is no text") from error
    keys = tuple(line for line in lines if line and not line.startswith("#"))
    if not keys or not all(key.startswith("age1") for key in keys):
        hint = "age-keygen -y writes the public key that belongs to a private one; the private key stays where it is."
        raise ConfigError(f"the recipients file {file} must hold public keys (age1...), one a line", hint)
    return keys
