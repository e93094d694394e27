"""A machine whose logs and status files grow as a story tells, with all that notices it and a clock that can be set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from collector.extract.signals import Signal
from collector.model import Source
from collector.read.split import Chunk
from collector.read.tailing.piece import Piece
from collector.watch.bursts import Bursts
from collector.watch.incident import Incident, Incidents
from collector.watch.judging import Judge
from collector.watch.notices import StreamNotices
from collector.watch.states import States

START = datetime(2026, 5, 4, 3, 12, tzinfo=timezone.utc)
CSE = "Microsoft.Azure.Extensions.CustomScript"
AMA = "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent"
RUN = "Microsoft.CPlat.Core.RunCommandHandlerLinux"
AGENT_LOG = "var/log/waagent.log"
HANDLER_LOG = f"var/log/azure/{CSE}/handler.log"
#: Seconds of quiet after which the last record of a log counts as whole.
IDLE = 1.0


def piece(source: Source, offset: int, end: int, chunk: Chunk, *, final: bool = False) -> Piece:
    """What a tailer hands on."""
    return Piece(1, source, offset, end, chunk, "utf-8", final)


def pieces(source: Source, text: str | bytes, cuts: list[int] | None = None) -> list[Piece]:
    """A text in UTF-8 cut into pieces of whole lines. `cuts`: the lines of each piece."""
    lines = (text.encode() if isinstance(text, str) else text).splitlines(keepends=True)
    found: list[Piece] = []
    offset, number = 0, 1
    for count in cuts or [len(lines)]:
        data = b"".join(lines[number - 1 : number - 1 + count])
        chunk = Chunk(number, data, number + data.count(b"\n"))
        found.append(piece(source, offset, offset + len(data), chunk))
        offset, number = offset + len(data), number + count
    return found


@dataclass
class Instance:
    root: Path
    hang_seconds: float = 0.0
    bursts: Bursts | None = None
    scripts: Mapping[tuple[str, str | None, int | None], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.seconds = 0.0
        self.incidents: list[Incident] = []
        self.logs: dict[str, bytes] = {}
        self.zones: dict[str, timezone | None] = {}
        self.sources: dict[str, Source] = {}
        self.quiet: dict[str, float] = {}
        self.begin_to_watch()

    def begin_to_watch(self, state: Mapping[str, dict[str, object]] | None = None) -> None:
        """A new process, with what an older one left."""
        old = getattr(self, "streams", {})
        self.streams: dict[str, StreamNotices] = {}
        self.judge = Judge(
            "linux",
            hang_seconds=self.hang_seconds,
            bursts=self.bursts,
            carries_us=lambda run: self.scripts.get(run, False),
        )
        self.states = States()
        self.held = Incidents()
        if state:
            self.judge.load(state["judge"])
            self.states.load(state["states"])
            self.held.load(state["incidents"], self.seconds)
            for path, stream in old.items():  # what was not processed is read again
                self.streams[path] = StreamNotices(self.zones[path], stream.state)
                if rest := self.logs[path][stream.safe :]:
                    self.feed(path, stream.safe, rest)

    def left(self) -> dict[str, dict[str, object]]:
        """What goes through the state file."""
        state = {"judge": self.judge.dump(), "states": self.states.dump(), "incidents": self.held.dump()}
        loaded: dict[str, dict[str, object]] = json.loads(json.dumps(state))
        return loaded

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def stamp(self, back: float = 0.0) -> str:
        return (self.now - timedelta(seconds=back)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    # ---- what happens ----------------------------------------------------------------------------------

    def agent(self, message: str, extension: str | None = None, level: str = "INFO") -> None:
        whom = f"[{extension}-1.0.0]" if extension else "ExtHandler"
        self.log(AGENT_LOG, f"{self.stamp()} {level} ExtHandler {whom} {message}\n")

    def event(self, message: str, extension: str, operation: str = "Enable") -> None:
        self.agent(f"Event: name={extension}, op={operation}, message={message}, duration=0", level="ERROR")

    def handler(self, event: str, sequence: int = 3, extension: str = CSE, **more: str) -> None:
        rest = "".join(f' {key}="{value}"' for key, value in more.items())
        stamp = self.stamp().split(".")[0] + "Z"
        line = f'time={stamp} version=v2.1.19/git@0-clean operation=enable seq={sequence} event="{event}"{rest}\n'
        self.log(f"var/log/azure/{extension}/handler.log", line, extension)

    def log(self, path: str, text: str, extension: str | None = None, zone: timezone | None = timezone.utc) -> None:
        forms = {"waagent.log": "waagent", "handler.log": "logfmt", "CommandExecution.log": "command-execution"}
        form = forms.get(path.rsplit("/", 1)[-1], "auto")
        source = self.sources.setdefault(path, Source(path, self.root / path, "log", form, extension))
        source.file.parent.mkdir(parents=True, exist_ok=True)
        with source.file.open("ab") as file:
            file.write(text.encode())
        offset = len(self.logs.get(path, b""))
        self.logs[path] = self.logs.get(path, b"") + text.encode()
        self.zones.setdefault(path, zone)
        self.feed(path, offset, text.encode())

    def feed(self, path: str, offset: int, data: bytes) -> None:
        chunk = Chunk(offset + 1, data, offset + 1 + data.count(b"\n"))
        stream = self.streams.setdefault(path, StreamNotices(self.zones[path]))
        self.judged(stream.feed(piece(self.sources[path], offset, offset + len(data), chunk)))
        self.quiet[path] = self.seconds

    def status(
        self,
        state: str,
        message: str = "",
        sequence: int = 3,
        extension: str = CSE,
        name: str | None = None,
        back: float = 0.0,
        version: str = "1.0.0",
    ) -> None:
        told = {"operation": "Enable", "status": state, "formattedMessage": {"lang": "en", "message": message}}
        stamp = self.stamp(back).split(".")[0] + "Z"
        text = json.dumps([{"version": 1, "timestampUTC": stamp, "status": told}])
        file = f"{name}.{sequence}.status" if name else f"{sequence}.status"
        path = f"var/lib/waagent/{extension}-{version}/status/{file}"
        self.write(Source(path, self.root / path, "status", "", extension, version, name, sequence), text)

    def handler_status(self, status: str, code: int, message: str, extension: str = CSE) -> None:
        text = json.dumps({"name": extension, "version": "1.0.0", "status": status, "code": code, "message": message})
        path = f"var/lib/waagent/{extension}-1.0.0/config/HandlerStatus"
        self.write(Source(path, self.root / path, "handler-status", "", extension, "1.0.0"), text)

    def write(self, source: Source, text: str) -> None:
        """As writers do it: a temporary file, then a rename."""
        source.file.parent.mkdir(parents=True, exist_ok=True)
        temporary = source.file.with_suffix(".tmp")
        temporary.write_text(text)
        temporary.replace(source.file)
        self.sources[source.path] = replace(source, size=len(text))
        self.look()

    def look(self) -> None:
        self.states.see(self.sources.values())
        self.judge.know((source.extension, source.name) for source in self.sources.values() if source.extension)
        self.judged(self.states.look(None, self.seconds))

    def judged(self, signals: list[Signal]) -> None:
        told = self.judge.feed(signals, self.now)
        for notice in told.notices:
            self.held.add(notice, self.seconds)
        for key in told.withdrawn:
            self.held.withdraw(key)

    def passes(self, seconds: float, step: float = 0.5) -> Instance:
        end = self.seconds + seconds
        while self.seconds < end:
            self.seconds = min(end, self.seconds + step)
            for path, last in list(self.quiet.items()):
                if self.seconds - last >= IDLE and path in self.streams:
                    del self.quiet[path]
                    self.judged(self.streams[path].idle())
            if self.states.unsure:
                self.judged(self.states.look(self.states.unsure, self.seconds))
            for notice in self.judge.due(self.now):
                self.held.add(notice, self.seconds)
            for incident in self.held.due(self.seconds):
                self.incidents.append(incident)
                self.held.finished(incident)
        return self

    def told(self) -> list[tuple[str, str]]:
        """Kind and extensions of each incident so far."""
        return [(one.kind, " ".join(name.rsplit(".", 1)[-1] for name in one.extensions)) for one in self.incidents]
