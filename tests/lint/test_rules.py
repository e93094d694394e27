"""The table of rules: what it promises, and its patterns against their own examples."""

from __future__ import annotations

import re

import pytest

from collector.data import rows
from collector.diagnose.lint import rules as module
from collector.diagnose.lint.rules import rules
from collector.diagnose.lint.values import HOLE
from collector.errors import DataError

PATTERNS = [rule for rule in rules().values() if rule.pattern]


@pytest.mark.parametrize("rule", rules().values(), ids=lambda rule: rule.id)
def test_a_rule_can_be_understood_and_looked_up(rule):
    assert all(len(text) > 10 for text in (rule.title, rule.meaning)) and rule.remedy
    assert re.match(r"https://\S+$|[\w.-]+/[\w.-]+:\S+$", rule.source)
    assert not rule.practice or rule.practice in {row["id"] for row in rows("practices")}


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule in PATTERNS for text in rule.matches])
def test_a_pattern_finds_what_it_is_for(rule, text):
    assert rule.found_in(text)


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule in PATTERNS for text in rule.spares])
def test_a_pattern_spares_what_is_right(rule, text):
    assert not rule.found_in(text)


def test_what_is_not_wholly_known_lacks_nothing():
    rule = rules()["command-waits-for-input"]
    assert rule.found_in("apt-get install nginx")
    assert not rule.found_in(f"apt-get install {HOLE}")


ROW = {"id": "a", "title": "t", "severity": "error", "meaning": "m", "remedy": "r", "source": "https://x"}


@pytest.mark.parametrize(
    "broken",
    [
        [{**ROW, "colour": "red"}],
        [{key: value for key, value in ROW.items() if key != "source"}],
        [{**ROW, "severity": "fatal"}],
        [ROW, ROW],
        [{**ROW, "pattern": "x"}],
        [{**ROW, "matches": ["x"]}],
        [{**ROW, "pattern": "x", "system": "beos", "matches": ["x"], "spares": ["y"]}],
    ],
)
def test_a_broken_table_is_refused(broken, monkeypatch):
    monkeypatch.setattr(module, "table", lambda _: {"rule": broken})
    with pytest.raises(DataError, match=r"lint\.toml: a"):
        rules.__wrapped__()
