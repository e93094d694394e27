"""What waits in memory to be kept: nothing secret gets out however its lines are spread over time."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from random import Random

import pytest

from collector.read.keeping.kept import kept, lines_of
from collector.read.keeping.recent import Recent
from collector.read.keeping.ring import Ring
from collector.redact.patterns import secret_patterns
from tests.read.pieces import log, piece, redactor

BODY = base64.b64encode(Random(7).randbytes(900)).decode()
PEM = [
    "-----BEGIN RSA PRIVATE KEY-----",
    *(BODY[at : at + 64] for at in range(0, len(BODY), 64)),
    "-----END RSA PRIVATE KEY-----",
]
STAMPED = [f"2026-05-04T03:12:14Z INFO {line}" for line in PEM]
#: Only the first line tells what the others are.
SETTINGS = [
    '  "protectedSettings": {',
    *(f'    "name{at}": "{BODY[at : at + 20]}",' for at in range(0, 600, 20)),
    '    "last": "one"',
    "  }",
]
PLAIN = [f"2026-05-04T03:12:{number % 60:02d}Z INFO line {number}" for number in range(3_000)]
#: Texts of which no part may stay, by row; only such that have several lines.
SPREAD = [(row.id, text) for row in secret_patterns() if not row.only for text in row.matches if "\n" in text]


class Flow:
    """Lines that come in parts into one ring, as the loop of the agent hands them on."""

    def __init__(self, folder: Path, recent: Recent | None = None) -> None:
        self.recent, self.redactor = recent or Recent(), redactor()
        self.ring = Ring(folder / "ring", "/")
        self.offset, self.at, self.folder = 0, 0.0, folder / "ring"

    def add(self, lines: list[str], *, final: bool = False) -> None:
        data = "".join(line + "\n" for line in lines).encode()
        self.recent.add(piece(data, self.offset, final=final), self.at)
        self.offset += len(data)

    def flush(self, after: float, *, everything: bool = False) -> None:
        self.at += after
        self.ring.flush(self.recent, self.redactor, self.at, everything=everything)

    def on_disk(self) -> str:
        return "\n".join(file.read_text("utf-8") for file in sorted(self.folder.glob("*.ring")))

    def text(self) -> str:
        return lines_of(kept(self.folder, "/").streams[0]).decode()


def leaks(text: str) -> list[str]:
    """Pieces of the key that stand in a text."""
    return [BODY[at : at + 10] for at in range(0, len(BODY) - 10, 5) if BODY[at : at + 10] in text]


@pytest.mark.parametrize("key", [PEM, STAMPED, SETTINGS], ids=["bare", "stamped", "settings"])
@pytest.mark.parametrize("cut", range(1, len(PEM), 2))
@pytest.mark.parametrize("pause", [0.5, 5.0], ids=["busy", "idle"])
def test_a_key_that_comes_in_two_parts(tmp_path: Path, key: list[str], cut: int, pause: float):
    flow = Flow(tmp_path)
    flow.add([*PLAIN[:50], *key[:cut]])
    flow.flush(pause)
    flow.add([*key[cut:], *PLAIN[50:100]])
    flow.flush(pause)
    flow.flush(0, everything=True)
    assert leaks(flow.on_disk()) == []
    told = flow.text().splitlines()
    assert told[:50] == PLAIN[:50]
    assert told[-50:] == PLAIN[50:100]


def test_a_key_that_comes_line_by_line_slowly(tmp_path: Path):
    flow = Flow(tmp_path)
    for line in [*PLAIN[:300], *PEM, *PLAIN[300:600]]:
        flow.add([line])
        flow.flush(5.0)
    assert leaks(flow.on_disk()) == []
    assert [line for line in flow.text().splitlines() if "INFO" in line] == PLAIN[:600]


@pytest.mark.parametrize("first", range(20, 1_000, 61))
@pytest.mark.parametrize("parts", [1, 3, 1_000])
def test_a_flood_that_begins_in_the_middle_of_a_secret(tmp_path: Path, first: int, parts: int):
    """What was dropped from memory still tells what comes after it."""
    flow = Flow(tmp_path, Recent(bytes_per_stream=4_000))
    after = "".join(line + "\n" for line in PLAIN[:200])[: 4_000 - first]
    lines = [*PLAIN[200:600], *SETTINGS, *after.splitlines()]
    for begin in range(0, len(lines), step := -(-len(lines) // parts)):
        flow.add(lines[begin : begin + step])
    flow.flush(5.0)
    assert leaks(flow.on_disk()) == []
    assert flow.ring.size < 8_000


@pytest.mark.parametrize(("name", "text"), SPREAD)
def test_a_secret_of_several_lines_that_is_still_being_written(tmp_path: Path, name: str, text: str):
    """Lines wait for those after them, so that where the flush falls makes no difference."""
    lines = text.split("\n")
    for cut in range(1, len(lines)):
        flow = Flow(tmp_path / str(cut))
        flow.add([*PLAIN[:200], *lines[:cut]])
        flow.flush(0.5)
        flow.add([*lines[cut:], *PLAIN[200:400]])
        flow.flush(0.5)
        flow.flush(5.0)
        assert "HIDDEN" not in flow.on_disk()


def test_a_word_that_a_terminal_wrapped(tmp_path: Path):
    line = "GET https://stcontoso.blob.core.windows.net/s/a.sh?sv=2022-11-02&sr=b&sp=r&sig=HIDDENaB3HIDDENcD4"
    flow = Flow(tmp_path)
    flow.add([line[:80]])
    flow.flush(0.5)
    flow.add([line[80:]])
    flow.flush(0.5)
    flow.flush(5.0)
    assert "HIDDEN" not in flow.on_disk()
    assert "cD4" not in flow.text()


def test_what_is_held_says_where_it_begins(tmp_path: Path):
    """So far a checkpoint may go and no further."""
    flow = Flow(tmp_path)
    assert flow.recent.begin(1) is None
    flow.add(PLAIN[:2_000])
    assert flow.recent.begin(1) == 0
    flow.flush(0.5)
    begin = flow.recent.begin(1)
    assert begin is not None
    assert 0 < begin < flow.offset
    assert kept(flow.folder, "/").streams[0].end == begin
    flow.flush(5.0)
    assert flow.recent.begin(1) is None
    assert kept(flow.folder, "/").streams[0].end == flow.offset
    assert flow.text().splitlines() == PLAIN[:2_000]


def test_given_again_while_it_is_held(tmp_path: Path):
    flow = Flow(tmp_path)
    flow.add(PLAIN[:20])
    end, flow.offset = flow.offset, 0
    flow.add(PLAIN[:20])
    flow.offset = 0
    flow.add(PLAIN[:40])
    assert flow.offset > end
    flow.flush(5.0)
    assert flow.text().splitlines() == PLAIN[:40]


def test_an_unfinished_line_that_is_given_whole_later(tmp_path: Path):
    for flushes in (False, True):
        flow = Flow(tmp_path / str(flushes))
        flow.recent.add(piece(b"one\ntwo\nthr", 0), 0.0)
        if flushes:
            flow.flush(5.0)
        flow.recent.add(piece(b"three\nfour\n", 8), flow.at)
        flow.flush(5.0)
        assert flow.text() == "one\ntwo\nthree\nfour\n"


def test_of_much_only_some_is_told_at_once_and_everyone_in_turn(tmp_path: Path):
    flow = Flow(tmp_path)
    data = "".join(line + "\n" for line in PLAIN[:1_000]).encode()
    for stream in range(1, 6):
        flow.recent.add(piece(data, 0, stream, log(f"var/log/{stream}.log")), 0.0)
    for told in range(1, 6):
        flow.ring.flush(flow.recent, flow.redactor, 5.0, most_bytes=1)
        assert [stream.about.stream for stream in kept(flow.folder, "/").streams] == list(range(1, told + 1))
    assert flow.recent.size == 0


def test_memory_is_bounded_and_only_what_is_kept_is_redacted(tmp_path: Path):
    recent = Recent(bytes_per_stream=100_000, bytes_total=500_000)
    data = "".join(line + "\n" for line in PLAIN).encode()
    begun = time.process_time()
    for turn in range(200):
        for stream in range(1, 21):
            recent.add(piece(data, turn * len(data), stream, log(f"var/log/{stream}.log")), 0.0)
        assert recent.size <= 625_000
    assert time.process_time() - begun < 60  # running away
    ring = Ring(tmp_path / "ring", "/")
    ring.flush(recent, redactor(), 5.0)
    assert recent.size == 0
    found = kept(tmp_path / "ring", "/").streams
    assert found[-1].end == 200 * len(data)
    assert lines_of(found[-1]).decode().splitlines()[-1] == PLAIN[-1]


def test_text_of_other_encodings_keeps_its_place(tmp_path: Path):
    """Bytes in the file and bytes here differ; lines that are given again are known by their share of them."""
    from collector.read.split import chunk_of
    from collector.read.tailing.piece import Piece

    text = "".join(line + "\r\n" for line in PLAIN[:100])
    raw, data = text.encode("utf-16-le"), text.encode()
    recent, ring = Recent(), Ring(tmp_path / "ring", "/")
    recent.add(Piece(1, log(), 2, 2 + len(raw), chunk_of(1, data), "utf-16"), 0.0)
    half = len("".join(line + "\r\n" for line in PLAIN[:50]))
    recent.add(Piece(1, log(), 2 + 2 * half, 2 + len(raw), chunk_of(51, data[half:]), "utf-16"), 0.0)
    ring.flush(recent, redactor(), 5.0)
    found = kept(tmp_path / "ring", "/").streams[0]
    assert (found.offset, found.end) == (2, 2 + len(raw))
    assert lines_of(found).decode() == text


def test_the_last_line_of_what_is_over_needs_no_line_end(tmp_path: Path):
    flow = Flow(tmp_path)
    flow.recent.add(piece(b"one\ntwo", 0, final=True), 0.0)
    flow.flush(0.0)
    assert flow.text() == "one\ntwo\n"
    assert kept(flow.folder, "/").streams[0].end == 7
    assert flow.recent.begin(1) is None


def test_what_is_known_of_streams_that_rest_is_bounded() -> None:
    """Logs that are rotated again and again leave a stream each time; the newest are still known."""
    recent, at = Recent(), 0.0
    for number in range(400):
        recent.add(piece(b"an ordinary line\n" * 2_000, stream=number), at)
        at += 2.5
        assert len(list(recent.take(redactor(), at))) == 1
    known = recent._streams
    assert sum(len(held.before) for held in known.values()) < 2_097_152
    assert list(known) == list(range(400 - len(known), 400))
    assert 100 < len(known) < 400


def test_what_can_not_go_on_is_forgotten_once_it_was_told() -> None:
    recent = Recent()
    for number in range(3):
        recent.add(piece(b"an ordinary line\n", stream=number), 0.0 if number else 10.0)
    list(recent.take(redactor(), 10.0))
    recent.forget(lambda stream: stream == 2)
    assert sorted(recent._streams) == [0, 2], "the first one waits for more"
    list(recent.take(redactor(), 20.0))
    recent.forget(lambda stream: stream == 2)
    assert list(recent._streams) == [2]
