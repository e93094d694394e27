"""A folder of logs, the tailer that follows it, its stops and crashes: so that tests read as stories.

Whatever a story does, the driver itself checks at each piece that nothing is given twice in one life of the tailer, that
nothing acknowledged and saved is given again, and that only the end of a stream lacks a line end.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from collector.model import Source
from collector.read.split import Chunk, LineMaker
from collector.read.tailing.tail import Piece, Tails

#: On Windows a file is open only while it is looked at, so that nothing can be had of one that was deleted meanwhile.
HOLDS_OPEN = sys.platform != "win32"
#: Turns after which a tailer that still has something to read is running in a circle.
_MANY = 100_000
_LINE_LIMIT = 1_048_576


def text(first: int, last: int, name: str = "line") -> str:
    """Lines of these numbers."""
    return "".join(f"{name} {number}\n" for number in range(first, last + 1))


def lines(first: int, last: int, name: str = "line") -> list[str]:
    return text(first, last, name).splitlines()


def assert_arrived(got: Iterable[str], must: Iterable[str], may: Iterable[str] = ()) -> None:
    """Each line of `must` once and in this order; those of `may`, which nobody can promise, at most once; none else."""
    got, may = list(got), set(may)
    assert len(set(got)) == len(got), "a line was given twice"
    assert [one for one in got if one not in may] == list(must)


def assert_same(got: Iterable[str], must: Iterable[str]) -> None:
    """The same lines, each as often, in whatever order: what several files hold that are new at once."""
    assert sorted(got) == sorted(must)


@contextmanager
def writer(file: Path, *, append: bool = True) -> Iterator[BinaryIO]:
    """The file, open and unbuffered as an agent holds it: it can be renamed and deleted meanwhile, on Windows too.

    Without `append` it is made anew, and the writer keeps its own place in it, whatever others do to the file.
    """
    if sys.platform == "win32":
        with os.fdopen(_shared(file, append), "wb", buffering=0) as stream:
            yield cast(BinaryIO, stream)
    else:
        with file.open("ab" if append else "wb", buffering=0) as stream:
            yield cast(BinaryIO, stream)


if sys.platform == "win32":
    import ctypes
    import msvcrt

    def _shared(file: Path, append: bool) -> int:
        create = ctypes.WinDLL("kernel32", use_last_error=True).CreateFileW
        create.restype = ctypes.c_void_p
        access = 0x0004 if append else 0x4000_0000  # FILE_APPEND_DATA, GENERIC_WRITE
        everything, anew, normal = 7, 4 if append else 2, 0x80  # shared; OPEN_ALWAYS or CREATE_ALWAYS
        handle = create(str(file), access, everything, None, anew, normal, None)
        if handle in (None, ctypes.c_void_p(-1).value):
            raise ctypes.WinError(ctypes.get_last_error())
        return msvcrt.open_osfhandle(handle, os.O_APPEND if append else 0)

    def short_name(file: Path) -> Path:
        """By which DOS knew it, 8 and 3 characters."""
        buffer = ctypes.create_unicode_buffer(1_024)
        assert ctypes.WinDLL("kernel32").GetShortPathNameW(str(file), buffer, len(buffer))
        return Path(buffer.value)

else:

    def short_name(file: Path) -> Path:
        return file


class Tail:
    """The story's folder is `folder`; names are relative to it."""

    def __init__(self, place: Path, limits: Any = None) -> None:
        self.folder = place / "logs"
        self.checkpoint = place / "state" / "tail.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.checkpoint.parent.mkdir(exist_ok=True)
        self.now = 1_000.0  # monotonic seconds
        self.wall = 1_777_000_000.0  # seconds since the epoch at which that clock was 0
        self.pieces: list[Piece] = []
        self.saves = True  # whether a look ends with saving
        self._limits = limits
        self._given: dict[int, int] = {}  # raw offset of each stream up to which its bytes were given
        self._acknowledged: dict[int, int] = {}
        self._saved: dict[int, int] = {}
        self._tails: Tails | None = None
        self.start()

    # what others do in the folder

    def file(self, name: str) -> Path:
        return self.folder / name

    def write(self, name: str, content: str | bytes) -> None:
        """Appends, as a process does that opens its log for each line."""
        self.file(name).parent.mkdir(parents=True, exist_ok=True)
        with self.file(name).open("ab") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)

    def rename(self, name: str, other: str) -> None:
        self.file(other).parent.mkdir(parents=True, exist_ok=True)
        self.file(name).replace(self.file(other))

    def rotate(self, name: str, keep: int) -> None:
        """As logrotate does: the file itself to number 1, number 1 to number 2, of which `keep` are kept."""
        self.file(f"{name}.{keep}").unlink(missing_ok=True)
        for number in range(keep - 1, 0, -1):
            if self.file(f"{name}.{number}").exists():
                self.rename(f"{name}.{number}", f"{name}.{number + 1}")
        self.rename(name, f"{name}.1")

    def copytruncate(self, name: str, copy: str, between: Callable[[], object] = lambda: None) -> None:
        """`between`: what happens after the copy and before the file is cut."""
        shutil.copyfile(self.file(name), self.file(copy))
        between()
        self.truncate(name)

    def truncate(self, name: str, size: int = 0) -> None:
        with self.file(name).open("r+b") as stream:
            stream.truncate(size)

    def replace(self, name: str, content: str | bytes) -> None:
        """Another file takes the name at once."""
        self.write(name + ".tmp", content)
        self.rename(name + ".tmp", name)

    # the tailer

    @property
    def tails(self) -> Tails:
        assert self._tails is not None, "it is not running"
        return self._tails

    def start(self) -> None:
        options = {"limits": self._limits} if self._limits is not None else {}
        self._tails = Tails(self.checkpoint, clock=lambda: self.now, wall=lambda: self.wall + self.now, **options)
        self._given, self._acknowledged = dict(self._saved), dict(self._saved)

    def save(self) -> None:
        self.tails.save()
        self._saved = dict(self._acknowledged)

    def stop(self) -> None:
        """In order: what was acknowledged is saved."""
        self.save()
        self.tails.close()
        self._tails = None

    def crash(self) -> None:
        """As kill -9 leaves it: the state file is what it was when it was last saved."""
        state = self.checkpoint.read_bytes() if self.checkpoint.exists() else None
        self.tails.close()
        self._tails = None
        if state is not None:
            self.checkpoint.write_bytes(state)
        else:
            self.checkpoint.unlink(missing_ok=True)

    def close(self) -> None:
        """At the end of a story."""
        if self._tails is not None:
            self._tails.close()
            self._tails = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def forget(self) -> None:
        """The state file is lost; only to be called while it is stopped."""
        self._saved = {}

    def sources(self) -> list[Source]:
        """As `discover.scan` lists them: links resolved, what is no readable file with its problem."""
        found: dict[str, Source] = {}
        for path in sorted(self.folder.rglob("*"), key=lambda one: (one.is_symlink(), one)):
            source = self._source(path)
            if source is not None and (source.problem or str(source.file) not in found):
                found[str(path) if source.problem else str(source.file)] = source
        return sorted(found.values(), key=lambda one: one.path)

    def _source(self, path: Path) -> Source | None:
        source = Source(path.relative_to(self.folder).as_posix(), path, "log")
        if path.name.endswith(".tmp"):
            return None
        try:
            if path.is_symlink():
                source = replace(source, file=path.resolve())
            status = source.file.stat()
        except PermissionError:
            return replace(source, problem="denied", note="no permission")
        except (OSError, RuntimeError):
            return replace(source, problem="vanished", note="gone since it was listed")
        if stat.S_ISDIR(status.st_mode):
            return replace(source, problem="not-a-file") if path.name.endswith(".log") else None
        if not stat.S_ISREG(status.st_mode):
            return replace(source, problem="not-a-file", note="not a regular file")
        return replace(source, size=status.st_size, modified=status.st_mtime)

    def look(self, *, most: int = 1 << 20, seconds: float = 0.0, scan: bool = True, done: bool = True) -> list[str]:
        """Turn after turn until there is nothing more to read; the lines that came.

        `most`: bytes of each stream in one turn. `seconds` pass before it. `done`: whether they are acknowledged.
        """
        self.now += seconds
        before = len(self.pieces)
        if scan:
            self.tails.see(self.sources())
        self.tails.touch(None)
        for _ in range(_MANY):
            self.turn(most=most, done=done)
            if not self.tails.is_behind:
                break
        else:
            raise AssertionError("it never caught up")
        if self.saves:
            self.save()
        return self.lines(self.pieces[before:])

    def looks(self, *seconds: float) -> list[str]:
        """Several looks, so many seconds apart."""
        return [line for wait in seconds for line in self.look(seconds=wait)]

    def turn(self, *, most: int = 1 << 20, done: bool = True) -> list[Piece]:
        pieces = []
        for piece in self.tails.read(most):
            pieces.append(self.take(piece, done=done))
        return pieces

    def take(self, piece: Piece, *, done: bool = True) -> Piece:
        """Checks and keeps what was given."""
        assert piece.chunk.data, "an empty piece"
        assert piece.end > piece.offset >= 0
        assert piece.final or piece.chunk.data.endswith(b"\n"), "an unfinished line amid a stream"
        given = self._given.get(piece.stream, 0)
        assert piece.offset >= given, f"bytes {piece.offset}-{given} of stream {piece.stream} were given twice"
        self._given[piece.stream] = piece.end
        self.pieces.append(piece)
        if done:
            self.acknowledge(piece.stream, piece.end)
        return piece

    def acknowledge(self, stream: int, offset: int, state: dict[str, str | int] | None = None) -> None:
        self.tails.done(stream, offset, state)
        self._acknowledged[stream] = offset

    # what came

    @staticmethod
    def lines(pieces: Iterable[Piece]) -> list[str]:
        maker = LineMaker(_LINE_LIMIT)
        return [line.text for piece in pieces for line in maker.lines(piece.chunk)]

    @property
    def all_lines(self) -> list[str]:
        """Of all lives, each byte of a stream once: what a consumer has that knows pieces by stream and offset.

        Only for text of one byte a character without NULs.
        """
        seen: dict[int, int] = {}
        kept = []
        for piece in self.pieces:
            known = max(0, seen.get(piece.stream, 0) - piece.offset)
            if known < piece.end - piece.offset:
                kept.append(replace(piece, chunk=Chunk(0, piece.chunk.data[known:], 0)))
            seen[piece.stream] = max(seen.get(piece.stream, 0), piece.end)
        return self.lines(kept)

    @property
    def state(self) -> dict[str, Any]:
        """What is followed, by path."""
        return {state.path: state for state in self.tails.followed()}

    @property
    def saved(self) -> Any:
        return json.loads(self.checkpoint.read_text("utf-8"))
