"""Signatures: each finds its own line and no other's, in bounded time, and the right one is told."""

from __future__ import annotations

import re
from pathlib import Path
from time import perf_counter

import pytest

from collector.data.messages import ANY, KINDS, Signature, messages
from collector.diagnose.by_signature import by_signature
from collector.diagnose.named import named_by
from collector.diagnose.signatures import GENERIC_CAUSES, candidates, signatures
from collector.model import Identity, System
from tests.diagnose.stories import failure, hang

ROWS = {row.id: row for name in KINDS for row in messages(name)}
#: Rows that match another's example too, each with the reason why that does no harm.
_HEAD, *_OVERLAPS = (Path(__file__).parents[1] / "data" / "overlaps.tsv").read_text(encoding="utf-8").splitlines()
OVERLAPS = {(row, other): reason for row, other, reason in (line.split("\t") for line in _OVERLAPS)}
#: Lines of a guest can be as long as they like; texts are cut to far less before patterns are tried on them.
LONG, LONGEST_SECONDS = 100_000, 20.0  # a pattern that runs away takes minutes


def told(text: str, extension: str, system: System, kind: str = "failure") -> Signature:
    """The signature that speaks loudest for a failure whose telling line this is."""
    made = failure(extension, text) if kind == "failure" else hang(extension, text)
    loudest = max(by_signature(made, Identity(system=system)), key=lambda voice: voice.weight)
    rows = candidates(extension, system, kind)
    return next(row for row in rows if row.meaning == loudest.cause.meaning and row.found_in(text))


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_signature_finds_its_line_and_spares_the_other(row: Signature):
    assert row.found_in(row.must_match)
    assert not row.found_in(row.must_not_match)


def test_a_match_elsewhere_is_explained():
    found = {
        (row.id, other.id)
        for row in signatures()
        for other in signatures()
        if row.id != other.id and row.found_in(other.must_match)
    }
    assert found == set(OVERLAPS)
    assert all(OVERLAPS.values())


@pytest.mark.parametrize("row", signatures(), ids=lambda row: row.id)
def test_a_lines_own_signature_is_told(row: Signature):
    """Or one that an overlap with the reason why names, or one of the same cause."""
    extension = row.scope if row.scope != ANY else "Publisher.Type"
    for system in ("linux", "windows") if row.system == "any" else (row.system,):
        found = told(row.must_match, extension, system, row.kind)
        assert found.id == row.id or found.cause == row.cause or (found.id, row.id) in OVERLAPS
        assert found.cause not in GENERIC_CAUSES or row.cause in GENERIC_CAUSES


def test_an_extensions_own_signatures_are_tried_first():
    tried = candidates("microsoft.powershell.DSC", "windows")
    scopes = [row.scope for row in tried]
    assert scopes == sorted(scopes, key=lambda scope: scope == ANY)
    assert set(scopes) == {"Microsoft.Powershell.DSC", ANY}
    assert {row.system for row in tried} == {"windows", "any"}


def test_what_waits_is_not_told_of_what_has_ended():
    line = (
        "Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 3440 (apt-get)"
    )
    assert {row.kind for row in candidates("A.B", "linux", "failure")} == {"failure"}
    assert candidates("A.B", "linux", "hang")[0].kind == "hang"
    ended, hanging = told(line, "A.B", "linux", "failure"), told(line, "A.B", "linux", "hang")
    assert (ended.id, hanging.id) == ("apt-lock", "apt-lock-waiting")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("E: Failed to fetch http://x/y.deb  Temporary failure resolving 'x'", "dns"),
        ("/bin/bash^M: bad interpreter: No such file or directory", "crlf-script"),
        ("run.sh: line 2: $'\\r': command not found", "crlf-script"),
        ("Failed to connect to 169.254.169.254 port 80: Connection refused", "imds"),
        ("Try join: domain='labs.local', errCode='1355'.", "dns-domain"),
        ("Agent WALinuxAgent-2.9 failed with exception: [Errno 28] No space left on device", "disk-full"),
        ('  File "x.py", line 3\n    x = = 2\n        ^\nSyntaxError: invalid syntax', "syntax"),
        ('  File "x.py", line 3\n    print "hello"\n          ^\nSyntaxError: invalid syntax', "python2-removed"),
        ("failed to open stdout file: open /var/x/stdout: read-only file system", "read-only"),
        ("dpkg: error processing package x (--configure): end of file on stdin at conffile prompt", "interactive-wait"),
        ("[ExtensionError] Timeout(300);CPUThrottledTime(210.5secs): ./x.sh enable", "cpu-throttled"),
        ("[ExtensionError] Timeout(300);CPUThrottledTime(1.3secs): ./x.sh enable", "timeout"),
    ],
)
def test_of_two_explanations_the_more_telling_one(text: str, cause: str):
    extension = (
        "Microsoft.Compute.JsonADDomainExtension" if "join" in text else "Microsoft.Azure.Extensions.CustomScript"
    )
    kind = "hang" if "Timeout(" in text else "failure"
    assert told(text, extension, "windows" if "join" in text else "linux", kind).cause == cause


def _hostile(example: str) -> list[str]:
    """Long lines that make a careless pattern try everything: its own beginning over and over, and single signs."""
    pieces = [example, example[: len(example) // 2], example[:3], "a", " ", "1", "0.", "x ", "'", "["]
    pieces += sorted(re.findall(r"\w+", example), key=len)[-2:]
    return [(piece * LONG)[:LONG] for piece in pieces if piece]


PATTERNS = [(row.id, text, row.must_match) for row in ROWS.values() for text in (row.pattern, row.not_pattern) if text]
PATTERNS += [(f"named: {row.tells}", row.pattern, row.must_match) for row in named_by()]


@pytest.mark.parametrize(("name", "pattern", "example"), PATTERNS, ids=[name for name, _, _ in PATTERNS])
def test_no_line_keeps_a_pattern_busy(name: str, pattern: str, example: str):
    compiled = re.compile(pattern)
    for line in _hostile(example):
        start = perf_counter()
        for _ in zip(range(50), compiled.finditer(line), strict=False):
            pass
        assert perf_counter() - start < LONGEST_SECONDS, line[:80]
