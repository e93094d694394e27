"""What stays readable of an encrypted bundle: enough to file it, and nothing that a log said. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from collector.bundle.codec import load, moment
from collector.bundle.documents import SCHEMA, finding_document, incident_key, window_document
from collector.bundle.encryption import FORMAT, Sealed
from collector.bundle.shape import check_envelope
from collector.errors import BundleError
from collector.model import Finding, Identity, Report, Verdict, Window, iso

ENVELOPE, PAYLOAD = "envelope.json", "payload.age"
#: Of the instance and of each finding these are told, and no text of a log, script or setting.
_FIRST = ("system", "instance_name", "computer_name", "scale_set", "instance_id", "resource_group")
_INSTANCE = (*_FIRST, "subscription", "vm_id")  # envelopes of before lack the latter two
_FINDING = ("id", "kind", "extension", "version", "operation", "sequence", "exit_code", "owner")


def envelope_document(
    report: Report, bundle_id: str, recipients: Sequence[str], plain: Sealed, payload: Sealed
) -> dict[str, Any]:
    """envelope.json. `plain` and `payload`: size and hash of the bundle before and after encryption."""
    return {
        "schema": SCHEMA,
        "id": bundle_id,
        "incident": incident_key(report),
        "agent_version": report.agent_version,
        "created": iso(report.created),
        "verdict": report.verdict,
        "instance": {name: getattr(report.identity, name) for name in _INSTANCE},
        "window": window_document(report.window),
        "findings": [_finding(finding) for finding in report.findings],
        "recipients": list(recipients),
        "content": {"bytes": plain.bytes, "sha256": plain.sha256},
        "payload": {"name": PAYLOAD, "format": FORMAT, "bytes": payload.bytes, "sha256": payload.sha256},
    }


def _finding(finding: Finding) -> dict[str, Any]:
    document = finding_document(finding)
    return {name: document[name] for name in _FINDING}


@dataclass(frozen=True, slots=True)
class Envelope:
    """A checked envelope.json; what it has in common with a bundle has the same name."""

    document: Mapping[str, Any]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Envelope:
        """Raises BundleError where it is not of the form described in docs/bundle-format.md."""
        check_envelope(document)
        envelope = cls(document)
        if (payload := document["payload"])["format"] != FORMAT or payload["name"] != PAYLOAD:
            raise BundleError(f"{ENVELOPE} names a payload that is not {PAYLOAD} of {FORMAT}")
        _ = envelope.identity, envelope.window
        return envelope

    @property
    def id(self) -> str:
        identifier: str = self.document["id"]
        return identifier

    @property
    def created(self) -> datetime:
        return moment(self.document["created"])

    @property
    def verdict(self) -> Verdict:
        verdict: Verdict = self.document["verdict"]
        return verdict

    @property
    def identity(self) -> Identity:
        """Only what the envelope tells; the rest is None."""
        return load(Identity, self.document["instance"], f"{ENVELOPE} instance")

    @property
    def window(self) -> Window:
        return load(Window, self.document["window"], f"{ENVELOPE} window")

    @property
    def findings(self) -> tuple[dict[str, Any], ...]:
        """Keys only, most important first."""
        return tuple(self.document["findings"])

    @property
    def recipients(self) -> tuple[str, ...]:
        return tuple(self.document["recipients"])

    def check_against(self, manifest: Mapping[str, Any], findings: Mapping[str, Any]) -> None:
        """Raises BundleError where the envelope says something else than the bundle in it."""
        same = ("id", "incident", "agent_version", "created", "verdict", "window")
        wrong = [name for name in same if self.document[name] != manifest[name]]
        instance = self.document["instance"]
        told = (*_FIRST, *(name for name in _INSTANCE if name in instance and name not in _FIRST))
        wrong += [name for name in told if instance.get(name) != manifest["identity"].get(name)]
        inner = [{name: finding.get(name) for name in _FINDING} for finding in findings["findings"]]
        outer = [{name: finding.get(name) for name in _FINDING} for finding in self.findings]
        wrong += ["findings"] if inner != outer else []
        if wrong:
            raise BundleError(f"{ENVELOPE} says another {wrong[0]} than the bundle in it")
