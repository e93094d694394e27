"""How an incident is told in words. Pure."""

from __future__ import annotations

from datetime import datetime

from collector.bundle import words
from collector.endpoint.pages.naming import known_rules, rule_title
from collector.endpoint.reading.incidents import Incident


def subject(incident: Incident) -> str:
    """``CustomScript exit 127``; of a hang ``EndpointGuard install hangs``."""
    name = words.short(incident.extension or "an extension")
    operation = f" {incident.operation.lower()}" if incident.operation else ""
    if incident.kind == "hang":
        return f"{name}{operation} hangs"
    if incident.exit_code is not None:
        return f"{name} exit {words.code(incident.exit_code)}"
    return f"{name}{operation} warns" if incident.kind == "warning" else f"{name}{operation} failed"


def spread(incident: Incident) -> str:
    """``on 37 of 40 instances``, ``on all 6 instances``."""
    thing = "instance" if incident.scale_set.name else "machine"
    if incident.instances >= incident.known_instances > 1:
        return f"on all {words.plural(incident.instances, thing)}"
    return f"on {incident.instances:,} of {words.plural(incident.known_instances, thing)}"


def place(incident: Incident) -> str:
    return place_name(incident.scale_set.name, incident.scale_set.resource_group)


def place_name(scale_set: str | None, resource_group: str | None) -> str:
    """Beside a scale set's name; lone machines are known by their resource group, if they told one."""
    return scale_set or (f"{resource_group} (no scale set)" if resource_group else "no scale set")


def remedy(incident: Incident) -> str:
    rule = known_rules().get(incident.rule or "")
    return rule.remedy if rule else ""


def meaning(incident: Incident) -> str:
    """In a line: what the rule says, else what the failure itself said."""
    rule = known_rules().get(incident.rule or "")
    return rule.meaning if rule else incident.title or incident.message or ""


def title(incident: Incident) -> str:
    return incident.title or rule_title(incident.rule)


def owner(incident: Incident) -> str:
    return words.OWNERS.get(incident.owner or "unknown", "unknown")  # type: ignore[call-overload, no-any-return]


def new_mark(incident: Incident, before: datetime | None, first_told: set[str]) -> str:
    """ "New" where nothing had told of it at the last visit, "More" where bundles came since, else nothing."""
    if before is None or incident.last_received <= before:
        return ""
    return "New" if incident.id in first_told else "More"
