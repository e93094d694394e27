"""Each format: stamp and zone rule, level, what it takes off the line, and where a record ends."""

from __future__ import annotations

import base64
import zlib
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from collector.model import WIDEST, Line
from collector.parse.registry import bounds_of, detect
from tests.parse.making import records, source, utc

TOKYO = ZoneInfo("Asia/Tokyo")

# format, line, zone -> time, level, message, extension
TABLE = [
    ("waagent", "2024-02-09T09:29:08.943529Z ERROR ExtHandler [Pub.Type-1.2.3] msg", None, utc(2024, 2, 9, 9, 29, 8, 943529), "ERROR", "msg", "Pub.Type"),
    ("waagent", "2024-02-09T09:29:08.943529Z INFO ExtHandler ExtHandler msg", None, utc(2024, 2, 9, 9, 29, 8, 943529), "INFO", "msg", None),
    ("waagent", "2019-12-09T09:29:08.943529Z WARNING Daemon msg", None, utc(2019, 12, 9, 9, 29, 8, 943529), "WARNING", "msg", None),
    ("waagent", "2018/02/21 08:01:21.912345 INFO ExtHandler msg", TOKYO, utc(2018, 2, 20, 23, 1, 21, 912345), "INFO", "msg", None),
    ("waagent", "2018/02/21 08:01:21.912345 INFO [Pub.Type-1.0] msg", None, datetime(2018, 2, 21, 8, 1, 21, 912345), "INFO", "msg", "Pub.Type"),
    ("waagent", "2018/02/21 08:01:21.912345 VERBOSE msg", None, datetime(2018, 2, 21, 8, 1, 21, 912345), "DEBUG", "msg", None),
    ("python-extension", "2021/09/23 05:28:23 [Pub.Type-3.0.135] msg", TOKYO, utc(2021, 9, 22, 20, 28, 23), "", "msg", "Pub.Type"),
    ("python-extension", "2021/09/23 05:28:23 ERROR:msg", None, datetime(2021, 9, 23, 5, 28, 23), "ERROR", "msg", None),
    ("python-extension", "2021/09/23 05:28:23 ERROR: msg", None, datetime(2021, 9, 23, 5, 28, 23), "ERROR", "msg", None),
    ("python-extension", "2021/09/23 05:28:23 WARNING:msg", None, datetime(2021, 9, 23, 5, 28, 23), "WARNING", "msg", None),
    ("vmbackup", "2021-11-23 08:17:44.123456 [Pub.Type-1.0.9] msg", TOKYO, utc(2021, 11, 23, 8, 17, 44, 123456), "", "msg", "Pub.Type"),
    ("logfmt", 'time=2023-10-23T16:30:26+05:30 version=v1 operation=enable seq=0 event="failed to handle" error="a b"', None, utc(2023, 10, 23, 11, 0, 26), "ERROR", "failed to handle: a b", None),
    ("logfmt", 'time=2023-10-23T16:30:26Z operation=enable seq=0 event="failed to execute command" error=null', None, utc(2023, 10, 23, 16, 30, 26), "ERROR", "failed to execute command", None),
    ("logfmt", 'time=2023-10-23T16:30:26Z operation=install event="migrate to mrseq" error="none"', None, utc(2023, 10, 23, 16, 30, 26), "INFO", "migrate to mrseq: none", None),
    ("slog", 'time=2026-08-14T07:03:11.204Z level=WARN operation=enable seq=1 event="x y"', None, utc(2026, 8, 14, 7, 3, 11, 204000), "WARNING", "x y", None),
    ("windows-event", "2026-05-04T03:12:25.1234567Z [ERROR] Windows Azure Guest Agent 9: msg", TOKYO, utc(2026, 5, 4, 3, 12, 25, 123456), "ERROR", "msg", None),
    ("windows-event", "2026-05-04T03:12:25Z [CRITICAL] .NET Runtime 1026: msg: 3", None, utc(2026, 5, 4, 3, 12, 25), "ERROR", "msg: 3", None),
    ("go-platform", "Error 2024/05/14 09:12:07 msg", TOKYO, utc(2024, 5, 14, 9, 12, 7), "ERROR", "msg", None),
    ("logfmt", 'time="2023-10-23T16:30:26Z" level=error msg="no identity" error="x y"', None, utc(2023, 10, 23, 16, 30, 26), "ERROR", "no identity: x y", None),
    ("logfmt", 'time=2023-10-23T16:30:26+0530 version=v2.1.19/git@56a1e6f extensionName=Demo event=x', None, utc(2023, 10, 23, 11, 0, 26), "INFO", "x", None),
    ("logfmt", r'time=2023-10-23T16:30:26Z event="a\tb \u00e9 \x1b[1m\u0000\ud800 \"c\""', None, utc(2023, 10, 23, 16, 30, 26), "INFO", 'a\tb é \ufffd\ufffd "c"', None),
    ("python-extension", "2021/09/23 05:28:23 ERROR:[Pub.Type-3.0.135] msg", None, datetime(2021, 9, 23, 5, 28, 23), "ERROR", "msg", "Pub.Type"),
    ("waapp", "[00000006] [11/14/2019 05:52:13.44] [INFO]  msg", None, datetime(2019, 11, 14, 5, 52, 13, 440000), "INFO", "msg", None),
    ("waapp", "[11/14/2019 05:52:13.44] [ERROR] msg", None, datetime(2019, 11, 14, 5, 52, 13, 440000), "ERROR", "msg", None),
    ("waapp", "[00000010] 2021-01-12T16:35:45Z [ERROR] msg", None, utc(2021, 1, 12, 16, 35, 45), "ERROR", "msg", None),
    ("waapp", "[00000010] 2021-01-12T16:35:45.902Z [HEART] msg", None, utc(2021, 1, 12, 16, 35, 45, 902000), "INFO", "msg", None),
    ("windows-handler", "[4892+00000001] [03/04/2021 20:49:58.30] [INFO] msg", None, datetime(2021, 3, 4, 20, 49, 58, 300000), "INFO", "msg", None),
    ("domain-join", "2020-12-29T12:35:31.7449047Z\t[Error]:\tmsg", None, utc(2020, 12, 29, 12, 35, 31, 744904), "ERROR", "msg", None),
    ("dsc", "VERBOSE: [2019-02-19 06:52:17Z] [ERROR] msg", None, utc(2019, 2, 19, 6, 52, 17), "ERROR", "msg", None),
    ("dsc", "VERBOSE: [2015-10-21T08:03:08] msg", None, datetime(2015, 10, 21, 8, 3, 8), "", "msg", None),
    ("dsc", "WARNING: [2019-02-19 06:52:17Z] msg", None, utc(2019, 2, 19, 6, 52, 17), "WARNING", "msg", None),
    ("wad", "DiagnosticsPluginLauncher.exe Information: 0 : [4/16/2016 6:24:15 PM] msg", None, datetime(2016, 4, 16, 18, 24, 15), "INFO", "msg", None),
    ("msi", "[MSIXTN-HANDLER-0.9.0-beta]2017/07/05 23:24:30 ERROR: msg", None, datetime(2017, 7, 5, 23, 24, 30), "ERROR", "msg", None),
    ("iso", "2026-11-23T02:13:01.7712093+00:00: msg", None, utc(2026, 11, 23, 2, 13, 1, 771209), "", "msg", None),
    ("command-execution", "[2022-03-08T06:41:47.881Z] Executing: C:\\x\\enable.cmd", None, utc(2022, 3, 8, 6, 41, 47, 881000), "", "Executing: C:\\x\\enable.cmd", None),
    ("xml-events", '<Event time="2019-12-12T12:49:05.163Z" category="ERROR" source="GuestAgent">msg</Event>', None, utc(2019, 12, 12, 12, 49, 5, 163000), "ERROR", "msg", None),
    ("generic", "Mon foo 2021-01-12 16:35:45,123 ERROR msg", None, datetime(2021, 1, 12, 16, 35, 45, 123000), "ERROR", "Mon foo ERROR msg", None),
    ("waagent-old", "2016/08/04 10:16:36 ERROR:msg", TOKYO, utc(2016, 8, 4, 1, 16, 36), "ERROR", "msg", None),
    ("waagent-old", "2016/08/04 10:16:36 ERROR:Enable failed for Pub.Type-1.4.1.0", None, datetime(2016, 8, 4, 10, 16, 36), "ERROR", "Enable failed for Pub.Type-1.4.1.0", "Pub.Type"),
    ("generic", "Sun Nov 17 00:03:18 UTC 2019- msg", TOKYO, utc(2019, 11, 17, 0, 3, 18), "", "- msg", None),
    ("generic", "Sun Nov  7 12:03:18 AM JST 2021 msg", TOKYO, utc(2021, 11, 6, 15, 3, 18), "", "msg", None),
    ("generic", "01/12/2021 04:35:45 PM WARN msg", None, datetime(2021, 1, 12, 16, 35, 45), "WARNING", "WARN msg", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "line", "zone", "time", "level", "message", "extension"), TABLE, ids=range(len(TABLE))
)
def test_a_head_line(name, line, zone, time, level, message, extension):
    (record,) = records(line, name, zone)
    assert (record.time, record.level, record.message, record.extension) == (time, level, message, extension)
    assert record.raw == (line,)
    low, high = bounds_of(name, zone)(line) or (time, time)
    if time.tzinfo is not None:
        assert low == high == time
    else:
        assert (low + WIDEST, high - WIDEST) == (time.replace(tzinfo=timezone.utc),) * 2


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (row[0], row[1])
        for row in TABLE
        if row[0] not in ("iso", "generic", "vmbackup", "slog", "command-execution", "windows-event")
    ],
)
def test_a_file_of_unknown_form_is_recognised(name: str, line: str):
    found = detect(source(), [Line(1, "first line"), Line(2, line), Line(3, line)])
    assert found == {"windows-handler": "waapp", "waagent-old": "python-extension"}.get(name, name)


def test_a_record_holds_the_lines_up_to_the_next_head_of_its_own_form():
    text = (
        "2026-01-20T02:08:15.970762Z ERROR ExtHandler ExtHandler Event: name=Pub.Type, op=Install, message=[ExtensionOperationError] "
        "Non-zero exit code: 56, x\n[stdout]\n2026/01/20 10:08:13 [Pub.Type-1.5] Install,failed,56,locked\n"
        "time=2026-01-20T10:08:13Z event=x\n\n[stderr]\n, duration=0\n2026-01-20T02:08:16.083838Z INFO ExtHandler ExtHandler next"
    )
    first, second = records(text, "waagent")
    assert len(first.raw) == 7
    assert (first.extension, first.operation) == ("Pub.Type", "Install")
    assert "Install,failed,56,locked" in first.message
    assert (second.message, second.line) == ("next", 8)


def test_a_message_that_the_agent_compressed_is_decoded():
    packed = base64.b64encode(zlib.compress(b"[ExtensionError] Timeout(300): x enable")).decode()
    line = f"2019/11/12 20:36:37.772365 ERROR ExtHandler Event: name=Pub.Type, op=Enable, message={packed}, duration=0"
    (record,) = records(line, "waagent")
    assert record.message == "[ExtensionError] Timeout(300): x enable"
    assert record.fields["encoded"] == "zlib"
    assert packed in record.raw[0]


def test_a_message_that_only_looks_compressed_stays():
    line = "2019/11/12 20:36:37.772365 ERROR ExtHandler Event: name=P.T, op=Enable, message=eJyVjbEOgjAURfdAAAAAAAA, duration=0"
    assert records(line, "waagent")[0].message == "eJyVjbEOgjAURfdAAAAAAAA"


def test_wrapped_lines_of_dsc_are_joined():
    text = "VERBOSE: [2021-09-14 10:52:10Z] [ERROR] PowerShell DSC resource \nMSFT_SqlSetup  failed to execute Set-TargetResource functionality with error \nmessage: x\nVERBOSE: [2021-09-14 10:52:10Z] next"
    first, _ = records(text, "dsc")
    assert (
        first.message
        == "PowerShell DSC resource MSFT_SqlSetup  failed to execute Set-TargetResource functionality with error message: x"
    )


@pytest.mark.parametrize(
    "trace",
    [
        "Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\nModuleNotFoundError: No module named 'imp'",
        "   at Microsoft.X.Y(String z)\nat Other.Method()\nMethodAlone",
    ],
)
def test_a_trace_belongs_to_its_record(trace: str):
    first, second = records(
        f"[00000005] 2022-03-08T06:41:51Z [ERROR] boom\n{trace}\n[00000005] 2022-03-08T06:41:52Z [INFO] next",
        "waapp",
    )
    assert first.message == f"boom\n{trace}"
    assert second.message == "next"


def test_a_go_panic_is_a_record_of_its_own_with_its_stack():
    text = "time=2023-10-23T16:30:26Z event=start\npanic: runtime error: x\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:7\ntime=2023-10-23T16:30:27Z event=end"
    start, panic, end = records(text, "logfmt")
    assert (panic.level, panic.basis, panic.time) == ("ERROR", "inherited", start.time)
    assert len(panic.raw) == 5
    assert end.message == "end"


def test_lines_of_one_message_with_a_stamp_each_are_one_record():
    text = "2026/01/20 10:00:12 [Pub.Type-1.5] Output of command:\n2026/01/20 10:00:12 dpkg: error: locked\n2026/01/20 10:00:13 [Pub.Type-1.5] next"
    first, second = records(text, "python-extension")
    assert first.message == "Output of command:\ndpkg: error: locked"
    assert second.message == "next"


def test_escape_sequences_are_gone_from_the_message_and_stay_in_the_raw_line():
    (record,) = records("2024-02-09T09:29:08.9Z INFO ExtHandler ExtHandler \x1b[31mred\x1b[0m", "waagent")
    assert (record.message, "\x1b" in record.raw[0]) == ("red", True)
