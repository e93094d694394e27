"""What came of the checks of documented practices: for the verdict and for report.html. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from collector.bundle import words
from collector.bundle.console import cut
from collector.bundle.html import esc, table, tag
from collector.model import Practice, PracticeState, System

STATES: dict[PracticeState, str] = {
    "violated": "violated",
    "pass": "kept",
    "unknown": "can't be told",
    "not-applicable": "not applicable",
}
#: Of a detail so many characters are told in the verdict.
_MOST_IN_JSON, _SHORT = 10, 90


def violated(practices: Iterable[Practice]) -> list[Practice]:
    """The order is that of the report: those of the extensions that failed come first."""
    return [practice for practice in practices if practice.state == "violated"]


def in_short(practice: Practice, beside: str | None) -> str:
    """``CustomScript: it restarts the machine in the middle of the run: reboot (setup.sh:3)``; the extension that
    is told of anyway, `beside`, is not named again."""
    who = f"{words.short(practice.extension)}: " if practice.extension and practice.extension != beside else ""
    name = practice.path.rpartition("/")[2]
    place = f" ({name}:{practice.line})" if practice.line else f" ({name})" if name else ""
    return f"{who}{cut(practice.detail, _SHORT)}{place}"


def in_json(practices: Iterable[Practice]) -> list[dict[str, Any]]:
    """The violated ones for the verdict's JSON; practices.json has all of them, with remedies."""
    return [
        {"id": one.id, "extension": one.extension, "detail": one.detail, "path": one.path, "line": one.line}
        for one in violated(practices)[:_MOST_IN_JSON]
    ]


def section(practices: Sequence[Practice], system: System) -> str:
    """Those that are violated in full, the others in a table that is folded away."""
    if not practices:
        return ""
    bad = "".join(_card(practice, system) for practice in violated(practices))
    rest = [practice for practice in practices if practice.state != "violated"]
    good = "" if bad else tag("p", "No practice is violated, as far as this disk can tell.", class_="soft")
    return bad + (tag("div", good, _folded(rest), class_="card") if rest else "")


def _card(practice: Practice, system: System) -> str:
    who = f"{words.short(practice.extension)}: " if practice.extension else "The machine: "
    title = tag("div", tag("span", "violated", class_="badge"), tag("h3", esc(who + practice.title)), class_="top")
    place = ""
    if practice.path:
        line = f":{practice.line}" if practice.line else ""
        place = tag("p", tag("code", esc(words.native(practice.path, system) + line)), class_="soft")
    remedy = tag("p", tag("strong", "Do: "), esc(practice.remedy)) if practice.remedy else ""
    source = tag("p", esc(f"From: {practice.documentation}"), class_="soft") if practice.documentation else ""
    detail = tag("p", esc(f"{practice.detail}."))
    return tag("article", title, detail, place, remedy, source, class_="card warning")


def counted(practices: Iterable[Practice]) -> str:
    """How many are violated, kept, and so on."""
    counts = Counter(practice.state for practice in practices)
    return ", ".join(f"{counts[state]} {word}" for state, word in STATES.items() if counts[state])


def _folded(rest: Sequence[Practice]) -> str:
    told = counted(rest)
    rows = [
        (
            tag("span", esc(STATES[one.state]), class_=f"badge {'healthy' if one.state == 'pass' else 'plain'}"),
            esc(words.short(one.extension) if one.extension else "the machine"),
            esc(one.title),
            esc(one.detail),
        )
        for one in sorted(rest, key=lambda one: list(STATES).index(one.state))
    ]
    shown = table("What else was held against this disk", ("Result", "Of", "Practice", "Why"), rows)
    return tag("details", tag("summary", esc(told)), shown)
