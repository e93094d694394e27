"""The review page of one bundle, as the endpoint renders it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from collector.bundle.reader import open_bundle
from collector.endpoint.pages.bundle import bundle_view, excerpt_view
from collector.endpoint.pages.templates import Pages
from collector.endpoint.reading.bundles import BundleEntry
from collector.model import (
    FIRST,
    LAST,
    AgentFacts,
    Cause,
    DiskFacts,
    Evidence,
    Excerpt,
    ExtensionState,
    Line,
    LockHolder,
    ProbeFacts,
    ProcessFacts,
    SystemEvent,
    SystemFacts,
)
from tests.bundle.samples import REPORT
from tests.bundle.test_checks import CHECKED, written
from tests.collecting import Result, collect, failing_disk
from tests.endpoint.running import endpoint

NOW = datetime(2026, 5, 4, 3, 20, tzinfo=timezone.utc)
#: What the index knows of a bundle that waits.
ENTRY = BundleEntry(
    *("0123456789abcdef", "0" * 64, 20_000, NOW, NOW, "waiting", "", "failed", "command", False, 0),
    *(None, None, None, None, None),
)


def page_of(result: Result) -> str:
    return rendered(Path(result.json["bundle"]["path"]))


def rendered(file: Path) -> str:
    return Pages().render("bundle.html", entry=ENTRY, told={}, **bundle_view(open_bundle(file), {}))


def test_it_says_that_nobody_asked(tmp_path: Path):
    noticed = "CustomScript failed: AccountKey=hidden1234567=="
    page = page_of(collect(failing_disk(tmp_path / "disk"), tmp_path / "state", "--trigger", noticed))
    assert "<dt>Reported by itself</dt><dd>noticed by the resident agent: CustomScript failed:" in page
    assert "hidden1234567" not in page


def test_a_window_without_an_end(tmp_path: Path):
    page = page_of(collect(failing_disk(tmp_path / "disk"), tmp_path / "state", "--since", "2026-01-01T00:00:00Z"))
    assert "<dt>Why</dt><dd>vmext collect was run</dd>" in page
    assert "<dt>Window</dt><dd>2026-01-01 00:00:00Z until it was collected<br>" in page


def test_it_shows_the_checks_and_what_else_it_may_be(tmp_path: Path):
    causes = (
        Cause("cse-100", "its own cause", "script", "high", "The script failed.", "Look."),
        Cause("dpkg-locked", "package manager <locked>", "guest", "low", "Another process held it.", "Wait."),
    )
    told = replace(CHECKED, findings=(replace(CHECKED.findings[0], causes=causes), *CHECKED.findings[1:]))
    page = rendered(written(tmp_path, told))
    (other,) = re.findall(r'<h3>It may also be</h3><ul class="others">(.*?)</ul>', page)
    assert other == (
        "<li><b>package manager &lt;locked&gt;</b> <small>perhaps</small>: Another process held it. Wait.</li>"
    )
    checks = page.partition('<h2 id="checks">')[2].partition("</section>")[0]
    assert "2 violated, 1 kept" in checks
    assert "script does not restart the machine" in checks and "setup.sh:3" in checks
    assert "Schedule the restart." in checks and "the clock is 400 seconds ahead" in checks
    assert "scripts with Linux line ends" not in checks


def test_without_either_it_shows_neither(tmp_path: Path):
    page = rendered(written(tmp_path, REPORT))
    assert 'id="checks"' not in page
    assert "It may also be" not in page


def test_the_answer_comes_before_all_else(tmp_path: Path):
    """What failed, whose it is, the proof, the cause, the next command, the ids, the gaps; then the rest."""
    page = page_of(collect(failing_disk(tmp_path / "disk"), tmp_path / "state"))
    answer = page.partition('<section class="answer')[2].partition("</section>")[0]
    order = [
        *("CustomScript exit 100", "Whose it is", ">Proof<", "E: Unable to locate package nginx-plus", ">Cause <"),
        *(">Next step<", ">Ids <", "correlation", "<b>Gaps:</b>", 'href="#ticket"', '/bundle">Download'),
    ]
    places = [answer.index(text) for text in order]
    assert places == sorted(places)
    assert page.index('<section class="answer') < page.index('id="steps"') < page.index('id="lines"')


def test_a_bundle_that_waits_says_so(tmp_path: Path):
    assert "This bundle waits to be indexed" in rendered(written(tmp_path, REPORT))


def test_the_proof_leads_to_its_line(tmp_path: Path):
    page = page_of(collect(failing_disk(tmp_path / "disk"), tmp_path / "state"))
    link = re.search(r'<figcaption><a href="#([^"]+)"><code>/var/lib/[^<]+stderr:1</code>', page)
    assert link is not None
    assert f'<tr id="{link[1]}" class="failing">' in page
    assert page.count(f'id="{link[1]}"') == 1


def test_nothing_of_a_log_becomes_markup(tmp_path: Path):
    evil = "</textarea></pre><script>alert(1)</script> & <b>x</b>"
    first = CHECKED.findings[0]
    failure = replace(first.failure, message=evil, detail=evil)
    lines = Excerpt("var/log/<b>.log", (Line(1, evil), Line(2, evil)), frozenset({1}))
    told = replace(CHECKED, findings=(replace(first, failure=failure, title=evil),), excerpts=(lines,))
    page = rendered(written(tmp_path, told))
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert "<b>x</b>" not in page
    assert page.count("<textarea") == page.count("</textarea>") == 1
    assert "/var/log/&lt;b&gt;.log" in page


def test_a_large_bundle_is_a_small_page(tmp_path: Path):
    """Long excerpts are cut, with a link to all of them on their own addresses."""
    disk = failing_disk(tmp_path / "disk")
    log = disk / "var/log/azure/Microsoft.Azure.Extensions.CustomScript/handler.log"
    noisy = "".join(
        f'time=2026-05-04T03:12:{n % 15:02}Z operation=enable seq=3 event="failed to handle" error="{"x" * 300} {n}"\n'
        for n in range(3_000)
    )
    log.write_text(noisy + log.read_text())
    for number in range(300):
        (disk / f"var/log/azure/Some.Other.Extension{number}").mkdir()
        (disk / f"var/log/azure/Some.Other.Extension{number}/extension.log").write_text("2026/05/04 03:12:10 x\n")
    result = collect(disk, tmp_path / "state")
    page = page_of(result)
    assert len(page.encode()) < 100_000
    assert re.search(r'<a href="/bundles/[0-9a-f]{16}/excerpts/\d+\?at=\d+#L\d+">\d[\d,]* lines not shown</a>', page)
    assert re.search(r'<a href="/bundles/[0-9a-f]{16}/sources">All \d{3} sources</a>', page)
    bundle = open_bundle(Path(result.json["bundle"]["path"]))
    for number in range(len(bundle.excerpts)):
        whole = Pages().render("excerpt.html", **excerpt_view(bundle, number, 0))
        assert len(whole.encode()) < 100_000


def test_a_bundle_that_says_far_too_much_is_a_small_page_too(tmp_path: Path):
    """At the calendar's ends, with hundreds of findings and lines without an end."""
    first = CHECKED.findings[0]
    ends = (FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None), LAST, NOW)
    evidence = tuple(Evidence(f"var/log/{n}.log", n, ends[n % 4], "e" * 700, "telling") for n in range(40))
    findings = tuple(
        replace(
            first,
            failure=replace(
                first.failure,
                name=f"n{n}",
                evidence=evidence,
                message="m" * 4_000,
                first_time=ends[n % 4],
                last_time=None,
            ),
            causes=tuple(
                Cause(f"c{c}", "title", "script", "low", "meaning", "remedy", "", evidence[:6]) for c in range(8)
            ),
        )
        for n in range(40)
    )
    excerpts = tuple(
        Excerpt(f"var/log/{n}.log", tuple(Line(k, "l" * 3_000) for k in range(60)), frozenset(range(60)))
        for n in range(100)
    )
    states = tuple(ExtensionState(f"Some.Publisher.Extension{n}", None, "1.0", "success") for n in range(300))
    told = replace(
        CHECKED, findings=findings, failures=tuple(f.failure for f in findings), excerpts=excerpts, others=states
    )
    page = rendered(written(tmp_path, told))
    assert len(page.encode()) < 100_000
    assert "34 more findings" in page


def test_the_machine_is_told_as_it_was(tmp_path: Path):
    system = SystemFacts(
        live=True,
        boot_time=NOW,
        cpu_count=2,
        load=(1.5, 1.25, 1.0),
        memory_total_bytes=8_000_000_000,
        memory_available_bytes=200_000_000,
        disks=(DiskFacts("/", 30_000_000_000, 300_000_000, 12), DiskFacts("/mnt", 0, 0, None, "noexec")),
        processes=(ProcessFacts(7, "sh", "sh -c wait", "sleeping", NOW, 0.1, 1_000, waits_for="input (terminal)"),),
        events=(SystemEvent("oom-kill", NOW, "Out of memory: Killed process 7 (sh)"),),
        locks=(LockHolder("/var/lib/dpkg/lock", 1873, "unattended-upgr"),),
        agent=AgentFacts("stopped", note="disabled"),
        clock_offset_seconds=-3.2,
        probes=(ProbeFacts("wireserver", reached=False, detail="timed out", seconds=5),),
    )
    page = rendered(written(tmp_path, replace(REPORT, system=system)))
    section = page.partition('<h2 id="machine">')[2].partition("</section>")[0]
    for told in (
        *(
            "200.0 MB of 8.0 GB available",
            "1.50, 1.25, 1.00",
            "300.0 MB of 30.0 GB free, 12 inodes free",
            "nearly full",
        ),
        *("unknown", "noexec", "waits for input (terminal)", "Killed process 7", "/var/lib/dpkg/lock: unattended-upgr"),
        *("stopped: disabled", "off by -3.2 s<", "NOT reached: timed out"),
    ):
        assert told in section
    assert "a mounted disk" not in section
    assert section.count("nearly full") == 1


def test_the_list_marks_what_was_reported_by_itself(tmp_path: Path):
    disk = failing_disk(tmp_path / "disk")
    with endpoint(tmp_path / "data") as server:
        for number, trigger in enumerate(((), ("--trigger", "CustomScript failed"))):
            bundle = Path(collect(disk, tmp_path / f"state-{number}", *trigger).json["bundle"]["path"])
            assert server.put(bundle).status_code == 201
        assert sorted(row["trigger"] for row in server.get("/v1/bundles").json()["bundles"]) == ["command", "watch"]
        assert server.get("/bundles").text.count("reported by itself") == 1


def test_a_line_on_the_page_of_an_instance_has_an_address_that_lasts(tmp_path: Path):
    """Its newest bundle is another one tomorrow: what was sent to a colleague then still shows the line."""
    result = collect(failing_disk(tmp_path / "disk"), tmp_path / "state")
    file = Path(result.json["bundle"]["path"])
    with endpoint(tmp_path / "data") as server:
        server.put(file)
        server.settle()
        (instance,) = server.get("/v1/instances").json()["instances"]
        page = server.get(f"/instances/{instance['id']}").text
        links = re.findall(r'<th scope="row"><a href="(\S+)"[^>]*tells of the failure', page)
        assert links
        for link in links:
            address, _, row = link.partition("#")
            assert address.startswith(f"/bundles/{file.stem}/excerpts/")
            assert f'<tr id="{row}" class="failing">' in server.get(address).text
