"""The verdict: what a person reads in Run Command's output, within its 4,096 bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from collector.bundle import words
from collector.bundle.checks import in_short, violated
from collector.bundle.console import cut, cut_middle, printable, to_ascii, wrap, wrap_items
from collector.bundle.verdict import verdict_json
from collector.model import BundleInfo, Cause, Delivery, Evidence, Failure, Finding, Report

__all__ = ["summary_text", "verdict_json", "verdict_text"]

LIMIT = 4_096  # bytes; Run Command keeps the last 4,096 of a script's output (Microsoft's documentation)
_INDENT = 7
_FIRST_LINE, _LAST_ANSWER = 150, 80
#: How much of each part is shown, tried in this order until all fit.
_SCALES = (1.0, 0.75, 0.55, 0.4, 0.25, 0.1, 0.0)
_MOST_ALSO = 6
#: So many facts of the machine, and so many other causes.
_MOST_SEEN, _MOST_OTHERS = 2, 2


class Part(NamedTuple):
    """One label. `room` characters at full size, never fewer than `least`. `quotes` stay on one line, so that
    they can be searched for, `paths` keep both their ends, and `commands` are shown whole or not at all: half
    a command is worse than none."""

    label: str
    prose: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    room: int = 250
    least: int = 80


def verdict_text(report: Report, bundle: BundleInfo | None, delivery: Delivery | None, limit: int = LIMIT) -> str:
    """The verdict, at most `limit` bytes of ASCII, also where a console makes two bytes of each line end."""
    state = _bundle(report, bundle, delivery)
    return _fitted(report, state, _last(report, bundle.id if bundle else None, delivery), limit)


def summary_text(report: Report, bundle_id: str, limit: int = LIMIT) -> str:
    """The same for the bundle's own summary.txt, which can't know its size or its delivery."""
    state = Part("Bundle", (f"{bundle_id}; this file is a member of it",))
    last = f"{cut(to_ascii(words.answer(report)), _LAST_ANSWER)}; bundle {bundle_id}"
    return _fitted(report, state, last, limit)


def told_text(report: Report, bundle: str, last: str, limit: int) -> str:
    """The same for who has other words about the bundle, and about the end."""
    return _fitted(report, Part("Bundle", (bundle,)), cut(to_ascii(last), _FIRST_LINE), limit)


# ---- fitting -------------------------------------------------------------------------------------------


def _fitted(report: Report, bundle: Part, last: str, limit: int) -> str:
    first = cut(to_ascii(words.headline(report)), _FIRST_LINE)
    parts = [*_parts(report), bundle]
    for scale in _SCALES:
        lines = [first, *(line for part in parts for line in _lines(part, scale)), last]
        if _bytes(lines) <= limit:
            return "\n".join(lines) + "\n"
    room = max(0, limit - 4)
    last = cut(last, room * 2 // 3)
    return f"{cut(first, room - len(last))}\n{last}\n"


def _bytes(lines: Sequence[str]) -> int:
    """Bytes when printed, with the longer of the two line ends."""
    return sum(len(line) + 2 for line in lines)


def _lines(part: Part, scale: float) -> list[str]:
    room = max(part.least, int(part.room * scale))
    rows = [cut(text, room) for text in map(to_ascii, part.quotes)]
    for text in map(to_ascii, part.prose):
        rows += wrap(cut(text, room), _INDENT)
    if part.items:
        rows += wrap_items(_first(map(to_ascii, part.items), room), _INDENT)
    for text in map(to_ascii, part.paths):
        rows.append(cut_middle(text, max(part.least, int(part.room * scale) // 2)))
    missing = 0
    for text in map(printable, part.commands):
        if len(text) <= room:
            rows += text.strip().split("\n")
            room -= len(text)
        else:
            missing += 1
    if missing:
        rows.append(f"({words.plural(missing, 'more step')} in the bundle's report.html)")
    return [f"{part.label if number == 0 else '':<{_INDENT}}{row}" for number, row in enumerate(rows)]


def _first(items: Iterable[str], room: int) -> list[str]:
    """The items that fit; the first is cut rather than left out, the others are counted."""
    kept: list[str] = []
    left = 0
    for item in items:
        if not kept or (not left and len(item) + 2 <= room):
            kept.append(cut(item, room))
            room -= len(kept[-1]) + 2
        else:
            left += 1
    return [*kept, f"{left} more"] if left else kept


# ---- the parts in their order --------------------------------------------------------------------------


def _parts(report: Report) -> list[Part]:
    finding = words.head(report)
    owner = [Part("Owner", (words.OWNERS[finding.owner],), room=100)] if finding else []
    ids = tuple(f"{name} {value}" for name, value in words.ids(report.identity))
    return [
        *owner,
        Part("Where", (words.where(report.identity),), room=220),
        *([Part("Why", (words.trigger(report.trigger),))] if report.trigger.kind == "watch" else []),
        Part("When", items=_when(report, finding)),
        *(_about(finding, report) if finding else _nothing(report)),
        *_checks(report),
        Part("Others" if finding else "States", (_states(report),), room=300),
        Part("Ids", items=ids, room=450, least=170),
        Part("Gaps", (words.gaps(report.ledger, report.identity.system),)),
    ]


def _when(report: Report, finding: Finding | None) -> tuple[str, ...]:
    if finding is None:
        return (_window(report, None),)
    failure = finding.failure
    if failure.kind == "hang" and failure.hang_since:
        local = "" if failure.hang_since.tzinfo else f" {words.LOCAL}"
        since = f"since {words.stamp(failure.hang_since)}{local}, {_unended(failure)}"
        limit = f", limit {words.seconds(failure.limit_seconds)}" if failure.limit_seconds else ""
        return (since + limit, _window(report, failure.hang_since))
    told = words.period(failure.first_time, failure.last_time)
    return (told, _window(report, failure.first_time or failure.last_time))


def _unended(failure: Failure) -> str:
    """Until when it is known to have gone on: what the agent ends by force has an end, if none of its own."""
    start, last = failure.hang_since, failure.last_time
    if start is None or last is None or bool(start.tzinfo) != bool(last.tzinfo) or last - start < timedelta(seconds=1):
        return "no end seen"
    return f"not ended by {words.short_stamp(last, start)}"


def _window(report: Report, beside: datetime | None) -> str:
    """The window and its reason; without the day where it is that of the failure told just before."""
    start, end, reason = report.window.start, report.window.end, report.window.reason
    if start and end:
        same = beside is not None and words.stamp(start)[:10] == words.stamp(end)[:10] == words.stamp(beside)[:10]
        return f"window {words.period(start, end)[11 if same else 0 :]} ({reason})"
    open_ended = f"from {words.stamp(start)} " if start else f"until {words.stamp(end)} " if end else "unlimited "
    return f"window {open_ended}({reason})"


def _about(finding: Finding, report: Report) -> list[Part]:
    failure = finding.failure
    operation = (failure.operation or "").lower()
    what = " ".join(part for part in (failure.extension, failure.version, operation) if part)
    facts = [
        f'"{failure.name}"' if failure.name else "",
        f"sequence {failure.sequence}" if failure.sequence is not None else "",
        f"agent code {failure.agent_code}" if failure.agent_code is not None else "",
        f"follows from {words.short(failure.caused_by)}" if failure.caused_by else "",
    ]
    quote, proof = words.proof(finding)
    told = f"; {words.how_often(failure)}"
    place = f"{words.native(proof.path, report.identity.system)}:{proof.line}{told}" if proof else told[2:]
    cause = words.SURENESS[finding.confidence] + finding.meaning if finding.meaning else "unknown"
    remedy = finding.remedy or "nothing known; read the lines around the proof"
    return [
        Part("What", (", ".join([what, *filter(None, facts)]),), room=220),
        Part("Proof", quotes=(quote or "no line tells it",), paths=(place,), room=440, least=120),
        Part("Cause", (cause,), room=480),
        *_reasons(finding),
        Part("Do", (remedy,), commands=finding.do, room=900),
        *([Part("Don't", (finding.dont,), room=220)] if finding.dont else []),
        *_also(report, finding),
    ]


def _reasons(finding: Finding) -> list[Part]:
    """What the machine and the rest of the text showed beside the proof, and what else it may be."""
    shown = [evidence for cause in finding.causes[:1] for evidence in cause.evidence if _seen(evidence)]
    seen = [Part("Seen", (evidence.text,), room=160, least=60) for evidence in shown[:_MOST_SEEN]]
    others = (f"{cause.title} ({words.LIKELY[cause.confidence]}){_why(cause)}" for cause in finding.causes[1:])
    return [*seen, *(Part("Or", (text,), room=160, least=50) for text in list(others)[:_MOST_OTHERS])]


def _seen(evidence: Evidence) -> bool:
    """A fact of the machine, or a line of the text around that stands nowhere else."""
    return evidence.role == "fact" or (evidence.role == "context" and not evidence.path)


def _why(cause: Cause) -> str:
    return f": {cause.evidence[0].text}" if cause.evidence else ""


def _also(report: Report, finding: Finding) -> list[Part]:
    rest = [other for other in report.findings if other is not finding]
    parts = []
    for other in rest[:_MOST_ALSO]:
        failure = other.failure
        kind = {"hang": "hangs: ", "warning": "warning: "}.get(failure.kind, "")
        why = f"follows from {words.short(failure.caused_by)}" if failure.caused_by else kind + other.title
        parts.append(Part("Also", (f"{words.subject(failure)}: {why}",), room=110, least=60))
    if len(rest) > _MOST_ALSO:
        parts.append(Part("Also", (f"{len(rest) - _MOST_ALSO} more findings in the bundle",)))
    return parts


def _nothing(report: Report) -> list[Part]:
    if report.verdict != "nothing-found":
        return []
    looked = sum(entry.outcome == "missing" for entry in report.ledger)
    hint = "check that --root is the folder that holds the disk's var or WindowsAzure folder"
    live = "check that the guest agent is installed, and run with administrator's rights"
    return [
        Part("Cause", (f"nothing lies in {words.plural(looked, 'known place')}",)),
        Part("Do", (live if report.system.live else hint,)),
    ]


def _checks(report: Report) -> list[Part]:
    finding = words.head(report)
    beside = finding.failure.extension if finding else None
    told = tuple(in_short(practice, beside) for practice in violated(report.practices))
    return [Part("Checks", items=told, room=330, least=60)] if told else []


def _states(report: Report) -> str:
    told = [f"{words.label(state.extension, state.name)} {state.state}" for state in words.others(report)]
    return ", ".join(told) or "none"


# ---- the bundle and the last line ----------------------------------------------------------------------


def _bundle(report: Report, bundle: BundleInfo | None, delivery: Delivery | None) -> Part:
    error = delivery.error if delivery else None
    if bundle is None:
        return Part("Bundle", (f"none could be written: {error or 'the reason is in the log'}",), room=300)
    about = f"{bundle.id}, {words.size(bundle.bytes)}{', encrypted' if bundle.encrypted else ''}"
    if delivery is not None and delivery.state == "delivered":
        return Part("Bundle", (f"{about}, delivered{_received(report.created, delivery)}",))
    lies = f"it lies in {bundle.path}"
    if delivery is None or (delivery.state == "skipped" and not error):
        return Part("Bundle", (f"{about}, not sent: no upload was asked for",), paths=(lies,), room=400, least=150)
    reason = f"{about}, NOT DELIVERED: {error or 'no reason is known'}"
    return Part("Bundle", (reason,), paths=(lies, _again(bundle)), room=400, least=150)


def _again(bundle: BundleInfo) -> str:
    """How to send it; the spool of this very run may lie in a place of its own."""
    folder = bundle.path.parent
    if folder.name == "rejected" and folder.parent.name == "spool":
        return f"sending it as it is will not help; to try all the same, move it to {folder.parent}"
    return (
        f"send it with: vmext upload --state-dir {folder.parent}" if folder.name == "spool" else "vmext upload sends it"
    )


def _received(created: datetime, delivery: Delivery) -> str:
    at = f" {words.short_stamp(delivery.received, created)}" if delivery.received else ""
    return f"{at} to {delivery.target}" if delivery.target else at


def _last(report: Report, bundle_id: str | None, delivery: Delivery | None) -> str:
    answer = cut(to_ascii(words.answer(report)), _LAST_ANSWER)
    if bundle_id is None:
        return f"{answer}; no bundle, not delivered"
    name = cut(to_ascii(bundle_id), 32)
    if delivery is None or (delivery.state == "skipped" and not delivery.error):
        return f"{answer}; bundle {name} not sent: no upload was asked for"
    return f"{answer}; bundle {name} {'delivered' if delivery.state == 'delivered' else 'not delivered'}"
