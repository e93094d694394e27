"""The state folder, and the key of pseudonyms that lies in it and never leaves the instance."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from collector.platforms import current
from collector.platforms.own_files import open_own

log = logging.getLogger(__name__)

_KEY_FILE = "redaction.key"
_KEY_BYTES = 32


def state_folder(wanted: Path) -> tuple[Path | None, str]:
    """The state folder, private to its owner; another place and why, where it can't be written."""
    try:
        current().make_private(wanted)
        _probe(wanted)
    except OSError as error:
        reason = f"{wanted} can't be written ({error.strerror})"
    else:
        return wanted, ""
    return elsewhere(reason)


def elsewhere(reason: str) -> tuple[Path | None, str]:
    """A temporary folder, where the state folder is of no use for this reason; None where there is none either."""
    try:
        import tempfile

        other = Path(tempfile.mkdtemp(prefix="vmext-"))
        _probe(other)
    except OSError as error:
        return None, f"{reason}, nor can a temporary folder ({error.strerror})"
    return other, reason


def _probe(folder: Path) -> None:
    """Raises OSError where a file of one block can't be written."""
    probe = folder / f".probe-{os.urandom(4).hex()}"
    try:
        probe.write_bytes(bytes(4096))
    finally:
        probe.unlink(missing_ok=True)


def redaction_key(state: Path | None) -> bytes:
    """The key of pseudonyms; it never leaves the instance. A fresh one where none can be kept."""
    if state is None:
        return os.urandom(_KEY_BYTES)
    file = state / _KEY_FILE
    try:
        with os.fdopen(open_own(file, os.O_RDONLY), "rb") as stream:
            key = stream.read(_KEY_BYTES + 1)
        if len(key) == _KEY_BYTES:
            return key
    except FileNotFoundError:
        log.info("a new redaction key is made in %s", state)
    except OSError as error:
        log.warning("the redaction key can't be read: %s", error.strerror)
        return os.urandom(_KEY_BYTES)
    key = os.urandom(_KEY_BYTES)
    keep_key(state, key)
    return key


def keep_key(state: Path, key: bytes) -> None:
    """Writes the key, in the place of another. That it can't be kept is logged."""
    file = state / _KEY_FILE
    temporary = file.with_suffix(f".{os.urandom(4).hex()}")
    try:
        temporary.touch(mode=0o600)
        temporary.write_bytes(key)
        temporary.replace(file)
    except OSError as error:
        log.warning("the redaction key can't be kept: %s", error.strerror)
