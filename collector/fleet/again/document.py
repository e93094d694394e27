"""Today's answers to old bundles as one JSON object. Additions are free; a rename raises the schema's number. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collector import __version__
from collector.bundle.codec import plain
from collector.bundle.documents import finding_document
from collector.fleet.again.second_look import SecondLook
from collector.model import iso

SCHEMA = 1


def document(looks: Sequence[SecondLook], problems: Sequence[str]) -> dict[str, Any]:
    """Each finding as findings.json has it, with `then`, the answer of the bundle's own rules, and what `changed`."""
    return {
        "schema": SCHEMA,
        "rules_of": __version__,
        "bundles": [_bundle(look) for look in looks],
        "problems": list(problems),
    }


def _bundle(look: SecondLook) -> dict[str, Any]:
    identity = look.report.identity
    return {
        "bundle": look.bundle,
        "path": look.place,
        "instance": identity.instance_name or identity.computer_name,
        "verdict": look.report.verdict,
        "created": iso(look.report.created),
        "made_by": look.made_by,
        "same": look.same,
        "findings": [
            {**finding_document(one.now), "then": plain(one.then), "changed": list(one.changed)}
            for one in look.findings
        ],
    }
