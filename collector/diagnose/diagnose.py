"""Failures to findings, the most important first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from collector.diagnose import repairs
from collector.diagnose.commands import is_script
from collector.diagnose.meanings import first_words
from collector.diagnose.rules import rule_of_form
from collector.diagnose.voices import script_owner
from collector.diagnose.weighing import ENOUGH, Weighed, weigh
from collector.model import Cause, ExtensionState, Failure, Finding, Identity, SystemFacts, order

_KINDS = {"failure": 0, "hang": 1, "warning": 2}
#: The agent's code for a status file that it can't read: the extension itself may be well.
_STATUS_UNREADABLE = 1012


def diagnose(
    failures: Sequence[Failure], identity: Identity, facts: SystemFacts, states: Sequence[ExtensionState] = ()
) -> tuple[Finding, ...]:
    """One finding for each failure: root causes first, then by kind and time."""
    findings = [_owned(_explained(failure, identity, facts), failures) for failure in failures]
    followed = {failure.caused_by for failure in failures if failure.caused_by}
    return tuple(
        sorted(
            findings,
            key=lambda finding: (
                finding.failure.caused_by is not None,
                _KINDS[finding.failure.kind],
                finding.failure.extension not in followed,
                finding.failure.agent_code == _STATUS_UNREADABLE,
                order(finding.failure.first_time or finding.failure.last_time),
            ),
        )
    )


def _explained(failure: Failure, identity: Identity, facts: SystemFacts) -> Finding:
    if failure.caused_by:
        return _follow_on(failure, identity)
    weighed = weigh(failure, identity, facts)
    if not weighed or weighed[0].weight < ENOUGH:
        weighed = (_unexplained(failure), *weighed)
    first = weighed[0]
    return _finding(failure, first.cause, tuple(one.cause for one in weighed), repairs.of(failure, first, identity))


def _finding(failure: Failure, cause: Cause, causes: tuple[Cause, ...], repair: repairs.Advice) -> Finding:
    return Finding(
        id=cause.id,
        failure=failure,
        title=cause.title,
        owner=cause.owner,
        meaning=cause.meaning,
        remedy=cause.remedy,
        confidence=cause.confidence,
        do=repair.do,
        dont=repair.dont,
        documentation=cause.documentation,
        causes=causes,
    )


def _unexplained(failure: Failure) -> Weighed:
    title = first_words(failure.message) or "no known cause"
    owner = script_owner(failure, "extension")
    remedy = "Read the lines around the proof in the bundle."
    return Weighed(Cause("unexplained", title, owner, "low", "", remedy), 0.0, None)


def _follow_on(failure: Failure, identity: Identity) -> Finding:
    """What the agent never started: its text tells only of the extension before it."""
    rule = rule_of_form("follows", failure.extension, identity.system)
    short = (failure.caused_by or "").rpartition(".")[2]
    cause = Cause(
        rule.id,
        f"waited for {short}",
        "unknown",
        "high",
        f"The agent did not run it, since {failure.caused_by} before it did not succeed in time.",
        f"Nothing to do here: it runs when {short} succeeds.",
        rule.source,
        failure.evidence[:1],
    )
    return _finding(failure, cause, (cause,), repairs.Advice())


def _owned(finding: Finding, failures: Sequence[Failure]) -> Finding:
    """What only follows belongs to whom its cause belongs."""
    if not finding.failure.caused_by:
        return finding
    cause = next((one for one in failures if one.extension == finding.failure.caused_by and not one.caused_by), None)
    script = cause is not None and is_script(cause.extension)
    return replace(finding, owner="script" if script else "extension")
