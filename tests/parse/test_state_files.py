"""Status files and the agent's summaries in all their shapes; nothing raises."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.model import BrokenState, HandlerStatus, Source, StatusFile
from collector.parse.handlers import parse_aggregate, parse_handler_status
from collector.parse.status import parse_status

SOURCE = Source("s/3.status", Path("x"), "status", extension="Pub.Type", version="1.0", sequence=3)
MOMENT = datetime(2014, 5, 29, 4, 20, 13, tzinfo=timezone.utc)


def status(**changes) -> str:
    inner = {
        "operation": "Enable",
        "status": "error",
        "code": "0",
        "formattedMessage": {"lang": "en", "message": "boom"},
    } | changes
    return json.dumps([{"version": "1.0", "timestampUTC": "2014-05-29T04:20:13Z", "status": inner}])


def parsed(text: str) -> StatusFile:
    found = parse_status(SOURCE, text)
    assert isinstance(found, StatusFile)
    return found


def test_the_usual_shape():
    found = parsed(status())
    assert (found.status, found.operation, found.code, found.message, found.time) == (
        "error",
        "Enable",
        0,
        "boom",
        MOMENT,
    )
    assert (found.sequence, found.name, found.substatus, found.execution) == (3, None, (), None)


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2014-05-29T04:20:13Z", MOMENT),
        ("2014-05-29T04:20:13+00:00", MOMENT),
        ("2014-05-29 04:20:13Z", MOMENT),
        ("2014/05/29, 04:20:13.447", MOMENT.replace(microsecond=447000)),
        ("/Date(1401337213000)/", MOMENT),
        ("yesterday", None),
        (None, None),
        ("/Date(99999999999999999999)/", None),
        ("0001-01-01T00:00:00Z", None),  # Go writes this for "no time"
    ],
)
def test_stamps(stamp, expected):
    document = json.loads(status())
    document[0]["timestampUTC"] = stamp
    assert parsed(json.dumps(document)).time == expected


@pytest.mark.parametrize(
    "substatus",
    [
        None,
        [],
        [{"name": "StdErr", "status": "success", "code": 0, "formattedMessage": None}],
        {"name": "x"},
        ["x"],
    ],
)
def test_substatus_may_be_anything(substatus):
    assert isinstance(parsed(status(substatus=substatus)).substatus, tuple)


def test_old_handlers_write_keys_in_capitals():
    text = json.dumps(
        [
            {
                "Status": {"Status": "Error", "FormattedMessage": {"Lang": "en", "Message": "m"}},
                "TimestampUTC": "2014-05-29T04:20:13Z",
            }
        ]
    )
    assert (parsed(text).status, parsed(text).message) == ("error", "m")


def test_the_json_inside_a_managed_run_command():
    inner = {"executionState": "Failed", "exitCode": 32, "error": "no"}
    assert parsed(status(status="success", formattedMessage={"message": json.dumps(inner)})).execution == inner


@pytest.mark.parametrize(
    "text",
    ["", "   ", "{", "[]", "[1]", "null", '"x"', "[" * 100_000, '[{"status": "error"}]', status()[:60]],
)
def test_what_is_no_status_is_said_to_be_broken(text: str):
    found = parse_status(SOURCE, text)
    assert isinstance(found, BrokenState)
    assert found.problem


def test_handler_status():
    text = json.dumps({"name": "Pub.Type", "version": "1.0", "status": "NotReady", "code": 1007, "message": "m"})
    found = parse_handler_status(SOURCE, text)
    assert isinstance(found, HandlerStatus)
    assert (found.extension, found.status, found.code) == ("Pub.Type", "NotReady", 1007)
    assert isinstance(parse_handler_status(SOURCE, "Ready"), BrokenState)


def test_the_summary_of_all_handlers():
    row = {
        "handlerName": "Pub.Type",
        "handlerVersion": "1.0",
        "status": "Ready",
        "code": 0,
        "formattedMessage": {"message": "on"},
    }
    row["runtimeSettingsStatus"] = {"sequenceNumber": 4, "settingsStatus": json.loads(status())[0]}
    text = json.dumps({"aggregateStatus": {"handlerAggregateStatus": [row, "x"]}})
    handler, extension = parse_aggregate(SOURCE, text)
    assert isinstance(handler, HandlerStatus)
    assert isinstance(extension, StatusFile)
    assert (handler.status, extension.sequence, extension.source.extension) == ("Ready", 4, "Pub.Type")
    assert isinstance(parse_aggregate(SOURCE, text[:-9])[0], BrokenState)
    assert isinstance(parse_aggregate(SOURCE, "{}")[0], BrokenState)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "status",
                    "Status",
                    "formattedMessage",
                    "message",
                    "code",
                    "substatus",
                    "aggregateStatus",
                    "handlerAggregateStatus",
                    "runtimeSettingsStatus",
                    "settingsStatus",
                    "timestampUTC",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(document=JSON)
def test_no_json_makes_a_reader_raise(document):
    text = json.dumps(document)
    parse_status(SOURCE, text)
    parse_status(SOURCE, json.dumps([{"status": document}]))
    parse_handler_status(SOURCE, text)
    parse_aggregate(SOURCE, text)
    parse_aggregate(SOURCE, json.dumps({"aggregateStatus": {"handlerAggregateStatus": [document]}}))
