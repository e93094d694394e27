"""The members of a bundle, in their order, each redacted, into a zip that is open."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import IO, Any

from collector.bundle.documents import (
    bundle_id,
    failures_document,
    findings_document,
    incident_key,
    ledger_document,
    manifest_document,
    practices_document,
    system_document,
)
from collector.bundle.events import event_documents
from collector.bundle.excerpts import member_names, render_excerpt
from collector.bundle.layout import LeftOut, Plan
from collector.bundle.report import render
from collector.bundle.sealing import Seal, checked, sealed_json, sealed_lines, sealed_text
from collector.bundle.summary import summary_text
from collector.errors import BundleError
from collector.model import RedactedText, Report

_NO_ID = "0" * 16
_LEVEL = 6  # of compression; part of what makes the same report the same bytes


def fill(file: IO[bytes], fitted: Plan, seal: Seal, audit: Callable[[], object], budget: Mapping[str, int]) -> str:
    """All members in a fixed order, one in memory at a time. Returns the bundle's id.

    The id is made from the incident's key and the hashes of the members before it. Report, summary and manifest show
    the id, so they come after it and say nothing that those members do not hold.
    """
    report, left_out = fitted.report, fitted.left_out
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as zipped:
        archive = _Archive(zipped, report.created)
        for name, text, source in _evidence(report, left_out, budget, seal):
            archive.add(name, text, source)
        manifest = manifest_document(report, left_out, budget, archive.members)
        _counted({"id": _NO_ID, **manifest}, report, seal)
        archive.add("redactions.json", sealed_json("redactions.json", audit(), seal))
        made = bundle_id(incident_key(report), archive.members)
        archive.add("report.html", seal.text(render(report, made)))
        archive.add("summary.txt", seal.text(summary_text(report, made)))
        manifest = {"id": made, **manifest_document(report, left_out, budget, archive.members)}
        archive.add("manifest.json", _sealed_manifest(manifest, seal))
    return made


def _counted(manifest: Mapping[str, Any], report: Report, seal: Seal) -> None:
    """What is redacted in the members that show the id, which is made from the audit too: they are made once more, with
    another id in it."""
    sealed_text("report.html", render(report, _NO_ID), seal)
    sealed_text("summary.txt", summary_text(report, _NO_ID), seal)
    sealed_json("manifest.json", manifest, seal)


def member_info(name: str, created: datetime) -> zipfile.ZipInfo:
    """The same bundle is the same bytes, on Windows too: the run's time, in UTC, within what a zip can say."""
    at = created.astimezone(timezone.utc)
    info = zipfile.ZipInfo(name, (min(max(at.year, 1980), 2107), at.month, at.day, at.hour, at.minute, at.second))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3  # Unix
    info.external_attr = 0o100600 << 16
    return info


@dataclass(slots=True)
class _Archive:
    """The zip being written; remembers what stands in it."""

    file: zipfile.ZipFile
    created: datetime
    members: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, text: RedactedText, source: str | None = None) -> None:
        data = checked(name, text).encode("utf-8", "replace")
        member = {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        self.members.append(member if source is None else {**member, "source": source})
        self.file.writestr(member_info(name, self.created), data)


def _evidence(
    report: Report, left_out: LeftOut, budget: Mapping[str, int], seal: Seal
) -> Iterator[tuple[str, RedactedText, str | None]]:
    yield "findings.json", sealed_json("findings.json", findings_document(report), seal), None
    yield "failures.json", sealed_json("failures.json", failures_document(report), seal), None
    yield "events.jsonl", sealed_lines("events.jsonl", event_documents(report), seal), None
    names = member_names([excerpt.path for excerpt in report.excerpts])
    for name, excerpt in zip(names, report.excerpts, strict=True):
        yield name, sealed_text(name, render_excerpt(excerpt), seal), excerpt.path
    ledger = ledger_document(report.ledger, left_out, budget)
    yield "ledger.json", sealed_json("ledger.json", ledger, seal), None
    yield "practices.json", sealed_json("practices.json", practices_document(report), seal), None
    yield "system.json", sealed_json("system.json", system_document(report), seal), None


def _sealed_manifest(manifest: Mapping[str, Any], seal: Seal) -> RedactedText:
    """Hashes look like keys: a pattern that takes them for one would make the bundle unreadable."""
    text = sealed_json("manifest.json", manifest, seal)
    kept = json.loads(text)
    if any(kept[name] != manifest[name] for name in ("id", "incident", "members")):
        raise BundleError("redaction changed the hashes in manifest.json; the bundle is not written")
    return text
