"""A bundle as the report that its verdict was made of, so that pages say things in the verdict's own words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.bundle.codec import load
from collector.bundle.reader import Bundle
from collector.errors import BundleError
from collector.model import Cause, Failure, Finding, Report


def report_of(bundle: Bundle) -> Report:
    """Without the events. BundleError where a member is not what its users rely on."""
    return Report(
        created=bundle.created,
        agent_version=str(bundle.manifest.get("agent_version", "")),
        verdict=bundle.verdict,
        identity=bundle.identity,
        system=bundle.facts,
        window=bundle.window,
        findings=tuple(finding_of(document) for document in bundle.findings),
        failures=bundle.failures,
        others=bundle.states,
        events=(),
        excerpts=bundle.excerpts,
        ledger=bundle.ledger,
        practices=bundle.practices,
        trigger=bundle.trigger,
    )


def finding_of(document: Mapping[str, Any]) -> Finding:
    """Of findings.json, in which a failure's own values stand beside what they mean."""
    where = "findings.json"
    causes = document.get("causes") or ()
    steps = document.get("do") or ()
    if not isinstance(causes, list | tuple) or not isinstance(steps, list | tuple):
        raise BundleError(f"{where}: causes and do should be lists")
    return Finding(
        id=document["id"],
        failure=load(Failure, document, where),
        title=str(document.get("title") or ""),
        owner=document["owner"],
        meaning=str(document["meaning"] or ""),
        remedy=str(document["remedy"] or ""),
        confidence=document["confidence"],
        do=tuple(map(str, steps)),
        dont=str(document.get("dont") or ""),
        documentation=str(document.get("documentation") or ""),
        causes=tuple(load(Cause, cause, f"{where} causes") for cause in causes),
    )
