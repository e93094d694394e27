"""Masked messages: what differs from instance to instance goes, what tells failures apart stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector.errors import DataError
from collector.fleet.compare import masking
from collector.fleet.compare.masking import masked, masks

EXAMPLES = [(row.id, raw, to) for row in masks() for raw, to in row.examples]
PIECES = sorted({word for _, raw, _ in EXAMPLES for word in (raw, *raw.split())})


@pytest.mark.parametrize(("row", "raw", "to"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_row_masks_its_examples(row, raw, to):
    assert masked(raw) == to


@pytest.mark.parametrize("row", masks(), ids=lambda row: row.id)
def test_no_row_is_without_effect(row):
    """An example must show the row at work: without it the text stays as it is, at least in part."""
    changed = [raw for raw, to in row.examples if raw != to]
    assert changed
    assert any(row.regex.search(raw) for raw in changed)
    assert all(any(literal in raw.lower() for literal in row.literals) for raw in changed)


SAME = [
    ("held by process 1873 (unattended-upgr)", "held by process 20411 (unattended-upgr)"),
    ("activity 3d810617-e0be-4a4d-a5fd-79bc96d22af8", "activity 00000000-1111-2222-3333-444444444444"),
    ("2026-11-23T10:02:11.1Z failed", "2026-11-24T23:59:00.123456Z failed"),
    ("/var/lib/waagent/custom-script/download/3/stderr", "/var/lib/waagent/custom-script/download/12/stderr"),
    ("/var/lib/waagent/Pub.Ext.Type-2.1.19/bin/x", "/var/lib/waagent/Pub.Ext.Type-2.1.20/bin/x"),
    (r"C:\Packages\Plugins\Pub.Type\1.10.15\bin", r"C:\Packages\Plugins\Pub.Type\1.10.16\bin"),
    ("dial tcp 10.0.0.4:43012: refused", "dial tcp 10.0.1.200:51234: refused"),
    ("user [password:3f9a] rejected", "user [password:00b1] rejected"),
    ("mkdir /tmp/tmp.a8FhQ2xYz1: denied", "mkdir /tmp/tmp.Kk2lQ1AbC9: denied"),
    ("handle 0x1a4 closed", "handle 0x2b8 closed"),
    ("took 1834 ms", "took 12 ms"),
    ("  spaced\tout ", "spaced out"),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=range(len(SAME)))
def test_what_differs_only_so_is_the_same(one, other):
    assert masked(one) == masked(other)


APART = [
    ("exit code 100", "exit code 127"),
    ("exit status=1", "exit status=2"),
    ("command terminated with exit status=126", "command terminated with exit status=127"),
    ("HTTP Code: 403", "HTTP Code: 404"),
    ("status code 500 (HTTP/1.1)", "status code 503 (HTTP/1.1)"),
    ("HTTP 404 from https://x/a", "HTTP 403 from https://x/a"),
    ("failed with 0x80070643", "failed with 0x80070005"),
    ("failed with 0xFFFFFFFF80070643", "failed with 0xFFFFFFFF80070005"),
    ("0xC0000135", "0xC0000142"),
    ("Handle: 0x80070006", "Handle: 0x80070005"),
    ("exited with code: -1073741515", "exited with code: -1073741502"),
    ("exit code 3221225781", "exit code 3221225794"),
    ("code 1763892131", "code 1763892132"),
    ("errno 104", "errno 111"),
    ("(os error 111)", "(os error 110)"),
    ("curl: (6) x", "curl: (22) x"),
    ("errCode='1355'", "errCode='1326'"),
    ("killed by signal 9", "killed by signal 15"),
    ("error[100]: x", "error[101]: x"),
    ("returned error: 403", "returned error: 404"),
    ("port 443 closed", "port 80 closed"),
    ("168.63.129.16 refused", "169.254.169.254 refused"),
    ("168.63.129.16:80 refused", "168.63.129.16:32526 refused"),
    ("killed after 300 seconds", "killed after 5400 seconds"),
    ("line 14: foo: not found", "line 15: foo: not found"),
    ("needs version 2.34", "needs version 2.35"),
]


@pytest.mark.parametrize(("one", "other"), APART, ids=range(len(APART)))
def test_codes_and_what_else_tells_failures_apart_stay(one, other):
    assert masked(one) != masked(other)


@given(st.integers(-(2**31), 2**32 - 1), st.integers(-(2**31), 2**32 - 1), st.sampled_from([
    "exit code {}", "exit status={}", "exited with {}", "ended with code: {}", "error {}", "HTTP {}", "status: {}",
    "rc={}", "errno {}", "result {}", "failed ({})", "code '{}'", "errCode={}, duration=12", "Error code: {}.",
    "process exited with {}", "attempt 2 failed with {}", "2026-11-23T10:02:11Z {}",
]))  # fmt: skip
def test_no_code_is_ever_masked(one, other, form):
    assert (masked(form.format(one)) == masked(form.format(other))) == (one == other)
    assert str(one) in masked(form.format(one))


@given(st.integers(0x80000000, 0xFFFFFFFF), st.sampled_from(["{:#010x}", "0x{:08X}", "HRESULT: 0x{:x}", "(0x{:X})"]))
def test_no_result_code_is_ever_masked(code, form):
    assert masked(form.format(code)) == form.format(code)


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=6) | st.from_regex(r"[0-9a-fx.:/<>\[\]_-]{1,12}", fullmatch=True)),
       st.sampled_from(["", " ", "/", ":", "-", "."]),
       st.lists(st.sampled_from(["web_12", "web00000C", "time", "a.b-1"]), max_size=2))  # fmt: skip
@example(["10.0.0.4", "1.2.3.4"], "", [])
def test_masking_what_is_masked_changes_nothing(pieces, joint, names):
    once = masked(joint.join(pieces), names)
    assert masked(once, names) == once


def test_an_instance_s_own_names_go_wherever_they_stand():
    names = ["vmss-web_12", "vmssweb00000C"]
    assert masked("vmss-web_12: host VMSSWEB00000c.internal is down", names) == "<name>: host <name>.internal is down"
    assert masked("myvmss-web_12x", names) == "myvmss-web_12x"
    assert masked("a failed", ["a"]) == "a failed", "too short a name stands in too many words"


@pytest.mark.parametrize(
    "piece", ["a.b-", "1", "a1 ", "1:", "/", "A.", "2026-", "0x", "tmp-", "~", "<n>", "[", "\\1.", "f:"]
)
def test_a_hostile_message_takes_no_time(piece):
    begin = time.process_time()
    masked(piece * (60_000 // len(piece)))
    assert time.process_time() - begin < 60


@pytest.mark.parametrize(("row", "problem"), [
    ({}, "has the keys"), ({"more": 1}, "has the keys"), ({"examples": [["a"]]}, "an example is"), (None, "stands there twice"),
])  # fmt: skip
def test_a_broken_row_is_named(monkeypatch, row, problem):
    good = {"id": "x", "literals": [], "pattern": "x", "to": "y", "reason": "z", "examples": []}
    rows = [good, good] if row is None else [{**good, **row}] if row else [{"id": "x"}]
    monkeypatch.setattr(masking, "table", lambda name: {"mask": rows})
    masks.cache_clear()
    try:
        with pytest.raises(DataError, match=problem):
            masks()
    finally:
        masks.cache_clear()
