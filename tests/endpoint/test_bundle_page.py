"""The review page of one bundle, as the endpoint renders it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from collector.bundle.reader import open_bundle
from collector.endpoint.pages.bundle import bundle_view
from collector.endpoint.pages.templates import Pages
from collector.model import Cause
from tests.bundle.samples import REPORT
from tests.bundle.test_checks import CHECKED, written
from tests.collecting import Result, collect, failing_disk
from tests.endpoint.running import endpoint


def page_of(result: Result) -> str:
    return rendered(Path(result.json["bundle"]["path"]))


def rendered(file: Path) -> str:
    return Pages().render("bundle.html", **bundle_view(open_bundle(file), {"received": "2026-05-04T03:20:00Z"}))


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
    assert other == ("<li><b>package manager &lt;locked&gt;</b> <small>perhaps</small>: Another process held it.</li>")
    checks = page.partition("<h2>Checks</h2>")[2].partition("</section>")[0]
    assert "2 violated, 1 kept" in checks
    assert "script does not restart the machine" in checks and "setup.sh:3" in checks
    assert "Schedule the restart." in checks and "the clock is 400 seconds ahead" in checks
    assert "scripts with Linux line ends" not in checks


def test_without_either_it_shows_neither(tmp_path: Path):
    page = rendered(written(tmp_path, REPORT))
    assert "<h2>Checks</h2>" not in page
    assert "It may also be" not in page


def test_the_list_marks_what_was_reported_by_itself(tmp_path: Path):
    disk = failing_disk(tmp_path / "disk")
    with endpoint(tmp_path / "data") as server:
        for number, trigger in enumerate(((), ("--trigger", "CustomScript failed"))):
            bundle = Path(collect(disk, tmp_path / f"state-{number}", *trigger).json["bundle"]["path"])
            assert server.put(bundle).status_code == 201
        assert sorted(row["trigger"] for row in server.get("/v1/bundles").json()["bundles"]) == ["command", "watch"]
        assert server.get("/bundles").text.count("reported by itself") == 1
