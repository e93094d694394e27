"""The core of a bundle: a bundle of its own, of at most 24 KB, for where only text gets out. Pure.

Findings, failures, what was read, and the failing lines that fit. It is made of the stored bundle alone, so that it is
the same bytes whenever it is made. `core_of` in its manifest names the bundle that it is the core of.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from collector.bundle.codec import plain
from collector.bundle.console import cut
from collector.bundle.documents import SCHEMA, bundle_id
from collector.bundle.excerpts import member_names, render_excerpt
from collector.bundle.layout import fit, share
from collector.bundle.reader import Bundle
from collector.bundle.sealing import Seal, checked, sealed_json
from collector.bundle.words import GOOD_OUTCOMES, NO_SOURCE
from collector.errors import BundleError
from collector.model import BundleInfo, Excerpt, LedgerEntry, RedactedText

LIMIT = 24_000  # bytes
_REPORT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Core of a bundle</title>
<p>This is the core of a bundle; the report is in the whole one. "vmext show" prints this one.</p></html>
"""
_WHOLE = frozenset({"id", "sha256", "incident", "do", "path"})  # of no use when cut
_LONGEST = 1_000  # characters, of those too
_FACTS = ("live", "boot_time", "cpu_count", "memory_total_bytes", "memory_available_bytes", "disks", "time_zone")


@dataclass(frozen=True, slots=True)
class _Room:
    """How much of the findings goes in: their number, characters of a text and of a detail, lines that tell each;
    entries of the ledger; whether the machine's facts are told in full."""

    findings: int
    characters: int
    detail: int
    evidence: int
    ledger: int
    facts: bool


_ROOMS = (
    _Room(100, 1_000, 4_000, 40, 400, True),
    _Room(30, 400, 1_000, 12, 120, False),
    _Room(10, 200, 300, 5, 40, False),
    _Room(3, 100, 100, 2, 10, False),
)
#: Bytes of the excerpts' text with each room. Tried in this order: failing lines give way before findings do.
_TEXT = (
    (160_000, 100_000, 64_000, 50_000, 40_000, 32_000, 25_000, 20_000, 16_000, 13_000, 10_000, 8_000, 6_000),
    (10_000, 4_000),
    (6_000, 2_000),
    (2_000, 0),
)


def core_bundle(bundle: Bundle, stored: BundleInfo, seal: Seal, limit: int = LIMIT) -> bytes:
    """The core of `bundle`, which lies in `stored`. `seal` redacts once more what redaction has passed already.

    Raises BundleError where not even the barest core is small enough.
    """
    failing, lines = _failing(bundle)
    lost = {"lines": lines, "events": sum(1 for _ in bundle.events()), "sources": len(_excerpts(bundle))}
    for room, texts in zip(_ROOMS, _TEXT, strict=True):
        documents = _documents(bundle, room)
        ledger = documents.pop("ledger.json")
        sealed = {name: sealed_json(name, document, seal) for name, document in documents.items()}
        for text in texts:
            shared = [excerpt for excerpt in share(failing, text) if excerpt.lines]
            data = _zipped(bundle, stored, seal, sealed, ledger, shared, _left_out(lost, shared, bundle), limit)
            if len(data) <= limit:
                return data
    raise BundleError(f"bundle {stored.id} has no core of at most {limit} bytes")


def _excerpts(bundle: Bundle) -> list[str]:
    """The members that are excerpts, in their order."""
    return [member["name"] for member in bundle.manifest["members"] if member["name"].startswith("excerpts/")]


def _failing(bundle: Bundle) -> tuple[list[Excerpt], int]:
    """Of each source in which a line failed what could ever fit, and how many lines all sources have. One source is in
    memory at a time."""
    failing: list[Excerpt] = []
    lines = 0
    for name in _excerpts(bundle):
        excerpt = bundle.excerpt(name)
        lines += len(excerpt.lines)
        if excerpt.failing:
            failing.append(fit(excerpt, _TEXT[0][0]))
    return failing, lines


def _zipped(
    bundle: Bundle,
    stored: BundleInfo,
    seal: Seal,
    sealed: Mapping[str, RedactedText],
    ledger: Mapping[str, Any],
    excerpts: Sequence[Excerpt],
    left_out: Mapping[str, int],
    limit: int,
) -> bytes:
    """The core's bytes: members in a fixed order, with the time of the bundle itself."""
    moment = bundle.created.timetuple()
    file = io.BytesIO()
    members: list[dict[str, Any]] = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:

        def add(name: str, content: RedactedText, source: str | None = None) -> None:
            data = checked(name, content).encode("utf-8", "replace")
            member = {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            members.append(member if source is None else {**member, "source": source})
            info = zipfile.ZipInfo(name, (min(max(moment.tm_year, 1980), 2107), *moment[1:6]))
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100600 << 16
            zipped.writestr(info, data)

        for name, content in sealed.items():
            add(name, content)
        told = {"left_out": left_out, "budget": {"bytes_per_bundle": limit}} if "left_out" in ledger else {}
        add("ledger.json", sealed_json("ledger.json", {**ledger, **told}, seal))
        for name, text in (("events.jsonl", ""), ("report.html", _REPORT), ("summary.txt", _summary(bundle.summary))):
            add(name, seal.text(text))
        names = member_names([excerpt.path for excerpt in excerpts])
        for name, excerpt in zip(names, excerpts, strict=True):
            add(name, seal.text(render_excerpt(excerpt)), excerpt.path)
        add("manifest.json", _sealed_manifest(_manifest(bundle, stored, left_out, limit, members), seal))
    return file.getvalue()


def _sealed_manifest(manifest: dict[str, Any], seal: Seal) -> RedactedText:
    """Hashes look like keys: a pattern that takes them for one would make the core unreadable."""
    text = sealed_json("manifest.json", manifest, seal)
    kept = json.loads(text)
    if any(kept[key] != manifest[key] for key in ("id", "members", "core_of")):
        raise BundleError("redaction changed the hashes in manifest.json; the core is not made")
    return text


# ---- the members ---------------------------------------------------------------------------------------


def _documents(bundle: Bundle, room: _Room) -> dict[str, dict[str, Any]]:
    """The members that are JSON, with whatever a later version may have put beside what is known here."""
    findings, failures = bundle.findings_document, bundle.failures_document
    ledger, left_out = _ledger(bundle.ledger, room.ledger)
    states = _cut(failures["states"][: room.ledger], room.characters)
    return {
        "findings.json": {**findings, "findings": _told(findings["findings"], room)},
        "failures.json": {**failures, "failures": _told(failures["failures"], room), "states": states},
        "ledger.json": {**_member(bundle, "ledger.json"), "entries": plain(ledger), "entries_left_out": left_out},
        "practices.json": {"schema": SCHEMA, "practices": _practices(bundle, room)},
        "system.json": {**_member(bundle, "system.json"), **_system(bundle, room)},
        "redactions.json": bundle.redactions,
    }


def _member(bundle: Bundle, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(bundle.text(name))
    return document


def _told(items: Sequence[dict[str, Any]], room: _Room) -> list[dict[str, Any]]:
    """Findings or failures: the first ones, each with the lines that tell it, and its detail cut."""
    told = []
    for item in items[: room.findings]:
        short: dict[str, Any] = _cut(item, room.characters)
        short["detail"] = cut(str(item.get("detail", "")), room.detail)
        for key in ("evidence", "sources", "causes"):
            if key in short:
                short[key] = short[key][: room.evidence]
        for cause in short.get("causes", ()):
            cause["evidence"] = cause["evidence"][: room.evidence]
        told.append(short)
    return told


def _ledger(entries: Sequence[LedgerEntry], most: int) -> tuple[list[LedgerEntry], int]:
    """What was not read as it should be first, and without the numbers of what was."""
    fine = GOOD_OUTCOMES | NO_SOURCE
    ranked = sorted(entries, key=lambda entry: (entry.outcome in fine, entry.outcome == "missing"))
    kept = [LedgerEntry(one.path, one.kind, one.outcome, note=cut(one.note, 200)) for one in ranked[:most]]
    return kept, len(ranked) - len(kept)


def _practices(bundle: Bundle, room: _Room) -> Any:
    violated = [practice for practice in bundle.practices if practice.state == "violated"]
    return _cut(plain(violated[: room.evidence]), room.characters)


def _system(bundle: Bundle, room: _Room) -> dict[str, Any]:
    facts = plain(bundle.facts)
    if not room.facts:
        facts = {key: facts[key] for key in _FACTS}
        facts["disks"] = facts["disks"][: room.evidence]
    return {"identity": _cut(plain(bundle.identity), _LONGEST), "facts": _cut(facts, room.characters)}


def _summary(summary: str) -> str:
    """The bundle's own, with a line that says that this is not all of it."""
    before, end, last = summary.rstrip("\n").rpartition("\n")
    return f"{before}{end}       this is its core of at most 24 KB; the whole bundle stayed on the instance\n{last}\n"


def _left_out(lost: Mapping[str, int], excerpts: Sequence[Excerpt], bundle: Bundle) -> dict[str, int]:
    """What the core lacks, beside what the bundle lacked already."""
    before = bundle.manifest.get("left_out", {})
    kept = {"lines": sum(len(one.lines) for one in excerpts), "sources": len(excerpts)}
    return {key: before.get(key, 0) + number - kept.get(key, 0) for key, number in lost.items()}


def _manifest(
    bundle: Bundle,
    stored: BundleInfo,
    left_out: Mapping[str, int],
    limit: int,
    members: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """That of the bundle, with the core's own members. The id is made as that of every bundle, of the incident and the
    hashes of the members that do not show it."""
    old = bundle.manifest
    return {
        **{key: value for key, value in old.items() if key not in ("members", "core_of")},
        "id": bundle_id(old["incident"], members),
        "instance": _cut(old["instance"], _LONGEST),
        "identity": _cut(old["identity"], _LONGEST),
        "window": _cut(old["window"], _LONGEST),
        "budget": {"bytes_per_bundle": limit},
        "core_of": {"id": stored.id, "bytes": stored.bytes, "sha256": stored.sha256},
        "left_out": dict(left_out),
        "members": [dict(member) for member in members],
    }


def _cut(value: Any, characters: int, key: str = "") -> Any:
    """The document with each text cut; never a word or a time, which are shorter than any of the limits."""
    if isinstance(value, dict):
        return {name: _cut(item, characters, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_cut(item, characters, key) for item in value]
    if not isinstance(value, str):
        return value
    return cut(value, _LONGEST if key in _WHOLE else characters)
