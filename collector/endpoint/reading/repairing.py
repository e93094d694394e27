"""The commands that repair an incident, for all of its instances at once. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import cast

from collector.diagnose import repairs
from collector.diagnose.rules import Rule
from collector.diagnose.weighing import Weighed
from collector.endpoint.reading.incidents import Incident
from collector.model import Cause, Failure, FindingKind, Identity

_IDS, _MACHINE = "THE-INSTANCE-IDS", "THE-MACHINE"


def repairs_for(incident: Incident, rule: Rule | None, version: str | None, names: Sequence[str]) -> repairs.Advice:
    """`names`: numbers of a scale set's instances, or names of lone machines; placeholders stand where there are none.

    `do` is empty where no command helps.
    """
    if not incident.extension:
        return repairs.Advice()
    where = incident.scale_set
    identity = Identity(
        system="linux",
        scale_set=where.name,
        resource_group=where.resource_group,
        subscription=where.subscription,
        instance_id=_IDS,
        instance_name=_MACHINE,
        computer_name=_MACHINE,
    )
    if rule is None:
        return repairs.Advice()
    cause = Cause(rule.id, rule.title, rule.owner, "high", rule.meaning, rule.remedy)
    advice = repairs.of(_failure(incident, version), Weighed(cause, 1.0, rule), identity)
    return repairs.Advice(tuple(_filled(one, names) for one in advice.do), advice.dont)


def _filled(command: str, names: Sequence[str]) -> str:
    quoted = [shlex.quote(name) for name in names]
    if _IDS in command:
        return command.replace(_IDS, " ".join(quoted) or "INSTANCE-IDS")
    if _MACHINE.lower() in command.lower():
        plain, mark, why = command.partition("  # ")
        for form in (_MACHINE, _MACHINE.lower()):
            plain = plain.replace(form, quoted[0] if len(quoted) == 1 else '"$i"' if quoted else "MACHINE")
        return (f"for i in {' '.join(quoted)}; do {plain}; done" if len(quoted) > 1 else plain) + mark + why
    return command


def _failure(incident: Incident, version: str | None) -> Failure:
    return Failure(
        kind=cast(FindingKind, incident.kind or "failure"),
        extension=incident.extension or "",
        name=None,
        version=version,
        operation=incident.operation,
        sequence=None,
        exit_code=incident.exit_code,
        agent_code=None,
        status_code=None,
        message=incident.message or "",
        detail="",
        first_time=incident.first_seen,
        last_time=incident.last_seen,
        hang_since=None,
        limit_seconds=None,
        count=1,
        evidence=(),
    )
