"""vmext's tailers as processes: the part that follows files, alone, and the whole agent."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench.tailing_process import Tailer
from tests.bench.tailing_stream import Arrived, Tally, read_trace, tally

#: Where the log lies on the disk that is followed.
LOG = "var/log/waagent.log"
_TRACE_LINE = 256


class Own(Tailer):
    """Traced: it is the benchmark's own process that runs our code, so that it tells what was processed when."""

    name = "vmext"
    what = "watch"

    def __init__(self, root: Path, folder: Path) -> None:
        """Follows the disk below `root`."""
        super().__init__(root / LOG, folder)
        self.root = root
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.touch()
        self.trace = folder / "trace"
        self.state = folder / "state"
        self.state.mkdir()
        self.more: tuple[str, ...] = ()

    def command(self) -> tuple[list[str | Path], dict[str, str]]:
        program: list[str | Path] = [sys.executable, "-m", "tests.bench.tailing_agent", self.what]
        return [*program, self.root, self.state, self.trace, *self.more], {}

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
    name = "vmext, following alone"
    what = "tails"
