"""Names for people: of rules by their ids, and of those whose a failure is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from collector.diagnose.rules import Rule, rules

#: Whose a failure is; short, for lists and filters. `bundle.words.OWNERS` says the same in full.
OWNER_NAMES = {
    "script": "script",
    "extension": "extension",
    "guest": "instance",
    "network": "network",
    "platform": "Azure",
    "unknown": "unknown",
}


@cache
def known_rules() -> Mapping[str, Rule]:
    return {rule.id: rule for rule in rules()}


def rule_title(rule: str | None) -> str:
    """Of an encrypted bundle only the rule's id is told; what is known under it here may be of another version."""
    known = known_rules().get(rule or "")
    return known.title if known else rule or ""
