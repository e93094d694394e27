"""The Run Command that carries this very process, and the scripts of others."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from collector.model import Source
from collector.platforms.files import open_to_read

#: The agent gives these to a handler, and the handler to its script (Azure/WALinuxAgent, exthandlers.py).
_FOLDER, _SEQUENCE, _NAME = "AZURE_GUEST_AGENT_EXTENSION_PATH", "ConfigSequenceNumber", "ConfigExtensionName"
_HANDLER = re.compile(r"([^/\\]+?)-(\d+(?:\.\d+)*)/?$")
_SCRIPTS = ("script.sh", "script.ps1", "script.bat")
_MOST_BYTES = 65_536


def own_run(environ: Mapping[str, str]) -> tuple[str, str | None, int | None] | None:
    """(extension, name, sequence) of the operation that started this process, None where none did."""
    folder = _HANDLER.search(environ.get(_FOLDER, ""))
    if folder is None:
        return None
    sequence = environ.get(_SEQUENCE, "")
    return folder[1], environ.get(_NAME) or None, int(sequence) if sequence.isdigit() else None


def scripts_beside(sources: Sequence[Source]) -> Mapping[tuple[str, str | None, int | None], str]:
    """The beginnings of the scripts that lie beside the outputs of Run Commands and Custom Scripts.

    They are read only to see whether they run vmext; nothing of them is kept.
    """
    scripts: dict[tuple[str, str | None, int | None], str] = {}
    for source in sources:
        if source.kind != "output" or source.extension is None:
            continue
        for name in _SCRIPTS:
            text = _beginning(source.file.parent / name)
            if text:
                scripts[source.extension, source.name, source.sequence] = text
    return scripts


def _beginning(file: Path) -> str:
    try:
        if not file.is_file() or file.is_symlink():
            return ""
        with os.fdopen(open_to_read(file), "rb") as stream:
            return stream.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
