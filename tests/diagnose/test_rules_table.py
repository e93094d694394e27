"""The table of rules: strict, complete, and never in two minds with the tables beside it."""

from __future__ import annotations

from typing import Any

import pytest

from collector.data import rows
from collector.diagnose import rules as module
from collector.diagnose.causes import causes
from collector.diagnose.rules import AREAS, Rule, rule_for, rules
from collector.diagnose.signatures import signatures
from collector.errors import DataError
from collector.model import System

RULES = {rule.id: rule for rule in rules()}
CODES = {
    (row["scope"], row["code"]) for table in ("handlers", "tools", "windows") for row in rows(f"exit_codes/{table}")
}
GOOD = {
    "id": "disk-009-x", "title": "x", "owner": "guest", "severity": "error", "system": "any", "meaning": "m",
    "remedy": "r", "healthy": "h", "repair": "correct", "source": "a/b:c", "confidence": "documented",
    "causes": ["disk-full"],
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_rule_is_whole(rule: Rule):
    for text in (rule.title, rule.meaning, rule.remedy, rule.healthy, rule.source):
        assert text.strip()
    assert rule.meaning.endswith(".")
    assert rule.remedy.endswith(".")
    assert rule.healthy.endswith(".")
    assert not rule.dont.endswith(".")


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_what_a_rule_asks_for_is_in_the_tables(rule: Rule):
    assert set(rule.causes) <= {row.cause for row in signatures()}
    for code in rule.codes:
        scope, _, number = code.rpartition(":")
        assert (scope, number) in CODES, code


@pytest.mark.parametrize("row", signatures(), ids=lambda row: row.id)
def test_a_cause_of_a_signature_has_its_words_in_one_place(row):
    systems: tuple[System, ...] = (row.system,) if row.system in ("linux", "windows") else ("linux", "windows")
    ruled = all(rule_for("Acme.Any", system, cause=row.cause) for system in systems)
    assert ruled != (row.cause in causes())


def test_every_table_of_rules_is_read():
    from importlib.resources import files

    stored = {file.name.removesuffix(".toml") for file in files("collector.data").joinpath("rules").iterdir()}
    assert stored == set(AREAS)


BROKEN = [
    ({"colour": "red"}, "unknown keys: colour"),
    ({"id": "disk-9-x"}, "the id should be"),
    ({"id": "network-009-x"}, "the id should be"),
    ({"owner": "nobody"}, "owner is 'nobody'"),
    ({"severity": "bad"}, "severity is 'bad'"),
    ({"system": "both"}, "system is 'both'"),
    ({"repair": "pray"}, "repair is 'pray'"),
    ({"confidence": "sure"}, "confidence is 'sure'"),
    ({"causes": []}, "nothing can speak for it"),
    ({"refines": ["disk-999-gone"]}, "disk-999-gone is refined and not there"),
]


@pytest.mark.parametrize(("change", "said"), BROKEN, ids=[said for _, said in BROKEN])
def test_a_broken_rule_is_named(change, said, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(DataError, match=said):
        loaded([GOOD | change], monkeypatch)


def test_a_rule_that_lacks_a_key_is_named(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(DataError, match=r"rules/disk.toml: disk-009-x: .*'remedy'"):
        loaded([{key: value for key, value in GOOD.items() if key != "remedy"}], monkeypatch)


def test_no_id_stands_there_twice(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(DataError, match="disk-009-x stands there twice"):
        loaded([GOOD, GOOD], monkeypatch)


def loaded(found: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> tuple[Rule, ...]:
    monkeypatch.setattr(module, "table", lambda name: {"rule": found} if name == "rules/disk" else {})
    return module.rules.__wrapped__()
