"""Through every way out: errors, crashes, our own log, values and their names, file names, the audit."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from collector import cli
from collector.bundle.reader import open_bundle
from collector.bundle.writer import write
from collector.errors import ConfigError
from collector.model import Record
from collector.redact.log import RedactingFormatter
from collector.redact.pseudonyms import PSEUDONYM
from collector.redact.redactor import DROPPED, Redactor
from tests.bundle.samples import REPORT

KEY = b"k" * 32
SECRET = "hunter2HIDDEN99"
LINE = f"setup.sh --password {SECRET} failed"
AT = datetime(2026, 5, 4, tzinfo=timezone.utc)


def failing_with(error: Exception) -> Callable[..., None]:
    def main(**_: object) -> None:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code"),
    [(ConfigError(LINE, LINE), 2), (ValueError(LINE), 3), (OSError(13, LINE), 3)],
    ids=["told", "unforeseen", "of the system"],
)
@pytest.mark.parametrize("debug", [[], ["--debug"]], ids=["", "with its traceback"])
def test_a_crash_tells_no_secret(
    error: Exception, code: int, debug: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cli.group, "main", failing_with(error))
    assert cli.main([*debug, "collect"]) == code
    shown = capsys.readouterr()
    assert SECRET not in shown.out + shown.err
    assert shown.err
    if debug:
        assert "Traceback" in shown.err
        assert type(error).__name__ in shown.err


def test_a_usage_error_does_not_repeat_a_secret(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["collect", f"--password={SECRET}"]) == 2
    assert SECRET not in capsys.readouterr().err


def test_our_own_log_and_its_tracebacks_are_redacted():
    formatter = RedactingFormatter(Redactor(KEY))
    try:
        raise ValueError(LINE)
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "ran %s", (LINE,), (ValueError, error, None))
    assert SECRET not in formatter.format(record)
    assert "[password:" in formatter.format(record)


def test_a_value_under_a_secret_name_goes_whatever_it_looks_like():
    document: dict[str, Any] = {
        "adminPassword": "a b",
        "settings_hash": "abc",
        "name": "x",
        "list": [{"client_secret": "word"}],
        "passwords": ["a b", "c d", 3],
        "secrets": {"a": "e f", "b": {"c": "g h"}},
        "keys": ["a key"],
    }
    cleaned = Redactor(KEY).clean(document)
    assert cleaned["adminPassword"].startswith("[secret:")
    assert cleaned["list"][0]["client_secret"].startswith("[secret:")
    assert all(one.startswith("[secret:") for one in cleaned["passwords"][:2])
    assert cleaned["passwords"][2] == 3
    assert cleaned["secrets"]["a"].startswith("[secret:")
    assert (cleaned["secrets"]["b"], cleaned["keys"]) == ({"c": "g h"}, ["a key"])
    assert (cleaned["settings_hash"], cleaned["name"]) == ("abc", "x")
    assert Redactor(KEY).clean(cleaned) == cleaned


def test_records_that_hold_a_key_line_by_line_are_seen_together():
    lines = [
        "-----BEGIN PRIVATE KEY-----",
        "MIIEowIBAAKCAQEA" + "aB3+" * 12,
        "aB3HIDDENxyz",
        "-----END PRIVATE KEY-----",
        "x",
    ]
    records = tuple(Record("log", n, AT, "utc", "INFO", line, (f"{AT} INFO {line}",)) for n, line in enumerate(lines))
    cleaned = Redactor(KEY).clean(records)
    assert "HIDDEN" not in str(cleaned)
    assert cleaned[-1].message == "x"
    assert [record.line for record in cleaned] == [0, 1, 2, 3, 4]


def test_a_line_of_a_key_is_known_where_it_stands_alone():
    key = "\n".join(
        ["-----BEGIN PRIVATE KEY-----", "MIIEowIBAAKCAQEA" + "aB3+" * 12, "aB3HIDDENxyz", "-----END PRIVATE KEY-----"]
    )
    cleaned = Redactor(KEY).clean({"evidence": "error: aB3HIDDENxyz", "log": key})
    assert "HIDDEN" not in str(cleaned)


BODY = "MIIEowIBAAKCAQEA" + "aB3+" * 12
STAMPS = {"alone": "", "stamped": "2026-05-04T03:12:25.000000Z ERROR ExtHandler [Pub.Type-1.0] ", "script": "[stdout] "}
ENDS = {
    "no end": ["-----BEGIN PRIVATE KEY-----", BODY, BODY, "{}"],
    "no beginning": ["{}", "-----END PRIVATE KEY-----"],
    "neither": [BODY, "{}"],
}


@pytest.mark.parametrize("stamp", STAMPS.values(), ids=STAMPS.keys())
@pytest.mark.parametrize("lines", ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("rest", ["aB3HIDDENxyz", "abHIDDEN", "aHIDDEN=", "HIDDENaB/Q=="])
def test_the_short_last_line_of_a_key_that_was_cut_off_is_gone(lines: list[str], stamp: str, rest: str):
    """In its log, and where it is quoted alone before the log is met, if it is of both cases with a digit or a sign."""
    log = "\n".join(f"{stamp}{line.format(rest)}" for line in ["before", *lines, "after is done"])
    cleaned = Redactor(KEY).clean({"evidence": f"error: {rest}", "log": log})
    assert "HIDDEN" not in cleaned["log"]
    assert cleaned["log"].startswith(f"{stamp}before\n")
    assert cleaned["log"].endswith(f"{stamp}after is done")
    assert ("HIDDEN" in cleaned["evidence"]) == (rest == "abHIDDEN")


@pytest.mark.parametrize("stamp", [stamp for stamp in STAMPS.values() if stamp], ids=["stamped", "script"])
@pytest.mark.parametrize(
    "line", ["Enabled", "exit code 1", "eth0", "WaLinuxAgent started", "done", "took 12ms", "0x80070643"]
)
def test_the_line_after_a_key_that_was_cut_off_stays(stamp: str, line: str):
    assert Redactor(KEY).text(f"{stamp}{BODY}\n{stamp}{line}").endswith(f"\n{stamp}{line}")


def test_the_audit_counts_what_stands_in_each_member(tmp_path: Path):
    redactor = Redactor(KEY)
    finding = REPORT.findings[0]
    told = replace(finding.failure, message=LINE)
    excerpt = replace(REPORT.excerpts[0], lines=tuple(replace(line, text=LINE) for line in REPORT.excerpts[0].lines))
    report = redactor.clean(
        replace(
            REPORT,
            findings=(replace(finding, failure=told), *REPORT.findings[1:]),
            excerpts=(replace(excerpt, path=f"var/log/--password={SECRET}"), *REPORT.excerpts[1:]),
        )
    )
    bundle = open_bundle(write(report, seal=redactor, audit=redactor.document, folder=tmp_path).path)
    counted: Counter[str] = Counter()
    for row in bundle.redactions["redactions"]:
        counted[row["member"]] += row["count"]
        assert SECRET not in json.dumps(row)
    shown = {name: len(PSEUDONYM.findall(bundle.text(name))) for name in bundle.names}
    assert counted == {name: count for name, count in shown.items() if count}
    assert {"summary.txt", "report.html", "manifest.json", "findings.json"} <= set(counted)
    assert [count for name, count in counted.items() if name.startswith("excerpts/")] == [len(excerpt.lines) + 1]


def test_a_name_of_a_file_that_holds_a_secret_does_not_leave(tmp_path: Path):
    redactor = Redactor(KEY)
    excerpt = replace(REPORT.excerpts[0], path=f"var/log/setup --password={SECRET}.log")
    report = redactor.clean(replace(REPORT, excerpts=(excerpt,)))
    made = write(report, seal=redactor, audit=redactor.document, folder=tmp_path)
    assert not any(SECRET in member["name"] for member in open_bundle(made.path).manifest["members"])
    assert SECRET.encode() not in made.path.read_bytes()


def test_a_site_hides_ids_addresses_and_names():
    line = "vm-web-7 (10.1.2.3, fb653ac6-59d4-4545-8f83-6382f74f91e1) asked 168.63.129.16 and db.contoso.com, v2.15.0.1"
    assert Redactor(KEY, names=["vm-web-7"]).text(line) == line
    hidden = Redactor(KEY, ["ids", "addresses", "hostnames"], ["vm-web-7"]).text(line)
    for gone in ("vm-web-7", "10.1.2.3", "fb653ac6", "db.contoso.com"):
        assert gone not in hidden
    for stays in ("168.63.129.16", "2.15.0.1", "[host:", "[address:", "[id:"):
        assert stays in hidden


def test_what_is_too_long_to_be_looked_into_goes():
    import base64
    import gzip

    packed = base64.b64encode(gzip.compress(b"x" * 3_000_000)).decode()
    assert packed not in Redactor(KEY).text(f"message={packed}")


def test_dropped_text_is_told_in_its_member():
    redactor = Redactor(KEY)
    with redactor.member("a.json"):
        redactor.text(DROPPED)
    assert redactor.document()["redactions"] == [{"pattern": "dropped", "member": "a.json", "count": 1}]
