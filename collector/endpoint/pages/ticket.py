"""A summary in Markdown that is made to be pasted into a ticket. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from collector.bundle import words
from collector.bundle.envelope import Envelope
from collector.endpoint.pages import telling
from collector.endpoint.pages.markdown import block, inline, span
from collector.endpoint.reading.incidents import Affected, Incident
from collector.model import Finding, Report

#: Characters of the quoted line.
_LONGEST = 2_000
_MOST_NAMED, _MOST_OTHERS = 10, 5
_SURE = {"high": "", "medium": "probably: ", "low": "perhaps: "}


@dataclass(frozen=True, slots=True)
class Spread:
    """How many instances have it, of how many that are known; 0 where the index does not tell."""

    instances: int = 0
    known: int = 0
    scale_set: str = ""
    since: datetime | None = None
    incident: str = ""  # id


def ticket(report: Report, bundle_id: str, address: str, spread: Spread) -> str:
    """Of one bundle. `address`: of the endpoint, with a slash at its end."""
    finding = words.head(report)
    headline = words.headline(report).removeprefix("VMEXT ")
    parts = [f"## {inline(headline)}", "\n".join(_facts(report, finding, spread, address))]
    if finding is not None:
        parts += _proof(finding, report)
        parts += _cause(finding)
    also = [other for other in report.findings if other is not finding][:_MOST_OTHERS]
    if also:
        rows = (
            f"- {inline(words.subject(other.failure))}: {inline(other.title or other.failure.kind)}" for other in also
        )
        parts.append("**Also found**\n\n" + "\n".join(rows))
    parts.append("\n".join(_ids(report)))
    parts.append(f"Bundle {span(bundle_id)}: <{address}/bundles/{bundle_id}>")
    return "\n\n".join(parts) + "\n"


def _facts(report: Report, finding: Finding | None, spread: Spread, address: str) -> Iterator[str]:
    yield f"- **Where:** {inline(words.where(report.identity))}"
    if finding is None:
        yield f"- **Collected:** {words.stamp(report.created)}"
    else:
        failure = finding.failure
        parts = (failure.extension, failure.version or "", (failure.operation or "").lower())
        yield f"- **What:** {inline(' '.join(part for part in parts if part))}"
        since = failure.hang_since if failure.kind == "hang" else None
        when = f"since {words.period(since, since)}" if since else words.period(failure.first_time, failure.last_time)
        yield f"- **When:** {inline(when)}"
        yield f"- **Whose it is:** {inline(words.OWNERS[finding.owner])}"
    yield from _how_many(spread, address)
    yield f"- **Sources:** {inline(words.gaps(report.ledger, report.identity.system))}"


def _how_many(spread: Spread, address: str) -> Iterator[str]:
    if spread.instances:
        since = f", since {words.stamp(spread.since)}" if spread.since else ""
        of = f" of {inline(spread.scale_set)}" if spread.scale_set else ""
        link = f": <{address}/incidents/{spread.incident}>" if spread.incident else ""
        yield f"- **How many:** {spread.instances} of {words.plural(spread.known, 'instance')}{of}{since}{link}"


def _proof(finding: Finding, report: Report) -> Iterator[str]:
    quote, proof = words.proof(finding)
    place = f" ({span(words.native(proof.path, report.identity.system))}, line {proof.line})" if proof else ""
    yield f"**Proof**{place}\n\n{block(quote[:_LONGEST] or 'no line tells it')}"


def _cause(finding: Finding) -> Iterator[str]:
    meaning = _SURE[finding.confidence] + finding.meaning if finding.meaning else "unknown"
    yield f"**Cause:** {inline(meaning)}"
    yield f"**Next step:** {inline(finding.remedy or 'nothing known; read the lines around the proof')}"
    if finding.do:
        yield block("\n".join(finding.do), "sh")
    if finding.dont:
        yield f"**Do not:** {inline(finding.dont)}"
    if finding.documentation:
        yield f"Source: {span(finding.documentation)}"


def _ids(report: Report) -> Iterator[str]:
    yield "**Ids for a support request**"
    yield ""
    for name, value in words.ids(report.identity):
        yield f"- {name} {span(value) if value != 'unknown' else 'unknown'}"


def encrypted_ticket(envelope: Envelope, address: str, spread: Spread) -> str:
    """Of a bundle that only its envelope is known of."""
    first = next(iter(envelope.findings), None)
    code = "" if first is None or first["exit_code"] is None else f" exit {words.code(first['exit_code'])}"
    what = f" {words.short(first['extension'])}{code}" if first else ""
    facts = [f"- **Where:** {inline(words.where(envelope.identity, whole=False))}"]
    if first is not None:
        facts += [f"- **Rule:** {span(first['id'])}", f"- **Whose it is:** {inline(words.OWNERS[first['owner']])}"]
    facts += _how_many(spread, address)
    facts.append("- **Encrypted:** the lines can be read only where the private key lies")
    link = f"Bundle {span(envelope.id)}: <{address}/bundles/{envelope.id}>"
    return "\n\n".join((f"## {inline(words.VERDICTS[envelope.verdict] + what)}", "\n".join(facts), link)) + "\n"


def incident_ticket(incident: Incident, affected: Iterable[Affected], address: str) -> str:
    """Of an incident; `affected`: some of its instances, the newest first."""
    where, title = incident.scale_set, telling.title(incident)
    what = f"{incident.extension or 'unknown'} {(incident.operation or '').lower()}"
    parts = [
        f"## {inline(f'{telling.subject(incident)} {telling.spread(incident)}' + (f': {title}' if title else ''))}",
        "\n".join(
            (
                f"- **Where:** {inline(telling.place(incident))}{_in_group(where.resource_group, where.subscription)}",
                f"- **When:** {words.period(incident.first_seen, incident.last_seen)}",
                f"- **What:** {inline(what.strip())}",
                f"- **Whose it is:** {inline(telling.owner(incident))}",
            )
        ),
    ]
    if incident.message:
        parts.append(f"**Proof**\n\n{block(incident.message)}")
    if meaning := telling.meaning(incident):
        parts.append(f"**Cause:** {inline(meaning)}")
    if remedy := telling.remedy(incident):
        parts.append(f"**Next step:** {inline(remedy)}")
    names = [f"{one.name or one.computer_name or one.instance_id or one.id}" for one in affected]
    if names:
        shown = ", ".join(span(name) for name in names[:_MOST_NAMED])
        more = f" and {incident.instances - _MOST_NAMED} more" if incident.instances > _MOST_NAMED else ""
        parts.append(f"**Instances:** {shown}{more}")
    parts.append(f"Incident {span(incident.id)}: <{address}/incidents/{incident.id}>")
    return "\n\n".join(parts) + "\n"


def _in_group(group: str | None, subscription: str | None) -> str:
    known = (("resource group", group), ("subscription", subscription))
    told = [f"{name} {span(value)}" for name, value in known if value]
    return f" ({', '.join(told)})" if told else ""
