"""The shipped JSON Schemas: what is written keeps to them, and what the reader refuses they refuse."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from collector.bundle.codec import load, moment
from collector.bundle.documents import (
    failures_document,
    failures_from,
    findings_document,
    ledger_document,
    manifest_document,
    practices_document,
    practices_from,
    states_from,
    system_document,
)
from collector.bundle.encryption import Sealed
from collector.bundle.envelope import Envelope, envelope_document
from collector.bundle.events import event_documents
from collector.bundle.layout import LeftOut
from collector.bundle.reader import open_bundle
from collector.bundle.shape import check, check_envelope, check_findings, check_manifest
from collector.data import member_schema
from collector.errors import BundleError, DataError
from collector.model import Identity, LedgerEntry, Practice, Record, Report, SystemFacts, Window
from tests.bundle.disks import DISKS, bundle_of
from tests.bundle.samples import FAILURE, REPORT
from tests.bundle.test_limit import failures, many, maybe_texts, reports, texts, times

ROOT = Path(__file__).parents[2]
NAMES = ("envelope", "events", "failures", "findings", "ledger", "manifest", "practices", "redactions", "system")
FORMATS = FormatChecker(formats=())
FORMATS.checkers = {
    "iso-time": (lambda value: not isinstance(value, str) or bool(moment(value)), (ValueError, OverflowError))
}


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(dict(member_schema(name)), format_checker=FORMATS)


VALIDATORS = {name: validator(name) for name in NAMES}


def documents(report: Report) -> dict[str, Any]:
    """Each member as the writer makes it, through JSON."""
    member = {"name": "events.jsonl", "bytes": 1, "sha256": "ab" * 32}
    left_out, budget = LeftOut(1, 2, 3), {"bytes_per_bundle": 5}
    sealed = Sealed(1, "cd" * 32)
    made = {
        "manifest": {"id": "0123456789abcdef", **manifest_document(report, left_out, budget, [member])},
        "envelope": envelope_document(report, "0123456789abcdef", ["age1x"], sealed, sealed),
        "findings": findings_document(report),
        "failures": failures_document(report),
        "ledger": ledger_document(report.ledger, left_out, budget),
        "practices": practices_document(report),
        "system": system_document(report),
    }
    return json.loads(json.dumps(made))  # type: ignore[no-any-return]


def test_the_schemas_are_those_of_the_values_in_the_code():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/build_schemas.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), "run scripts/build_schemas.py and say so in docs/bundle-format.md"


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one(name):
    schema = member_schema(name)
    Draft202012Validator.check_schema(dict(schema))
    assert schema["$id"] == f"urn:vmext:schema:1:{name}"


def test_a_schema_that_is_missing_is_named():
    with pytest.raises(DataError, match=r"schema/nothing\.json"):
        member_schema("nothing")


@pytest.mark.parametrize("disk", DISKS, ids=[str(disk.parent.name) for disk in DISKS])
def test_every_member_of_a_real_bundle_keeps_to_its_schema(disk: Path, tmp_path: Path):
    bundle = open_bundle(bundle_of(disk, tmp_path).path)
    assert {name for name in bundle.names if name.endswith((".json", ".jsonl"))} == {
        *(f"{name}.json" for name in NAMES if name not in ("envelope", "events")),
        "events.jsonl",
    }
    for name in bundle.names:
        if name.endswith(".json"):
            VALIDATORS[name.removesuffix(".json")].validate(bundle.json(name))
    for event in bundle.events():
        VALIDATORS["events"].validate(event)


records = st.builds(
    Record,
    path=texts,
    line=st.integers(1, 10**9),
    time=times,
    basis=st.sampled_from(["utc", "offset", "zone", "local", "inherited", "file", "none"]),
    level=st.sampled_from(["", "ERROR", "odd"]),
    message=texts,
    raw=st.lists(texts, min_size=1, max_size=2).map(tuple),
    extension=maybe_texts,
    version=maybe_texts,
    name=maybe_texts,
    operation=maybe_texts,
    sequence=st.none() | st.integers(0, 9),
    fields=st.dictionaries(texts, texts, max_size=2),
    sure=st.sampled_from(["high", "medium", "low"]),
)


@many
@given(reports, st.lists(failures, max_size=2), st.lists(records, max_size=2), st.from_type(SystemFacts))
def test_whatever_a_report_holds_its_members_keep_to_their_schemas(report, more, events, facts):
    report = replace(report, failures=tuple(more), events=tuple(events), system=facts)
    for name, document in documents(report).items():
        VALIDATORS[name].validate(document)
        check(document, name, name)
    for event in event_documents(report):
        VALIDATORS["events"].validate(json.loads(json.dumps(event)))


# ---- as strict as the code -----------------------------------------------------------------------------


def read_manifest(document: Any) -> None:
    check_manifest(document)
    load(Identity, document["identity"], "identity")
    load(Window, document["window"], "window")


def read_envelope(document: Any) -> None:
    check_envelope(document)
    envelope = Envelope(document)
    assert envelope.identity
    assert envelope.window


READERS: dict[str, Callable[[Any], object]] = {
    "manifest": read_manifest,
    "envelope": read_envelope,
    "findings": check_findings,
    "failures": lambda d: (failures_from(d), states_from(d)),
    "ledger": lambda d: [load(LedgerEntry, entry, "e") for entry in d["entries"]],
    "practices": practices_from,
    "system": lambda d: (load(Identity, d["identity"], "i"), load(SystemFacts, d["facts"], "f")),
}
ODD = [None, True, 7, -1.5, "", "odd", "2026-13-45", [], [3], {}, {"a": None}]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container and key in a document."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def spoiled(document: Any, chance: random.Random) -> Any:
    """The document with one field missing or of another kind."""
    changed = copy.deepcopy(document)
    container, key = chance.choice(list(places(changed)))
    if chance.random() < 0.3:
        del container[key]
    else:
        container[key] = chance.choice(ODD)
    return changed


def accepts(read: Callable[[Any], object], document: Any) -> bool:
    try:
        read(document)
    except BundleError:
        return False
    return True


@pytest.mark.parametrize("name", sorted(READERS))
def test_the_schemas_refuse_what_the_reader_refuses_and_say_what_the_library_says(name):
    practice = Practice("p", "", "violated", "t", "d")
    document = documents(replace(REPORT, failures=(FAILURE,), practices=(practice,)))[name]
    chance = random.Random(name)
    refused = 0
    for _ in range(1_500):
        changed = spoiled(document, chance)
        valid = VALIDATORS[name].is_valid(changed)
        assert accepts(lambda d: check(d, name, name), changed) == valid, changed
        if valid:
            assert accepts(READERS[name], changed), changed
        refused += not valid
    assert refused > 500
