"""How people are told things: names, codes, times, paths and sizes. The verdict and the report share it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone

from collector.model import (
    Confidence,
    Evidence,
    ExtensionState,
    Failure,
    Finding,
    Identity,
    LedgerEntry,
    Owner,
    Report,
    System,
    Trigger,
    Verdict,
)

OWNERS: dict[Owner, str] = {
    "script": "your script",
    "extension": "the extension and its publisher",
    "guest": "this instance: its operating system or its settings",
    "network": "the network of this instance",
    "platform": "the Azure platform",
    "unknown": "unknown: the evidence does not tell",
}
VERDICTS: dict[Verdict, str] = {
    "failed": "FAILED",
    "hanging": "HANGING",
    "healthy": "HEALTHY",
    "nothing-found": "NOTHING FOUND",
}
SURENESS: dict[Confidence, str] = {"high": "", "medium": "probably: ", "low": "perhaps: "}
#: The same after a cause's name.
LIKELY: dict[Confidence, str] = {"high": "very likely", "medium": "probable", "low": "possible"}
#: Outcomes of a source that was looked at as it should be.
GOOD_OUTCOMES = frozenset({"read", "outside-window", "empty", "dropped"})
#: Outcomes that are no gap: nothing is there, or it is never copied.
NO_SOURCE = frozenset({"missing", "skipped"})
#: States of an extension that are well, in lower case.
WELL = frozenset({"success", "ready", "enabled", "installed"})
LOCAL = "local time, zone unknown"
#: How the note of a source begins that was read from the lines that the resident agent keeps.
KEPT = "from the resident agent's ring"


def short(extension: str) -> str:
    """The last part of Publisher.Type."""
    return extension.rsplit(".", 1)[-1] or extension


def label(extension: str, name: str | None) -> str:
    """The short name, with the configuration's own name where there is one."""
    return f"{short(extension)} {name}" if name else short(extension)


def code(number: int) -> str:
    """An exit code; outside 0 to 255 signed and as hexadecimal."""
    if 0 <= number <= 255:
        return str(number)
    signed = number - (1 << 32) if 1 << 31 <= number < 1 << 32 else number
    return f"{signed} (0x{number & 0xFFFFFFFF:08X})"


def subject(failure: Failure) -> str:
    """What failed, in a few words: ``CustomScript exit 100``, ``AADSSHLoginForLinux install``."""
    who = label(failure.extension, failure.name)
    if failure.kind != "hang" and failure.exit_code is not None:
        return f"{who} exit {code(failure.exit_code)}"
    return f"{who} {failure.operation.lower()}" if failure.operation else who


def head(report: Report) -> Finding | None:
    """The finding that the verdict is about: the first that is not only a consequence."""
    wanted = {"failed": "failure", "hanging": "hang"}.get(report.verdict)
    ranked = [finding for finding in report.findings if wanted is None or finding.failure.kind == wanted]
    return next((f for f in ranked if not f.failure.caused_by), next(iter([*ranked, *report.findings]), None))


def answer(report: Report) -> str:
    """The verdict without its reason: ``VMEXT FAILED CustomScript exit 100``."""
    word, finding = f"VMEXT {VERDICTS[report.verdict]}", head(report)
    if finding is None or report.verdict not in ("failed", "hanging"):
        return word
    return f"{word} {subject(finding.failure)}"


def headline(report: Report) -> str:
    """The verdict's first line."""
    finding = head(report)
    if report.verdict == "nothing-found":
        return f"{answer(report)} no extension logs below {_root(report)}"
    if report.verdict == "healthy" or finding is None:
        warnings = len(report.findings)
        more = f"; {plural(warnings, 'warning')}" if warnings else ""
        return f"{answer(report)} no extension failure found{more}"
    since = ""
    if finding.failure.kind == "hang" and finding.failure.hang_since:
        since = f" since {short_stamp(finding.failure.hang_since, report.created)}"
    return f"{answer(report)}{since}" + (f": {finding.title}" if finding.title else "")


def trigger(told: Trigger) -> str:
    """Why a bundle was made."""
    if told.kind == "command":
        return "vmext collect was run"
    return f"noticed by the resident agent{': ' + told.text if told.text else ''}"


def _root(report: Report) -> str:
    if not report.system.live:
        return "the given root"
    return "C:\\" if report.identity.system == "windows" else "/"


# ---- times ---------------------------------------------------------------------------------------------


def stamp(moment: datetime) -> str:
    """``2026-11-23 10:02:11Z``, without Z for a local time."""
    if moment.tzinfo is None:
        return moment.strftime("%Y-%m-%d %H:%M:%S")
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")


def short_stamp(moment: datetime, beside: datetime) -> str:
    """Only the time of day where `beside` is of the same day and the same kind of time."""
    text = stamp(moment)
    if moment.tzinfo is None:
        text += " local time"
    elif beside.tzinfo is not None and stamp(beside)[:10] == text[:10]:
        return text[11:]
    return text


def period(first: datetime | None, last: datetime | None) -> str:
    """``2026-11-23 10:02:11Z to 10:02:19Z``; says where the zone is not known."""
    start, end = first or last, last or first
    if start is None or end is None:
        return "time unknown"
    text, until = stamp(start), stamp(end)
    if until != text:
        text += f" to {until[11:] if until[:10] == text[:10] else until}"
    return text if start.tzinfo and end.tzinfo else f"{text} {LOCAL}"


def seconds(number: int) -> str:
    """A length of time: ``300 s``, ``90 min``."""
    return f"{number} s" if number < 600 or number % 60 else f"{number // 60} min"


# ---- places, numbers, lists ----------------------------------------------------------------------------


def native(path: str, system: System) -> str:
    """A path relative to the instance's root as that instance writes it. The registry has no drive."""
    if system == "windows":
        if path.startswith("HKLM/"):
            return path.replace("/", "\\")
        return "C:\\" + path.lstrip("/").replace("/", "\\")
    return "/" + path.lstrip("/")


def size(number: int) -> str:
    """``912 bytes``, ``212 KB``, ``4.1 MB``, ``31.0 GB`` (powers of ten)."""
    if number < 1_000:
        return f"{number} bytes"
    if number < 1_000_000:
        return f"{number / 1_000:.0f} KB"
    return f"{number / 1_000_000:.1f} MB" if number < 1_000_000_000 else f"{number / 1_000_000_000:.1f} GB"


def plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def telling(failure: Failure) -> Evidence | None:
    """The evidence that holds the telling line."""
    ranked = [evidence for evidence in failure.evidence if evidence.role == "telling"] or failure.evidence
    quoted = [evidence for evidence in ranked if failure.message and failure.message in evidence.text]
    return next(iter([*quoted, *ranked]), None)


def proof(finding: Finding) -> tuple[str, Evidence | None]:
    """The line to quote, and its place: the telling one, or where that tells another thing than the likeliest cause,
    the line that tells this."""
    failure = finding.failure
    lines = finding.causes[0].evidence if finding.causes else ()
    told = [line for line in lines if line.role == "telling" and line.path]
    uncertain = failure.kind == "hang" and finding.confidence == "low"
    if uncertain or not told or any(failure.message in line.text for line in lines):
        return failure.message, telling(failure)
    return told[0].text, told[0]


def how_often(failure: Failure) -> str:
    """``1 failure told by 4 sources``."""
    told = len({evidence.path for evidence in failure.evidence})
    text = plural(failure.count, failure.kind) + (f" told by {plural(told, 'source')}" if told else "")
    if failure.repeats_after_collect:
        text += f", repeated {failure.repeats_after_collect} more times because collecting re-enabled it"
    return text


def others(report: Report) -> list[ExtensionState]:
    """The extensions that no finding is about, those that are not well first."""
    told = {(finding.failure.extension, finding.failure.name) for finding in report.findings}
    rest = [state for state in report.others if (state.extension, state.name) not in told]
    return sorted(rest, key=lambda state: state.state.lower() in WELL)


def gaps(ledger: Sequence[LedgerEntry], system: System) -> str:
    """What was not read: ``22 of 23 sources read, 1 truncated: /var/log/waagent.log``."""
    entries = [entry for entry in ledger if entry.outcome not in NO_SOURCE]
    good = [entry for entry in entries if entry.outcome in GOOD_OUTCOMES]
    outside = sum(entry.outcome == "outside-window" for entry in good)
    text = f"{len(good) - outside} of {plural(len(entries), 'source')} read"
    text += f", {outside} outside the window" if outside else ""
    bad = [entry for entry in entries if entry.outcome not in GOOD_OUTCOMES]
    counts = Counter(entry.outcome for entry in bad)
    dropped = sum(entry.outcome == "dropped" for entry in good)
    text += "".join(f", {number} {outcome}" for outcome, number in sorted(counts.items()))
    text += f", {dropped} left out of the bundle for its size" if dropped else ""
    if bad:
        text += ": " + ", ".join(native(entry.path, system) for entry in bad)
    kept = sum(entry.note.startswith(KEPT) for entry in ledger)
    if kept:
        text += f"; {plural(kept, 'source')} gone from the disk, read from what the resident agent kept"
    if counts["denied"]:
        text += "; run as administrator" if system == "windows" else "; run as root"
    return text


def where(identity: Identity, *, whole: bool = True) -> str:
    """The instance: ``vmss-web_12 of vmss-web (rg-web), Ubuntu 22.04, agent 2.15.0.1``.

    Not `whole` where only a part of the identity is told, so that what is missing is not called unknown.
    """
    name = identity.instance_name or identity.computer_name
    text = name or "instance unknown"
    if identity.computer_name and identity.computer_name != name:
        text += f" (computer {identity.computer_name})"
    if identity.scale_set and not name and identity.instance_id:
        text += f", id {identity.instance_id}"
    text += f" of {identity.scale_set}" if identity.scale_set else ""
    text += f" ({identity.resource_group})" if identity.resource_group else ""
    place = " zone ".join(part for part in (identity.location, identity.zone) if part)
    system = identity.os or identity.image or identity.system.capitalize()
    agent = f"agent {identity.agent_version or 'version unknown'}" if whole or identity.agent_version else ""
    return ", ".join(part for part in (text, system, agent, place) if part)


def ids(identity: Identity) -> list[tuple[str, str]]:
    """What a support request needs, named; unknown ones are said to be unknown."""
    named = [
        ("correlation", identity.correlation_id),
        ("activity", identity.activity_id),
        ("vmId", identity.vm_id),
        ("container", identity.container_id),
    ]
    known = [(name, value or "unknown") for name, value in named]
    return [*known, ("resource", identity.resource_id)] if identity.resource_id else known
