"""The tables of report.html: what was read, and the machine. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from collector.bundle import words
from collector.bundle.html import definitions, esc, table, tag
from collector.model import LedgerEntry, ProcessFacts, Report, System, SystemFacts

_MOST_PROCESSES = 40


def states(report: Report) -> str:
    """The other extensions, those that are not well first."""
    rest = words.others(report)
    if not rest:
        return tag("p", "No other extension left a state.", class_="soft")
    rows = [
        (
            tag("strong", esc(words.label(state.extension, state.name))),
            esc(state.extension),
            esc(state.version or ""),
            tag(
                "span",
                esc(state.state),
                class_="badge healthy" if state.state.lower() in words.WELL else "badge warning",
            ),
        )
        for state in rest
    ]
    return table("The last known state of each", ("Extension", "Publisher and type", "Version", "State"), rows)


def ledger(entries: Sequence[LedgerEntry], system: System) -> str:
    """Every source considered: what was not read first; known places where nothing is, folded away."""
    gone = [entry for entry in entries if entry.outcome == "missing"]
    there = [entry for entry in entries if entry.outcome != "missing"]
    there.sort(key=lambda entry: entry.outcome in words.GOOD_OUTCOMES | words.NO_SOURCE)
    heads = ("Source", "Outcome", "Size", "Lines", "Records", "In the window", "Note")
    shown = table(words.gaps(entries, system), heads, [_row(entry, system) for entry in there])
    if not gone:
        return shown
    items = [tag("li", tag("code", esc(words.native(entry.path, system)))) for entry in gone]
    summary = tag("summary", f"{words.plural(len(gone), 'known place')} where nothing is")
    return shown + tag("details", summary, tag("ul", *items))


def _row(entry: LedgerEntry, system: System) -> tuple[str, ...]:
    tone = "plain" if entry.outcome in words.NO_SOURCE else "warning"
    tone = "healthy" if entry.outcome in words.GOOD_OUTCOMES else tone
    badge = tag("span", esc(entry.outcome), class_=f"badge {tone}")
    path = tag("code", esc(words.native(entry.path, system)))
    numbers = (entry.lines, *((entry.records, entry.records_in_window) if entry.kind == "log" else ("", "")))
    counted = [str(number) if entry.lines else "" for number in numbers]
    size = tag("span", words.size(max(entry.bytes_total, entry.bytes_read)), class_="nowrap")
    return (path, badge, size, *counted, esc("; ".join(part for part in (entry.note, entry.guarantee) if part)))


def machine(report: Report) -> str:
    """The machine while it was collected from."""
    facts = report.system
    if not facts.live:
        zone = f" Its time zone is {facts.time_zone}" if facts.time_zone else " Nothing on it tells its time zone"
        zone += f" ({facts.time_zone_note})." if facts.time_zone_note else "."
        return tag("p", esc("Collected from a mounted disk: there is no running machine to describe." + zone))
    used = _share(facts.memory_available_bytes, facts.memory_total_bytes)
    up = _age(report.created - facts.boot_time) if facts.boot_time and facts.boot_time.tzinfo else None
    overview = definitions(
        [
            ("Up for", up),
            ("Processors", facts.cpu_count),
            ("Load over 1, 5, 15 minutes", ", ".join(f"{load:.2f}" for load in facts.load)),
            ("Memory available", used),
            ("Time zone", " ".join(part for part in (facts.time_zone, _bracketed(facts.time_zone_note)) if part)),
        ]
    )
    return overview + _disks(facts) + _processes(facts)


def _disks(facts: SystemFacts) -> str:
    if not facts.disks:
        return ""
    rows = [
        (
            tag("code", esc(disk.mount)),
            _share(disk.free_bytes, disk.total_bytes),
            esc("" if disk.inodes_free is None else disk.inodes_free),
            esc(disk.options),
        )
        for disk in facts.disks
    ]
    return tag("h4", "Disks") + table("Free room on each", ("Mount", "Free", "Free inodes", "Options"), rows)


def _processes(facts: SystemFacts) -> str:
    if not facts.processes:
        return ""
    rows = [
        (
            str(process.pid),
            esc(process.name),
            esc(process.state),
            words.stamp(process.started) if process.started else "",
            f"{process.cpu_seconds:.0f} s",
            words.size(process.memory_bytes),
            tag("code", esc(process.command)) + _doing(process),
        )
        for process in facts.processes[:_MOST_PROCESSES]
    ]
    heads = ("PID", "Name", "State", "Started", "CPU", "Memory", "Command")
    return tag("h4", "Processes") + table("The guest agent's and the extensions' own", heads, rows)


def _doing(process: ProcessFacts) -> str:
    """What it waits for, and with which files open."""
    files = ", ".join(process.open_files)
    told = [f"waits for {process.waits_for}" if process.waits_for else "", f"has open: {files}" if files else ""]
    return "".join(tag("div", esc(text)) for text in told if text)


def _bracketed(text: str) -> str:
    return f"({text})" if text else ""


def _share(part: int | None, whole: int | None) -> str:
    if part is None or not whole:
        return "unknown"
    return f"{words.size(part)} of {words.size(whole)} ({100 * part // whole} %)"


def _age(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    days, hours = minutes // 1_440, minutes // 60 % 24
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min"
