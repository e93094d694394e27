"""Every row of every table has what a reader needs: words, a remedy, and a source that can be followed."""

from __future__ import annotations

import pytest

from collector.data.messages import KINDS, messages, verify
from collector.data.noise import harmless, is_noise, noise
from collector.data.strict import is_source
from collector.data.time_limits import time_limits
from collector.diagnose import codes
from collector.diagnose.causes import causes
from collector.diagnose.named import named_by
from collector.diagnose.rules import rules

CODES = [row for name in codes.TABLES for row in codes.table(name)]
MESSAGES = [row for name in KINDS for row in messages(name)]
#: Words that tell a reader nothing.
EMPTY_WORDS = ("", "-", "n/a", "none", "todo", "tbd", "unknown")


def test_the_tables_hold_what_was_gathered():
    assert len(CODES) > 1_690
    assert len(messages("failures")) > 325
    assert len(messages("harmless")) > 50
    assert len(time_limits()) > 60


@pytest.mark.parametrize("name", codes.TABLES)
def test_every_code_says_what_it_means_what_to_do_and_where_that_stands(name: str):
    for row in codes.table(name):
        assert row.meaning.lower() not in EMPTY_WORDS, row
        assert row.remedy.lower() not in EMPTY_WORDS, row
        assert is_source(row.source), row
        # A name may be missing only where the program gives the number none.
        assert row.name or row.kind in ("exit", "status"), row


@pytest.mark.parametrize("name", KINDS)
def test_every_pattern_has_words_a_remedy_and_a_source(name: str):
    verify(name)
    for row in messages(name):
        assert row.meaning.lower() not in EMPTY_WORDS, row.id
        assert row.remedy.lower() not in EMPTY_WORDS, row.id
        assert is_source(row.source), row.id


def test_every_limit_and_every_way_to_name_a_tool_has_a_source():
    assert [row.id for row in time_limits() if not is_source(row.source)] == []
    assert [row.pattern for row in named_by() if not is_source(row.source)] == []


def test_every_cause_has_words_and_something_that_tells_it():
    told = {row.cause for row in messages("failures")}
    assert told == {cause for rule in rules() for cause in rule.causes} | set(causes())


def test_ids_are_names_of_one_thing():
    ids = [*(row.id for row in MESSAGES), *(row.id for row in time_limits()), *(row.id for row in rules())]
    assert len(ids) == len(set(ids))


def test_the_codes_that_rules_name_are_in_the_tables():
    known = {f"{row.scope}:{row.code}" for row in CODES}
    assert {code for rule in rules() for code in rule.codes} <= known


def test_success_is_marked_as_such():
    """So that it is never told as what went wrong."""
    assert {row.severity for row in CODES if row.code == "0" and row.kind == "exit"} == {"info"}
    assert {row.severity for row in messages("harmless")} <= {"info", "warning", "transient"}


def test_a_harmless_line_is_known_and_does_not_hide_a_failure():
    assert is_noise('event="migrate to mrseq" error="Can\'t find out seqnum from x, not enough files"')
    assert not is_noise("command terminated with exit status=1")
    swallowed = [(rule.id, row.id) for rule in noise() for row in messages("failures") if rule.found_in(row.must_match)]
    assert swallowed == []
    mistaken = [(row.id, rule.id) for row in messages("failures") for rule in noise() if row.found_in(rule.must_match)]
    assert mistaken == []


def test_a_remark_explains_a_line_without_clearing_it():
    line = "Installer exited with code: 3010"
    assert [row.id for row in harmless(line)] == ["wa-msi-3010"]
    assert not is_noise(line)
