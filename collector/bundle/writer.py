"""Writes one bundle: all of it or nothing, redacted or not at all."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from collector.bundle.documents import (
    digest,
    failures_document,
    findings_document,
    ledger_document,
    manifest_document,
    practices_document,
    system_document,
)
from collector.bundle.events import event_documents
from collector.bundle.excerpts import member_names, render_excerpt
from collector.bundle.layout import DETAIL_CHARACTERS, Plan, plan
from collector.bundle.report import render
from collector.bundle.sealing import Seal, checked, sealed_json, sealed_lines, sealed_text
from collector.bundle.summary import summary_text
from collector.errors import BundleError
from collector.model import BundleInfo, RedactedText, Report

log = logging.getLogger(__name__)

PARTIAL = ".partial"
_BUFFER = 1 << 16  # bytes
#: Text a bundle may hold for each byte of its budget, tried in this order: logs shrink to a fifth or less.
_TEXT_FACTORS = (3.0, 1.0, 0.4, 0.1, 0.0)
_MOST_TEXT = 24_000_000  # bytes of text, whatever the budget: it is held in memory
_LEAST_DETAIL = 2_000  # characters of a failure's whole text when nothing else helps
#: A temporary file older than this belongs to a dead run, even where a new process has its number.
_STALE_SECONDS = 3_600


def write(
    report: Report,
    *,
    seal: Seal,
    audit: Callable[[], object],
    folder: Path,
    budget_bytes: int = 5_000_000,
    budget: Mapping[str, int] | None = None,
) -> BundleInfo:
    """Writes `<id>.zip` into `folder`, of at most `budget_bytes` bytes as far as lines can be left out.

    `report` has been redacted; `seal` redacts once more each member as it will be written. `audit` tells what
    was redacted, `budget` the limits in force, for the manifest.

    Raises BundleError where the folder can't be written or a member did not pass redaction.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _clean(folder, time.time())
        for factor in _TEXT_FACTORS:
            detail = DETAIL_CHARACTERS if factor else _LEAST_DETAIL
            fitted = plan(report, min(int(budget_bytes * factor), _MOST_TEXT), detail)
            bundle = _write(fitted, seal, audit, folder, {"bytes_per_bundle": budget_bytes, **(budget or {})})
            if bundle.bytes <= budget_bytes or not factor:
                return _in_place(bundle)
            bundle.path.unlink()
    except OSError as error:
        hint = "Free some space there, or give another folder with --state-dir."
        raise BundleError(f"the bundle can't be written to {folder}: {error.strerror}", hint) from error
    raise AssertionError("the last factor always returns")


def _write(
    fitted: Plan, seal: Seal, audit: Callable[[], object], folder: Path, budget: Mapping[str, int]
) -> BundleInfo:
    """The temporary file, complete and on the disk, with the name it will get."""
    partial = folder / f".{os.getpid()}-{os.urandom(6).hex()}{PARTIAL}"
    written: BundleInfo | None = None
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            bundle_id = _fill(file, fitted, seal, audit, budget)
            file.flush()
            os.fsync(file.fileno())
        written = BundleInfo(bundle_id, partial, partial.stat().st_size, _sha256(partial))
    finally:
        if written is None:
            partial.unlink(missing_ok=True)
    return written


def _in_place(bundle: BundleInfo) -> BundleInfo:
    path = bundle.path.with_name(f"{bundle.id}.zip")
    try:
        bundle.path.replace(path)
    except OSError:
        bundle.path.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    return BundleInfo(bundle.id, path, bundle.bytes, bundle.sha256)


# ---- the members ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Archive:
    """The zip being written; remembers what stands in it."""

    file: zipfile.ZipFile
    moment: tuple[int, int, int, int, int, int]
    members: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, text: RedactedText, source: str | None = None) -> None:
        data = checked(name, text).encode("utf-8", "replace")
        member = {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        self.members.append(member if source is None else {**member, "source": source})
        info = zipfile.ZipInfo(name, self.moment)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.create_system = 3  # Unix, also on Windows: the same bundle is the same bytes
        info.external_attr = 0o100600 << 16
        self.file.writestr(info, data)


def _fill(file: IO[bytes], fitted: Plan, seal: Seal, audit: Callable[[], object], budget: Mapping[str, int]) -> str:
    """All members in a fixed order, one in memory at a time. Returns the bundle's id.

    The id is made from what the manifest says of the incident and of the evidence's hashes. Summary, report
    and manifest carry the id, so they come after it and say nothing that the evidence does not hold.
    """
    report = fitted.report
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as zipped:
        archive = _Archive(zipped, _moment(report.created))
        for name, text, source in _evidence(report, seal):
            archive.add(name, text, source)
        archive.add("redactions.json", sealed_json("redactions.json", audit(), seal))
        bundle_id = digest(manifest_document(report, fitted.left_out, budget, archive.members))
        archive.add("report.html", seal.text(render(report, bundle_id)))
        archive.add("summary.txt", seal.text(summary_text(report, bundle_id)))
        manifest = {"id": bundle_id, **manifest_document(report, fitted.left_out, budget, archive.members)}
        archive.add("manifest.json", _sealed_manifest(manifest, seal))
    return bundle_id


def _sealed_manifest(manifest: Mapping[str, Any], seal: Seal) -> RedactedText:
    """Hashes look like keys: a pattern that takes them for one would make the bundle unreadable."""
    text = sealed_json("manifest.json", manifest, seal)
    kept = json.loads(text)
    if kept["id"] != manifest["id"] or kept["members"] != manifest["members"]:
        raise BundleError("redaction changed the hashes in manifest.json; the bundle is not written")
    return text


def _evidence(report: Report, seal: Seal) -> Iterator[tuple[str, RedactedText, str | None]]:
    yield "findings.json", sealed_json("findings.json", findings_document(report), seal), None
    yield "failures.json", sealed_json("failures.json", failures_document(report), seal), None
    yield "events.jsonl", sealed_lines("events.jsonl", event_documents(report), seal), None
    names = member_names([excerpt.path for excerpt in report.excerpts])
    for name, excerpt in zip(names, report.excerpts, strict=True):
        yield name, sealed_text(name, render_excerpt(excerpt), seal), excerpt.path
    yield "ledger.json", sealed_json("ledger.json", ledger_document(report.ledger), seal), None
    yield "practices.json", sealed_json("practices.json", practices_document(report), seal), None
    yield "system.json", sealed_json("system.json", system_document(report), seal), None


def _moment(created: datetime) -> tuple[int, int, int, int, int, int]:
    """The members' time: the run's, in UTC, within what a zip can say."""
    at = created.astimezone(timezone.utc)
    return (min(max(at.year, 1980), 2107), at.month, at.day, at.hour, at.minute, at.second)


# ---- the folder ----------------------------------------------------------------------------------------


def _clean(folder: Path, now: float) -> None:
    """Removes the temporary files that killed runs left behind."""
    partials = list(folder.glob(f".*{PARTIAL}"))
    if not partials:
        return
    import psutil

    for partial in partials:
        number = partial.name[1:].split("-", 1)[0]
        try:
            alive = number.isdigit() and psutil.pid_exists(int(number))
            if not alive or now - partial.stat().st_mtime > _STALE_SECONDS:
                partial.unlink()
                log.info("removed %s, left by a run that was stopped", partial)
        except FileNotFoundError:
            log.debug("%s is gone already", partial)


def _sha256(path: Path) -> str:
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BUFFER):
            hashed.update(block)
    return hashed.hexdigest()


def _sync_folder(folder: Path) -> None:
    """Makes the rename last through a loss of power, on systems that can open a folder."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
