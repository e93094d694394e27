"""The cores that were made on this instance: few, small, kept until all their parts have been asked for."""

from __future__ import annotations

import io
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

from collector.bundle.reader import open_bundle
from collector.errors import BundleError

log = logging.getLogger(__name__)

_NAME = re.compile(r"([0-9a-f]{16})\.core\.zip")
_PARTIAL = ".partial"
_MOST = 4  # cores
_MOST_BYTES = 1_000_000  # of one; a larger one is none of ours
_OLD_SECONDS = 7 * 86_400
_STALE_SECONDS = 600  # a temporary file older than this belongs to a run that was stopped


class CoreStore:
    """The folder `<state>/cores`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def newest(self) -> str | None:
        """The bundle whose core was begun last."""
        kept = sorted(self._kept(), reverse=True)
        return kept[0][1] if kept else None

    def get(self, bundle: str) -> bytes | None:
        """The bundle's core; None where there is none, or one that the disk has damaged."""
        try:
            data = self._file(bundle).read_bytes()
            open_bundle(io.BytesIO(data))
        except FileNotFoundError:
            return None
        except (OSError, BundleError) as error:
            log.warning("the core of bundle %s can't be used: %s", bundle, error)
            return None
        return data

    def begun(self, bundle: str, now: float) -> None:
        """Makes it the newest one."""
        try:
            os.utime(self._file(bundle), (now, now))
        except OSError as error:
            log.warning("the core of bundle %s can't be marked: %s", bundle, error.strerror)

    def keep(self, bundle: str, data: bytes, now: float) -> None:
        """Keeps a core, all of it or nothing, and lets old ones go. A disk that takes none costs only time: the same
        core can be made again."""
        temporary = self._folder / f".{os.urandom(6).hex()}{_PARTIAL}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._clean(bundle, now)
            try:
                descriptor = os.open(
                    temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600
                )
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(self._file(bundle))
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            log.warning("the core of bundle %s can't be kept: %s", bundle, error.strerror)

    def _clean(self, bundle: str, now: float) -> None:
        """All but the newest, with room for one more, and what stopped runs left."""
        others = [(at, one) for at, one in sorted(self._kept(), reverse=True) if one != bundle]
        for number, (at, one) in enumerate(others):
            if number >= _MOST - 1 or now - at > _OLD_SECONDS:
                self._file(one).unlink(missing_ok=True)
        for file in self._folder.glob(f".*{_PARTIAL}"):
            try:
                if now - file.stat().st_mtime > _STALE_SECONDS:
                    file.unlink()
            except FileNotFoundError:
                log.debug("%s is gone already", file)

    def _kept(self) -> Iterator[tuple[float, str]]:
        """When each was begun last, and of which bundle it is."""
        try:
            for file in self._folder.iterdir():
                found = _NAME.fullmatch(file.name)
                if found and (status := file.stat()).st_size <= _MOST_BYTES:
                    yield status.st_mtime, found[1]
        except OSError as error:
            log.debug("no cores: %s", error.strerror)

    def _file(self, bundle: str) -> Path:
        return self._folder / f"{bundle}.core.zip"
