"""Redaction against the cleaners of two collectors and a scanner, on the same lines: speed on ordinary logs, recall on
planted secrets, and what is changed or reported in logs that hold none.

The peers run in an environment of their own, `VMEXT_BENCH_PEERS` (its Python); docs/redaction.md tells how it is made.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from random import Random

from collector.redact.redactor import Redactor
from tests.bench.logs import MB, agent_log
from tests.bench.measuring import Result, unmeasured
from tests.redact.planted import corpus, leaks
from tests.redact.test_corpus import EXPLAINED, ORDINARY, read

_PEER = Path(__file__).with_name("redaction_peer.py")
_NAMES = ("insights-core", "detect-secrets", "sos")
_AT_ONCE, _CASES = 2_000, 3  # lines; every so many case


def run(data: Path, quick: bool) -> list[Result]:
    lines = agent_log(data, MB if quick else 8 * MB, "sparse").path.read_text(encoding="utf-8").splitlines()
    distinct = [line for file in ORDINARY for line in read(file.read_bytes()).splitlines()]
    cases = list(corpus(Random(1)))[::_CASES]
    rows = []
    for name, text in (("agent's log", lines), ("sample logs, each line once", distinct)):
        ours = _speed(text)
        rows += [_compared(peer, name, text, ours) for peer in _NAMES[:1]]
        rows += [_slower(peer, name, text, ours) for peer in _NAMES[1:]]
    found = sum(not leaks(case, Redactor(b"k" * 32).text(case.text)) for case in cases)
    rows.append(Result("planted secrets gone", 100 * found / len(cases), "%", 100, at_least=True, note=f"{len(cases)}"))
    rows += [_recall(peer, [(case.text, case.planted.secret) for case in cases]) for peer in _NAMES]
    redactor = Redactor(b"k" * 32)
    changed = sum(told != line for told, line in zip(redactor.lines(distinct), distinct, strict=True))
    allowed = sum(EXPLAINED.values())
    note = "whole settings that handlers print"
    rows.append(Result(f"of {len(distinct)} sample lines changed", changed, "lines", allowed, note=note))
    return rows + [_alarms(peer, distinct) for peer in _NAMES]


def _speed(lines: list[str]) -> float:
    """Lines in a second of processor time: the best of three passes, each with a redactor that has seen nothing."""
    best = 0.0
    for _ in range(3):
        redactor = Redactor(b"k" * 32)
        begin = time.process_time()
        for place in range(0, len(lines), _AT_ONCE):
            redactor.lines(lines[place : place + _AT_ONCE])
        best = max(best, len(lines) / (time.process_time() - begin))
    return best


def _compared(peer: str, what: str, lines: list[str], ours: float) -> Result:
    told = _peer(peer, "speed", lines)
    if isinstance(told, str):
        return unmeasured(f"redaction, {what}: {peer}", told)
    return Result(f"redaction, {what}", ours, "lines/s", 10, told["speed"], peer, at_least=True)


def _slower(peer: str, what: str, lines: list[str], ours: float) -> Result:
    told = _peer(peer, "speed", lines[:20_000])
    if isinstance(told, str):
        return unmeasured(f"redaction, {what}: {peer}", told)
    return Result(f"redaction, {what}", ours, "lines/s", 0, told["speed"], peer, at_least=True, note="comparison only")


def _recall(peer: str, cases: list[tuple[str, str]]) -> Result:
    told = _peer(peer, "recall", cases)
    if isinstance(told, str):
        return unmeasured(f"planted secrets gone: {peer}", told)
    share = 100 * told["found"] / len(cases)
    return Result(f"planted secrets gone, {peer}", share, "%", 100, note="for comparison only")


def _alarms(peer: str, lines: list[str]) -> Result:
    told = _peer(peer, "alarms", lines)
    if isinstance(told, str):
        return unmeasured(f"sample lines changed: {peer}", told)
    return Result(f"sample lines changed, {peer}", told["alarms"], "lines", len(lines), note="for comparison only")


def _peer(name: str, what: str, given: object) -> dict[str, float] | str:
    """What the peer's process tells, or why there is nothing."""
    python = os.environ.get("VMEXT_BENCH_PEERS")
    if not python:
        return "VMEXT_BENCH_PEERS is not set"
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(given, file)
        file.flush()
        done = subprocess.run([python, _PEER, name, what, file.name], capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"ended with {done.returncode}"
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told
