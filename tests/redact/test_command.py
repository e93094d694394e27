"""``vmext redact``: a stream in, the same without secrets out, in bounded memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from collector.redact.redactor import Redactor
from collector.redact.stream import redacted
from tests.redact.planted import corpus

KEY = b"k" * 32
CASES = list(corpus(Random(3)))[::7]


def run(*arguments: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "collector", "redact", *map(str, arguments)],
        input=given,
        capture_output=True,
        check=False,
    )


def test_a_file_and_standard_input_with_a_key(tmp_path: Path):
    log, key = tmp_path / "a.log", tmp_path / "key"
    log.write_bytes(b"a\nx --password=hunter2HIDDEN\r\nlast")
    key.write_bytes(KEY)
    expected = Redactor(KEY).text("a\nx --password=hunter2HIDDEN\r\nlast").encode()
    assert b"HIDDEN" not in expected
    from_file, piped = run(log, "--key", key, "--counts"), run("-", "--key", key, given=log.read_bytes())
    assert (from_file.returncode, from_file.stdout, from_file.stderr.split()) == (
        0,
        expected,
        [b"1", b"argument-password"],
    )
    assert (piped.returncode, piped.stdout, piped.stderr) == (0, expected, b"")


def test_utf_16_is_read_and_bytes_of_no_text_stay():
    wide = run("-", given="x --password=hunter2HIDDEN ende\n".encode("utf-16"))
    assert (wide.returncode, b"HIDDEN" in wide.stdout, b"ende" in wide.stdout) == (0, False, True)
    odd = b"caf\xe9 \xff\x00 pwd=hunter2HIDDEN;x\n"
    assert run("-", given=odd).stdout.startswith(b"caf\xe9 \xff\x00 pwd=[password:")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["/nowhere"], b"nowhere"), (["-", "--key", "/nowhere"], b"--key"), (["-", "--key", os.devnull], b"16 bytes")],
)
def test_what_can_not_be_read_is_told(arguments: list[str], says: bytes):
    result = run(*arguments)
    assert (result.returncode, says in result.stderr, b"Traceback" in result.stderr) == (2, True, False)


def blocks(text: str, size: int) -> list[str]:
    return [text[begin : begin + size] for begin in range(0, len(text), size)]


@pytest.mark.parametrize("size", [977, 8_192, 70_001])
def test_a_stream_hides_what_the_whole_text_hides(size: int):
    """Wherever the blocks are cut; no line is lost."""
    text = "\n".join(case.text for case in CASES) * 3
    parts = list(redacted(blocks(text, size), Redactor(KEY)))
    told = "".join(parts)
    assert told.count("\n") == text.count("\n")
    for case in CASES:
        assert case.planted.secret not in told, case
    assert len(parts) > 3


def test_a_line_without_end_is_passed_on_in_parts():
    line = "word " * 400_000 + "--password hunter2HIDDEN " + "word " * 100_000
    longest = 0
    told = []
    for part in redacted(blocks(line, 50_000), Redactor(KEY)):
        longest = max(longest, len(part))
        told.append(part)
    assert longest < 400_000
    assert "HIDDEN" not in "".join(told)
    assert "".join(told).count("word ") == 500_001  # one of them ends --password


def test_a_key_that_begins_in_one_block_and_ends_in_another():
    body = "\n".join(["MIIEHIDDEN" + "aB3+" * 13 + "cd"] * 40)
    key = f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"
    told = "".join(redacted(blocks("line\n" * 14_000 + key + "line\n" * 14_000, 65_536), Redactor(KEY)))
    assert "HIDDEN" not in told
    assert told.count("line\n") == 28_000
