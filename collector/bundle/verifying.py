"""Everything that can be wrong with a bundle, all of it and not only the first: for ``vmext verify``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collector.bundle.archive import Limits
from collector.bundle.encryption import Identities
from collector.bundle.envelope import ENVELOPE, Envelope
from collector.bundle.reader import Bundle
from collector.bundle.sealed import content, open_envelope
from collector.bundle.shape import check
from collector.errors import BundleError, NewerError

_NAMED = re.compile(r"[0-9a-f]{16}\.zip")
#: What the manifest says again, so that a list of bundles needs no other member: (its key, member, keys there).
_TOLD_TWICE = (
    *((key, "system.json", ("run", key)) for key in ("incident", "agent_version", "created", "verdict")),
    ("identity", "system.json", ("identity",)),
    ("window", "findings.json", ("window",)),
    ("left_out", "ledger.json", ("left_out",)),
    ("budget", "ledger.json", ("budget",)),
)


@dataclass(slots=True)
class Verified:
    """What came of one bundle; it is what it says it is where there are no `problems`."""

    path: Path
    id: str | None = None
    schema: int | None = None
    agent_version: str | None = None
    members: int = 0
    encrypted: bool = False
    opened: bool = False  # the members were looked at, not only the envelope of an encrypted one
    problems: list[str] = field(default_factory=list)


def verify(path: Path, identities: Identities | None = None, limits: Limits | None = None) -> Verified:
    """Never raises BundleError; an encrypted bundle is opened with one of `identities`, if there are some."""
    found = Verified(path)
    limits = limits or Limits()
    try:
        bundle = Bundle(path, limits)
        if ENVELOPE in bundle.names:
            found.encrypted = True
            envelope = open_envelope(path, limits)
            _tell(found, envelope.document)
            if identities is None:
                return _named(found)
            bundle = _in(envelope, Bundle(content(path, envelope, identities, limits), limits))
        _tell(found, bundle.manifest)
        found.opened, found.members = True, len(bundle.manifest["members"])
        found.problems += dict.fromkeys(_problems(bundle))
    except BundleError as error:
        found.problems.append(str(error))
    return _named(found)


def no_bundle(path: Path) -> str | None:
    """Why a file is not the bundle that it is named after; None where it is, and where a newer version made it.

    Cheap: of a plain bundle only the manifest is read. Raises OSError where the file can't be read.
    """
    try:
        with path.open("rb") as stream:
            bundle = Bundle(stream, Limits())
            if ENVELOPE in bundle.names:
                identifier = open_envelope(stream, Limits()).id
            else:
                bundle.check_names()
                bundle.check_id()
                identifier = bundle.id
            return None if identifier == path.stem else f"the bundle in it has the id {identifier}"
    except NewerError:
        return None
    except BundleError as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from error
        return str(error)


def _in(envelope: Envelope, bundle: Bundle) -> Bundle:
    envelope.check_against(bundle.manifest, bundle.findings_document)
    return bundle


def _tell(found: Verified, document: Mapping[str, Any]) -> None:
    found.id, found.schema, found.agent_version = document["id"], document["schema"], document["agent_version"]


def _named(found: Verified) -> Verified:
    if found.id and _NAMED.fullmatch(found.path.name) and found.path.stem != found.id:
        found.problems.append(f"the file is named after another bundle; its own id is {found.id}")
    return found


def _problems(bundle: Bundle) -> Iterator[str]:
    yield from _problem(bundle.check_names)
    yield from _problem(bundle.check_id)
    for name in bundle.names:
        yield from _problem(lambda name=name: _check_member(bundle, name))  # type: ignore[misc]
    yield from _problem(bundle.check)
    for key, member, keys in _TOLD_TWICE:
        yield from _problem(lambda key=key, member=member, keys=keys: _check_same(bundle, key, member, keys))  # type: ignore[misc]


def _problem(look: Callable[[], object]) -> Iterator[str]:
    try:
        look()
    except BundleError as error:
        yield str(error)


def _check_member(bundle: Bundle, name: str) -> None:
    """Its hash, and its form where it has one."""
    bundle.read(name)
    stem, _, ending = name.partition(".")
    if ending == "jsonl":
        for number, event in enumerate(bundle.events(), start=1):
            check(event, stem, f"{name} line {number}")
    elif ending == "json" and stem in _FORMS:
        check(bundle.json(name), stem, name)
    elif name.startswith("excerpts/"):
        bundle.excerpt(name)


_FORMS = frozenset({"failures", "findings", "ledger", "manifest", "practices", "redactions", "system"})


def _check_same(bundle: Bundle, key: str, member: str, keys: tuple[str, ...]) -> None:
    said: Any = bundle.json(member)
    for name in keys:
        said = said.get(name) if isinstance(said, Mapping) else None
    if key in bundle.manifest and said not in (None, bundle.manifest[key]):
        raise BundleError(f"manifest.json says another {key} than {member}")
