"""A redactor that is used for days: it can give up what it only remembers, and redacts as before."""

from __future__ import annotations

import base64
import json

from collector.redact.redactor import DROPPED, Redactor, _tells

BODY = base64.b64encode(bytes(range(7, 247))).decode()
PIECES = [BODY[place : place + 64] for place in range(0, len(BODY), 64)]
KEY = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *PIECES, "-----END RSA PRIVATE KEY-----"])
SECRET = "password=Tr0ub4dor&3x"


def test_what_is_forgotten_is_redacted_as_before():
    redactor = Redactor(b"0" * 32)
    before = [redactor.text(text) for text in ("harmless", SECRET, KEY, f"piece {PIECES[1]}")]
    redactor.forget()
    assert [redactor.text(text) for text in ("harmless", SECRET, KEY, f"piece {PIECES[1]}")] == before
    assert PIECES[1] not in before[3] and "Tr0ub4dor" not in before[1]


def test_nothing_that_is_remembered_grows_for_ever():
    redactor = Redactor(b"0" * 32)
    for number in range(500):
        redactor.text(f"harmless {number}")
        redactor.text(f"password=Tr0ub4dor{number}")
    assert len(redactor._harmless) >= 500 and len(redactor._rows) > 100
    redactor.forget()
    assert (redactor._harmless, redactor._rows, redactor.counts()) == (set(), {DROPPED: "dropped"}, {})


def test_what_documents_are_keyed_by_is_not_remembered_for_ever():
    redactor = Redactor(b"0" * 32)
    for number in range(3_000):
        dumped = redactor.dumped({f"status/{number}.status": "success", "secret": SECRET}, json.dumps)
        assert "Tr0ub4dor" not in dumped
    assert _tells.cache_info().currsize <= 1_024
