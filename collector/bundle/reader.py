"""Opens bundles, from anywhere, and checks them before anything in them is used."""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import IO, Any, BinaryIO

from collector.bundle.archive import Limits, check_members, check_size, chunks
from collector.bundle.codec import load, moment
from collector.bundle.documents import SCHEMA, failures_from, practices_from, states_from
from collector.bundle.excerpts import parse_excerpt
from collector.bundle.shape import check_findings, check_manifest
from collector.errors import BundleError
from collector.model import (
    Excerpt,
    ExtensionState,
    Failure,
    Identity,
    LedgerEntry,
    Practice,
    SystemFacts,
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

__all__ = ["Bundle", "Limits", "glance", "open_bundle"]


def open_bundle(file: Path | BinaryIO, limits: Limits | None = None) -> Bundle:
    """A bundle whose every member was read once, within `limits`, has the hash that its manifest says and
    the shape that its users rely on.

    `file` is a path, or a seekable file that stays open as long as the bundle is used.
    Raises BundleError, naming the member, for everything that is wrong with it.
    """
    bundle = Bundle(file, limits or Limits())
    bundle.check()
    return bundle


def glance(file: Path | BinaryIO, limits: Limits | None = None) -> Bundle:
    """A bundle of which only those members are read that are asked for: for many bundles at once.

    As safe as `open_bundle` for what is read: the archive's bounds and its list of members are checked here, the
    hash and the shape of a member whenever it is read, and BundleError raised then. What nobody asks for may be
    damaged and stays unread, so that this says nothing of the bundle as a whole.
    """
    bundle = Bundle(file, limits or Limits())
    bundle.check_names()
    return bundle


class Bundle:
    """A checked bundle. Members are read when they are asked for; nothing is left open in between."""

    def __init__(self, file: Path | BinaryIO, limits: Limits) -> None:
        self._file = file
        self._limits = limits

    def check(self) -> None:
        """Raises BundleError if anything is wrong with the archive, a member's hash or its shape."""
        self._check_members()
        for _ in self.events():
            pass
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

    def _check_members(self) -> None:
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
        document = self._json("manifest.json")
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
    def identity(self) -> Identity:
        return load(Identity, self.manifest["identity"], "manifest.json identity")

    @property
    def window(self) -> Window:
        return load(Window, self.manifest["window"], "manifest.json window")

    @cached_property
    def findings_document(self) -> dict[str, Any]:
        """findings.json with the shape that scripts rely on."""
        document = self._json("findings.json")
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
        return self._json("failures.json")

    @cached_property
    def practices(self) -> tuple[Practice, ...]:
        """What came of the documented practices; none in bundles of versions that did not check them."""
        return practices_from(self._json("practices.json")) if "practices.json" in self.names else ()

    @property
    def facts(self) -> SystemFacts:
        """The machine while it was collected from; empty for a mounted disk."""
        return load(SystemFacts, self._json("system.json").get("facts"), "system.json facts")

    @cached_property
    def ledger(self) -> tuple[LedgerEntry, ...]:
        return tuple(
            load(LedgerEntry, entry, f"ledger.json entries[{n}]") for n, entry in enumerate(self.ledger_entries)
        )

    @property
    def ledger_entries(self) -> list[Any]:
        """The entries as they stand there, unchecked."""
        entries = self._json("ledger.json").get("entries")
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
        return self._json("redactions.json")

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
                yield _object(line, f"events.jsonl line {number}")

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

    def _json(self, name: str) -> dict[str, Any]:
        return _object(self.text(name), name)

    @contextmanager
    def _opened(self) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
        with _file(self._file) as file:
            check_size(file, self._limits)
            size = file.seek(0, 2)
            file.seek(0)
            try:
                zipped = zipfile.ZipFile(file)
            except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
                raise BundleError(f"the bundle is no readable zip file: {error}") from error
            with zipped:
                yield zipped, check_members(zipped, size, self._limits)


@contextmanager
def _file(file: Path | BinaryIO) -> Iterator[IO[bytes]]:
    if not isinstance(file, Path):
        yield file
        return
    try:
        opened = file.open("rb")
    except OSError as error:
        raise BundleError(f"the bundle {file} can't be opened: {error.strerror}") from error
    with opened:
        yield opened


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{where} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise BundleError(f"{where} should be an object")
    schema = document.get("schema", SCHEMA)
    if isinstance(schema, int) and schema > SCHEMA:
        raise BundleError(f"{where} has schema {schema}, made by a newer version", "Update vmext on this machine.")
    return document
