"""Opens bundles, from anywhere, and checks them before anything in them is used."""

from __future__ import annotations

import hashlib
import logging
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from collector.bundle.archive import Limits, chunks, opened
from collector.bundle.codec import load, moment
from collector.bundle.documents import bundle_id, failures_from, practices_from, states_from
from collector.bundle.encryption import Identities
from collector.bundle.envelope import ENVELOPE, Envelope
from collector.bundle.excerpts import parse_excerpt
from collector.bundle.json_form import json_object
from collector.bundle.sealed import content, open_envelope
from collector.bundle.shape import check_findings, check_manifest
from collector.errors import BundleError
from collector.model import (
    BY_COMMAND,
    Excerpt,
    ExtensionState,
    Failure,
    Identity,
    LedgerEntry,
    Practice,
    SystemFacts,
    Trigger,
    Verdict,
    Window,
)

log = logging.getLogger(__name__)

#: Members that every bundle has, besides the manifest.
_ALWAYS = (
    "events.jsonl",
    "failures.json",
    "findings.json",
    "ledger.json",
    "redactions.json",
    "report.html",
    "summary.txt",
    "system.json",
)

__all__ = ["Bundle", "Limits", "glance", "glance_received", "open_bundle", "open_received", "skim_received"]


def open_bundle(file: Path | BinaryIO, limits: Limits | None = None, identities: Identities | None = None) -> Bundle:
    """A bundle whose every member was read once, within `limits`, has the hash that its manifest says and
    the shape that its users rely on.

    `file` is a path, or a seekable file that stays open as long as the bundle is used; an encrypted bundle is
    decrypted into memory with one of the `identities`.
    Raises BundleError, naming the member, for everything that is wrong with it; EncryptedError without an identity.
    """
    bundle = _unchecked(file, limits or Limits(), identities)
    with bundle.held():
        bundle.check()
    return bundle


def glance(file: Path | BinaryIO, limits: Limits | None = None, identities: Identities | None = None) -> Bundle:
    """A bundle of which only those members are read that are asked for: for many bundles at once.

    As safe as `open_bundle` for what is read: the archive's bounds and its list of members are checked here, the
    hash and the shape of a member whenever it is read, and BundleError raised then. What nobody asks for may be
    damaged and stays unread, so that this says nothing of the bundle as a whole.
    """
    bundle = _unchecked(file, limits or Limits(), identities)
    bundle.check_names()
    return bundle


def open_received(file: Path | BinaryIO, limits: Limits | None = None) -> Bundle | Envelope:
    """What someone without a key can know of a bundle: all of it, or the envelope of an encrypted one, checked."""
    limits = limits or Limits()
    if ENVELOPE in Bundle(file, limits).names:
        return open_envelope(file, limits)
    return open_bundle(file, limits)


def glance_received(file: Path | BinaryIO, limits: Limits | None = None) -> Bundle | Envelope:
    """The same as `open_received`, as cheap as `glance`: for who must answer before all of it can be read."""
    limits = limits or Limits()
    bundle = Bundle(file, limits)
    with bundle.held():
        if ENVELOPE in bundle.names:
            return open_envelope(file, limits)
        bundle.check_names()
        bundle.check_id()
    return bundle


def skim_received(file: Path | BinaryIO, limits: Limits | None = None) -> Bundle | Envelope:
    """The same as `glance_received` with the findings and the states read, for who wants these of many bundles."""
    limits = limits or Limits()
    bundle = Bundle(file, limits)
    with bundle.held():
        if ENVELOPE in bundle.names:
            return open_envelope(file, limits)
        bundle.check_names()
        bundle.check_id()
        log.debug("read %s findings and %s states", len(bundle.findings), len(bundle.states))
    return bundle


def _unchecked(file: Path | BinaryIO, limits: Limits, identities: Identities | None) -> Bundle:
    bundle = Bundle(file, limits)
    if ENVELOPE not in bundle.names:
        return bundle
    envelope = open_envelope(file, limits)
    bundle = Bundle(content(file, envelope, identities, limits), limits)
    envelope.check_against(bundle.manifest, bundle.findings_document)
    return bundle


class Bundle:
    """A checked bundle. Members are read when they are asked for; nothing is left open in between."""

    def __init__(self, file: Path | BinaryIO, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._held: tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]] | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """The archive stays open meanwhile, so that its list of members is read once. Raises BundleError."""
        with opened(self._file, self._limits) as self._held:
            try:
                yield
            finally:
                self._held = None

    @contextmanager
    def _opened(self) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
        if self._held is not None:
            yield self._held
            return
        with opened(self._file, self._limits) as found:
            yield found

    def check(self) -> None:
        """Raises BundleError if anything is wrong with the archive, a member's hash or its shape."""
        self.check_hashes()
        for _ in self.events():
            pass
        self.check_id()
        for part in (self.identity, self.window, self.facts, self.findings, self.redactions):
            log.debug("checked a %s", type(part).__name__)
        numbers = (len(self.failures), len(self.states), len(self.ledger), len(self.excerpts), len(self.practices))
        log.debug("checked failures, states, ledger entries, excerpts, practices: %s", numbers)

    def check_names(self) -> None:
        """Raises BundleError unless the archive holds what its manifest says and what every bundle has."""
        surplus = set(self.names) - self._hashes.keys() - {"manifest.json"}
        missing = self._hashes.keys() - set(self.names)
        if surplus or missing:
            wrong = sorted(surplus or missing)[0]
            raise BundleError(f"the member {wrong} is {'not in the manifest' if surplus else 'missing'}")
        lacking = sorted(set(_ALWAYS) - self._hashes.keys())
        if lacking:
            raise BundleError(f"the bundle has no member {lacking[0]}")

    def check_id(self) -> None:
        """Raises BundleError unless the id is made from the incident and the members' hashes."""
        if self.id != bundle_id(self.manifest["incident"], self.manifest["members"]):
            raise BundleError("the bundle's id is not made from its incident and its members' hashes")

    def check_hashes(self) -> None:
        """Raises BundleError unless every member has the hash that the manifest says, and none is missing or more."""
        self.check_names()
        with self._opened() as (zipped, infos):
            for name in self._hashes:
                for _ in self._blocks(zipped, infos[name]):
                    pass

    @cached_property
    def _hashes(self) -> dict[str, str]:
        """What the manifest says of each member."""
        return {member["name"]: member["sha256"] for member in self.manifest["members"]}

    def _blocks(self, zipped: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
        """A member's bytes; BundleError at their end where they are not those of the manifest."""
        hashed = hashlib.sha256()
        for block in chunks(zipped, info):
            hashed.update(block)
            yield block
        if info.filename != "manifest.json" and hashed.hexdigest() != self._hashes.get(info.filename):
            raise BundleError(f"the member {info.filename} does not have the hash that the manifest says")

    # ---- members --------------------------------------------------------------------------------------

    @cached_property
    def manifest(self) -> dict[str, Any]:
        document = self.json("manifest.json")
        check_manifest(document)
        return document

    @property
    def id(self) -> str:
        """16 hexadecimal digits."""
        identifier: str = self.manifest["id"]
        return identifier

    @property
    def created(self) -> datetime:
        return moment(self.manifest["created"])

    @property
    def verdict(self) -> Verdict:
        verdict: Verdict = self.manifest["verdict"]
        return verdict

    @property
    def trigger(self) -> Trigger:
        """Bundles of versions that had no resident agent do not tell it."""
        told = self.manifest.get("trigger")
        return load(Trigger, told, "manifest.json trigger") if told is not None else BY_COMMAND

    @property
    def identity(self) -> Identity:
        return load(Identity, self.manifest["identity"], "manifest.json identity")

    @property
    def window(self) -> Window:
        return load(Window, self.manifest["window"], "manifest.json window")

    @cached_property
    def findings_document(self) -> dict[str, Any]:
        """findings.json with the shape that scripts rely on."""
        document = self.json("findings.json")
        check_findings(document)
        return document

    @property
    def findings(self) -> tuple[dict[str, Any], ...]:
        """Most important first."""
        return tuple(self.findings_document["findings"])

    @cached_property
    def failures(self) -> tuple[Failure, ...]:
        """What was extracted, before any rule: later rules can be applied to it."""
        return failures_from(self.failures_document)

    @cached_property
    def states(self) -> tuple[ExtensionState, ...]:
        return states_from(self.failures_document)

    @cached_property
    def failures_document(self) -> dict[str, Any]:
        """failures.json as it stands there: `documents` makes values of it."""
        return self.json("failures.json")

    @cached_property
    def practices(self) -> tuple[Practice, ...]:
        """What came of the documented practices; none in bundles of versions that did not check them."""
        return practices_from(self.json("practices.json")) if "practices.json" in self.names else ()

    @property
    def facts(self) -> SystemFacts:
        """The machine while it was collected from; empty for a mounted disk."""
        return load(SystemFacts, self.json("system.json").get("facts"), "system.json facts")

    @cached_property
    def ledger(self) -> tuple[LedgerEntry, ...]:
        return tuple(
            load(LedgerEntry, entry, f"ledger.json entries[{n}]") for n, entry in enumerate(self.ledger_entries)
        )

    @property
    def ledger_entries(self) -> list[Any]:
        """The entries as they stand there, unchecked."""
        entries = self.json("ledger.json").get("entries")
        if not isinstance(entries, list):
            raise BundleError("ledger.json has no list 'entries'")
        return entries

    @cached_property
    def excerpts(self) -> tuple[Excerpt, ...]:
        """In the order of the manifest, which is the order of collecting."""
        names = [member["name"] for member in self.manifest["members"] if member["name"].startswith("excerpts/")]
        return tuple(self.excerpt(name) for name in names)

    def excerpt(self, name: str) -> Excerpt:
        """A member of excerpts/ as a value."""
        return parse_excerpt(self.text(name), name)

    @property
    def redactions(self) -> Any:
        """What was redacted, counted by pattern."""
        return self.json("redactions.json")

    @property
    def summary(self) -> str:
        return self.text("summary.txt")

    @property
    def report(self) -> str:
        """report.html: to be served only where it can do no harm, since its maker is another machine."""
        return self.text("report.html")

    def events(self) -> Iterator[dict[str, Any]]:
        """The extracted records, one at a time."""
        for number, line in enumerate(self.text("events.jsonl").split("\n"), start=1):
            if line:
                yield json_object(line, f"events.jsonl line {number}")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The members in their order."""
        with self._opened() as (_, infos):
            return tuple(infos)

    def text(self, name: str) -> str:
        """A member as text. BundleError where there is none of this name."""
        return self.read(name).decode("utf-8", "replace")

    def read(self, name: str) -> bytes:
        """A member's bytes. BundleError where there is none of this name."""
        with self._opened() as (zipped, infos):
            if name not in infos:
                raise BundleError(f"the bundle has no member {name}", f"Its members: {', '.join(infos)}.")
            return b"".join(self._blocks(zipped, infos[name]))

    def json(self, name: str) -> dict[str, Any]:
        """A member that is one JSON object of a known schema, otherwise as it stands there."""
        return json_object(self.read(name), name)
