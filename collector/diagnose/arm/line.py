"""Text without any sentence of the platform: a line of a log, or several. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from collector.data.noise import harmless
from collector.diagnose import signatures
from collector.diagnose.arm.explain import UNEXPLAINED, failure_of, finding_of, next_steps, notes, of_causes, of_finding
from collector.diagnose.arm.inner import inner_of
from collector.diagnose.arm.names import handlers_of, likely_handlers, split, system_of
from collector.diagnose.arm.read import Reading
from collector.diagnose.arm.screen import cleaned
from collector.diagnose.arm.values import ArmError, Explained, Inner
from collector.diagnose.causes import words_of
from collector.model import Cause, System

_SUCCEEDED = re.compile(r"ProvisioningState/succeeded|\"(?:provisioningState|status)\"\s*:\s*\"(?:Succeeded|success)\"")
_FAILED = re.compile(r"/failed|\"(?:provisioningState|status)\"\s*:\s*\"(?:Failed|error)\"", re.IGNORECASE)
_WELL = "The text tells of success only. Words of an error under a state that succeeded are what a script printed."
#: Looked at from the end of a long text, in characters; telling lines kept; explanations for other extensions.
_LONGEST, _MOST_LINES, _MOST_OTHERS = 200_000, 12, 3
#: So much of one line is looked at.
_WIDEST = 8_000


def explain_line(text: str, reading: Reading) -> Explained | None:
    """What is known of a line, or of the telling lines of a longer text; None for nothing."""
    text = cleaned(text)[-_LONGEST:].strip()
    lines = [line.strip()[:_WIDEST] for line in text.split("\n") if line.strip()]
    if not lines:
        return None
    if _SUCCEEDED.search(text) and not _FAILED.search(text):
        return _success(Inner("", text), _WELL, "", "")
    scored = [line for line in lines if reading.score(line) > 0 and not reading.harmless(line)]
    telling = lines if len(lines) == 1 else scored[-_MOST_LINES:]
    inner = inner_of(text, None, reading.score, reading.harmless)
    inner = Inner("\n".join(telling), text, inner.operation, inner.exit_code, limit_seconds=inner.limit_seconds)
    systems: tuple[System, ...] = ("linux", "windows")
    told = reading.system or system_of(text)
    if told:
        systems = (told, *(one for one in systems if one != told and not reading.system))
    for system in systems:
        found = _found(inner, system, reading)
        if found:
            return found
    return _harmless(inner, lines) or _of_others(inner, reading)


def _error(inner: Inner, system: System, reading: Reading) -> ArmError:
    handler, version, by = "", "", ""
    if reading.extension:
        handler = handlers_of(reading.extension, system)[0]
    else:
        handler, version, by = next(likely_handlers("", inner.text), ("", "", ""))
    named = by.startswith("a path")
    return ArmError(
        code="", kind="line", family="", inside="", extension=reading.extension,
        publisher=split(handler)[0] if named or reading.extension else "",
        type=split(handler)[1] if named or reading.extension else "",
        handler=handler, handler_by="" if named or reading.extension else by, system=system, inner=inner,
        version=version,
    )  # fmt: skip


def _found(inner: Inner, system: System, reading: Reading) -> Explained | None:
    error = _error(inner, system, reading)
    finding = finding_of(error, failure_of(error))
    if finding.id == UNEXPLAINED:
        return None
    return replace(of_finding(error, finding), next_steps=next_steps(error)[:1])


def _harmless(inner: Inner, lines: list[str]) -> Explained | None:
    """A frightening line that is known to tell of no failure."""
    rows = harmless(lines[0]) if len(lines) == 1 else ()
    if not rows:
        return None
    return _success(inner, rows[0].meaning, rows[0].remedy, rows[0].source)


def _success(inner: Inner, meaning: str, remedy: str, source: str) -> Explained:
    error = replace(_error(inner, "linux", _NOTHING), kind="success")
    return Explained(error, "no failure", meaning, remedy or "Nothing to do for this.", "", "medium", source)


def _of_others(inner: Inner, reading: Reading) -> Explained | None:
    """Signatures of other extensions: only possible, since nothing says that the text is theirs."""
    rows = [row for row in signatures.signatures() if any(row.found_in(line) for line in inner.message.split("\n"))]
    rows = [row for row in rows if reading.system is None or row.system in (reading.system, "any")]
    found = []
    for row in rows[:_MOST_OTHERS]:
        title, owner = words_of(row.cause, row.scope, "windows" if row.system == "windows" else "linux")
        found.append(Cause(row.id, f"{title} (if it is from {split(row.scope)[1] or row.scope})", owner, "low",
                           row.meaning, row.remedy, row.source))  # fmt: skip
    if not found:
        return None
    system: System = "windows" if rows[0].system == "windows" else "linux"
    error = _error(inner, system, reading)
    return replace(of_causes(error, tuple(found)), notes=notes(error), next_steps=next_steps(error)[:1])


_NOTHING = Reading(score=lambda line: 0, harmless=lambda line: False)
