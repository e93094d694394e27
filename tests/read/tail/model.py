"""Random lives of a log and of the agent that follows it, against what was written.

Every line is written once and carries its number. The bound: a line that lies in a file at a time when the agent looks
(or lay in a file that the agent had open when it was deleted) is given; no line is given twice under two streams or
offsets; nothing is given that was not written.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from collector.read.tailing.identity import BEGINNING
from collector.read.tailing.piece import Piece
from collector.read.tailing.tail import TailLimits
from tests.read.tail.disk import Folder

LOG = "a.log"
HEADER = b"# "
_FOREVER = 1e9


class LogAndAgent(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.top = Path(tempfile.mkdtemp(prefix="tail-model-"))
        limits = TailLimits(idle=_FOREVER, grace=_FOREVER)
        self.logs = Folder(self.top, limits)
        self.is_up = True
        self.written = 0
        self.header = b""
        self.open_inodes: set[int] = set()  # the agent has them open
        self.kept: dict[int, Path] = {}  # deleted while open: a link that keeps what they hold
        self.given: dict[tuple[int, int], bytes] = {}
        self.unacknowledged: list[Piece] = []
        self.half = b""
        self.writer: BinaryIO = self._opened()

    def teardown(self) -> None:
        try:
            if not self.is_up:
                self._start()
            self._look()
            self._check()
        finally:
            self.writer.close()
            self.logs.drop()
            Folder.made.remove(self.logs)
            shutil.rmtree(self.top)

    # ---- the writer --------------------------------------------------------------------------------------------

    @initialize(length=st.sampled_from([0, 0, 30, 1_100]))
    def shared_header(self, length: int) -> None:
        self.header = HEADER + b"=" * length + b"\n" if length else b""

    @rule(lengths=st.lists(st.sampled_from([0, 3, 40, 300, 1_500]), min_size=1, max_size=4))
    def write(self, lengths: list[int]) -> None:
        for length in lengths:
            self.half = b""
            self._write(self._line(length) + b"\n")

    @rule(length=st.sampled_from([0, 40, 300]))
    def write_half(self, length: int) -> None:
        if not self.half:
            line = self._line(length) + b"\n"
            cut = max(1, len(line) // 2)
            self.half = line[cut:]
            self._write(line[:cut])

    @rule()
    def write_other_half(self) -> None:
        if self.half:
            half, self.half = self.half, b""
            self._write(half)

    @rule()
    def reopen(self) -> None:
        self.half = b""
        self.writer.close()
        self.writer = self._opened()

    @rule(reopens=st.booleans())
    def rotate_by_renaming(self, reopens: bool) -> None:
        if self._path(LOG).exists():
            self._shift()
            self._path(LOG).rename(self._path(f"{LOG}.1"))
            if reopens:
                self.reopen()

    @rule(looks=st.booleans(), writes=st.booleans())
    def rotate_by_copying(self, looks: bool, writes: bool) -> None:
        log = self._path(LOG)
        if not log.exists():
            return
        self._shift()
        shutil.copyfile(log, self._path(f"{LOG}.1"))
        if looks and self.is_up:
            self._glance()
        if writes:
            self.write([40])
        os.truncate(log, 0)
        self.half = b""

    @rule(number=st.sampled_from([1, 2]), looks=st.booleans())
    def pack(self, number: int, looks: bool) -> None:
        plain = self._path(f"{LOG}.{number}")
        if not plain.exists() or plain.stat().st_ino == self._inode_of_writer():
            return
        packed = gzip.compress(plain.read_bytes())
        file = self._path(f"{plain.name}.gz")
        if file.exists():
            self._delete(file)
        with file.open("wb") as stream:
            stream.write(packed[: len(packed) // 2])
            stream.flush()
            if looks and self.is_up:
                self._glance()
            stream.write(packed[len(packed) // 2 :])
        if looks and self.is_up:
            self._glance()
        self._delete(plain)

    @rule(name=st.sampled_from([LOG, f"{LOG}.1", f"{LOG}.2", f"{LOG}.1.gz"]))
    def delete(self, name: str) -> None:
        if self._path(name).exists():
            self._delete(self._path(name))

    @rule()
    def empty(self) -> None:
        if self._path(LOG).exists():
            os.truncate(self._path(LOG), 0)
            self.half = b""

    @rule(keeps=st.booleans())
    def replace(self, keeps: bool) -> None:
        log = self._path(LOG)
        if log.exists():
            content = log.read_bytes() if keeps else self.header
            if content and not content.endswith(b"\n"):
                return  # without or with its end, its unfinished line makes it another file: it comes again
            new = self.top / "new"
            new.write_bytes(content + self._line(40) + b"\n")
            self._delete(log, keeps_content=keeps)
            new.rename(log)
            self.reopen()

    # ---- the agent ---------------------------------------------------------------------------------------------

    @precondition(lambda self: self.is_up)
    @rule()
    def look(self) -> None:
        self._look()
        self._check()

    @precondition(lambda self: self.is_up)
    @rule(most=st.sampled_from([16, 100, 2_000, 1 << 20]), seconds=st.sampled_from([0.0, 0.0, 0.5, 2.0]))
    def read_some(self, most: int, seconds: float) -> None:
        self.logs.clock.now += seconds
        self.logs.agent.touch(None)
        self._take(self.logs.agent.read(most))

    @precondition(lambda self: self.is_up)
    @rule()
    def see(self) -> None:
        self.logs.see()

    @precondition(lambda self: self.is_up)  # not what it gave: which rules there are must not hang on file numbers
    @rule(share=st.sampled_from([0.3, 1.0]), saves=st.booleans())
    def acknowledge(self, share: float, saves: bool) -> None:
        count = max(1, int(len(self.unacknowledged) * share))
        for piece in self.unacknowledged[:count]:
            self.logs.agent.done(piece.stream, piece.end)
        del self.unacknowledged[:count]
        if saves:
            self.logs.agent.save()

    @precondition(lambda self: self.is_up)
    @rule(kills=st.booleans())
    def stop(self, kills: bool) -> None:
        if kills and len(self.header) < BEGINNING:
            self.logs.drop()
        else:
            self.logs.agent.close()
        self.is_up = False
        self.unacknowledged.clear()
        self.open_inodes.clear()
        for kept in self.kept.values():
            kept.unlink(missing_ok=True)
        self.kept.clear()

    @precondition(lambda self: not self.is_up)
    @rule()
    def start(self) -> None:
        self._start()

    # ---- in words ----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self.logs.agent = self.logs.started()
        self.is_up = True
        self.logs.see()

    def _glance(self) -> None:
        self.logs.see()
        self._take(self.logs.agent.read(1 << 20))

    def _look(self) -> None:
        for _ in range(4):
            self.logs.see()
            self.logs.agent.touch(None)
            turns = 0
            while True:
                self._take(self.logs.agent.read(1 << 16))
                turns += 1
                assert turns < 1_000, "it runs away"
                if not self.logs.agent.is_behind:
                    break
            self.logs.clock.now += 2
        self.open_inodes = {path.stat().st_ino for path in self.logs.folder.iterdir() if path.suffix != ".gz"}

    def _take(self, pieces: object) -> None:
        assert hasattr(pieces, "__iter__")
        for piece in pieces:
            assert isinstance(piece, Piece)
            self.unacknowledged.append(piece)
            assert piece.end - piece.offset == len(piece.chunk.data)
            at = piece.offset
            for line in piece.chunk.data.splitlines(keepends=True):
                known = self.given.get((piece.stream, at), b"")
                assert line.startswith(known) or known.startswith(line), (piece.stream, at, known, line)
                self.given[piece.stream, at] = max(line, known, key=len)
                at += len(line)

    def _check(self) -> None:
        lines = self._lines()
        numbers = [line for line in lines if not line.startswith(HEADER)]
        twice = {line[:20] for line in numbers if numbers.count(line) > 1}
        assert not twice, f"given twice: {twice}"
        got = set(numbers)
        for path in (*self.logs.folder.iterdir(), *self.kept.values()):
            content = path.read_bytes()
            if path.name.endswith(".gz"):
                content = gzip.decompress(content)
            for line in content.splitlines(keepends=True):
                if line.endswith(b"\n") and not line.startswith(HEADER):
                    assert line in got, f"not given: {line[:20]!r} of {path.name}"

    def _lines(self) -> list[bytes]:
        """Pieces of one line, given as they came, are joined."""
        lines: list[bytes] = []
        end = (0, 0)
        for (stream, at), line in sorted(self.given.items()):
            if (stream, at) == end and not lines[-1].endswith(b"\n"):
                lines[-1] += line
            elif stream == end[0] and at < end[1]:
                continue  # a part of a line that was given whole after a restart
            else:
                lines.append(line)
            end = (stream, at + len(line))
        return lines

    def _line(self, length: int) -> bytes:
        self.written += 1
        return b"<%d> %s<%d>" % (self.written, b"x" * length, self.written)

    def _write(self, data: bytes) -> None:
        if not os.fstat(self.writer.fileno()).st_size:
            data = self.header + data
        self.writer.write(data)
        self.writer.flush()
        status = os.fstat(self.writer.fileno())
        kept = self.kept.get(status.st_ino)
        if kept is not None and not status.st_nlink:
            with kept.open("ab") as stream:
                stream.write(data)

    def _opened(self) -> BinaryIO:
        return self._path(LOG).open("ab")

    def _path(self, name: str) -> Path:
        return self.logs.folder / name

    def _inode_of_writer(self) -> int:
        return os.fstat(self.writer.fileno()).st_ino

    def _shift(self) -> None:
        for ending in ("", ".gz"):
            last = self._path(f"{LOG}.2{ending}")
            if last.exists():
                self._delete(last)
            if self._path(f"{LOG}.1{ending}").exists():
                self._path(f"{LOG}.1{ending}").rename(last)

    def _delete(self, path: Path, keeps_content: bool = False) -> None:
        """What the agent has open is kept by a link elsewhere for the comparison."""
        inode = path.stat().st_ino
        if self.is_up and inode in self.open_inodes and not path.name.endswith(".gz") and not keeps_content:
            (self.top / "kept").mkdir(exist_ok=True)
            self.kept[inode] = self.top / "kept" / f"{inode}-{path.name}"
            shutil.copyfile(path, self.kept[inode])
        self.open_inodes.discard(inode)
        path.unlink()
