"""A folder of logs and an agent that follows them, for the tests of the tailer."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from collector.model import Source
from collector.read.tailing.tail import Piece, TailLimits, Tails


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Folder:
    """`agent` is the tailer; `lines` what it gave, in order."""

    made: ClassVar[list[Folder]] = []

    def __init__(self, folder: Path, limits: TailLimits | None = None, pattern: str = "*") -> None:
        self.folder = folder / "logs"
        self.folder.mkdir(exist_ok=True)
        self.checkpoint = folder / "tail.json"
        self.clock = Clock()
        self.limits = limits or TailLimits()
        self.pattern = pattern
        self.pieces: list[Piece] = []
        self.agent = self.started()
        Folder.made.append(self)

    def started(self) -> Tails:
        return Tails(self.checkpoint, limits=self.limits, clock=self.clock, wall=lambda: 1.7e9 + self.clock.now)

    def sources(self) -> list[Source]:
        return [
            Source(f"var/log/{path.relative_to(self.folder).as_posix()}", path, "log")
            for path in sorted(self.folder.rglob(self.pattern))
            if path.is_file()
        ]

    def see(self, from_end: bool = False) -> None:
        self.agent.see(self.sources(), from_end=from_end)

    def read(self, most_bytes: int = 1 << 20, turns: int = 100, acknowledge: bool = True) -> list[str]:
        """Reads until there is nothing left."""
        got: list[Piece] = []
        for _ in range(turns):
            pieces = list(self.agent.read(most_bytes))
            got += pieces
            if not self.agent.is_behind:
                break
        self.pieces += got
        if acknowledge:
            for piece in got:
                self.agent.done(piece.stream, piece.end)
        return lines_of(got)

    def look(self, most_bytes: int = 1 << 20, acknowledge: bool = True) -> list[str]:
        """As after a change of the folder."""
        self.see()
        self.agent.touch(None)
        return self.read(most_bytes, acknowledge=acknowledge)

    def restart(self, save: bool = True) -> None:
        """`save`: in good order; else as if it was killed."""
        if save:
            self.agent.close()
        else:
            self.drop()
        self.agent = self.started()

    def drop(self) -> None:
        self.agent._turns.close()
        self.agent._follow.handles.close_all()

    def write(self, name: str, text: str | bytes) -> Path:
        file = self.folder / name
        with file.open("ab") as stream:
            stream.write(text.encode() if isinstance(text, str) else text)
        return file


def lines_of(pieces: list[Piece]) -> list[str]:
    return [line for piece in pieces for line in piece.chunk.data.decode().splitlines()]
