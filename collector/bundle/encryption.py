"""age encryption to public keys (age-encryption.org/v1), by the library pyrage of the extra ``encrypt``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import IO, Any, BinaryIO

from collector.errors import BundleError, ConfigError

#: As the first line of every age file names it.
FORMAT = "age-encryption.org/v1"
_MOST_KEYS, _MOST_FILE = 20, 65_536
_NO_LIBRARY = (
    "In a checkout: pip install '.[encrypt]'. The packages bring it; those for Linux need the system's "
    "libgcc_s.so.1 (Debian: libgcc-s1, RHEL: libgcc, SUSE: libgcc_s1)."
)


@dataclass(frozen=True, slots=True)
class Recipients:
    """Public keys: whoever has a private one of them can read what is encrypted to all."""

    keys: tuple[Any, ...]
    texts: tuple[str, ...]  # as they are written: age1...

    def encrypt(self, plain: BinaryIO, into: IO[bytes]) -> Sealed:
        """Encrypts to the end of `plain`. Raises OSError where `into` can't be written."""
        counted = _Counted(into)
        library = _library("the bundle can't be encrypted")
        try:
            library.encrypt_io(plain, counted, list(self.keys))
        except library.EncryptError as error:
            if counted.error is not None:
                raise counted.error from error
            raise BundleError(f"the bundle can't be encrypted: {error}") from error
        return Sealed(counted.bytes, counted.hash.hexdigest())


@dataclass(frozen=True, slots=True)
class Sealed:
    """What encryption wrote."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Identities:
    """Private keys."""

    keys: tuple[Any, ...]

    def decrypt(self, sealed: BinaryIO, into: BinaryIO) -> None:
        """Raises BundleError where none of the keys fits or the file is damaged."""
        library = _library("the bundle can't be decrypted")
        try:
            library.decrypt_io(sealed, into, list(self.keys))
        except library.DecryptError as error:
            hint = "Give the file of the private key that belongs to one of the recipients in envelope.json."
            raise BundleError(f"the bundle can't be decrypted with this identity: {error}", hint) from error
        except OSError as error:
            raise BundleError(f"the encrypted bundle is damaged: {error}") from error


class _Counted:
    """A file that is written, with count and hash. The library turns an OSError into one of its own: it is kept."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.bytes = 0
        self.hash = hashlib.sha256()
        self.error: OSError | None = None

    def write(self, block: bytes) -> int:
        try:
            self._file.write(block)
        except OSError as error:
            self.error = error
            raise
        self.bytes += len(block)
        self.hash.update(block)
        return len(block)

    def flush(self) -> None:
        """The file itself is flushed at its end."""


def recipients(texts: Sequence[str]) -> Recipients:
    """The public keys that stand in the configuration. Raises ConfigError."""
    library = _library("the bundle is to be encrypted (recipients)")
    if len(texts) > _MOST_KEYS:
        raise ConfigError(f"there are {len(texts)} recipients, more than {_MOST_KEYS}")
    keys = []
    for text in texts:
        try:
            keys.append(library.x25519.Recipient.from_str(text))
        except library.RecipientError as error:
            hint = "A public key of age-keygen begins with age1 and has 62 characters."
            if _is_private(text):
                raise ConfigError(
                    "recipients: a private key is given, which must not be on an instance", hint
                ) from None
            raise ConfigError(f"recipients: {text[:80]!r} is no public key of age: {error}", hint) from error
    return Recipients(tuple(keys), tuple(texts))


def identities(file: Path) -> Identities:
    """The private keys of a file as age-keygen writes it. Raises ConfigError; no message holds a key."""
    library = _library("an identity was given")
    keys = []
    for number, text in enumerate(key_lines(file, "--identity"), start=1):
        try:
            keys.append(library.x25519.Identity.from_str(text))
        except library.IdentityError as error:
            hint = "age-keygen writes such a file; one that is itself encrypted has to be decrypted first."
            raise ConfigError(f"--identity: key {number} in {file} is no private key of age: {error}", hint) from error
    if not keys:
        raise ConfigError(f"--identity: there is no key in {file}", "age-keygen writes such a file.")
    return Identities(tuple(keys))


def key_lines(file: Path, setting: str) -> tuple[str, ...]:
    """The keys of a file, one a line, without comments. Raises ConfigError."""
    try:
        with file.open("rb") as stream:
            data = stream.read(_MOST_FILE + 1)
    except OSError as error:
        raise ConfigError(f"{setting}: {file} can't be read: {error.strerror}") from error
    if len(data) > _MOST_FILE:
        raise ConfigError(f"{setting}: {file} has more than {_MOST_FILE} bytes; it is no file of keys")
    return tuple(_keys(data.decode("utf-8-sig", "replace").splitlines()))


def _keys(lines: Iterable[str]) -> list[str]:
    stripped = (line.strip() for line in lines)
    return [line for line in stripped if line and not line.startswith("#")]


def _is_private(text: str) -> bool:
    return text.upper().startswith("AGE-SECRET-KEY")


def _library(purpose: str) -> ModuleType:
    try:
        import pyrage
    except ImportError as error:
        raise ConfigError(f"{purpose}, for the library pyrage can't be loaded: {error}", _NO_LIBRARY) from error
    library: ModuleType = pyrage
    return library
