"""What ``vmext explain`` prints for people: values to lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from collector.bundle import words
from collector.bundle.console import wrap
from collector.diagnose.arm.values import Explained
from collector.model import Cause

_LABEL, _MOST_LINES, _MOST_CAUSES, _WIDEST = 9, 14, 6, 600
_ONLY_WRAPS = ", which only says that something inside failed"
NOTHING = (
    "Nothing is known of this text: it holds no error of the platform and no line that vmext knows.",
    "",
    "What would help:",
    "  the whole error as JSON (portal: the operation in the activity log, then JSON; az: --debug or -o json)",
    "  the extension's name, with an exit code: vmext explain 56 --extension AzureMonitorLinuxAgent",
    "  the logs themselves: vmext collect on the instance",
)


def page(errors: Iterable[Explained]) -> Iterator[str]:
    """Every error, the innermost first; then what only wraps them, in one line."""
    told = list(errors)
    inner = [one for one in told if one.error.kind != "wrapper"]
    wrappers = [one for one in told if one.error.kind == "wrapper"]
    shown = inner or wrappers[:1]
    if not shown:
        yield from NOTHING
    for number, one in enumerate(shown, start=1):
        if number > 1:
            yield ""
        yield from _error(one, f"{number} of {len(shown)}: " if len(shown) > 1 else "", last=number == len(shown))
    if inner and wrappers:
        yield from _row("Within", " > ".join(one.error.code for one in reversed(wrappers)) + _ONLY_WRAPS)


def _error(told: Explained, number: str, *, last: bool) -> Iterator[str]:
    """One error; what to do about the whole set is told once, with the last."""
    error = told.error
    colour = {"hang": "yellow", "success": "green", "code": "cyan", "line": "cyan"}.get(error.kind, "red")
    yield click.style(clean(f"{number}{_subject(told)}"), fg=colour, bold=True)
    if error.kind != "success":
        yield from _row("Owner", words.OWNERS[told.owner])
    where = _where(told)
    if where:
        yield from _row("Where", where)
    if error.first_time and error.last_time:
        yield from _row("When", words.period(error.first_time, error.last_time))
    yield from _message(told)
    if told.causes:
        yield from _row("Cause", words.SURENESS[told.confidence] + told.meaning)
    else:
        yield from _row("Means", told.meaning)
    for cause in [one for one in told.causes if one.meaning != told.meaning][: _MOST_CAUSES - 1]:
        yield from _row("or", _other(cause))
    if told.platform:
        yield from _row("Platform", told.platform)
    yield from _row("Do", told.remedy)
    for step in told.do:
        yield f"{'':{_LABEL}}{clean(step)}"
    if told.dont:
        yield from _row("Don't", told.dont)
    for position, note in enumerate(told.notes):
        yield from _row("Note" if position == 0 else "", note)
    for position, step in enumerate(told.next_steps if last else told.next_steps[:1]):
        yield _line("Next" if position == 0 else "", step)
    if told.documentation:
        yield _line("Source", told.documentation)


def _subject(told: Explained) -> str:
    """``VMExtensionProvisioningError: bootstrap-web exit 3: the script ended with this code``."""
    error = told.error
    what = [error.extension or (words.short(error.handler) if error.kind == "code" else "")]
    if error.inner.exit_code is not None:
        what.append(f"exit {_number(error.inner.exit_code)}")
    elif error.kind == "code" and error.agent_code is not None:
        what.append(f"code {error.agent_code}")
    elif error.inner.operation:
        what.append(error.inner.operation)
    parts = [error.code, " ".join(part for part in what if part), told.title]
    return ": ".join(dict.fromkeys(part for part in parts if part))


def _number(code: int) -> str:
    """Installer codes are known by their decimal form, those of 32 bits by both."""
    return str(code) if 0 <= code <= 0xFFFF else words.code(code)


def _where(told: Explained) -> str:
    place, handler = told.error.place, told.error.handler
    parts = [handler + (f" {told.error.version}" if told.error.version else "")] if handler else []
    if told.error.inner.operation:
        parts.append(told.error.inner.operation)
    if place.scale_set:
        parts.append(f"scale set {place.scale_set}" + (f" instance {place.instance_id}" if place.instance_id else ""))
    if place.vm:
        parts.append(f"VM {place.vm}")
    if place.resource_group:
        parts.append(f"resource group {place.resource_group}")
    return ", ".join(parts)


def _message(told: Explained) -> Iterator[str]:
    """What was said last; the JSON has all of it."""
    inner = told.error.inner
    lines = _telling(inner.message)
    if told.error.kind in ("wrapper", "success", "code") or not lines:
        return
    for position, line in enumerate(lines[:_MOST_LINES]):
        shown = line if len(line) <= _WIDEST else line[:_WIDEST] + " ..."
        yield _line("Said" if position == 0 else "", shown)
    more = len(_telling(inner.text)) - len(lines[:_MOST_LINES])
    if more > 0:
        yield _line("", f"({words.plural(more, 'more line')}: --format json)")


def _telling(text: str) -> list[str]:
    """Lines that say something: no empty ones, no marks of blocks."""
    lines = (line.strip() for line in text.split("\n"))
    return [line for line in lines if any(map(str.isalnum, line)) and line not in ("[stdout]", "[stderr]")]


def _other(cause: Cause) -> str:
    title = "" if cause.meaning.startswith(cause.title.removesuffix(" ...")) else f"{cause.title}: "
    return f"{words.SURENESS[cause.confidence]}{title}{cause.meaning}"


def _row(label: str, text: str) -> Iterator[str]:
    for position, line in enumerate(wrap(clean(text), _LABEL)):
        yield _line(label if position == 0 else "", line)


def _line(label: str, text: str) -> str:
    return click.style(f"{label:<{_LABEL}}", bold=True) + clean(text)


def clean(text: str) -> str:
    """The text comes from elsewhere: nothing in it may steer this terminal."""
    return "".join(sign if sign.isprintable() or sign == "\t" else f"\\x{ord(sign):02x}" for sign in text)
