"""What the tailer gives."""

from __future__ import annotations

from dataclasses import dataclass

from collector.model import Source
from collector.read.split import Chunk


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines of one stream. Offsets in bytes of the file as it lies there, of a packed one unpacked.

    The number of the chunk's first line is that of an editor if `numbered`; else it is one more than the offset, so
    that numbers grow.
    """

    stream: int  # stable across restarts and renames; never given twice in one folder of state
    source: Source  # where the stream's file lies now; after a rotation the rotated path
    offset: int  # where the first line begins
    end: int  # after the last line
    chunk: Chunk
    encoding: str
    final: bool = False  # nothing more is expected: the last line may lack its end
    numbered: bool = True


@dataclass(frozen=True, slots=True)
class TailState:
    """Sizes in bytes."""

    path: str
    stream: int
    size: int
    offset: int  # given up to there
    acknowledged: int  # processed up to there
    lag: int  # not given yet
    problem: str = ""
