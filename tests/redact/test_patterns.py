"""Every row of the table finds its own examples, and spares what it must spare."""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
import zlib

import pytest

from collector.redact.patterns import SecretPattern, search, secret_patterns
from collector.redact.redactor import DROPPED, Redactor

KEY = b"k" * 32
ROWS = {row.id: row for row in secret_patterns()}
MATCHES = [(row.id, text) for row in ROWS.values() if not row.only for text in row.matches]
SPARES = [(row.id, text) for row in ROWS.values() for text in row.spares]
HIDING = [(row.id, text) for row in ROWS.values() if row.only for text in row.matches]
FORMS = {
    "alone": "{}",
    "waagent": "2026-05-04T03:12:14.1Z INFO ExtHandler [Pub.Type-1.0] {}",
    "windows": "[2200+00000001] [08/21/2023 13:01:02.45] [INFO] {}",
    "between lines": "first line\n{}\nlast line",
    "at the end": "x" * 200 + " {}",
}


@pytest.mark.parametrize(("name", "text"), MATCHES)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_secret_is_gone_in_every_form_of_line(name: str, text: str, form: str):
    redacted = Redactor(KEY).text(form.format(text))
    assert "HIDDEN" not in redacted
    assert f"[{ROWS[name].kind}:" in redacted


@pytest.mark.parametrize(("name", "text"), SPARES)
def test_what_is_no_secret_stays(name: str, text: str):
    only = ROWS[name].only
    assert Redactor(KEY, hide=[only] if only else []).text(text) == text


@pytest.mark.parametrize(("name", "text"), HIDING)
def test_what_a_stricter_site_hides_stays_elsewhere(name: str, text: str):
    row = ROWS[name]
    assert row.only
    hidden = Redactor(KEY, hide=[row.only]).text(f"2026-05-04 INFO {text} now")
    assert f"[{row.kind}:" in hidden
    assert Redactor(KEY).text(text) == text


@pytest.mark.parametrize(("name", "text"), MATCHES)
def test_redacting_twice_changes_nothing(name: str, text: str):
    redactor = Redactor(KEY)
    once = redactor.text(text)
    assert redactor.text(once) == once


def test_a_document_with_every_secret_stays_a_document():
    """Quotes of secrets and quotes of the form do not mix."""
    texts = [text for _, text in MATCHES]
    document = {"lines": texts, "all": "\n".join(texts), "one": {"two": [1, None, " ".join(texts)]}}
    dumped = Redactor(KEY).dumped(document, lambda value: json.dumps(value, indent=1))
    assert len(json.loads(dumped)["lines"]) == len(texts)
    assert "HIDDEN" not in dumped


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_row_says_everything_and_its_examples_hold_its_literals(row: SecretPattern):
    assert row.matches
    assert row.spares
    assert row.source
    assert row.reason.endswith(".")
    assert re.fullmatch("[a-z]+", row.kind)
    literals = [literal for literal in row.literals if literal.islower() or not literal.isalpha()]
    for text in row.matches:
        assert len(literals) < len(row.literals) or any(literal in text.lower() for literal in literals)
        assert row.regex.search(text.lower() if row.is_folded else text) or row.kind == "secret" or "\\" in text


ORDINARY = [
    "YXB0LWdldCBpbnN0YWxsIFwKICBuZ2lueA==",
    "H4sIADT2B2sC/6sszVXIzCsuSczJUcgoKSlIAQBT8AA2EQAAAA==",
    "2025-09-17T06:21:42.601029Z INFO ExtHandler ExtHandler WireServer endpoint 168.63.129.16 read from file",
    "GET http://169.254.169.254/metadata/instance?api-version=2021-02-01 -- Status Code 200",
    "Microsoft.Azure.Extensions.CustomScript-2.1.19 exit code 100",
    "activity: fb653ac6-59d4-4545-8f83-6382f74f91e1 correlation 468d5419-91e0-4eda-9ddf-56ee7b432506",
    "Event: name=X.Y, op=Install, message=[ExtensionOperationError] Non-zero exit code: 20, ./installer.sh install",
    "Error code 1355 (0x54B), HRESULT 0x80070643, exit -1073741515",
    "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    'time=2026-05-04T08:42:14+05:30 version=v2.1.19/git@56a1e6f-clean operation=enable seq=3 event="seqnum saved" path=mrseq',
    "Failed to get MSI token from IMDS endpoint",
    "The password for user has expired",
    "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1873 (unattended-upgr)",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_lines_stay(text: str):
    assert Redactor(KEY).text(text) == text


def test_the_same_secret_has_the_same_pseudonym_and_another_key_another():
    line = "x --password=hunter2hunter2"
    assert Redactor(KEY).text(line) == Redactor(KEY).text(line)
    assert Redactor(KEY).text(line) != Redactor(b"other").text(line)


def test_a_key_over_many_lines_leaves_as_many_lines():
    lines = [
        "before",
        "-----BEGIN PRIVATE KEY-----",
        "MIIHIDDEN",
        "abcHIDDEN",
        "-----END PRIVATE KEY-----",
        "after",
    ]
    redacted = Redactor(KEY).lines(lines)
    assert len(redacted) == len(lines)
    assert "HIDDEN" not in "".join(redacted)
    assert (redacted[0], redacted[-1]) == ("before", "after")


def test_a_fault_drops_the_text_and_counts_it():
    table = search()
    broken = table.rows[0]._replace(id="broken", pattern="(?P<secret>x", literals=("hunter",), scope="line")
    redactor = Redactor(KEY, table=table._replace(rows=(broken,), literals=(("hunter", (0,)),), marks=()))
    assert redactor.text("password=hunter2hunter2") == DROPPED
    assert redactor.lines(["a line", "password=hunter2hunter2"]) == ("a line", DROPPED)
    assert redactor.document()["redactions"] == [{"pattern": "dropped", "member": "", "count": 3}]


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "=",
        "\\",
        '"',
        "sig=",
        "password",
        "://a:",
        "echo ",
        "curl x ",
        "-",
        "eyJ",
        '{"token": "',
        "Q~",
        "mysql -a ",
    ],
)
def test_a_megabyte_of_anything_takes_linear_time(unit: str):
    """Twice the text may take about twice the time; a pattern that backtracks takes far more."""

    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        begin = time.process_time()
        Redactor(KEY).text(text)
        return time.process_time() - begin

    seconds(1000)
    small, large = seconds(100_000), seconds(400_000)
    assert large < max(0.5, small * 10)


@pytest.mark.parametrize("pack", [lambda data: data, zlib.compress, gzip.compress], ids=["plain", "zlib", "gzip"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_secret_that_is_packed_goes_with_what_it_is_packed_in(pack, encoding: str):
    script = "#!/bin/sh\napt-get update\nmysql -u root -pHIDDEN12 -e 'select 1'\n".encode(encoding)
    packed = base64.b64encode(pack(script)).decode()
    redacted = Redactor(KEY).text(f"name=P.T, op=Enable, message={packed}, duration=0")
    assert packed not in redacted
    assert "[encoded:" in redacted


def test_what_is_packed_and_holds_no_secret_stays():
    packed = base64.b64encode(
        zlib.compress(b"[ExtensionError] Timeout(300): /var/lib/waagent/x/bin/setup.sh enable")
    ).decode()
    text = f"op=Enable, message={packed}, duration=0"
    assert Redactor(KEY).text(text) == text


@pytest.mark.parametrize("lines", [False, True], ids=["one line", "several"])
def test_a_line_that_is_known_hides_no_token_that_differs_in_case_or_digits(lines: bool):
    redactor = Redactor(KEY)
    token = "AKIAHIDDEN0123456789"
    text = "before\nusing {}\nafter" if lines else "using {}"
    for harmless in (token.lower(), token.lower().replace("0", "7")):
        assert redactor.text(text.format(harmless)) == text.format(harmless)
    assert "HIDDEN" not in redactor.text(text.format(token))
