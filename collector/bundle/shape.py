"""What the JSON members of a bundle from another machine must look like before anyone uses them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from collector.bundle.codec import moment
from collector.errors import BundleError
from collector.model import Confidence, FindingKind, Owner, Verdict

_TEXT, _NUMBER, _LIST = (str,), (int,), (list,)
_MAYBE_TEXT, _MAYBE_NUMBER = (str, type(None)), (int, type(None))
_ID = re.compile(r"[0-9a-f]{16}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

_MANIFEST: Mapping[str, tuple[type, ...]] = {
    "schema": _NUMBER,
    "id": _TEXT,
    "incident": _TEXT,
    "agent_version": _TEXT,
    "created": _TEXT,
    "verdict": _TEXT,
    "instance": _MAYBE_TEXT,
    "identity": (dict,),
    "window": (dict,),
    "budget": (dict,),
    "members": _LIST,
}
_MEMBER: Mapping[str, tuple[type, ...]] = {"name": _TEXT, "bytes": _NUMBER, "sha256": _TEXT}
_FINDING: Mapping[str, tuple[type, ...]] = {
    "id": _TEXT,
    "kind": _TEXT,
    "extension": _TEXT,
    "name": _MAYBE_TEXT,
    "version": _MAYBE_TEXT,
    "operation": _MAYBE_TEXT,
    "sequence": _MAYBE_NUMBER,
    "exit_code": _MAYBE_NUMBER,
    "agent_code": _MAYBE_NUMBER,
    "owner": _TEXT,
    "message": _TEXT,
    "meaning": _TEXT,
    "remedy": _TEXT,
    "confidence": _TEXT,
    "first_time": _MAYBE_TEXT,
    "last_time": _MAYBE_TEXT,
    "count": _NUMBER,
    "sources": _LIST,
}
_SOURCE: Mapping[str, tuple[type, ...]] = {"path": _TEXT, "line": _NUMBER}
_EVIDENCE: Mapping[str, tuple[type, ...]] = {**_SOURCE, "time": _MAYBE_TEXT, "text": _TEXT, "role": _TEXT}
_CAUSE: Mapping[str, tuple[type, ...]] = {
    "id": _TEXT,
    "title": _TEXT,
    "owner": _TEXT,
    "confidence": _TEXT,
    "meaning": _TEXT,
    "remedy": _TEXT,
    "documentation": _TEXT,
    "evidence": _LIST,
}
#: Fields that were added later, or may be missing in an addition's absence; checked where they are.
_ADDED: Mapping[str, tuple[type, ...]] = {
    "title": _TEXT,
    "hang_since": _MAYBE_TEXT,
    "limit_seconds": _MAYBE_NUMBER,
    "status_code": _MAYBE_NUMBER,
    "caused_by": _MAYBE_TEXT,
    "documentation": _TEXT,
    "do": _LIST,
    "dont": _TEXT,
    "detail": _TEXT,
    "evidence": _LIST,
    "causes": _LIST,
}


def check_manifest(document: Mapping[str, Any]) -> None:
    """Raises BundleError naming what is wrong."""
    _check(document, _MANIFEST, "manifest.json")
    _among(document["verdict"], get_args(Verdict), "manifest.json verdict")
    if not _ID.fullmatch(document["id"]):
        raise BundleError("manifest.json id is not 16 hexadecimal digits")
    _time(document["created"], "manifest.json created")
    if not document["created"].endswith("Z"):
        raise BundleError("manifest.json created is not in UTC")
    names = set()
    for number, member in enumerate(document["members"]):
        where = f"manifest.json members[{number}]"
        _check(member, _MEMBER, where)
        if not _SHA256.fullmatch(member["sha256"]) or member["name"] in names:
            raise BundleError(f"{where} has a bad hash or a name that was there before")
        names.add(member["name"])


def check_findings(document: Mapping[str, Any]) -> None:
    """Raises BundleError naming what is wrong."""
    _check(document, {"schema": _NUMBER, "window": (dict,), "findings": _LIST}, "findings.json")
    for number, finding in enumerate(document["findings"]):
        where = f"findings.json findings[{number}]"
        _check(finding, _FINDING, where)
        _check(finding, {key: kind for key, kind in _ADDED.items() if key in finding}, where)
        for key, words in (("kind", FindingKind), ("owner", Owner), ("confidence", Confidence)):
            _among(finding[key], get_args(words), f"{where} {key}")
        for key in ("first_time", "last_time", "hang_since"):
            _time(finding.get(key), f"{where} {key}")
        for source in finding["sources"]:
            _check(source, _SOURCE, f"{where} sources")
        _evidence(finding.get("evidence", ()), where)
        for cause in finding.get("causes", ()):
            _check(cause, _CAUSE, f"{where} causes")
            _among(cause["confidence"], get_args(Confidence), f"{where} causes confidence")
            _evidence(cause["evidence"], f"{where} causes")
        if not all(isinstance(step, str) for step in finding.get("do", ())):
            raise BundleError(f"{where} do should be a list of texts")


def _evidence(lines: Iterable[Any], where: str) -> None:
    for evidence in lines:
        _check(evidence, _EVIDENCE, f"{where} evidence")
        _time(evidence["time"], f"{where} evidence time")


def _check(value: Any, shape: Mapping[str, tuple[type, ...]], where: str) -> None:
    if not isinstance(value, Mapping):
        raise BundleError(f"{where} should be an object")
    for key, kinds in shape.items():
        if key not in value:
            raise BundleError(f"{where} has no {key!r}")
        if not isinstance(value[key], kinds) or isinstance(value[key], bool):
            raise BundleError(f"{where} {key} should be of type {kinds[0].__name__}")


def _among(value: str, words: tuple[str, ...], where: str) -> None:
    if value not in words:
        raise BundleError(f"{where} is none of {', '.join(words)}")


def _time(value: str | None, where: str) -> None:
    if value is None:
        return
    try:
        moment(value)
    except (ValueError, OverflowError) as error:
        raise BundleError(f"{where} is no ISO 8601 time") from error
