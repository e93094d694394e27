"""What the agent must still know after a restart, besides the places in the logs: a small file of its own."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from collector.platforms import durable

log = logging.getLogger(__name__)

_VERSION = 1
_MOST_BYTES = 16_777_216


#: A part whose knowledge outlives the process: what gives it as plain JSON values, and what is told them again.
Remembering = tuple[Callable[[], Mapping[str, Any]], Callable[[Mapping[str, Any]], None]]


class Notebook:
    """One JSON object, renamed into place. It quotes lines of logs, so it is written redacted."""

    def __init__(
        self, file: Path, parts: Mapping[str, Remembering], redacted: Callable[[Mapping[str, Any]], str]
    ) -> None:
        """`parts` by their names in the file. `redacted`: an object as JSON text without secrets."""
        self._file = file
        self._parts = parts
        self._redacted = redacted
        self._written = ""
        self._failed = False

    def recall(self) -> None:
        """Tells each part what was kept. What is damaged, or of a later version, is set aside."""
        known = self._read()
        for name, (_, load) in self._parts.items():
            found = known.get(name)
            load(found if isinstance(found, dict) else {})

    def _read(self) -> dict[str, Any]:
        try:
            data = self._file.read_bytes() if self._file.stat().st_size <= _MOST_BYTES else b""
        except FileNotFoundError:
            return {}
        except OSError as error:
            log.warning("%s can't be read: %s", self._file, error.strerror)
            return {}
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict) and document.get("version") == _VERSION:
            return document
        aside = self._file.with_name(self._file.name + ".broken")
        log.warning("%s is damaged or of a later version; it is set aside as %s", self._file, aside.name)
        try:
            self._file.replace(aside)
        except OSError as error:
            log.warning("%s can't be set aside: %s", self._file, error.strerror)
        return {}

    def unsaved(self) -> None:
        """The file is gone: it is written again though nothing has changed."""
        self._written = ""

    def remember(self) -> None:
        """Writes what has changed. A disk that takes nothing is told once."""
        values = {name: dump() for name, (dump, _) in self._parts.items()}
        plain = json.dumps(values, sort_keys=True)
        if plain == self._written:
            return
        text = self._redacted({"version": _VERSION, **values})
        try:
            durable.folder(self._file.parent)
            durable.write(self._file, text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            if not self._failed:
                log.warning("%s can't be written: %s", self._file, error.strerror)
            self._failed = True
            return
        self._written, self._failed = plain, False
