"""Windows' event logs: a program in wevtutil's place is asked, and what it answers is read as a log."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from collector.data.event_channels import LOGS, EventChannel, event_channels
from collector.data.strict import is_source
from collector.discover.scan import Scan
from collector.extract.signals import of_record
from collector.model import LedgerEntry, Source, Window
from collector.pipeline.event_logs import MOST_EVENTS, query, with_event_logs
from collector.pipeline.ledger import verdict_of
from collector.pipeline.log import Log, Wanted
from collector.pipeline.system_log import system_events
from collector.platforms.windows import WindowsHost
from tests.parse.test_windows_event import event

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
PLUGINS = f"{LOGS}/Microsoft-WindowsAzure-Status%4Plugins.evtx"
SYSTEM, APPLICATION = f"{LOGS}/System.evtx", f"{LOGS}/Application.evtx"
#: Answers as Windows' program does; what it was asked for stands in a file beside it.
STAND_IN = """
import pathlib, sys, time
here = pathlib.Path(__file__).parent
with (here / "asked.txt").open("a", encoding="utf-8") as file:
    file.write("\\t".join(sys.argv[1:]) + "\\n")
name = sys.argv[2].replace("/", "%4")
answer, code = here / f"{name}.xml", here / f"{name}.code"
if answer.exists():
    sys.stdout.buffer.write(answer.read_bytes())
    sys.stdout.buffer.flush()
sys.exit(int(code.read_text()) if code.exists() else 0)
"""


@dataclass
class Machine(WindowsHost):
    """A Windows machine whose drive C is a folder."""

    disk: Path
    wevtutil: tuple[str, ...] = ()

    def root(self) -> Path:
        return self.disk


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    program = tmp_path / "program" / "wevtutil.py"
    program.parent.mkdir()
    program.write_text(STAND_IN, encoding="utf-8")
    return Machine(tmp_path / "disk", (sys.executable, str(program)))


def there(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"ElfFile\0")


def answers(machine: Machine, channel: str, xml: str = "", code: int = 0, encoding: str = "utf-16-le") -> None:
    there(machine.disk, f"{LOGS}/{channel.replace('/', '%4')}.evtx")
    folder, name = Path(machine.wevtutil[1]).parent, channel.replace("/", "%4")
    (folder / f"{name}.xml").write_bytes(xml.encode(encoding))
    (folder / f"{name}.code").write_text(str(code))


def asked(machine: Machine) -> list[list[str]]:
    file = Path(machine.wevtutil[1]).parent / "asked.txt"
    return [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def found(machine: Machine, window: Window | None = None, root: Path | None = None) -> Scan:
    return with_event_logs(Scan((), ()), root or machine.disk, window, NOW, host=machine)


def entries(scan: Scan) -> Mapping[str, tuple[str, str]]:
    return {entry.path: (entry.outcome, entry.note) for entry in scan.unfound}


def messages(source: Source) -> list[str]:
    return [record.message for record in Log(source, None, Wanted(), 10**8)]


def test_the_newest_events_become_a_log_with_the_oldest_first(machine: Machine):
    answers(machine, "Microsoft-WindowsAzure-Status/Plugins", event("zwei größer") + event("one\r\nmore"))
    (source,) = found(machine).sources
    assert (source.path, source.kind, source.format) == (PLUGINS, "log", "windows-event")
    assert messages(source) == ["one\nmore", "zwei größer"]
    log = Log(source, None, Wanted(), 10**8)
    assert [record.time for record in log] == [datetime(2026, 5, 4, 3, 12, 25, 123456, tzinfo=timezone.utc)] * 2
    assert (log.reader.outcome, log.reader.note) == ("read", "asked of Windows: 2 events since 2026-04-27T12:00:00Z")


def test_what_is_asked_for_is_bounded(machine: Machine):
    answers(machine, "Microsoft-WindowsAzure-Status/Plugins")
    answers(machine, "System")
    found(machine)
    first, second = asked(machine)
    since = "TimeCreated[@SystemTime>='2026-04-27T12:00:00.000Z']"
    assert first == [
        "qe",
        "Microsoft-WindowsAzure-Status/Plugins",
        f"/q:*[System[{since}]]",
        f"/c:{MOST_EVENTS}",
        "/rd:true",
        "/f:RenderedXml",
        "/uni:true",
    ]
    assert second[2].startswith("/q:*[System[Provider[@Name='Service Control Manager'] and (EventID=7000 or ")
    assert second[2].endswith(f" and {since}]]")


def test_a_window_that_was_asked_for(machine: Machine):
    answers(machine, "Microsoft-WindowsAzure-Status/Plugins")
    found(machine, Window(NOW - timedelta(hours=1), NOW, "asked for"))
    assert asked(machine)[0][2] == (
        "/q:*[System[TimeCreated[@SystemTime>='2026-05-04T09:00:00.000Z' and @SystemTime<='2026-05-04T12:00:00.000Z']]]"
    )


def test_a_window_at_the_calendars_end():
    channel = EventChannel("C", "", "", "", "x")
    assert "0001-01-01T00:00:00.000Z" in query(channel, datetime.min.replace(tzinfo=timezone.utc), None)


def test_only_what_tells_of_the_agent_is_kept_of_the_logs_of_the_whole_machine(machine: Machine):
    agent = "The Windows Azure Guest Agent service terminated unexpectedly."
    answers(machine, "System", event("The Print Spooler service stopped.") + event(agent))
    answers(machine, "Application", event("Faulting application name: other.exe"))
    application, system = found(machine).sources
    assert messages(system) == [agent]
    assert messages(application) == []


def test_where_nothing_tells_of_the_agent_the_machine_is_not_called_healthy(machine: Machine):
    answers(machine, "System", event("The RdAgent service entered the stopped state."))
    (source,) = found(machine).sources
    entry = LedgerEntry(source.path, "log", "read", format=source.format)
    assert verdict_of((), [entry]) == "nothing-found"


@pytest.mark.parametrize(
    ("code", "outcome", "note"),
    [
        (15_007, "missing", "this machine has no such event log"),
        (5, "denied", "no permission to read the event log"),
        (87, "denied", "the event log was not read: Windows' program for it ended with 87"),
    ],
)
@pytest.mark.skipif(sys.platform != "win32", reason="exit codes of more than eight bits")
def test_what_windows_refuses(machine: Machine, code: int, outcome: str, note: str):
    answers(machine, "System", code=code)
    assert entries(found(machine))[SYSTEM] == (outcome, note)


def test_a_log_that_may_not_be_read(machine: Machine):
    answers(machine, "System", code=5)
    answers(machine, "Application", event("WindowsAzureGuestAgent.exe"))
    scan = found(machine)
    assert entries(scan)[SYSTEM] == ("denied", "no permission to read the event log")
    assert [source.path for source in scan.sources] == [APPLICATION]


def test_without_windows_program(machine: Machine):
    there(machine.disk, SYSTEM)
    machine.wevtutil = ("no-such-program-anywhere",)
    assert entries(found(machine))[SYSTEM] == ("denied", "Windows' program for event logs can't be started")


def test_logs_that_are_not_there_are_not_asked_for(machine: Machine):
    answers(machine, "Application")
    told = entries(found(machine))
    assert told[PLUGINS] == ("missing", "this machine has no such event log")
    assert [one[1] for one in asked(machine)] == ["Application"]


def test_a_machine_without_event_logs(machine: Machine):
    machine.disk.mkdir()
    assert list(entries(found(machine)).items()) == [
        (f"{LOGS}/*.evtx", ("missing", "no event log of the table lies there"))
    ]


def test_the_event_logs_of_a_mounted_disk_are_not_read_and_said_to_be_there(machine: Machine, tmp_path: Path):
    there(tmp_path / "mounted", PLUGINS)
    answers(machine, "System", event("RdAgent"))
    scan = found(machine, root=tmp_path / "mounted")
    assert scan.sources == ()
    assert entries(scan)[PLUGINS][0] == "skipped"
    assert "running machine alone" in entries(scan)[PLUGINS][1]
    assert asked(machine) == []


def test_more_events_than_are_asked_for_count_as_cut(machine: Machine):
    answers(machine, "Microsoft-WindowsAzure-Status/Plugins", event("x") * MOST_EVENTS)
    (source,) = found(machine).sources
    log = Log(source, None, Wanted(), 10**8)
    assert len(list(log)) == MOST_EVENTS
    assert log.reader.outcome == "truncated"
    assert f"only the newest {MOST_EVENTS}" in log.reader.note


def test_broken_events_are_counted(machine: Machine):
    answers(machine, "Microsoft-WindowsAzure-Status/Plugins", event("x") + event("<b>"))
    (source,) = found(machine).sources
    assert source.remains is not None
    assert source.remains.note.endswith("1 could not be read")


def test_logs_that_come_after_a_slow_one_are_not_asked(machine: Machine):
    answers(machine, "System", event("RdAgent"))
    times = iter([0.0, 31.0])
    scan = with_event_logs(Scan((), ()), machine.disk, None, NOW, host=machine, clock=lambda: next(times))
    assert entries(scan)[SYSTEM][0] == "truncated"
    assert asked(machine) == []


def test_an_error_about_an_extension_is_a_failure(machine: Machine):
    told = "Exception processing extension Microsoft.Compute.CustomScriptExtension. Extension Processing reported to be failed."
    answers(machine, "Microsoft-WindowsAzure-Status/Plugins", event(told))
    (source,) = found(machine).sources
    (record,) = Log(source, None, Wanted(), 10**8)
    (signal,) = of_record(record)
    assert (signal.kind, signal.extension, signal.by_agent) == (
        "failure",
        "Microsoft.Compute.CustomScriptExtension",
        True,
    )


def test_every_row_names_its_source_and_makes_a_query():
    for channel in event_channels():
        assert is_source(channel.source), channel
        text = query(channel, NOW, None)
        assert text.count("[") == text.count("]"), text
        assert text.count("(") == text.count(")"), text


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        # of Service Control Manager and of Application Error
        ("The RdAgent service entered the stopped state.", "agent-stop"),
        ("Faulting application name: WaAppAgent.exe, version: 2.7", "agent-stop"),
        ("The RdAgent service entered the running state.", "agent-start"),
        (
            'Dienst "Windows Azure Guest Agent" wurde unerwartet beendet. Dies ist bereits 1 Mal vorgekommen.',
            "agent-stop",
        ),
        ("A timeout was reached while waiting for the Windows Azure Guest Agent service to connect.", None),
    ],
)
def test_the_end_of_the_agent_is_an_event_of_the_machine(machine: Machine, message: str, kind: str | None):
    channel = "Application" if message.startswith("Faulting") else "System"
    number = 7031 if "unerwartet" in message else 7036
    answers(machine, channel, event(message, provider="Service Control Manager", number=number))
    sources = found(machine).sources
    window = Window(
        datetime(2026, 5, 4, 3, 10, tzinfo=timezone.utc), datetime(2026, 5, 4, 3, 15, tzinfo=timezone.utc), ""
    )
    told = system_events(machine.disk, "windows", window, None, live=True, now=NOW, asked=sources)
    assert [(one.kind, one.path, one.line) for one in told.events] == (
        [(kind, f"{LOGS}/{channel}.evtx", 1)] if kind else []
    )
    before = Window(window.start, window.start, "")
    assert not system_events(machine.disk, "windows", before, None, live=True, now=NOW, asked=sources).events
