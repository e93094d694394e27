"""The words of incidents, the filters' links, and visits: without an index."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from collector.endpoint.pages import telling
from collector.endpoint.pages.asked import asked, choice
from collector.endpoint.pages.naming import known_rules
from collector.endpoint.pages.search import marked
from collector.endpoint.pages.templates import day_element, time_element
from collector.endpoint.pages.ticket import incident_ticket
from collector.endpoint.reading.api import number
from collector.endpoint.reading.incidents import Incident
from collector.endpoint.reading.repairing import repairs_for
from collector.endpoint.reading.scale_sets import ScaleSetName
from collector.endpoint.reading.visits import PAUSE, Visit, as_text, following, from_text

NOW = datetime(2026, 11, 26, 11, tzinfo=timezone.utc)


def incident(**differs: object) -> Incident:
    told: dict[str, object] = {
        "id": "a" * 16,
        "scale_set": ScaleSetName("b" * 16, "vmss-web", "rg-web", "s-1"),
        "kind": "failure",
        "rule": "script-002-command-missing",
        "extension": "Microsoft.Azure.Extensions.CustomScript",
        "operation": "Enable",
        "exit_code": 127,
        "owner": "guest",
        "title": "a command is missing",
        "message": "jq: command not found",
        "instances": 37,
        "known_instances": 40,
        "bundles": 39,
        "first_seen": NOW - timedelta(hours=1),
        "last_seen": NOW,
        "last_received": NOW,
    }
    return Incident(**(told | differs))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("differs", "expected"),
    [
        ({}, "CustomScript exit 127 on 37 of 40 instances"),
        ({"exit_code": None}, "CustomScript enable failed on 37 of 40 instances"),
        ({"exit_code": 2147942405}, "CustomScript exit -2147024891 (0x80070005) on 37 of 40 instances"),
        (
            {"kind": "hang", "exit_code": None, "operation": "Install"},
            "CustomScript install hangs on 37 of 40 instances",
        ),
        ({"instances": 6, "known_instances": 6}, "CustomScript exit 127 on all 6 instances"),
        ({"instances": 1, "known_instances": 1}, "CustomScript exit 127 on 1 of 1 instance"),
        (
            {"scale_set": ScaleSetName("c" * 16, None, "rg-tools", None), "instances": 1, "known_instances": 2},
            "CustomScript exit 127 on 1 of 2 machines",
        ),
    ],
)
def test_an_incident_is_told_in_a_line(differs: dict[str, object], expected: str):
    one = incident(**differs)
    assert f"{telling.subject(one)} {telling.spread(one)}" == expected


def test_the_text_to_copy_has_what_a_stranger_needs():
    text = incident_ticket(incident(), [], "https://e")
    assert text.startswith("## CustomScript exit 127 on 37 of 40 instances: ")
    assert "- **Where:** vmss-web (resource group `rg-web`, subscription `s-1`)" in text
    assert "- **When:** 2026-11-26 10:00" in text
    assert text.endswith(": <https://e/incidents/1>\n".replace("/1>", f"/{incident().id}>"))


def test_each_filter_has_a_link_that_drops_it():
    given = asked({"q": " a b ", "exit_code": "127", "when": "24h", "after": "x", "odd": "y", "owner": ""})
    assert [(chip.label, chip.value, chip.link) for chip in given.chips()] == [
        ("text", "a b", "/?exit_code=127&when=24h"),
        ("exit code", "127", "/?q=a+b&when=24h"),
        ("time", "last 24 hours", "/?q=a+b&exit_code=127"),
    ]
    assert given.link(after="c") == "/?q=a+b&exit_code=127&when=24h&after=c"


def test_a_filter_that_is_on_is_told_and_no_other():
    given = asked({"since": "yesterday", "until": "2026-11-26T10:00", "owner": "guest"})
    assert [(chip.label, chip.value) for chip in given.chips()] == [
        ("whose it is", "instance"),
        ("to", "2026-11-26 10:00 UTC"),
    ]


def test_filters_become_a_choice():
    wanted = choice(
        asked({"when": "24h", "until": "2026-11-26T10:00", "new": "1"}), NOW, before=NOW - timedelta(days=3)
    )
    assert wanted.since == NOW - timedelta(days=1)
    assert wanted.until == NOW - timedelta(hours=1)
    assert wanted.received_after == NOW - timedelta(days=3)
    odd = choice(asked({"when": "ever", "since": "yesterday"}), NOW)
    assert (odd.since, odd.until, odd.received_after) == (None, None, None)


def test_commands_name_every_instance():
    rule = known_rules()["script-002-command-missing"]
    advice = repairs_for(incident(), rule, "2.1.19", ["3", "4"])
    assert any("--instance-ids 3 4  # only if" in step for step in advice.do)
    assert "scale out" in advice.dont
    lone = incident(scale_set=ScaleSetName("c" * 16, None, "rg-tools", None))
    (step,) = repairs_for(lone, rule, "2.1.19", ["jump host", "build-1"]).do
    assert step.startswith("for i in 'jump host' build-1; do az vm extension set -g rg-tools --vm-name \"$i\" ")
    assert "; done  # protected settings" in step
    (step,) = repairs_for(lone, rule, "2.1.19", ["build-1"]).do
    assert step.startswith("az vm extension set -g rg-tools --vm-name build-1 ")
    assert repairs_for(incident(), None, None, []).do == ()


def test_a_visit_ends_after_a_pause():
    first = following(None, NOW)
    assert first == Visit(None, NOW)
    assert following(first, NOW + timedelta(seconds=30)) == first
    still = following(first, NOW + timedelta(minutes=10))
    assert still == Visit(None, NOW + timedelta(minutes=10))
    later = still.latest + PAUSE
    assert following(still, later) == Visit(still.latest, later)
    assert from_text(as_text(following(still, later))) == following(still, later)


@pytest.mark.parametrize("text", [None, "", ".", "a.b", "1.", "99999999999999999.1", "1.2.3", "-1.2"])
def test_a_cookie_that_is_none_of_ours_is_no_visit(text: str | None):
    assert from_text(text) is None


def test_new_and_more_are_told_apart():
    before = NOW - timedelta(minutes=5)
    assert telling.new_mark(incident(), before, {"a" * 16}) == "New"
    assert telling.new_mark(incident(), before, set()) == "More"
    assert telling.new_mark(incident(), NOW, set()) == ""
    assert telling.new_mark(incident(), None, {"a" * 16}) == ""


def test_times_are_elements_in_utc():
    assert time_element("2026-11-26T12:02:11.5+02:00") == (
        '<time datetime="2026-11-26T10:02:11Z">2026-11-26 10:02:11 UTC</time>'
    )
    assert day_element(NOW, NOW) == '<time datetime="2026-11-26T11:00:00Z">11:00 UTC</time>'
    assert "2026-11-25 11:00 UTC" in day_element(NOW - timedelta(days=1), NOW)
    assert day_element("2026-11-26T10:02:11", NOW) == "2026-11-26 10:02:11 local time, zone unknown"


def test_what_was_sought_is_marked_and_nothing_is_markup():
    assert str(marked("<b> jq: jq", ((4, 6), (8, 10)))) == "&lt;b&gt; <mark>jq</mark>: <mark>jq</mark>"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [(None, 7), ("", 7), ("0", 0), ("12", 12), ("99", 40), ("-1", 7), ("1.5", 7), ("²", 7), ("9" * 5_000, 7), ("x", 7)],
)
def test_what_is_no_number_in_an_address_is_as_if_it_were_not_told(text: str | None, wanted: int):
    assert number(text, 7, 40) == wanted
