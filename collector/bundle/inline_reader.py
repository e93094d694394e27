"""Reads the findings back that a verdict carries in itself, and tells them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from collector.bundle import words
from collector.bundle.block import Block, find
from collector.bundle.codec import load, moment
from collector.bundle.console import cut
from collector.bundle.inline import KIND, SCHEMA, unpacked
from collector.bundle.summary import told_text
from collector.errors import BundleError
from collector.model import (
    Delivery,
    Evidence,
    Excerpt,
    ExtensionState,
    Finding,
    Identity,
    LedgerEntry,
    Line,
    Outcome,
    Practice,
    Report,
    System,
    SystemFacts,
    Verdict,
    Window,
)

#: No block of 4,096 bytes unpacks to more than this.
_MOST = 1_000_000
_MOST_SOURCES = 100_000
#: A terminal needs no limit; what a part may take is bounded anyway.
_LIMIT = 100_000
_LONGEST = 400  # characters of a line
#: What to do about a block that can't be read.
AGAIN = "Copy the whole output again, to its last line, or run vmext collect --inline once more."


@dataclass(frozen=True, slots=True)
class ToldBundle:
    """The bundle as its instance names it."""

    id: str
    path: str  # as that system writes it
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Inline:
    """A verdict's own findings: as many of the report's as fitted."""

    document: dict[str, Any]
    report: Report
    bundle: ToldBundle | None
    delivery: Delivery
    total: int  # findings of the whole report


def read_inline(text: str) -> tuple[list[Inline], list[str]]:
    """Every block in `text`, and what is wrong with those that can't be read.

    Raises BundleError where there is none at all.
    """
    found = find(text, KIND)
    if not found:
        raise BundleError("no findings are packed into it", "Only the output of vmext collect --inline holds some.")
    read: list[Inline] = []
    problems: list[str] = []
    for one in found:
        try:
            if isinstance(one, Block):
                read.append(_inline(one.data))
            else:
                problems.append(f"the packed findings can't be read: {one.problem}")
        except BundleError as error:
            problems.append(f"the packed findings can't be read: {error}")
    return read, problems


def _inline(data: bytes) -> Inline:
    try:
        document = json.loads(unpacked(data, _MOST))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"they are no document ({error})") from error
    if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
        raise BundleError("they are no document")
    if document["schema"] > SCHEMA:
        raise BundleError("they were made by a newer version", "Update vmext on this machine.")
    try:
        bundle = document["bundle"]
        return Inline(
            document=document,
            report=_report(document),
            bundle=load(ToldBundle, bundle, "bundle") if bundle is not None else None,
            delivery=load(Delivery, document["delivery"], "delivery"),
            total=int(document["findings_total"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise BundleError(f"they lack something ({type(error).__name__}: {error})") from error


def _report(document: dict[str, Any]) -> Report:
    verdict: Verdict = document["verdict"]
    if verdict not in get_args(Verdict):
        raise BundleError("their verdict is none")
    findings = _each(Finding, document, "findings")
    return Report(
        created=moment(str(document["created"])),
        agent_version=str(document["vmext"]),
        verdict=verdict,
        identity=load(Identity, document["identity"], "identity"),
        system=SystemFacts(live=document["live"] is True),
        window=load(Window, document["window"], "window"),
        findings=findings,
        failures=tuple(finding.failure for finding in findings),
        others=_each(ExtensionState, document, "others"),
        events=(),
        excerpts=(load(Excerpt, around, "around"),) if (around := document.get("around")) else (),
        ledger=_ledger(document),
        practices=_each(Practice, document, "practices"),
    )


def _each(kind: type[Any], document: dict[str, Any], key: str) -> tuple[Any, ...]:
    return tuple(load(kind, item, f"{key}[{number}]") for number, item in enumerate(document[key]))


def _ledger(document: dict[str, Any]) -> tuple[LedgerEntry, ...]:
    """The ledger as far as it was told: each source that was not read well by its name, the others counted."""
    named = _each(LedgerEntry, document, "gaps")
    entries: list[LedgerEntry] = list(named)
    for outcome, count in document["sources"].items():
        if outcome not in get_args(Outcome) or not 0 <= int(count) <= _MOST_SOURCES:
            raise BundleError("their count of sources is none")
        rest = int(count) - sum(entry.outcome == outcome for entry in named)
        entries += [LedgerEntry("(not named here)", "log", outcome)] * rest
    return tuple(entries)


# ---- telling -------------------------------------------------------------------------------------------


def rows(inline: Inline) -> Iterator[str]:
    """The verdict as `vmext show` tells that of a bundle, all findings, and the lines that tell each."""
    report = inline.report
    last = words.answer(report)
    last += f"; bundle {inline.bundle.id}, of which only this is here" if inline.bundle else "; there is no bundle"
    yield from told_text(report, _bundle(inline), last, _LIMIT).rstrip("\n").split("\n")
    missing = inline.total - len(report.findings)
    if missing or len(report.findings) > 1:
        yield from ("", f"{words.plural(inline.total, 'finding')}" + (f", {missing} did not fit" if missing else ""))
        yield from (f"  {_title(finding)}" for finding in report.findings)
    for excerpt in report.excerpts:
        yield from ("", f"Around it: {words.native(excerpt.path, report.identity.system)}")
        yield from (_numbered(line, line.number in excerpt.failing) for line in excerpt.lines)
    for finding in report.findings:
        lines = [evidence for evidence in finding.failure.evidence if evidence.path]
        detail = finding.failure.detail.strip()
        if detail and detail != finding.failure.message.strip():
            yield from ("", f"What {words.subject(finding.failure)} wrote")
            yield from (f"  {cut(line, _LONGEST)}" for line in detail.split("\n"))
        if lines:
            yield from ("", f"The lines that tell of {words.subject(finding.failure)}")
            yield from (_line(evidence, report.identity.system) for evidence in lines)


def _bundle(inline: Inline) -> str:
    bundle, delivery = inline.bundle, inline.delivery
    if bundle is None:
        return f"none could be written: {delivery.error or 'no reason is told'}"
    about = f"{bundle.id}, {words.size(bundle.bytes)}, sha256 {bundle.sha256}"
    if delivery.state == "delivered":
        return f"{about}, delivered to {delivery.target or 'the endpoint'}"
    reason = f"not delivered: {delivery.error}" if delivery.error else "not sent"
    return f"{about}, {reason}; it lies in {bundle.path}"


def _title(finding: Finding) -> str:
    title = finding.title or cut(finding.failure.message, 100)
    return f"{finding.failure.kind}: {words.subject(finding.failure)}: {title} ({words.LIKELY[finding.confidence]})"


def _numbered(line: Line, bad: bool) -> str:
    return f"{'>' if bad else ' '}{line.number:>6} {line.text[:_LONGEST]}"


def _line(evidence: Evidence, system: System) -> str:
    at = f"{words.stamp(evidence.time)} " if evidence.time else ""
    return f"  {words.native(evidence.path, system)}:{evidence.line} {at}{cut(evidence.text, _LONGEST)}"
