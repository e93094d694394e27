"""Values survive the way through JSON; what is no such value is refused by name."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from collector.bundle.codec import load, moment, plain
from collector.bundle.documents import failures_document, failures_from, states_from
from collector.errors import BundleError
from collector.model import ExtensionState, Failure, Identity, LedgerEntry, SystemFacts, iso
from tests.bundle.samples import FACTS, FAILURE, IDENTITY, LEDGER, REPORT, at, finding, local, report


def through_json(value: object) -> Any:
    return json.loads(json.dumps(plain(value)))


@pytest.mark.parametrize("value", [FAILURE, IDENTITY, FACTS, *LEDGER, *REPORT.others])
def test_a_value_comes_back_as_it_was(value):
    assert load(type(value), through_json(value), "value") == value


@pytest.mark.parametrize("when", [at("10:02:11"), at("10:02:11.123456"), local("10:02:11"), local("10:02:11.500000")])
def test_a_moment_keeps_its_kind_of_time(when):
    assert moment(iso(when) or "") == when


def test_failures_can_be_diagnosed_again_later():
    hang = finding(kind="hang", hang_since=local("10:02:50"), limit_seconds=900, caused_by="Some.Extension")
    document = json.loads(json.dumps(failures_document(report(finding(), hang))))
    assert failures_from(document) == (FAILURE, hang.failure)
    assert states_from(document) == REPORT.others


def test_what_a_later_version_adds_is_ignored():
    document = {**through_json(FAILURE), "added_later": {"deep": [1, 2]}}
    assert load(Failure, document, "failure") == FAILURE


def test_what_an_earlier_version_lacked_has_its_default():
    document = through_json(FAILURE)
    del document["caused_by"], document["repeats_after_collect"]
    assert load(Failure, document, "failure") == replace(FAILURE, caused_by=None, repeats_after_collect=0)


@pytest.mark.parametrize(
    ("kind", "change", "names"),
    [
        (Failure, {"count": "1"}, "count should be of type int"),
        (Failure, {"count": True}, "count should be of type int"),
        (Failure, {"kind": "surprise"}, "kind is none of failure, hang, warning"),
        (Failure, {"first_time": "yesterday"}, "first_time is no ISO 8601 time"),
        (Failure, {"evidence": {}}, "evidence should be a list"),
        (Failure, {"evidence": [7]}, "evidence[0] should be an object"),
        (Failure, {"evidence": [{"path": "a", "line": 1}]}, "evidence[0] has no 'time'"),
        (Failure, {"extension": None}, "extension should be of type str"),
        (SystemFacts, {"load": ["high"]}, "load[0] should be of type float"),
        (Identity, {"system": "plan9"}, "system is none of linux, windows"),
        (LedgerEntry, {"outcome": None}, "outcome is none of"),
        (ExtensionState, {"state": 3}, "state should be of type str"),
    ],
)
def test_a_wrong_value_is_refused_by_name(kind, change, names):
    samples = {
        Failure: FAILURE,
        SystemFacts: FACTS,
        Identity: IDENTITY,
        LedgerEntry: LEDGER[0],
        ExtensionState: REPORT.others[0],
    }
    with pytest.raises(BundleError) as error:
        load(kind, {**through_json(samples[kind]), **change}, "it")
    assert names in str(error.value)


@pytest.mark.parametrize("document", [{}, {"failures": None}, {"failures": {}}])
def test_a_document_without_failures_is_refused(document):
    with pytest.raises(BundleError, match="no list 'failures'"):
        failures_from(document)


def test_a_value_without_json_form_is_refused():
    with pytest.raises(BundleError, match="complex"):
        plain(1j)
