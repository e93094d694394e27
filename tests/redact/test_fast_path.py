"""What makes redaction fast changes nothing: the same comes out as where every row is tried in every line."""

from __future__ import annotations

import json
from random import Random
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.redact.literals import Literals
from collector.redact.patterns import search
from collector.redact.redactor import DROPPED, Redactor
from collector.redact.wraps import _HEAD, going_on
from tests.redact.planted import FORMS, corpus, kinds
from tests.redact.slow_path import slow_redactor
from tests.redact.test_corpus import ORDINARY, read
from tests.redact.test_wraps import wrapped

KEY = b"k" * 32
TABLE = search()
EVERY = 5  # of so many planted cases one is tried
many = settings(derandomize=True, deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))

NAMES = r"""
password Password passwd pwd pass secret client_secret token access_token key apiKey accountKey api~key storage_key
connectionString credential sas sig sasUrl protectedSettings protected~settings kennwort contrase\u00f1a Authorization
bearer basic value name secrets tokens passwords signature cookie private~key vault auth -p -u --password /p: -Token
--sas-token curl mysql docker~login net~use echo https://bob sudo~-S set~-x setx JSON~config type PASSWORD to\u212aen
"""
BETWEEN = r"""
= : :~ ~=~ ~ ~~ \t , ,~ ~is~ " ' ":~" ':~' "=" => -> | ~|~ < > </ &quot; &lt; &gt; %3D %3d %22 %253D \\u003d \\u0022 \\ \\"
/ @ \n \n \n~~ \n\t \r\n \r\n~~~~ { } [ ] ; - _ . $ == \x1b[0m \u200b ;~ ~for~bob~ null {} ... \uff1d & ? ://
"""
VALUES = r"""
hunter2hunter2 Tr0ub4dor&3x x 12 true aB3+cD4/eF5+gH6/iJ7k a~b~c p%40ss1word abc123DEF456ghi789 AKIAIOSFODNN7EXAMPLQ
ghp_0123456789abcdefghijABCDEFGHIJ0123 eyJhbGciOiJIUzI1NiJ9x1abc.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc 6f1d-0000 [INFO] of~the
aB3cD4eF5gH6iJ7kL8mN9oP0qR1sT2uV3wX4yZ5aB6cD7eF8gH9iJ0kL1mN2oP3q 2026-05-04T03:12:14Z~INFO
"""


def pieces(words: str) -> list[str]:
    """The words of a text, in which a tilde stands for a blank and escapes are Python's."""
    return [word.encode("ascii").decode("unicode_escape").replace("~", " ") for word in words.split()]


KINDS = [st.sampled_from(pieces(words)) for words in (NAMES, BETWEEN, VALUES, BETWEEN)]
TEXTS = st.lists(st.one_of(KINDS), min_size=2, max_size=24).map("".join)


def as_it_is(text: str, width: int) -> str:
    return text


def broken(text: str, width: int) -> str:
    """As a terminal wraps it, behind words that make its first line long."""
    whole = "Setting up the web role of this machine, wait. " + text
    return "\n".join(whole[begin : begin + width] for begin in range(0, len(whole), width))


def in_json(text: str, width: int) -> str:
    return json.dumps({"level": "error", "message": text})


def in_address(text: str, width: int) -> str:
    return f"GET https://x.contoso.com/?next={quote(text, safe='')}&x=1"


def test_ordinary_logs_come_out_the_same():
    fast, slow = Redactor(KEY), slow_redactor(KEY)
    for file in ORDINARY:
        text = read(file.read_bytes())
        assert fast.text(text) == slow.text(text), file
    assert fast.counts() == slow.counts()


def test_planted_secrets_come_out_the_same():
    fast, slow = Redactor(KEY), slow_redactor(KEY)
    for case in list(corpus(Random(11)))[::EVERY]:
        told = fast.text(case.text)
        assert told == slow.text(case.text), case.where
        assert told not in (DROPPED, case.text)


@pytest.mark.parametrize("width", [80, 97])
def test_what_was_wrapped_at_any_place_comes_out_the_same(width: int):
    fast, slow = Redactor(KEY), slow_redactor(KEY)
    for case in list(wrapped(width))[:: 4 * EVERY]:
        for text in (case.text, case.text.replace("\n", "\r\n"), case.text.replace("\n", "\n      ")):
            assert fast.text(text) == slow.text(text), case.where


def test_many_texts_at_once_come_out_as_each_alone_would():
    """What is remembered of lines is that of the same lines: nothing comes from the text around them."""
    lines = [line for planted in kinds(Random(5)) for form in FORMS.values() for line in form(planted.text).split("\n")]
    Random(6).shuffle(lines)
    fast, slow = Redactor(KEY), slow_redactor(KEY)
    for begin in range(0, 1_200, 40):
        text = "\n".join(lines[begin : begin + 40])
        assert fast.text(text) == slow.text(text)


FAST, SLOW = Redactor(KEY), slow_redactor(KEY)  # kept over all examples, with all that they remember


@many
@given(TEXTS, st.sampled_from([as_it_is, broken, in_json, in_address]), st.integers(41, 100))
def test_whatever_is_put_together_comes_out_the_same(text: str, form, width: int):
    text = form(text, width)
    assert FAST.text(text) == SLOW.text(text)
    text = f"before\n{text}\nafter"
    assert FAST.text(text) == SLOW.text(text)


@pytest.mark.parametrize("number", TABLE.forms, ids=lambda number: TABLE.rows[number].id)
def test_a_form_stands_in_all_that_its_row_finds(number: int):
    row = TABLE.rows[number]
    redactor = Redactor(KEY)

    @many
    @given(TEXTS)
    def every(text: str) -> None:
        for example in (text.lower(), *(text[:place] + match.lower() for match in row.matches for place in (0, 7))):
            if row.regex.search(example):
                assert redactor._finder._may_match(number, example), example

    every()


@many
@given(st.lists(TEXTS.map(lambda text: text.encode().replace(b"\n", b"")), max_size=30, unique=True))
def test_lines_hold_the_same_literals_together_and_alone(lines: list[bytes]):
    words = [b"pass", b"password", b"sig", b"signature", b"-p", b"=", b" = ", b"tok"]
    expected = {line: tuple(n for n, word in enumerate(words) if line.find(word) >= 0) for line in lines}
    for worth_it in (0, 1 << 30):  # by the C library, and without
        literals = Literals(words, worth_it)
        for _ in range(2):  # looked at, and remembered
            assert literals.holding(set(lines)) == {line: held for line, held in expected.items() if held}
            assert [literals.held(line) for line in lines] == list(expected.values())
        alone = Literals(words)
        assert [alone.held(line) for line in lines] == list(expected.values())


@many
@given(st.text("0 []{}<>/:=.-_#abJT\"'\u0416", max_size=30))
def test_a_line_that_may_go_on_with_another_is_never_taken_for_the_beginning_of_one(line: str):
    masked = line.encode("latin-1", "replace").lower()
    assert masked in going_on({masked}) or _HEAD.match(line)
