"""report.html: one file that opens from disk, loads nothing and runs nothing. Pure."""

from __future__ import annotations

from collector.bundle import words
from collector.bundle.cards import card
from collector.bundle.checks import section
from collector.bundle.html import definitions, esc, tag
from collector.bundle.marked import anchors, sections
from collector.bundle.style import STYLE
from collector.bundle.tables import ledger, machine, states
from collector.model import Report

#: The browser refuses everything that is not in this file, whatever a log line says.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_MOST_FINDINGS = 50


def render(report: Report, bundle_id: str = "") -> str:
    """The whole page; every text of the report in it is escaped."""
    known = anchors(report.excerpts)
    cards = [card(finding, report, known) for finding in report.findings[:_MOST_FINDINGS]]
    more = len(report.findings) - len(cards)
    cards += [tag("p", f"{words.plural(more, 'more finding')} in findings.json")] if more else []
    excerpts = sections(report)
    body = [
        _header(report),
        "<main>",
        *_section(words.plural(len(report.findings), "finding"), "".join(cards)),
        *_section("The lines around it", excerpts),
        *_section("Checks of documented practices", section(report.practices, report.identity.system)),
        *_section("Other extensions" if report.findings else "Extensions", tag("div", states(report), class_="card")),
        *_section("What was read", tag("div", ledger(report.ledger, report.identity.system), class_="card")),
        *_section("The machine", tag("div", machine(report), class_="card")),
        "</main>",
        _footer(report, bundle_id),
    ]
    page = tag("html", _head(words.headline(report)), tag("body", *body, class_=report.verdict), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _head(title: str) -> str:
    return "".join(
        [
            '<head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{esc(_POLICY)}">',
            '<meta name="referrer" content="no-referrer">',
            tag("title", esc(title)),
            f"<style>{STYLE}</style></head>",
        ]
    )


def _section(title: str, content: str) -> list[str]:
    return [tag("section", tag("h2", esc(title)), content)] if content else []


def _header(report: Report) -> str:
    finding = words.head(report)
    badge = tag("span", words.VERDICTS[report.verdict], class_="badge")
    text = words.headline(report).removeprefix(f"VMEXT {words.VERDICTS[report.verdict]} ")
    facts: list[tuple[str, object]] = [("Whose it is", words.OWNERS[finding.owner])] if finding else []
    period = words.period(report.window.start, report.window.end)
    window = "everything" if report.window.start is None and report.window.end is None else period
    facts += [
        ("Window read", f"{window} ({report.window.reason})"),
        ("Collected", words.stamp(report.created)),
        ("Why", words.trigger(report.trigger)),
    ]
    identity = report.identity
    facts += [("Image", identity.image)] if identity.image else []
    about = definitions(facts)
    asked = definitions([(name, None if value == "unknown" else value) for name, value in words.ids(identity)], "wide")
    return tag(
        "header",
        tag(
            "div",
            badge,
            tag("h1", esc(text[:1].upper() + text[1:] if finding is None else text)),
            tag("p", esc(words.where(identity)), class_="place"),
            about,
            tag("details", tag("summary", "Ids for a support request"), asked, class_="ids"),
        ),
    )


def _footer(report: Report, bundle_id: str) -> str:
    name = f"Bundle {bundle_id}; w" if bundle_id else "W"
    text = f"{name}ritten by vmext {report.agent_version}. What it knew for a secret was replaced first."
    return tag("footer", esc(text))
