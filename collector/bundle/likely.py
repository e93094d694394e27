"""What speaks for a finding's cause, and what else it may be: for report.html. Pure."""

from __future__ import annotations

from collector.bundle import words
from collector.bundle.html import esc, tag
from collector.model import Cause, Evidence, Finding, System


def likely(finding: Finding, system: System) -> str:
    """What the machine showed beside the lines, and the other explanations that fit; nothing where there is neither."""
    shown = [evidence for cause in finding.causes[:1] for evidence in cause.evidence if evidence.role == "fact"]
    seen = tag("h4", "What the machine showed") + tag("ul", *(_line(one, system) for one in shown)) if shown else ""
    others = [_other(cause, system) for cause in finding.causes[1:]]
    return seen + (tag("h4", "It may also be") + tag("ul", *others) if others else "")


def _other(cause: Cause, system: System) -> str:
    lines = tag("ul", *(_line(evidence, system) for evidence in cause.evidence)) if cause.evidence else ""
    title = tag("strong", esc(cause.title))
    return tag("li", title, esc(f" ({words.LIKELY[cause.confidence]}): {cause.meaning}"), lines)


def _line(evidence: Evidence, system: System) -> str:
    place = f"{words.native(evidence.path, system)}:{evidence.line}: " if evidence.path else ""
    return tag("li", tag("code", esc(place + evidence.text[:400])))
