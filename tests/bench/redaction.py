"""Redaction against the cleaners of two collectors and a scanner, on the same lines: speed on ordinary logs, recall on
planted secrets, and what is changed or reported in logs that hold none.

The peers run in an environment of their own, `VMEXT_BENCH_PEERS` (its Python); docs/redaction.md tells how it is made.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from statistics import median

from collector.redact.redactor import Redactor
from tests.bench.logs import MB, agent_log
from tests.bench.measuring import Result, Unmeasured, plain_environ, unmeasured
from tests.redact.planted import corpus, leaks
from tests.redact.test_corpus import EXPLAINED, ORDINARY, read

_PEER = Path(__file__).with_name("redaction_peer.py")
_NAMES = ("insights-core", "detect-secrets", "sos")
_ROOT = Path(__file__).parents[2]
_CASES = 3  # every so many case
_ROUNDS, _FEW, _QUICK, _FRESH = 15, 7, 3, 4  # turns after the first pass, and processes that make only that
_TURN = 0.25  # seconds of processor time that a turn lasts at least, with as many passes as that takes
_MOST_SLOW = 20_000  # lines for those that take long


def run(data: Path, quick: bool) -> list[Result]:
    lines = agent_log(data, MB if quick else 8 * MB, "sparse").path.read_text(encoding="utf-8").splitlines()
    samples = [line for file in ORDINARY for line in read(file.read_bytes()).splitlines()]
    cases = list(corpus(Random(1)))[::_CASES]
    rows = []
    for name, text, rounds in (("agent's log", lines, _FEW), ("sample logs", samples, _ROUNDS)):
        rows += _bounded(name, text, _QUICK if quick else rounds)
        rows += [_slower(peer, name, text[:_MOST_SLOW]) for peer in _NAMES[1:]]
    found = sum(not leaks(case, Redactor(b"k" * 32).text(case.text)) for case in cases)
    rows.append(Result("planted secrets gone", 100 * found / len(cases), "%", 100, at_least=True, note=f"{len(cases)}"))
    rows += [_recall(peer, [(case.text, case.planted.secret) for case in cases]) for peer in _NAMES]
    redactor = Redactor(b"k" * 32)
    changed = sum(told != line for told, line in zip(redactor.lines(samples), samples, strict=True))
    allowed = sum(EXPLAINED.values())
    note = "whole settings that handlers print"
    rows.append(Result(f"of {len(samples)} sample lines changed", changed, "lines", allowed, note=note))
    return rows + [_alarms(peer, samples) for peer in _NAMES]


def _bounded(what: str, lines: list[str], rounds: int) -> list[Result]:
    """The bound is on passes that take turns after one that warms up, the same for both."""
    peer = _NAMES[0]
    try:
        speeds = alternating(("vmext", peer), lines, rounds)
        firsts = [alternating(("vmext", peer), lines, 0) for _ in range(_FRESH)]
    except Unmeasured as error:
        return [unmeasured(f"redaction, {what}: {peer}", error)]
    ratios = sorted(ours / theirs for ours, theirs in zip(*(one[1:] for one in speeds), strict=True))
    ours, theirs = (median(one[1:]) for one in speeds)
    best = max(speeds[0][1:]) / max(speeds[1][1:])
    note = f"medians of {rounds} turns; single turns {ratios[0]:.1f} to {ratios[-1]:.1f}, best of each {best:.1f}"
    rows = [Result(f"redaction, {what}", ours, "lines/s", 10, theirs, peer, at_least=True, note=note)]
    firsts.append(speeds)
    ours, theirs = (median(first[which][0] for first in firsts) for which in (0, 1))
    note = f"for comparison only; medians of {len(firsts)} processes, patterns not yet compiled"
    first = Result(f"redaction, {what}: first pass", ours, "lines/s", 0, theirs, peer, at_least=True, note=note)
    return [*rows, first]


def _slower(peer: str, what: str, lines: list[str]) -> Result:
    try:
        ours, theirs = alternating(("vmext", peer), lines, 1)
    except Unmeasured as error:
        return unmeasured(f"redaction, {what}: {peer}", error)
    note = "for comparison only"
    return Result(f"redaction, {what}", ours[1], "lines/s", 0, theirs[1], peer, at_least=True, note=note)


def alternating(names: Sequence[str], lines: list[str], rounds: int) -> list[list[float]]:
    """Of each, lines per second of processor time: in its first pass, and in as many turns more as there are rounds.

    Each runs in a process of its own, over the same lines, and they take turns of the same length, so that a slow minute
    of the machine meets all. Raises Unmeasured where one can't run.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file, ExitStack() as running:
        json.dump(lines, file)
        file.flush()
        passes = [running.enter_context(_passes(name, file.name)) for name in names]
        speeds: list[list[float]] = [[] for _ in names]
        for number in range(rounds + 1):
            for which in range(len(names)) if number % 2 else reversed(range(len(names))):
                speeds[which].append(len(lines) / passes[which](_TURN if number else 0))
    return speeds


@contextmanager
def _passes(name: str, file: str) -> Iterator[Callable[[float], float]]:
    """Gives the seconds of one pass at each call, which makes passes for so long."""
    command = [sys.executable if name == "vmext" else _python(), _PEER, name, "speed", file]
    environ = {**plain_environ(), **{key: os.environ[key] for key in ("SOS_PATH",) if key in os.environ}}
    if name == "vmext":
        environ["PYTHONPATH"] = str(_ROOT)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, env=environ) as process:  # type: ignore[call-overload]

        def one(least: float) -> float:
            with suppress(BrokenPipeError):
                process.stdin.write(f"{least}\n")
                process.stdin.flush()
            told = process.stdout.readline()
            if not told:
                raise Unmeasured((process.stderr.read().strip().splitlines() or ["it ended"])[-1])
            return float(told)

        yield one
        with suppress(BrokenPipeError):
            process.stdin.close()


def _python() -> str:
    python = os.environ.get("VMEXT_BENCH_PEERS")
    if not python:
        raise Unmeasured("VMEXT_BENCH_PEERS is not set")
    return python


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
    try:
        python = _python()
    except Unmeasured as error:
        return str(error)
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(given, file)
        file.flush()
        done = subprocess.run([python, _PEER, name, what, file.name], capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"ended with {done.returncode}"
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told
