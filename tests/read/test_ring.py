"""The ring on real files: what it keeps, what it drops, and what a kill, a full disk and damage leave."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from collector.read.keeping import segments
from collector.read.keeping.kept import KeptStream, kept, lines_of
from collector.read.keeping.recent import Recent
from collector.read.keeping.ring import Ring
from tests.read.pieces import log, piece, redactor

LINE = b"2026-05-04T03:12:%02dZ INFO line %06d of the log\n"


def lines(first: int, count: int) -> bytes:
    return b"".join(LINE % (number % 60, number) for number in range(first, first + count))


def streams(folder: Path) -> dict[int, KeptStream]:
    return {stream.about.stream: stream for stream in kept(folder, "/").streams}


def text(folder: Path, stream: int = 1) -> bytes:
    return lines_of(streams(folder)[stream])


class Clock:
    def __init__(self) -> None:
        self.now = 1_770_000_000.0

    def __call__(self) -> float:
        return self.now


def keep(ring: Ring, data: bytes, offset: int = 0, stream: int = 1, path: str = "var/log/a.log") -> None:
    recent = Recent()
    recent.add(piece(data, offset, stream, log(path)), 0.0)
    ring.flush(recent, redactor(), 0.0, everything=True)


def test_what_was_flushed_is_read_back_redacted(tmp_path: Path):
    ring = Ring(tmp_path / "ring", "/")
    keep(ring, b"one password=hidden123\ntwo\n")
    keep(ring, b"three\n", 27)
    found = text(tmp_path / "ring")
    assert b"hidden123" not in found
    assert found.startswith(b"one password=[password:")
    assert found.endswith(b"\ntwo\nthree\n")
    stream = streams(tmp_path / "ring")[1]
    assert (stream.offset, stream.end, stream.missing, stream.about.path) == (0, 33, 0, "var/log/a.log")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_only_the_owner_can_read_it(tmp_path: Path):
    ring = Ring(tmp_path / "ring", "/")
    keep(ring, b"one\n")
    modes = {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "ring").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "ring").stat().st_mode) == 0o700


def test_given_again_it_is_kept_once(tmp_path: Path):
    """After a kill what was not acknowledged comes again, perhaps in other pieces."""
    data = lines(0, 100)
    keep(Ring(tmp_path / "ring", "/"), data)
    again = data.index(b"000040") - 31
    begin = data.rindex(b"\n", 0, again + 31) + 1
    more = data[begin:] + lines(100, 50)
    keep(Ring(tmp_path / "ring", "/"), more, begin)
    assert text(tmp_path / "ring") == lines(0, 150)


def test_of_a_stream_the_newest_bytes_and_in_all_a_bound(tmp_path: Path):
    ring = Ring(tmp_path / "ring", "/", bytes_per_stream=100_000, bytes_total=1_000_000)
    keep(ring, b"quiet, and long ago\n", stream=7, path="var/log/quiet.log")
    offset = 0
    for number in range(200):
        data = lines(number * 1_000, 1_000)
        keep(ring, data, offset)
        offset += len(data)
        assert ring.size <= 1_000_000 + 2 * len(data) + 100_000
    on_disk = sum(file.stat().st_size for file in (tmp_path / "ring").iterdir())
    assert on_disk == ring.size
    found = lines_of(kept(tmp_path / "ring", "/", 100_000).streams[0])
    assert found.endswith(lines(199_000, 1_000))
    assert 100_000 <= len(found) < 200_000
    assert text(tmp_path / "ring", 7) == b"quiet, and long ago\n"  # a flood pushes out only its own


def test_where_all_streams_are_too_much_the_oldest_go(tmp_path: Path):
    clock = Clock()
    ring = Ring(tmp_path / "ring", "/", bytes_per_stream=100_000, bytes_total=1_000_000, clock=clock)
    for stream in range(1, 41):
        clock.now += 1
        keep(ring, lines(stream * 1_000, 1_500), stream=stream, path=f"var/log/{stream}.log")
    assert ring.size <= 1_200_000
    left = sorted(streams(tmp_path / "ring"))
    assert left[-1] == 40
    assert left == list(range(left[0], 41))
    assert len(left) >= 8


def test_of_very_many_streams_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each is known in memory: a log that is rotated every minute makes thousands."""
    monkeypatch.setattr("collector.read.keeping.ring._MOST_COUNTED", 600)
    ring = Ring(tmp_path / "ring", "/", bytes_total=4_194_304)
    recent, seal = Recent(), redactor()
    for stream in range(3_000):
        recent.add(piece(lines(stream, 1), 0, stream, log(f"var/log/{stream}.log")), 0.0)
        if stream % 50 == 49:
            ring.flush(recent, seal, 0.0, everything=True)
    left = sorted(streams(tmp_path / "ring"))
    assert left == list(range(3_000 - len(left), 3_000))
    assert 100 < len(left) <= 600 + 50
    assert set(ring._ends) == set(left)


def test_what_is_too_old_goes(tmp_path: Path):
    clock = Clock()
    ring = Ring(tmp_path / "ring", "/", days=1.0, clock=clock)
    keep(ring, b"old\n", stream=1, path="var/log/old.log")
    ring.close()
    clock.now += 86_401
    keep(ring, b"new\n", stream=2, path="var/log/new.log")
    assert sorted(streams(tmp_path / "ring")) == [2]


def test_many_restarts_leave_few_files(tmp_path: Path):
    for number in range(150):
        ring = Ring(tmp_path / "ring", "/")
        keep(ring, lines(number, 1), number * len(lines(0, 1)))
        ring.close()
    assert len(list((tmp_path / "ring").iterdir())) <= 100
    assert text(tmp_path / "ring") == lines(0, 150)


@pytest.mark.parametrize("cut", range(1, 400, 13))
def test_a_torn_end_costs_only_the_last_flush(tmp_path: Path, cut: int):
    ring = Ring(tmp_path / "ring", "/")
    keep(ring, lines(0, 5))
    ring.close()
    (file,) = (tmp_path / "ring").iterdir()
    whole = file.stat().st_size
    keep(Ring(tmp_path / "other", "/"), b"x\n")
    ring = Ring(tmp_path / "ring", "/")
    keep(ring, lines(5, 5), len(lines(0, 5)))
    ring.close()
    newest = max((tmp_path / "ring").iterdir())
    data = file.read_bytes() + newest.read_bytes().split(b"\n", 1)[1]  # as if one process had written both
    newest.unlink()
    file.write_bytes(data[: max(whole, len(data) - cut)])
    assert text(tmp_path / "ring") == lines(0, 5)
    assert kept(tmp_path / "ring", "/").problems == ()


def test_damage_is_told_and_the_rest_is_read(tmp_path: Path):
    for number in range(3):
        ring = Ring(tmp_path / "ring", "/")
        keep(ring, lines(number, 1), number * len(lines(0, 1)))
        ring.close()
    first, second, _ = sorted((tmp_path / "ring").iterdir())
    first.write_bytes(b"\x00" * 9_000)
    second.write_bytes(second.read_bytes().replace(b"line", b"lime"))
    found = kept(tmp_path / "ring", "/")
    assert len(found.problems) == 1
    assert first.name in found.problems[0]
    assert text(tmp_path / "ring") == lines(2, 1)  # the changed one does not fit its sum
    keep(Ring(tmp_path / "ring", "/"), lines(3, 1), 3 * len(lines(0, 1)))
    assert text(tmp_path / "ring") == lines(2, 2)


def test_a_ring_of_another_root_is_none_of_ours(tmp_path: Path):
    keep(Ring(tmp_path / "ring", "/mnt/other"), b"other\n")
    assert kept(tmp_path / "ring", "/").streams == ()
    assert len(kept(tmp_path / "ring", "/mnt/other").streams) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_drops_lines_and_says_so(tmp_path: Path):
    ring = Ring(tmp_path / "ring", "/")
    keep(ring, b"before\n")
    ring._file, real = os.open("/dev/full", os.O_WRONLY), ring._file
    os.close(real)
    keep(ring, b"lost\n", 7)
    assert "No space left" in ring.problem
    assert ring.dropped > 0
    keep(ring, b"after\n", 12)
    assert ring.problem == ""
    assert text(tmp_path / "ring") == b"before\nafter\n"
    assert streams(tmp_path / "ring")[1].missing == 5


@pytest.mark.skipif(sys.platform == "win32", reason="a file in place of the folder")
def test_a_folder_that_can_not_be_made_stops_nothing(tmp_path: Path):
    (tmp_path / "ring").write_text("a file")
    ring = Ring(tmp_path / "ring", "/")
    keep(ring, b"lost\n")
    assert ring.problem
    assert kept(tmp_path / "ring", "/").streams == ()


def test_text_that_no_redactor_made_is_refused(tmp_path: Path):
    from collector.read.keeping.recent import Stretch

    stretch = Stretch(1, log(), 0, 4, "raw\n", (4,))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        segments.entry_bytes(stretch, 0.0)
