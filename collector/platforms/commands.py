"""Runs a program of the system to ask it something: bounded in time and in what it answers."""

from __future__ import annotations

import logging
import shutil
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program printed up to a limit, and its exit code; None where it had to be ended."""

    data: bytes
    code: int | None


def answer_of(command: Sequence[str], *, seconds: float, most_bytes: int = 1_000_000) -> str | None:
    """What a program prints, up to a limit; None where there is no such program, or it fails or takes too long."""
    answer = asked(command, seconds=seconds, most_bytes=most_bytes)
    if answer is None:
        return None
    if answer.code != 0 and not answer.data:
        log.info("%s gave no answer (%s)", command[0], answer.code)
        return None
    return answer.data.decode("utf-8", "replace")


def asked(command: Sequence[str], *, seconds: float, most_bytes: int) -> Answer | None:
    """What a program answers; None where there is none that can be started."""
    program = shutil.which(command[0])
    if program is None:
        return None
    ended = threading.Event()

    def end() -> None:
        ended.set()
        process.kill()

    try:
        with subprocess.Popen(
            [program, *command[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            over = threading.Timer(seconds, end)
            over.start()
            try:
                data = _read(process, most_bytes)
                if len(data) >= most_bytes:
                    end()
                process.wait()
            finally:
                over.cancel()
    except OSError as error:
        log.info("%s can't be asked: %s", command[0], error)
        return None
    return Answer(data, None if ended.is_set() else process.returncode)


def _read(process: subprocess.Popen[bytes], most_bytes: int) -> bytes:
    assert process.stdout is not None
    data = b""
    while len(data) < most_bytes and (block := process.stdout.read(min(_BLOCK, most_bytes - len(data)))):
        data += block
    return data
