"""A resident agent and a machine's handlers as real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.waiting import LONGEST, until

SCRIPTS = Path(__file__).parents[2] / "scripts"


@dataclass
class Machine:
    """A tree that real processes write."""

    root: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def boot(self) -> None:
        self._act("boot").wait(LONGEST)

    def fail(self, sequence: int = 0) -> None:
        assert self.begin_to_fail(sequence).wait(LONGEST) == 0

    def begin_to_fail(self, sequence: int = 0) -> subprocess.Popen[bytes]:
        return self._act("fail", sequence)

    def hang(self, sequence: int = 0) -> subprocess.Popen[bytes]:
        return self._act("hang", sequence)

    def append(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as stream:
            stream.write(text)

    def end(self) -> None:
        for process in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _act(self, act: str, sequence: int = 0) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(SCRIPTS / "live_instance.py"), str(self.root), act, "--seq", str(sequence)]
        self.running.append(subprocess.Popen(command, start_new_session=True))
        return self.running[-1]


@dataclass
class Agent:
    process: subprocess.Popen[str]
    state: Path
    output: Path

    @property
    def printed(self) -> str:
        return self.output.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(LONGEST)

    def noticed(self) -> list[str]:
        return [line for line in self.printed.splitlines() if " noticed: " in line]

    def bundles(self) -> list[Path]:
        return sorted((self.state / "spool").glob("*.zip"), key=lambda file: file.stat().st_mtime)

    def bundle(self, number: int = -1) -> dict[str, Any]:
        """The members of a bundle that are JSON, by name."""
        with zipfile.ZipFile(self.bundles()[number]) as archive:
            names = [name for name in archive.namelist() if name.endswith(".json")]
            return {name: json.loads(archive.read(name)) for name in names}


@contextmanager
def watching(
    root: Path | None,
    state: Path,
    *arguments: str,
    environ: dict[str, str] | None = None,
    through: Sequence[str] = (),
) -> Iterator[Agent]:
    """``vmext watch``, once it follows the tree, or this machine. `through`: a command that runs it."""
    command = [sys.executable, "-m", "collector", "watch", "--state-dir", str(state)]
    command += [] if root is None else ["--root", str(root)]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("VMEXT_")}
    output = state.with_name(f"{state.name}.out")
    before = output.read_text().count(" follows ") if output.exists() else 0
    with output.open("a") as stream:
        process = subprocess.Popen(
            [*through, *command, *arguments],
            stdout=stream,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean | (environ or {}),
        )
        agent = Agent(process, state, output)
        try:
            until(lambda: agent.printed.count(" follows ") > before or process.poll() is not None, "the first look")
            yield agent
        finally:
            if process.poll() is None:
                agent.stop()
