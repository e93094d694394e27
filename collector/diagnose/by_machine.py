"""What the machine showed, and what the failure's own form says, by the rules that ask for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from collector.diagnose import observations, voices
from collector.diagnose.rules import Rule, rules
from collector.diagnose.voices import Kind, Voice, script_owner
from collector.model import Cause, Confidence, Evidence, Failure, Identity, SystemFacts


def by_machine(failure: Failure, identity: Identity, facts: SystemFacts) -> Iterator[Voice]:
    seen: dict[str, list[Evidence]] = {}
    for observation in observations.observe(failure, identity, facts):
        seen.setdefault(observation.name, []).append(observation.evidence)
    forms = observations.forms_of(failure)
    for rule in rules():
        if not rule.applies(failure.extension, identity.system):
            continue
        kinds: tuple[tuple[Kind, Iterable[str], float, Confidence], ...] = (
            ("decisive", rule.decisive, voices.DECISIVE, "medium"),
            ("possible", rule.possible, voices.POSSIBLE, "low"),
            ("supporting", rule.supporting, voices.SUPPORTING, "low"),
        )
        for kind, names, weight, sure in kinds:
            told = [evidence for name in names for evidence in seen.get(name, ())]
            if told:
                yield Voice(kind, weight, _of_rule(rule, failure, sure, told), rule)
        if set(rule.forms) & set(forms):
            certain: Confidence = "high" if any("timed-out" in form for form in forms) else "medium"
            yield Voice("form", voices.FORM, _of_rule(rule, failure, certain, failure.evidence[:1]), rule)


def _of_rule(rule: Rule, failure: Failure, sure: Confidence, evidence: Sequence[Evidence]) -> Cause:
    meaning = rule.meaning.replace("{exit_code}", str(failure.exit_code))
    owner = script_owner(failure, rule.owner, rule)
    return Cause(rule.id, rule.title, owner, sure, meaning, rule.remedy, rule.source, tuple(evidence))
