"""Secrets of every kind in logs of every form are gone; ordinary logs stay as they are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from collector.read.encoding import find_encoding, text_of
from collector.redact.redactor import DROPPED, Redactor
from tests.redact.planted import ENCODINGS, Case, corpus, kinds, leaks

KEY = b"k" * 32
SEED = 7
CASES = list(corpus(Random(SEED)))
ROOT = Path(__file__).parents[1]
ORDINARY = sorted(
    file
    for folder in ("logs", "cases", "scenarios", "cases_arm", "cases_vmss")
    for file in (ROOT / folder).rglob("*")
    if file.is_file()
)
#: All that redaction finds in the ordinary logs. Handlers print their whole settings into these lines, which go as a
#: whole, whatever stands in them.
EXPLAINED = {"settings-dump": 3}


def read(data: bytes) -> str:
    """As the collector reads it."""
    found = find_encoding(data[:4096])
    return data[found[1] :].decode(found[0], "replace") if found and found[0] != "utf-8" else text_of(data)[0]


@pytest.mark.parametrize("kind", sorted({case.planted.kind for case in CASES}))
def test_a_planted_secret_is_gone_wherever_it_stands(kind: str):
    redactor = Redactor(KEY)
    for case in (case for case in CASES if case.planted.kind == kind):
        redacted = redactor.text(case.text)
        assert not leaks(case, redacted), f"{case.where}: {case.text!r} -> {redacted!r}"
        assert redacted != DROPPED
        assert redactor.text(redacted) == redacted, "twice is not as once"
        if not case.text.startswith("GET "):
            assert "before" in redacted, f"{case.where}: {redacted!r}"
            assert "after" in redacted, f"{case.where}: {redacted!r}"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_it_is_gone_in_every_encoding(encoding: str):
    redactor = Redactor(KEY)
    for case in CASES[::5]:
        text = read((case.text * 3).encode(encoding))
        assert not leaks(Case(case.planted, case.where, text), redactor.text(text)), f"{case.where}: {text!r}"


def test_a_secret_has_one_pseudonym_in_all_the_forms_of_a_sas():
    secrets = {planted.kind: planted for planted in kinds(Random(SEED))}
    redactor = Redactor(KEY)
    forms = ("sas last", "sas first", "sas in the middle", "sas in base64")
    shown = {redactor.text(secrets[form].text).partition("[sas:")[2][:4] for form in forms}
    assert len(shown) == 1


def test_ordinary_logs_stay_as_they_are():
    redactor = Redactor(KEY)
    changed: Counter[str] = Counter()
    for file in ORDINARY:
        text = read(file.read_bytes())
        redacted = redactor.text(text)
        assert redacted.count("\n") == text.count("\n")
        changed.update({str(file): redacted != text})
    assert redactor.counts() == EXPLAINED, [file for file, count in changed.items() if count]
