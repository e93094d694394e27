"""The table of signals: every row matches its own example, and is found by its literal."""

from __future__ import annotations

import time

import pytest

from collector.extract.rules import SignalRule, matches, signal_rules
from collector.parse.records import LONGEST

RULES = {rule.id: rule for rule in signal_rules()}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_row_matches_its_example_and_names_its_source(rule: SignalRule):
    assert rule.literal in rule.example
    assert rule.regex.search(rule.example)
    assert rule.source
    assert 0 <= rule.rank <= 100


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_row_is_reachable_through_its_format(rule: SignalRule):
    format_name = next(iter(rule.formats), "auto")
    assert rule.id in {match.rule.id for match in matches(rule.example, format_name)}


def test_a_match_names_the_line_it_stands_in():
    text = "Event: name=A.B, op=Install, message=[ExtensionOperationError] x\nfirst\nNon-zero exit code: 7, ./a.sh install\n"
    match = next(match for match in matches(text, "waagent") if match.rule.id == "agent-nonzero-exit")
    assert (match.line, match.offset, match.groups["exit"]) == (
        "Non-zero exit code: 7, ./a.sh install",
        2,
        "7",
    )


@pytest.mark.parametrize(
    "name", ["windows-plugin-enabled", "windows-plugin-failed", "agent-settings", "agent-goal-state"]
)
def test_a_long_record_that_begins_a_line_of_the_agent_over_and_over_ends_soon(name: str):
    rule = RULES[name]
    for length in range(len(rule.literal), len(rule.example), 5):
        text = (rule.example[:length] * LONGEST)[:LONGEST]
        begun = time.process_time()
        rule.regex.search(text)
        assert time.process_time() - begun < 5  # running away
