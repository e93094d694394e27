"""report.html: complete, calm about hostile text, and alone in the world."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.bundle.report import render
from collector.model import Evidence, Excerpt, ExtensionState, LedgerEntry, Line, Report, SystemFacts
from tests.bundle.samples import (
    CSE,
    IDENTITY,
    LEDGER,
    LOCKED,
    REPORT,
    STDERR,
    at,
    finding,
    local,
    report,
)

VOID = {"meta", "br"}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; onload='x",
    "</style><style>*{display:none}</style>",
    "</pre></td></table></main>",
    "<!--",
    "]]>",
    "&lt;b&gt;",
    "\u202egnp.exe",
    "\x00\x1b[31m\x07",
    "\udcff",
    "javascript:alert(1)",
]


class Page(HTMLParser):
    """What a browser would see: elements, their attributes and the text; complains about bad nesting."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def values(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.tags if name in attributes]


def test_it_tells_what_happened_what_it_means_and_what_to_do():
    page = Page(render(REPORT, "a1b2c3d4e5f60718"))
    for told in (
        "CustomScript exit 100: package manager locked",
        "your script",
        "first-boot upgrade held the lock",
        "apt-get -o DPkg::Lock::Timeout=600 install -y nginx",
        "reinstall unchanged or scale out",
        "/var/lib/waagent/custom-script/download/3/stderr:14",
        "2026-11-23 10:02:11Z to 10:02:19Z",
        "1 failure told by 4 sources",
        "vmss-web_12",
        "3 of 4 sources read, 1 truncated",
        "11111111-2222-3333-4444-555555555555",
        "AzureMonitorLinuxAgent",
        "bin/WALinuxAgent-2.15.0.1.egg",
        "12.0 GB of 31.0 GB (38 %)",
        "a1b2c3d4e5f60718",
    ):
        assert told in page.text


def test_the_failing_line_is_marked_with_its_number():
    text = render(REPORT)
    assert re.search(rf'class="bad"><th scope="row">14</th><td><mark>{re.escape(LOCKED)}</mark>', text)
    assert '<tr id="x2-13"><th scope="row">13</th><td>Waiting for cache lock</td></tr>' in text


def test_a_link_leads_from_the_proof_to_its_line():
    page = Page(render(REPORT))
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    inner = [link[1:] for link in page.values("href") if link.startswith("#")]
    assert "x2-14" in inner
    assert set(inner) <= set(ids)


def test_lines_that_are_not_shown_are_said():
    assert "... 2 lines not shown" in render(
        replace(REPORT, excerpts=(Excerpt(STDERR, (Line(11, "a"), Line(14, LOCKED)), frozenset({14})),))
    )


def test_it_needs_nothing_from_outside_and_runs_nothing():
    text = render(REPORT)
    page = Page(text)
    assert {tag for tag, _ in page.tags} & {
        "script",
        "img",
        "link",
        "iframe",
        "object",
        "form",
        "base",
    } == set()
    assert page.values("src") == []
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in page.values("content")[1]
    outward = [link for link in page.values("href") if not link.startswith("#")]
    assert outward == ["https://learn.microsoft.com/azure/virtual-machines/extensions/custom-script-linux"]


def hostile_report(text: str) -> Report:
    """`text` wherever a disk, a name or a rule can put it."""
    bad = finding(
        id=text, extension=text, name=text, version=text, operation=text, message=text, detail=text + "x",
        title=text, meaning=text, remedy=text, do=(text,), dont=text, documentation=text, caused_by=text,
        evidence=(Evidence(text, 1, at("10:00:00"), text), Evidence(text, 2, local("10:00:00"), text)),
    )  # fmt: skip
    return replace(
        report(bad, bad),
        identity=replace(
            IDENTITY, instance_name=text, computer_name=text, scale_set=text, vm_id=text, os=text, image=text
        ),
        others=(ExtensionState(text, text, text, text),),
        excerpts=(Excerpt(text, (Line(1, text), Line(2, text, True)), frozenset({1})),),
        ledger=(LedgerEntry(text, "log", "denied", note=text), LedgerEntry(text, "log", "missing")),
        agent_version=text,
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_a_disk_is_shown_and_never_obeyed(text):
    harmless, hostile = Page(render(hostile_report("plain"))), Page(render(hostile_report(text)))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in harmless.tags]
    assert [list(found) for _, found in hostile.tags] == [list(found) for _, found in harmless.tags]
    assert not any(link.startswith("javascript") for link in hostile.values("href"))


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.text(max_size=60))
def test_no_text_changes_the_page(text):
    page = Page(render(hostile_report(text or "empty")))
    assert [tag for tag, _ in page.tags].count("script") == 0
    render(hostile_report(text)).encode()


def test_only_a_real_address_becomes_a_link():
    for words in ("javascript:alert(1)", "https://a b", "Microsoft's documentation", "http://plain"):
        assert words not in Page(render(report(finding(documentation=words)))).values("href")


def test_a_healthy_instance():
    page = Page(render(report(verdict="healthy", excerpts=())))
    assert "No extension failure found" in page.text
    assert ("body", {"class": "healthy"}) in page.tags
    assert "article" not in {tag for tag, _ in page.tags}


def test_a_mounted_disk_has_no_machine():
    assert "there is no running machine" in render(replace(REPORT, system=SystemFacts(False)))


def test_a_consequence_says_whose():
    assert "only follows from the failure of CustomScript" in render(report(finding(caused_by=CSE)))


def test_many_findings_and_lines_do_not_make_it_endless():
    lines = tuple(Line(number, "x" * 5_000) for number in range(1, 3_000))
    excerpts = tuple(Excerpt(str(number), lines, frozenset(range(1, 3_000))) for number in range(60))
    evidence = tuple(Evidence("a", number, None, "y" * 5_000) for number in range(1_000))
    many = replace(report(*[finding(evidence=evidence)] * 80), excerpts=excerpts, ledger=LEDGER)
    text = render(many)
    assert len(text) < 6_000_000
    assert "30 more findings in findings.json" in text
    assert "960 more lines in findings.json" in text
