"""An instance's verdict, read back from what Run Command gives: text whose head may be cut, or JSON. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from collector.bundle.words import VERDICTS, code, short
from collector.model import Verdict as Word

Delivered = Literal["yes", "no", "not asked"]

_WORDS = {words: word for word, words in VERDICTS.items()}
_ANSWER = rf"VMEXT ({'|'.join(VERDICTS.values())})"
_STATES = "delivered|not delivered|not sent: no upload was asked for"
_LAST = re.compile(rf"^{_ANSWER}(?: (.*?))?; (?:bundle (\S+) ({_STATES})|no bundle, not delivered)\s*$")
_FIRST = re.compile(rf"^{_ANSWER}(?: (.*))?$")
_EXIT = re.compile(r" exit (-?\d+)(?: \(0x[0-9A-F]+\))?$")
_LABEL = re.compile(r"^([A-Z][a-z']{1,5}) +(?=\S)")
_INDENT = 7


@dataclass(frozen=True, slots=True)
class Verdict:
    """What vmext said on one instance. `parts` are the labelled paragraphs: Cause, Proof, Do and so on."""

    word: Word
    subject: str = ""  # "CustomScript exit 100"
    title: str = ""  # "package manager locked"
    exit_code: int | None = None
    bundle: str | None = None
    delivered: Delivered = "not asked"
    parts: dict[str, str] = field(default_factory=dict)
    whole: bool = True  # False: the head was cut off

    @property
    def line(self) -> str:
        """The answer in one line, ``FAILED CustomScript exit 100: package manager locked``."""
        text = f"{VERDICTS[self.word]} {self.subject}".rstrip()
        return f"{text}: {self.title}" if self.title and self.subject else text


def read_verdict(text: str) -> Verdict | None:
    """The verdict in `text`, the last one where there are several; None where there is none."""
    lines = text.replace("\r\n", "\n").split("\n")
    for number in range(len(lines) - 1, -1, -1):
        line = lines[number].strip()
        if match := _LAST.match(line):
            return _from_text(match, lines[:number])
        if line.startswith("{"):
            found = _from_json(line)
            if found:
                return found
    return None


# ---- text ----------------------------------------------------------------------------------------------


def _from_text(last: re.Match[str], before: list[str]) -> Verdict:
    word, subject, bundle = _WORDS[last[1]], last[2] or "", last[3]
    start = next((n for n in range(len(before) - 1, -1, -1) if _FIRST.match(before[n].strip())), None)
    parts = _parts(before[start + 1 if start is not None else 0 :])
    number = _EXIT.search(subject)
    title = ""
    if start is not None:
        _, _, title = before[start].strip().partition(f"{last[1]} {subject}" if subject else last[1])
        title = title.split(": ", 1)[1] if ": " in title else ""
    return Verdict(
        word=word,
        subject=subject,
        title=title,
        exit_code=int(number[1]) if number else None,
        bundle=bundle,
        delivered=_delivered(last[4] or "", parts.get("Bundle", "")),
        parts=parts,
        whole=start is not None,
    )


def _delivered(state: str, told: str) -> Delivered:
    """From the last line; an older vmext says only in the paragraph before it that nobody asked."""
    if state == "delivered":
        return "yes"
    return "not asked" if "no upload was asked for" in state + told else "no"


def _parts(lines: list[str]) -> dict[str, str]:
    """Paragraphs by their label; a label stands in the first seven columns."""
    parts: dict[str, str] = {}
    label = ""
    for line in lines:
        match = _LABEL.match(line)
        if match and match.end() <= _INDENT:
            label = match[1]
            parts[label] = f"{parts[label]}\n{line[_INDENT:]}" if label in parts else line[_INDENT:]
        elif label and line.startswith(" " * _INDENT):
            parts[label] += f"\n{line[_INDENT:]}"
    return parts


# ---- JSON ----------------------------------------------------------------------------------------------


def _from_json(line: str) -> Verdict | None:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("verdict") not in VERDICTS:
        return None
    word: Word = document["verdict"]
    wanted = {"failed": "failure", "hanging": "hang"}.get(word)
    findings = [one for one in document.get("findings") or [] if isinstance(one, dict)]
    head: dict[str, Any] = next((one for one in findings if one.get("kind") == wanted), {}) if wanted else {}
    number = head.get("exit_code")
    subject = short(str(head.get("extension") or ""))
    if head.get("name"):
        subject += f" {head['name']}"
    if isinstance(number, int):
        subject += f" exit {code(number)}"
    elif head.get("operation"):
        subject += f" {str(head['operation']).lower()}"
    bundle, delivery = document.get("bundle") or {}, document.get("delivery") or {}
    states: dict[str, Delivered] = {"delivered": "yes", "skipped": "not asked"}
    told = {"Cause": head.get("meaning"), "Do": head.get("remedy"), "Proof": head.get("message")}
    return Verdict(
        word=word,
        subject=subject,
        title=str(head.get("title") or ""),
        exit_code=number if isinstance(number, int) else None,
        bundle=bundle.get("id"),
        delivered="no" if delivery.get("error") else states.get(str(delivery.get("state")), "no"),
        parts={label: str(text) for label, text in told.items() if text},
    )
