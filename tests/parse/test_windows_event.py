"""The XML that Windows renders of events, to lines of a log."""

from __future__ import annotations

import pytest

from collector.parse.windows_event import events_in, lines_of, text_of

NAMESPACE = "xmlns='http://schemas.microsoft.com/win/2004/08/events/event'"


def event(message: str = "it failed", *, level: int = 2, number: int = 9, rest: str = "", provider: str = "P") -> str:
    """As `wevtutil qe /f:RenderedXml` prints it (Microsoft, Event Schema)."""
    rendered = f"<RenderingInfo Culture='de-DE'><Message>{message}</Message><Level>Fehler</Level></RenderingInfo>"
    return (
        f"<Event {NAMESPACE}><System><Provider Name='{provider}'/><EventID Qualifiers='0'>{number}</EventID>"
        f"<Level>{level}</Level><TimeCreated SystemTime='2026-05-04T03:12:25.1234567Z'/><Channel>C</Channel></System>"
        f"{rest}{rendered if message else ''}</Event>"
    )


def lines(xml: str) -> list[str]:
    return [lines_of(one) if one is not None else "broken" for one in events_in(xml)]


@pytest.mark.parametrize(
    ("level", "word"),
    [(0, "INFO"), (1, "CRITICAL"), (2, "ERROR"), (3, "WARNING"), (4, "INFO"), (5, "VERBOSE"), (9, "INFO")],
)
def test_the_level_is_told_by_its_number(level: int, word: str):
    assert lines(event(level=level)) == [f"2026-05-04T03:12:25.1234567Z [{word}] P 9: it failed\n"]


def test_messages_of_several_lines_and_with_marks():
    (told,) = lines(event("a &lt;b&gt; &amp; c\r\n\r\n2026-05-04T03:12:25Z [ERROR] P 9: inner\r\nend"))
    assert told.splitlines() == [
        "2026-05-04T03:12:25.1234567Z [ERROR] P 9: a <b> & c",
        "  2026-05-04T03:12:25Z [ERROR] P 9: inner",
        "  end",
    ]


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("<EventData><Data>one</Data><Data>two</Data></EventData>", "one, two"),
        ("<EventData><Data Name='State'>3</Data><Data Name='Empty'/></EventData>", "State: 3"),
        (f"<UserData><X {NAMESPACE}><Code>1009</Code></X></UserData>", "Code: 1009"),
        ("", ""),
    ],
)
def test_where_windows_lacks_the_texts_the_values_are_told(rest: str, message: str):
    assert lines(event("", rest=rest)) == [f"2026-05-04T03:12:25.1234567Z [ERROR] P 9: {message}\n"]


@pytest.mark.parametrize(
    "xml",
    [
        event("\x01"),
        event("<b>"),
        event().replace("SystemTime='2026-05-04T03:12:25.1234567Z'", "SystemTime='yesterday'"),
        event().replace("<TimeCreated", "<Time"),
        event("&x;").replace("<System>", "<!DOCTYPE x [<!ENTITY x 'y'>]><System>"),
        "<Event></Event>",
    ],
)
def test_a_broken_event_spoils_no_other(xml: str):
    assert lines(f"{event('before')}\n{xml}\n{event('after')}")[1] == "broken"
    assert len(lines(f"{event('before')}\n{xml}\n{event('after')}")) == 3


def test_odd_numbers_and_names():
    (told,) = lines(event(number=10**12, provider="A&#10;B"))
    assert "[ERROR] A B 0: it failed" in told
    assert lines(event(provider="")) == ["2026-05-04T03:12:25.1234567Z [ERROR] ? 9: it failed\n"]


def test_what_was_cut_off_is_left_out():
    both = event("one") + event("two")
    assert lines(both[:-20]) == lines(event("one"))
    assert lines("") == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_encodings(encoding: str):
    assert text_of("<Event>größer".encode(encoding)) == "<Event>größer"
