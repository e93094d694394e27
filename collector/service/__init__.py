"""What a command asks for, done: one run, sending what waits, the parts of a core."""

from __future__ import annotations

from collector.service.cores import part
from collector.service.run import Done, Run, check, collect, exit_code, settings
from collector.service.sending import upload
from collector.service.turn import Result, Running, Steps, Turn, asked, turn

__all__ = [
    "Done",
    "Result",
    "Run",
    "Running",
    "Steps",
    "Turn",
    "asked",
    "check",
    "collect",
    "exit_code",
    "part",
    "settings",
    "turn",
    "upload",
]
