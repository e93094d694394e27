"""Runs a program of the system to ask it something: bounded in time and in what it answers."""

from __future__ import annotations

import logging
import shutil
import subprocess
import threading
from collections.abc import Sequence

log = logging.getLogger(__name__)

_BLOCK = 65_536


def answer_of(command: Sequence[str], *, seconds: float, most_bytes: int = 1_000_000) -> str | None:
    """What a program prints, up to a limit; None where there is no such program, or it fails or takes too long."""
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        with subprocess.Popen(
            [program, *command[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            over = threading.Timer(seconds, process.kill)
            over.start()
            try:
                data = _read(process, most_bytes)
                if len(data) >= most_bytes:
                    process.kill()
                process.wait()
            finally:
                over.cancel()
    except OSError as error:
        log.info("%s can't be asked: %s", command[0], error)
        return None
    if process.returncode != 0 and not data:
        log.info("%s gave no answer (%s)", command[0], process.returncode)
        return None
    return data.decode("utf-8", "replace")


def _read(process: subprocess.Popen[bytes], most_bytes: int) -> bytes:
    assert process.stdout is not None
    data = b""
    while len(data) < most_bytes and (block := process.stdout.read(min(_BLOCK, most_bytes - len(data)))):
        data += block
    return data
