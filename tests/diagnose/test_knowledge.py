"""The tables hold what they promise: every signature its own examples, every cause words and an owner."""

from __future__ import annotations

import pytest

from collector.data import rows
from collector.data.noise import noise
from collector.diagnose.causes import causes
from collector.diagnose.codes import forms, of_extension, of_shell, of_windows
from collector.diagnose.signatures import Signature, signatures
from collector.extract.hangs import limit_for, limits

SIGNATURES = {row.id: row for row in signatures()}


def test_no_signature_stands_there_twice():
    assert len(SIGNATURES) == len(signatures()) > 300


@pytest.mark.parametrize("row", SIGNATURES.values(), ids=SIGNATURES.keys())
def test_a_signature_finds_its_line_and_spares_the_other(row: Signature):
    assert row.found_in(row.must_match)
    assert not row.found_in(row.must_not_match)
    assert row.source
    assert row.meaning
    assert row.remedy
    assert row.cause in causes()


@pytest.mark.parametrize("rule", noise(), ids=[rule.id for rule in noise()])
def test_a_harmless_line_is_known_and_another_is_not(rule):
    assert rule.matches(rule.example)
    assert not rule.matches(rule.other)
    assert rule.source
    assert rule.reason


@pytest.mark.parametrize("table", ["handlers", "tools", "windows"])
def test_every_code_has_a_meaning_and_a_source(table: str):
    found = list(rows(f"exit_codes/{table}"))
    assert len(found) > 100
    assert all(row["scope"] and row["meaning"] and row["source"] and row["confidence"] for row in found)
    keys = [tuple(row[key] for key in ("scope", "system", "code", "name", "meaning")) for row in found]
    assert len(keys) == len(set(keys))


def test_one_number_seen_from_every_side():
    assert forms(-1073741515) == forms(3221225781) == forms(0xC0000135)
    assert {row.name for row in of_windows(-1073741515)} == {row.name for row in of_windows(0xC0000135)} != set()


def test_codes_below_a_shells_own_are_the_scripts():
    assert of_shell(1) == ()
    assert of_shell(127)


def test_a_clarification_code_is_no_exit_code():
    names = {row.name for row in of_extension("Microsoft.Azure.Extensions.CustomScript", "linux", 53)}
    assert "FileDownload_doesNotExist" not in names


def test_limits():
    assert limit_for("linux", "Pub.Type", "Enable") == 300
    assert limit_for("linux", "Pub.Type", "Install") == 900
    assert limit_for("linux", "Microsoft.Azure.Extensions.CustomScript", "Enable") == 5400
    assert limit_for("windows", "Pub.Type", None) is None
    assert all(row.source for row in limits())
