"""Which of many lines is the one that a support engineer would quote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from collector.extract.signals import COMMAND_OUTPUT, Signal
from collector.model import Evidence, Line

#: Words that make a line of output likely to name the fault.
_STRONG = re.compile(
    r"^E: |\berror\b|\bfail(?:ed|ure)\b|\bcannot\b|\bcan't\b|\bcould not\b|\bunable\b|\bnot found\b|\bdenied\b|no such"
    r"|does not exist|is not recognized|exception\b|\bfatal\b|refused|timed? ?out|\bpanic\b|unreachable|no space left"
    r"|not installed|\bunsupported\b|not supported|not enough|certificate problem|unbound variable|\binvalid\b|\bkilled\b|\baborted?\b|unauthori[sz]ed|forbidden|not resolve|\bHTTP Code: [45]\d\d"
    r"|mounted with the noexec|\bErrno\b|Error:|syntax error|unexpected|locked|missing|errCode",
    re.IGNORECASE,
)
#: Lines that only say that something failed, not what.
_GENERIC = re.compile(
    r"^(?:failed to (?:handle|execute command)|setting error code to|enable (?:script )?failed|command terminated|.{0,40}exit status[= ]-?\d+\.?$"
    r"|(?:\w+,(?:error|failed),-?\d+,)?Command returned an error\.|Command execution finished, but failed(?!.{0,200}had an error output of: '[^'\s])|Traceback \(most recent|Execution failed:|Exception\(s\) occure?d"
    r"|(?:[\w.-]+ ){1,4}(?:enable|disable|install|uninstall|update) failed\.?$|FAILED$|ERROR$|Failed$|Error$)",
    re.IGNORECASE,
)
#: A number that can be looked up makes a line worth more.
_CODED = re.compile(
    r"errCode='?-?\d+|\b0x[89A-F][0-9A-F]{7}\b|\bHTTP(?: Code| status)?:? [45]\d\d|error code:? -?\d+",
    re.IGNORECASE,
)
#: Lines of a script's output that are never the fault: progress, traces, advice.
_CHATTER = re.compile(
    r"^\s*\+|^\s*%? ?Total\s+%|^\s*Dload|^\s*\d+\s+\d+[kMG]?\s+\d+|--:--:--|^WARNING: apt does not have|^\s*at |^\s*File \""
    r"|^\s*[~^]+\s*$|^\s*\+ (?:CategoryInfo|FullyQualified)|^\[(?:stdout|stderr)\]|^, duration=|^Running as unit|^Get:\d|^Hit:\d"
    r"|\b0 errors?\b|errors?: 0|failed=0|^Importing utils failed|^Unable to initialize waagent log|^debconf:|^W: |no error|we will move on",
    re.IGNORECASE,
)


class Output(NamedTuple):
    """The tail of a script's stdout or stderr."""

    path: str
    stream: str  # "stdout" or "stderr"
    lines: tuple[Line, ...]


def error_score(text: str) -> int:
    """How likely a line of output names the fault; higher is likelier, negative is chatter."""
    if not text.strip() or _CHATTER.search(text):
        return -50
    score = 0
    if _STRONG.search(text):
        score += 20
    if _CODED.search(text):
        score += 5
    if _GENERIC.search(text.strip()):
        score -= 30
    if text[0].isspace():
        score -= 8
    return score


#: What opens the outputs of a command: the words of the guest agents on Linux and on Windows, and CustomScriptForLinux's
#: (Azure/azure-linux-extensions).
_BLOCKS = {
    "[stdout]": "stdout",
    "[stderr]": "stderr",
    "---stdout---": "stdout",
    "---errout---": "stderr",
    "Execution Output:": "stdout",
    "Execution Error:": "stderr",
}


def blocks(detail: str) -> Iterator[tuple[str, int, str]]:
    """(block, line number from 0, line) of a text with [stdout] and [stderr] blocks; "head" before them."""
    block = "head"
    for number, line in enumerate(detail.split("\n")):
        if begun := _BLOCKS.get(line.strip()):
            block = begun
            continue
        yield block, number, line


#: Files whose whole text is one line: a log says better where to look.
_ONE_LINERS = (".status", "HandlerStatus", ".json")

#: Lines of what the Windows agent keeps of a command's output: it has no other order than the command's own.
_MOST_OF_OUTPUT = 4

#: The last line of standard error is worth something even where no word of it says error.
_PLAIN_LESS = 25

_BLOCK_BASE = {"stderr": 60, "stdout": 42, "head": 40}


def candidates(signals: Iterable[Signal], outputs: Iterable[Output], *, hang: bool) -> list[tuple[int, Evidence]]:
    """Lines worth quoting with their score, best first; every text once for each file."""
    found: list[tuple[int, Evidence]] = []
    for signal in signals:
        if signal.rule == COMMAND_OUTPUT:
            found.extend(sorted(_detail_lines(signal, hang=hang), key=lambda item: -item[0])[:_MOST_OF_OUTPUT])
            continue
        found.append((_signal_score(signal, hang=hang), _evidence(signal, 0, signal.text)))
        found.extend(_detail_lines(signal, hang=hang))
    for output in outputs:
        base = _BLOCK_BASE[output.stream] + 2 - (40 if hang else 0)
        for line in output.lines:
            score = error_score(line.text)
            if score > 0:
                found.append((base + score, Evidence(output.path, line.number, None, line.text.strip())))
        plain = [line for line in output.lines if error_score(line.text) == 0]
        if plain and output.stream == "stderr":
            evidence = Evidence(output.path, plain[-1].number, None, plain[-1].text.strip())
            found.append((base - _PLAIN_LESS, evidence))
    found.sort(key=lambda item: (-item[0], item[1].path.endswith(_ONE_LINERS)))
    seen: set[tuple[str, str]] = set()
    unique = []
    for score, evidence in found:
        if evidence.text and (evidence.path, evidence.text) not in seen:
            seen.add((evidence.path, evidence.text))
            unique.append((score, evidence))
    return unique


def _signal_score(signal: Signal, *, hang: bool) -> int:
    if signal.kind == "result" or signal.caused_by:
        return 5
    if hang:
        if signal.kind == "hang" and signal.telling:
            return 90
        if signal.kind == "mention":
            return 4  # below what says that it is not done
        return {"hang": 60, "start": 70 if signal.telling else 50}.get(signal.kind, 20) + error_score(signal.text) // 4
    base = 55 if not signal.by_agent else 20
    if signal.telling:
        base = 62
    if signal.kind == "mention":
        base = min(base, 45) if signal.inner else base
    return base + error_score(signal.text)


def _detail_lines(signal: Signal, *, hang: bool) -> Iterator[tuple[int, Evidence]]:
    """Lines of the text around: the agent prints a handler's output, state files hold messages."""
    if (signal.kind not in ("failure", "hang") and signal.rule != COMMAND_OUTPUT) or "\n" not in signal.detail:
        return
    plain: tuple[int, str] | None = None
    for block, number, line in blocks(signal.detail):
        score = error_score(line)
        if score == 0 and block == "stderr":
            plain = number, line.strip()
        if score <= 0:
            continue
        base = _BLOCK_BASE[block] - (40 if hang else 0)
        if block == "head" and line.startswith("WARNING: ") and not hang:
            base = 75  # the agent's own explanation of the failure
        text = line.strip().removeprefix("StdErr: ")
        yield base + score, _evidence(signal, number, text)
    if plain is not None:
        yield _BLOCK_BASE["stderr"] - _PLAIN_LESS - (40 if hang else 0), _evidence(signal, *plain)


def _evidence(signal: Signal, offset: int, text: str) -> Evidence:
    role = "result" if signal.kind == "result" else "telling"
    single = signal.rule in ("status-file", "handler-status")
    line = signal.line + (offset if signal.by_line and not single else 0)
    return Evidence(signal.path, line, signal.time, text[:2000], role)  # type: ignore[arg-type]
