"""vmext's tailers as processes: the part that follows files, alone, and the whole agent."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench.measuring import vmext
from tests.bench.tailing_process import Tailer
from tests.bench.tailing_stream import Arrived, Tally, read_trace, tally

#: Where the log lies on the disk that is followed.
LOG = "var/log/waagent.log"
_TRACE_LINE = 256
_START_SECONDS = 30.0


class Own(Tailer):
    """The whole agent, traced: it is the benchmark's own process that runs it and tells what was processed when."""

    name = "vmext watch"
    what = "watch"

    def __init__(self, root: Path, folder: Path, cpu_percent: float = 0, speed: float = 1) -> None:
        """Follows the disk below `root`, with so much of one core; 0 for no limit. `speed`: as tailing_agent has it."""
        super().__init__(root / LOG, folder)
        self.root = root
        self.trace, self.ready, self.state = folder / "trace", folder / "ready", folder / "state"
        self.cpu_percent, self.speed = cpu_percent, speed
        for place in (self.log.parent, root / "etc", self.state):
            place.mkdir(parents=True, exist_ok=True)

    def command(self) -> tuple[list[str | Path], dict[str, str]]:
        program: list[str | Path] = [sys.executable, "-m", "tests.bench.tailing_agent", self.what, self.root]
        return [*program, self.state, self.trace, self.ready, str(self.cpu_percent), str(self.speed)], {}

    def begin(self) -> None:
        """Waits until it follows what is there."""
        if not self.wait(self.ready.exists, _START_SECONDS):
            raise RuntimeError(f"{self.name} was not ready after {_START_SECONDS} s")

    def settle(self) -> None:
        """Has it run once on what is there now, so that what comes later is not passed over as old."""
        other = self.root / "var/log/azure/Contoso.Agents.Probe/run.log"
        other.parent.mkdir(parents=True, exist_ok=True)
        other.touch()
        with self:
            self.ready.unlink()

    def processed(self) -> int:
        """Bytes of the log, if it was never rotated."""
        try:
            with self.trace.open("rb") as stream:
                stream.seek(max(0, self.trace.stat().st_size - _TRACE_LINE))
                lines = stream.read().split(b"\n")
        except OSError:
            return 0
        return int(lines[-2].split(b"\t")[3]) if len(lines) > 1 else 0

    def arrived(self) -> list[Arrived]:
        return read_trace(self.trace)

    def tally(self, lines: int) -> Tally:
        """Of so many numbered lines, what came."""
        return tally(self.arrived(), lines)


class OwnTails(Own):
    name = "vmext's tailer alone"
    what = "tails"


class Watch(Own):
    """`vmext watch` as it is installed, untraced, with its settings as they are."""

    def command(self) -> tuple[list[str | Path], dict[str, str]]:
        return [*vmext("watch", "--root", self.root, "--state-dir", self.state)], {}

    def begin(self) -> None:
        self.wait(lambda: (self.state / "watch/status.json").exists(), _START_SECONDS)
