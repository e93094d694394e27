"""The names that scripts rely on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from collector.bundle.documents import (
    finding_document,
    findings_document,
    incident_key,
    ledger_document,
    window_document,
)
from collector.bundle.events import event_document, event_documents, resource
from collector.model import Identity, Window
from tests.bundle.samples import EVENTS, FINDING, HANDLER_LOG, LEDGER, REPORT, at, finding, local, report

CONTRACT = {
    "id", "kind", "extension", "name", "version", "operation", "sequence", "exit_code", "agent_code", "owner",
    "message", "meaning", "remedy", "confidence", "first_time", "last_time", "count", "sources",
}  # fmt: skip


def test_a_finding_has_every_field_of_the_contract():
    document = finding_document(FINDING)
    assert document.keys() >= CONTRACT
    assert document["exit_code"] == 100
    assert document["first_time"] == "2026-11-23T10:02:11Z"
    assert document["sources"][0] == {"path": "var/lib/waagent/custom-script/download/3/stderr", "line": 14}


def test_a_source_line_is_named_once():
    doubled = finding(evidence=FINDING.failure.evidence * 2)
    assert len(finding_document(doubled)["sources"]) == 5


def test_a_local_time_has_no_zone():
    assert finding_document(finding(first_time=local("10:02:11")))["first_time"] == "2026-11-23T10:02:11"
    assert finding_document(finding(first_time=None))["first_time"] is None


def test_findings_keep_their_order_and_the_window():
    document = findings_document(report(finding(id="first"), finding(id="second")))
    assert document["schema"] == 1
    assert [entry["id"] for entry in document["findings"]] == ["first", "second"]
    assert document["window"] == {
        "start": "2026-11-23T09:47:11Z",
        "end": "2026-11-23T10:17:19Z",
        "reason": "failure in 3.status",
    }


def test_a_window_may_be_open():
    assert window_document(Window(None, None, "everything"))["start"] is None


def test_the_ledger_counts_outcomes():
    document = ledger_document(LEDGER)
    assert document["totals"] == {"missing": 1, "read": 3, "skipped": 1, "truncated": 1}
    assert document["entries"][0]["outcome"] == "truncated"


def test_an_event_has_the_names_of_the_logs_data_model():
    document = next(event_documents(REPORT))
    assert list(document) == [
        "Timestamp",
        "ObservedTimestamp",
        "SeverityText",
        "SeverityNumber",
        "Body",
        "Attributes",
        "Resource",
    ]
    assert document["Timestamp"] == "2026-11-23T10:02:11Z"
    assert document["ObservedTimestamp"] == "2026-11-23T10:31:05Z"
    assert document["Attributes"]["log.file.path"] == HANDLER_LOG
    assert document["Attributes"]["vmext.field.event"] == "failed to handle"
    assert document["Resource"]["azure.vm.scaleset.name"] == "vmss-web"


def test_an_event_of_a_local_time_says_so():
    document = event_document(EVENTS[1], None, {})
    assert document["Timestamp"] == "2026-11-23T10:02:19"
    assert document["Attributes"]["vmext.time_basis"] == "local"


@pytest.mark.parametrize(
    ("level", "number"),
    [("ERROR", 17), ("WARN", 13), ("warning", 13), ("INFO", 9), ("VERBOSE", 5), ("", 0), ("odd", 0)],
)
def test_severity_numbers(level, number):
    assert event_document(replace(EVENTS[0], level=level), None, {})["SeverityNumber"] == number


def test_an_unknown_resource_claims_nothing():
    assert resource(Identity("windows")) == {
        "service.name": "vmext",
        "os.type": "windows",
        "cloud.provider": "azure",
    }


def test_an_incident_is_the_same_in_every_bundle_about_it():
    later = replace(REPORT, created=at("12:00:00"), ledger=(), window=Window(None, None, "other"))
    assert incident_key(later) == incident_key(REPORT)


@pytest.mark.parametrize(
    "other", [finding(sequence=4), finding(exit_code=1), finding(extension="A.B"), finding(name="nightly")]
)
def test_another_incident_has_another_key(other):
    assert incident_key(report(other)) != incident_key(REPORT)
