"""The status of the resident agent for people, on one screen. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from collector.bundle.console import cut, cut_middle, wrap
from collector.model import moment_of

if TYPE_CHECKING:
    from collector.watch.standing import Standing

_INDENT = 10
_MOST_FOLLOWED, _MOST_INCIDENTS, _MOST_WARNINGS = 5, 5, 5
#: What stands in place of a problem as long as there is no bundle yet.
MAKING = "its bundle is being made"
_WIDTH = 88  # of what stands behind the names
_MODES = {"native": "woken by the system", "polling": "polling", "mixed": "partly polling"}
_PLATFORM = {"yes": "asked, none for this instance so far", "no": "nobody answers", "unknown": "not asked yet"}


def spoken(found: Standing) -> str:
    """The state in a sentence."""
    document = found.document or {}
    who = f"vmext watch {document['version']}" if document.get("version") else "vmext watch"
    pid = f" (pid {document['pid']})" if document.get("pid") else ""
    if found.state == "unknown":
        return f"the state folder {found.folder} may not be read by this user"
    if found.state == "running" and not document:
        return f"{who} is running and just starting; it has told nothing yet"
    if found.state == "running":
        return f"{who} is running{pid} since {_moment(document.get('since'))}"
    if found.state == "stale":
        return f"{who} hangs: the process is there{pid}, but has told nothing for {_span(found.age_seconds)}"
    if not document:
        return f"{who} is not running; nothing in {found.folder} tells that it ever did"
    return f"{who} is not running; what it told last, {_span(found.age_seconds)} ago, stands below"


def lines(found: Standing, service: tuple[str, str] | None = None) -> Iterator[str]:
    """The state first, then what the agent told last. `service`: state and start of the service, where Windows knows
    of one."""
    yield spoken(found)
    if service is not None:
        yield f"{'Service':<{_INDENT}}Windows: {service[0].replace('_', ' ')}, start {service[1]}"
    document = found.document
    if not document:
        return
    rows: Sequence[tuple[str, Iterator[str]]] = (
        ("Follows", _followed(document)),
        ("Spool", _spool(_part(document, "spool"))),
        ("Incidents", _incidents(document)),
        ("Own use", _use(_part(document, "use"))),
        ("Platform", _platform(document)),
        ("Settings", iter([f"{document.get('config_file', '')}; state {found.folder}"])),
        ("Warnings", _warnings(document)),
    )
    for name, texts in rows:
        for text in texts:
            yield f"{name:<{_INDENT}}{text}".rstrip()
            name = ""


def _followed(document: Mapping[str, Any]) -> Iterator[str]:
    totals = _part(document, "totals")
    mode = _MODES.get(str(document.get("mode")), "")
    yield f"{totals.get('followed', 0)} logs below {document.get('root')}, {mode}; {_size(totals.get('lag'))} behind"
    telling = [one for one in _rows(document, "followed") if one.get("problem") or one.get("lag")]
    for one in telling[:_MOST_FOLLOWED]:
        what = f"{_size(one.get('lag'))} behind" if one.get("lag") else ""
        what = "; ".join(part for part in (what, str(one.get("problem") or "")) if part)
        yield f"{cut_middle(str(one.get('path')), 60)}: {cut(what, 60)}"
    if len(telling) > _MOST_FOLLOWED:
        yield f"and {len(telling) - _MOST_FOLLOWED} more that lag or have a problem"


def _spool(spool: Mapping[str, Any]) -> Iterator[str]:
    if not spool.get("count"):
        yield "empty"
    else:
        many = "bundles wait" if spool["count"] != 1 else "bundle waits"
        yield f"{spool['count']} {many}, {_size(spool.get('bytes'))}, the oldest of {_moment(spool.get('oldest'))}"
    if spool.get("last_error"):
        yield from wrap(f"last error: {cut(str(spool['last_error']), 200)}", _INDENT)


def _incidents(document: Mapping[str, Any]) -> Iterator[str]:
    told = _rows(document, "incidents")
    if not told:
        yield "none so far"
    for one in told[:_MOST_INCIDENTS]:
        yield f"{_moment(one.get('time'))} {cut(str(one.get('title')), _WIDTH - 21)}"
        yield cut(f"  {_bundle(one)}", _WIDTH)


def _bundle(told: Mapping[str, Any]) -> str:
    """What came of an incident's bundle."""
    problem = str(told.get("problem") or "")
    if told.get("delivered"):
        return f"bundle {told.get('bundle')} delivered {_moment(told['delivered'])}"
    if told.get("bundle"):
        return f"bundle {told['bundle']} waits in the spool{': ' + problem if problem else ''}"
    return problem if problem == MAKING else f"no bundle{': ' + problem if problem else ''}"


def _use(use: Mapping[str, Any]) -> Iterator[str]:
    cpu = f"CPU {_number(use, 'cpu_percent'):.2g} % of a core since the start ({_number(use, 'cpu_seconds'):.1f} s"
    yield f"{cpu}, {_number(use, 'children_cpu_seconds'):.1f} s for collecting and sending)"
    rest = f"{use.get('open_files', 0)} open files, {use.get('watches', 0)} watches"
    yield f"memory {_size(use.get('resident_bytes'))}, {rest}"


def _platform(document: Mapping[str, Any]) -> Iterator[str]:
    answer = str(document.get("scheduled_events"))
    if answer in _PLATFORM:
        yield f"scheduled events: {_PLATFORM[answer]}"


def _warnings(document: Mapping[str, Any]) -> Iterator[str]:
    warnings = document.get("warnings")
    for warning in (warnings if isinstance(warnings, list) else [])[:_MOST_WARNINGS]:
        yield from wrap(cut(str(warning), 200), _INDENT)


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    return part if isinstance(part, Mapping) else {}


def _rows(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = document.get(name)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _number(part: Mapping[str, Any], name: str) -> float:
    value = part.get(name)
    return float(value) if isinstance(value, (int, float)) else 0.0


def _size(value: object) -> str:
    number = float(value) if isinstance(value, (int, float)) else 0.0
    for unit in ("bytes", "KB", "MB"):
        if number < 1_000:
            return f"{number:.0f} {unit}"
        number /= 1_000
    return f"{number:.1f} GB"


def _moment(value: object) -> str:
    """To the second."""
    moment = moment_of(value)
    return f"{moment:%Y-%m-%d %H:%M:%S}Z" if moment is not None else "an unknown time"


def _span(seconds: float | None) -> str:
    left = int(seconds or 0)
    if left < 120:
        return f"{left} s"
    return f"{left // 60} min" if left < 7_200 else f"{left // 3_600} h" if left < 172_800 else f"{left // 86_400} days"
