"""Opens a bundle and answers from it once more, by the rules of today."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from collector import __version__
from collector.bundle.codec import load
from collector.bundle.reader import Bundle, open_bundle
from collector.diagnose.again import Again, Answer, Subject, again
from collector.diagnose.diagnose import diagnose
from collector.model import Report

if TYPE_CHECKING:
    from collector.bundle.encryption import Identities


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A bundle with the findings of today; `made_by` is the version of vmext whose answer it holds."""

    place: str
    bundle: str
    made_by: str
    report: Report
    findings: tuple[Again, ...]

    @property
    def same(self) -> bool:
        return all(one.same for one in self.findings)


def look_again(path: Path, identities: Identities | None = None) -> SecondLook:
    """Today's answer from what was extracted then; `identities` for a bundle that is encrypted.

    Raises BundleError for anything that is wrong with the bundle.
    What was extracted and what practices were checked stays as it was, and so does the verdict: only what it means is
    told anew.
    """
    bundle = open_bundle(path, identities=identities)
    findings = diagnose(bundle.failures, bundle.identity, bundle.facts, bundle.states)
    report = Report(
        created=bundle.created,
        agent_version=__version__,
        verdict=bundle.verdict,
        identity=bundle.identity,
        system=bundle.facts,
        window=bundle.window,
        findings=findings,
        failures=tuple(finding.failure for finding in findings),
        others=bundle.states,
        events=(),
        excerpts=(),
        ledger=bundle.ledger,
        practices=bundle.practices,
        trigger=bundle.trigger,
    )
    made_by = bundle.manifest["agent_version"]
    return SecondLook(str(path), bundle.id, made_by, report, again(_answers(bundle), findings))


def _answers(bundle: Bundle) -> list[tuple[Subject, Answer]]:
    """What the bundle's own findings say. Those of the first versions have no title."""
    rows = [{"title": "", **finding} for finding in bundle.findings]
    return [(load(Subject, row, "findings.json"), load(Answer, row, "findings.json")) for row in rows]
