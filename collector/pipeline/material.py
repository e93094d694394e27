"""Gathers what the checks of practices need: bounded, and only of the extensions that are there."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from collector.data.practices import EVERY, MACHINE, practices, signs
from collector.diagnose.practices.material import Installed, Material, Operation, Settings, Text
from collector.discover.scan import Scan
from collector.discover.tree import Tree
from collector.extract.runs import version_key
from collector.extract.signals import Signal
from collector.model import Failure, Source, StatusFile, System, order
from collector.parse.stamps import iso_stamp
from collector.parse.status import parse_status
from collector.pipeline.log import AGENT_LOGS
from collector.pipeline.scripts import files_below, folder_of, scripts_in
from collector.pipeline.tails import tail
from collector.read.state import read_state

#: So many bytes of the end of an output, a handler's log and the agent's log are looked at.
_OUTPUT_BYTES, _LOG_BYTES, _AGENT_LOG_BYTES = 65_536, 131_072, 131_072
_STATE_BYTES, _MANIFEST_BYTES = 64, 262_144
_IN_LOG = frozenset({"log", "log-end"})
_BEGUN = r'(?m)^time=(\S+) [^\n]*event="executing command"'
_VERSION = r"<Version>(\d[\d.]*)</Version>"
_OPERATION_KINDS = frozenset({"settings", "status", "output", "handler-state", "handler-status", "log"})


def gather_material(
    root: Path, system: System, found: Scan, signals: Iterable[Signal], failures: Sequence[Failure]
) -> Material:
    """What lies on the disk below `root`, for `collector.diagnose.practices.check`."""
    tree = Tree(root, fold=system == "windows")
    groups = _groups(found.sources)
    spans = _spans(signals)
    failed = {failure.extension for failure in failures}
    operations = tuple(_operation(tree, group, spans) for group in groups)
    if not failures:
        return Material(system, operations, _installed(found.sources), closed=_closed(found), is_well=True)
    from collector.pipeline.surroundings import surroundings

    agent = [one for one in found.sources if one.format in AGENT_LOGS and one.extension is None and not one.problem]
    newest = max(agent, key=lambda one: (one.modified, one.size), default=None)
    text = tail(newest, "agent-log", _AGENT_LOG_BYTES) if newest is not None else None
    lacking = [group for group in groups if group.extension in failed]
    return Material(
        system,
        operations,
        _installed(found.sources),
        offered=_offered(tree, lacking) if system == "linux" else {},
        agent_logs=(text,) if text is not None else (),
        closed=_closed(found),
        machine=surroundings(tree, system, operations),
    )


# ---- operations ----------------------------------------------------------------------------------------


class _Group:
    """The sources of one configuration of an extension."""

    def __init__(self, extension: str, name: str | None) -> None:
        self.extension = extension
        self.name = name
        self.sources: list[Source] = []

    def of(self, kind: str) -> list[Source]:
        return [source for source in self.sources if source.kind == kind]

    @property
    def version(self) -> str | None:
        return max((source.version for source in self.sources if source.version), key=version_key, default=None)

    @property
    def sequences(self) -> list[int]:
        """Of the settings; where there are none, of the status files, then of the outputs."""
        for kind in ("settings", "status", "output"):
            numbers = sorted({one.sequence for one in self.of(kind) if one.sequence is not None})
            if numbers:
                return numbers
        return []

    def newest(self, kind: str, sequence: int | None) -> Source | None:
        """Of the highest version that has one for this sequence number."""
        fits = [one for one in self.of(kind) if one.sequence == sequence]
        return max(fits, key=lambda one: version_key(one.version), default=None)


def _groups(sources: Iterable[Source]) -> list[_Group]:
    groups: dict[tuple[str, str | None], _Group] = {}
    for source in sources:
        if source.extension and source.kind in _OPERATION_KINDS and source.problem is None:
            key = (source.extension, source.name)
            groups.setdefault(key, _Group(*key)).sources.append(source)
    named = {extension for extension, name in groups if name is not None}
    for extension in named:  # what is about the handler as a whole belongs to each of its configurations
        whole = groups.pop((extension, None), None)
        for key, group in groups.items():
            if whole is not None and key[0] == extension:
                group.sources += [one for one in whole.sources if one.kind != "output"]
    return list(groups.values())


def _operation(tree: Tree, group: _Group, spans: Mapping[object, tuple[datetime, datetime | None]]) -> Operation:
    sequences = group.sequences
    sequence = sequences[-1] if sequences else None
    kinds = {(one.kind, one.sequence) for one in group.sources if one.sequence is not None}
    earlier = sequence is not None and any(number < sequence for _, number in kinds if number is not None)
    settings = group.newest("settings", sequence)
    status = _status(group.newest("status", sequence))
    home = _home(group)
    folder = folder_of(tree, group.extension, home, group.name, sequence) if home else None
    files = files_below(tree, folder) if folder else ()
    is_well = status is not None and status.status == "success"
    is_special = group.extension.lower() in _special()
    log = _log(group) if is_special and (not is_well or group.extension.lower() in _always()) else None
    texts = [*_outputs(group, sequence), *_of_status(status)]
    if log is not None and (text := tail(log, "log", _LOG_BYTES)) is not None:
        texts.append(_since(text, sequence))
    span = spans.get((group.extension, group.name, sequence)) or spans.get((group.extension, None, sequence))
    span = span or _begun(texts[-1] if log is not None and texts else None)
    return Operation(
        extension=group.extension,
        version=group.version,
        name=group.name,
        sequence=sequence,
        earlier=earlier,
        settings=_settings(settings) if settings is not None and is_special else None,
        status=status,
        started=span[0] if span else None,
        ended=_end(span, status) if span else None,
        texts=tuple(texts),
        scripts=scripts_in(tree, folder, files) if folder else (),
        files=files,
        log_modified=log.modified if log is not None else 0.0,
    )


@cache
def _special() -> frozenset[str]:
    """Extensions with practices of their own: of the others neither settings nor logs are looked at."""
    named = {handler for row in practices().values() if row.checked == "instance" for handler in row.handlers}
    return frozenset(named - {EVERY, MACHINE})


@cache
def _always() -> frozenset[str]:
    """Those of whose logs something counts even where all ended well."""
    wanted = {
        name for name, rows in signs().items() for row in rows if row.when == "always" and _IN_LOG & {*row.places}
    }
    return frozenset(handler for name in wanted for handler in practices()[name].handlers if handler in _special())


def _home(group: _Group) -> str:
    """The folder of the newest version of a handler, by a file in one of its folders."""
    version = group.version
    for source in group.sources:
        if source.version == version and version and source.kind != "log" and source.path.count("/") >= 2:
            parts = source.path.split("/")
            place = next((n for n, part in enumerate(parts) if part == version or part.endswith(f"-{version}")), None)
            if place is not None:
                return "/".join(parts[: place + 1])
    folder = next((one.path.rpartition("/")[0] for one in group.of("output")), "")
    return f"{folder.split('/custom-script/')[0].split('/run-command')[0]}/-" if folder else ""


def _settings(source: Source) -> Settings | None:
    """Only the public part is kept; the protected one stays as it is, encrypted and untouched."""
    try:
        document = json.loads(read_state(source)[0])
        handler = document["runtimeSettings"][0]["handlerSettings"]
        public = handler.get("publicSettings")
    except (ValueError, RecursionError, KeyError, IndexError, TypeError, AttributeError):
        return None
    if isinstance(public, str):  # some handlers get it as text
        try:
            public = json.loads(public)
        except (ValueError, RecursionError):
            return None
    if public is not None and not isinstance(public, dict):
        return None
    return Settings(source.path, public or {}, bool(handler.get("protectedSettings")))


def _status(source: Source | None) -> StatusFile | None:
    if source is None:
        return None
    status = parse_status(source, read_state(source)[0])
    return status if isinstance(status, StatusFile) else None


def _outputs(group: _Group, sequence: int | None) -> list[Text]:
    found = []
    for source in group.of("output"):
        if source.sequence == sequence:
            error = "stderr" in source.path.rsplit("/", 1)[-1].lower()
            text = tail(source, "stderr" if error else "stdout", _OUTPUT_BYTES)
            found += [text] if text is not None else []
    return found


def _of_status(status: StatusFile | None) -> list[Text]:
    """A status file's texts; of the outputs in it nothing tells how long they were."""
    if status is None:
        return []
    path, execution = status.source.path, status.execution or {}
    found = [Text(path, "status", status.message, 0)]
    for part in status.substatus:
        name = part.name.lower()
        place = "stderr" if "stderr" in name else "stdout" if "stdout" in name else "status"
        found.append(Text(path, place, part.message, 0))  # type: ignore[arg-type]
    found += [Text(path, "stderr", str(execution["error"]), 0)] if execution.get("error") else []
    return found + ([Text(path, "stdout", str(execution["output"]), 0)] if execution.get("output") else [])


def _log(group: _Group) -> Source | None:
    """The handler's own log that was written last."""
    own = [one for one in group.of("log") if one.format != "command-execution" and not one.path.endswith(".gz")]
    return max(own, key=lambda one: (version_key(one.version), one.modified, one.path), default=None)


def _since(text: Text, sequence: int | None) -> Text:
    """The log from where it first speaks of the newest sequence number; whole where it never does."""
    marks = rf"(?m)^.*(?:\bseq={sequence}\b|sequence number {sequence}\b)"
    found = re.search(marks, text.text) if sequence is not None else None
    if found is None or found.start() == 0:
        return text
    first = text.first_line + text.text.count("\n", 0, found.start()) if text.first_line else 0
    return Text(text.path, text.place, text.text[found.start() :], first, text.size)


# ---- times ---------------------------------------------------------------------------------------------


def _spans(signals: Iterable[Signal]) -> dict[object, tuple[datetime, datetime | None]]:
    """The last beginning of each operation and the end that the same file tells; of what a handler tells itself
    where it does, else of what the agent does: a handler that forks ends for the agent at once."""
    by_agent: dict[object, tuple[datetime, datetime | None]] = {}
    own: dict[object, tuple[datetime, datetime | None]] = {}
    opened: dict[tuple[object, str], datetime] = {}
    timed = [signal for signal in signals if signal.time is not None and signal.operation in (None, "Enable")]
    for signal in sorted(timed, key=lambda one: order(one.time)):
        key = (signal.extension, signal.name, signal.sequence)
        spans = by_agent if signal.by_agent else own
        if signal.kind == "start" and signal.time is not None:
            begin = opened.setdefault((key, signal.path), signal.time)
            spans[key] = (begin, None)
        elif signal.kind in ("end", "failure") and (key, signal.path) in opened:
            spans[key] = (opened.pop((key, signal.path)), signal.time)
    return {**by_agent, **own}


def _begun(log: Text | None) -> tuple[datetime, datetime | None] | None:
    """The beginning that a handler's log tells, where it lies before what was read of it."""
    found = re.findall(_BEGUN, log.text) if log is not None and log.place == "log" else []
    stamp = iso_stamp(found[-1]) if found else None
    return (stamp.moment, None) if stamp is not None and stamp.moment.tzinfo else None


def _end(span: tuple[datetime, datetime | None], status: StatusFile | None) -> datetime | None:
    if span[1] is not None or status is None or status.status == "transitioning":
        return span[1]
    return status.time if status.time is not None and order(status.time) >= order(span[0]) else None


def _installed(sources: Iterable[Source]) -> tuple[Installed, ...]:
    """The versions of extensions, and their states where several versions or types can be in each other's way."""
    states = [one for one in sources if one.kind == "handler-state" and one.problem is None and one.extension]
    versions = Counter(one.extension for one in states)
    found = []
    for one in states:
        extension = one.extension or ""
        matters = versions[extension] > 1 or "customscript" in extension.lower()
        word = read_state(one, _STATE_BYTES)[0].strip() if matters else ""
        found.append(Installed(extension, one.version or "", word))
    return tuple(found)


def _closed(found: Scan) -> tuple[str, ...]:
    sources = [one.path for one in found.sources if one.problem == "denied"]
    return (*sources, *(entry.path for entry in found.unfound if entry.outcome == "denied"))


def _offered(tree: Tree, groups: Iterable[_Group]) -> dict[str, tuple[str, ...]]:
    """The versions in the manifests that the agent keeps of extensions."""
    found: dict[str, tuple[str, ...]] = {}
    for group in groups:
        lib = _home(group).rpartition("/")[0]
        for path in tree.glob(f"{lib}/{group.extension}.*manifest.xml") if lib else ():
            data = tree.read(path, _MANIFEST_BYTES) or b""
            versions = re.findall(_VERSION, data.decode("utf-8", "replace"))
            key = group.extension.lower()
            found[key] = (*found.get(key, ()), *versions)
    return found
