"""However long, many or odd the input: 4,096 bytes of ASCII, complete."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.bundle.summary import verdict_json, verdict_text
from collector.bundle.verdict import CONTRACT
from collector.model import (
    BundleInfo,
    Delivery,
    Evidence,
    ExtensionState,
    Failure,
    Finding,
    Identity,
    LedgerEntry,
    Report,
    SystemFacts,
    Window,
)
from tests.bundle.samples import IDENTITY, REPORT, at, finding, report

LIMIT = 4_096
LABELS = "Owner Where When What Proof Cause Do Don't Others Ids Gaps Bundle"

texts = st.one_of(
    st.text(max_size=40),
    st.text(alphabet=st.characters(), min_size=1, max_size=12).map(lambda text: text * 700),
    st.sampled_from(["", "\n" * 50, "word " * 2_000, "\udcff" * 900, "\U0001f600" * 2_000, "/" + "p" * 5_000]),
)
maybe_texts = st.none() | texts
times = st.none() | st.sampled_from([at("10:02:11"), at("00:00:00", "1999-01-01")]) | st.datetimes()
numbers = st.none() | st.integers(-(2**63), 2**64)

evidence = st.builds(Evidence, texts, st.integers(1, 10**9), times, texts)
failures = st.builds(
    Failure,
    kind=st.sampled_from(["failure", "hang", "warning"]),
    extension=texts,
    name=maybe_texts,
    version=maybe_texts,
    operation=maybe_texts,
    sequence=numbers,
    exit_code=numbers,
    agent_code=numbers,
    status_code=numbers,
    message=texts,
    detail=texts,
    first_time=times,
    last_time=times,
    hang_since=times,
    limit_seconds=numbers,
    count=st.integers(1, 10**9),
    evidence=st.lists(evidence, max_size=3).map(tuple),
    caused_by=maybe_texts,
    repeats_after_collect=st.integers(0, 9),
)
findings = st.builds(
    Finding,
    id=texts,
    failure=failures,
    title=texts,
    owner=st.sampled_from(["script", "extension", "guest", "network", "platform", "unknown"]),
    meaning=texts,
    remedy=texts,
    confidence=st.sampled_from(["high", "medium", "low"]),
    do=st.lists(texts, max_size=3).map(tuple),
    dont=texts,
    documentation=texts,
)
outcomes = st.sampled_from(["read", "denied", "missing", "dropped", "truncated"])
identities = st.builds(
    Identity, st.sampled_from(["linux", "windows"]), *([maybe_texts] * 9), st.none(), *([maybe_texts] * 6)
)
reports = st.builds(
    Report,
    created=st.just(at("10:31:05")),
    agent_version=st.just("0.1.0"),
    verdict=st.sampled_from(["healthy", "failed", "hanging", "nothing-found"]),
    identity=identities,
    system=st.builds(SystemFacts, st.booleans()),
    window=st.builds(Window, times, times, texts),
    findings=st.lists(findings, max_size=4).map(tuple),
    failures=st.just(()),
    others=st.lists(st.builds(ExtensionState, texts, maybe_texts, maybe_texts, texts), max_size=3).map(tuple),
    events=st.just(()),
    excerpts=st.just(()),
    ledger=st.lists(st.builds(LedgerEntry, texts, st.just("log"), outcomes), max_size=3).map(tuple),
)
bundles = st.none() | st.builds(
    BundleInfo,
    st.just("a1b2c3d4e5f60718"),
    texts.map(lambda text: Path("/" + text.replace("\0", ""))),
    st.integers(0, 10**12),
    st.just("ab" * 32),
)
deliveries = st.none() | st.builds(
    Delivery, st.sampled_from(["delivered", "spooled", "skipped"]), maybe_texts, maybe_texts, times
)
many = settings(derandomize=True, deadline=None, max_examples=60)


@many
@given(reports, bundles, deliveries)
def test_the_text_is_ascii_within_the_limit_and_complete(report, bundle, delivery):
    text = verdict_text(report, bundle, delivery)
    assert text.isascii()
    assert len(text) + text.count("\n") <= LIMIT, "a console may make two bytes of each line end"
    lines = text.split("\n")
    assert lines.pop() == ""
    assert all(line.isprintable() for line in lines)
    assert lines[0].startswith("VMEXT ")
    assert lines[-1].startswith("VMEXT ")
    assert lines[-1].endswith((" delivered", " not sent: no upload was asked for"))
    assert bundle is None or bundle.id in lines[-1]
    labels = {line[:7].strip() for line in lines[1:-1]}
    assert labels >= {"Where", "When", "Ids", "Gaps", "Bundle"}


@many
@given(reports, bundles, deliveries)
def test_the_json_is_ascii_within_the_limit_and_valid(report, bundle, delivery):
    text = verdict_json(report, bundle, delivery)
    assert text.isascii()
    assert len(text) + text.count("\n") <= LIMIT
    document: dict[str, Any] = json.loads(text)
    assert document["verdict"] == report.verdict
    assert document.keys() >= {"schema", "instance", "window", "findings", "bundle", "delivery"}
    assert all(entry.keys() >= set(CONTRACT) for entry in document["findings"])
    assert bundle is None or document["bundle"]["id"] == bundle.id


@many
@given(reports, bundles, deliveries, st.integers(0, 3_000))
def test_smaller_limits_hold_as_well(report, bundle, delivery, limit):
    assert len(verdict_text(report, bundle, delivery, limit)) <= max(limit, 2)
    json.loads(verdict_json(report, bundle, delivery, limit))


@pytest.mark.parametrize("unit", ["a reason with words ", "x", "\u00fc", "\U0001f600", "\\", "C:\\path\\to\\"])
def test_every_label_is_there_when_everything_is_endless(unit):
    endless = unit * (20_000 // len(unit))
    long = finding(
        message=endless, meaning=endless, remedy=endless, do=(endless, "echo yes"), dont=endless,
        title=endless, extension=endless, name=endless, version=endless,
        evidence=tuple(Evidence(endless, 1, None, endless) for _ in range(9)),
    )  # fmt: skip
    everything = replace(
        report(*([long] * 30)),
        identity=replace(IDENTITY, instance_name=endless, scale_set=endless, correlation_id=endless),
        window=Window(at("10:00:00"), at("11:00:00"), endless),
        others=(ExtensionState(endless, endless, endless, endless),) * 9,
        ledger=(LedgerEntry(endless, "log", "denied"),) * 9,
    )
    bundle = BundleInfo("a1b2c3d4e5f60718", Path("/" + endless.replace("\\", "/")), 1, "ab" * 32)
    text = verdict_text(everything, bundle, Delivery("spooled", endless, endless))
    labels = [line[:7].strip() for line in text.splitlines()[1:-1] if line[:7].strip()]
    assert [label for label in labels if label != "Also"] == LABELS.split()
    assert "vmext upload" in text
    assert len(text) + text.count("\n") <= LIMIT
    found = json.loads(verdict_json(everything, bundle, Delivery("spooled", endless, endless)))["findings"]
    assert found[0]["exit_code"] == 100


def test_an_ordinary_verdict_is_not_shortened():
    assert "..." not in verdict_text(REPORT, None, None)
