"""Every rule has a disk of its own on which it is the likeliest cause."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from collector.bundle.codec import load
from collector.bundle.reader import open_bundle
from collector.diagnose.diagnose import diagnose
from collector.diagnose.rules import rules
from collector.model import SystemFacts
from tests.collecting import Result, collect

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent / "scenarios" / "rules"
CODES = {"failure": 10, "hang": 11}


@pytest.fixture(scope="module", params=[rule.id for rule in rules()])
def scenario(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Result]:
    folder = HERE / request.param
    expected = tomllib.loads((folder / "scenario.toml").read_text(encoding="utf-8"))
    assert expected["expect"]["cause"] == request.param
    return expected, collect(folder / "disk", tmp_path_factory.mktemp("state"))


def test_the_failure_is_found(scenario: tuple[dict[str, Any], Result]):
    expected, result = scenario
    expect = expected["expect"]
    first = _finding(result, expect["extension"])
    assert result.code == CODES[expected["kind"]]
    assert first["kind"] == expect.get("kind", expected["kind"])
    assert first["name"] == expect.get("instance")
    for key in ("extension", "version", "sequence", "operation", "exit_code"):
        if key in expect:
            assert first[key] == expect[key], key


def test_the_rule_is_its_likeliest_cause(scenario: tuple[dict[str, Any], Result]):
    """As the run itself found it; where a mounted disk can't show what the machine did, with the facts given."""
    expected, result = scenario
    if "facts" in expected:
        bundle = open_bundle(Path(result.json["bundle"]["path"]))
        facts = load(SystemFacts, expected["facts"], "facts")
        told = diagnose(bundle.failures, bundle.identity, facts, bundle.states)[0]
        causes = [cause.id for cause in told.causes]
        evidence = told.causes[0].evidence
    else:
        finding = _finding(result, expected["expect"]["extension"])
        causes = [cause["id"] for cause in finding["causes"]]
        evidence = finding["causes"][0]["evidence"]
        assert finding["id"] == causes[0]
    assert causes[0] == expected["expect"]["cause"], causes
    assert evidence, "nothing is told to speak for it"


def _finding(result: Result, extension: str) -> dict[str, Any]:
    """The first of the extension; one that only waited for another stands behind that one's."""
    findings: list[dict[str, Any]] = result.member("findings.json")["findings"]
    return next(finding for finding in findings if finding["extension"] == extension)


def test_no_disk_is_of_a_rule_that_is_gone():
    assert {folder.name for folder in HERE.iterdir()} == {rule.id for rule in rules()}
