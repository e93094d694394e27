"""The checks of practices in a bundle: their member, the verdict's line and JSON, the section of the report."""

from __future__ import annotations

import json
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from collector.bundle import members
from collector.bundle.reader import open_bundle
from collector.bundle.report import render
from collector.bundle.summary import verdict_json, verdict_text
from collector.bundle.writer import write
from collector.errors import BundleError
from collector.model import Practice, Report
from tests.bundle.samples import CSE, REPORT, finding, report, seal

SCRIPT = "var/lib/waagent/custom-script/download/3/setup.sh"
REBOOT = Practice("cse-no-reboot", CSE, "violated", "script does not restart the machine", "it restarts the machine: reboot",
                  "Schedule the restart.", "MicrosoftDocs/azure-compute-docs:x.md", SCRIPT, 3)  # fmt: skip
CLOCK = Practice(
    "ext-time", "", "violated", "clock right", "the clock is 400 seconds ahead", "Use chrony.", "https://x/y"
)
KEPT = Practice("cse-crlf", CSE, "pass", "scripts with Linux line ends", "1 script has Linux line ends")
OPEN = Practice("ext-imds", "", "unknown", "metadata service reachable", "it was not asked")
AWAY = Practice("cse-idempotent", CSE, "not-applicable", "script safe to run twice", "there was no earlier run")
ALL = (REBOOT, CLOCK, KEPT, OPEN, AWAY)
CHECKED = replace(REPORT, practices=ALL)


def written(folder: Path, of: Report) -> Path:
    return write(of, seal=seal, audit=lambda: {"schema": 1}, folder=folder).path


def checks(text: str) -> list[str]:
    """The rows of the verdict's label."""
    rows, inside = [], False
    for row in text.splitlines():
        inside = row.startswith("Checks") or (inside and row.startswith(" " * 7))
        rows += [row[7:]] if inside else []
    return rows


def test_what_was_written_is_read(tmp_path: Path):
    assert open_bundle(written(tmp_path, CHECKED)).practices == ALL
    assert open_bundle(written(tmp_path, REPORT)).practices == ()


def test_a_bundle_of_before_the_checks_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = members._evidence
    monkeypatch.setattr(members, "_evidence", lambda *a: (m for m in whole(*a) if m[0] != "practices.json"))
    bundle = open_bundle(written(tmp_path, CHECKED))
    assert "practices.json" not in bundle.names
    assert bundle.practices == ()


@pytest.mark.parametrize(
    ("document", "what"),
    [({"practices": 3}, "no list"), ({"practices": [{"id": 3}]}, "id"),
     ({"practices": [{"id": "x", "extension": "", "state": "odd", "title": "", "detail": ""}]}, "state")],
)  # fmt: skip
def test_another_shape_is_refused(document: object, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(members, "practices_document", lambda report: document)
    with pytest.raises(BundleError, match=what):
        open_bundle(written(tmp_path, CHECKED))


def test_the_verdict_tells_the_violated_ones_in_short():
    rows = checks(verdict_text(CHECKED, None, None))
    assert rows == ["it restarts the machine: reboot (setup.sh:3); the clock is 400 seconds ahead"]
    assert checks(verdict_text(replace(REPORT, practices=(KEPT, OPEN, AWAY)), None, None)) == []


def test_another_extension_is_named():
    other = replace(REBOOT, extension="Contoso.Web.FrontLinux")
    assert checks(verdict_text(replace(REPORT, practices=(other,)), None, None))[0].startswith(
        "FrontLinux: it restarts"
    )


def test_many_violated_ones_leave_room_for_the_rest():
    many = tuple(replace(REBOOT, id=f"p-{n}", detail=f"number {n} " + "word " * 80) for n in range(40))
    text = verdict_text(replace(report(finding()), practices=many), None, None)
    assert len(text.encode()) <= 4_096
    assert checks(text)[-1].endswith("more")
    assert "Do     let the script wait" in text


def test_verdict_and_exit_code_do_not_change():
    healthy = replace(REPORT, verdict="healthy", findings=(), failures=())
    text = verdict_text(replace(healthy, practices=ALL), None, None)
    assert text.splitlines()[0] == verdict_text(healthy, None, None).splitlines()[0]
    assert checks(text)[0].startswith("CustomScript: it restarts")


def test_the_json_has_them_where_there_is_room():
    told = json.loads(verdict_json(CHECKED, None, None))["practices"]
    assert [one["id"] for one in told] == ["cse-no-reboot", "ext-time"]
    assert told[0]["line"] == 3
    assert "practices" not in json.loads(verdict_json(REPORT, None, None))
    many = report(*(finding(message=f"{n} " + "x" * 900) for n in range(30)), practices=ALL)
    text = verdict_json(many, None, None)
    assert len(text.encode()) <= 4_096
    assert json.loads(text)["findings"]


def test_the_report_shows_violated_ones_and_folds_the_others():
    page = unescape(render(CHECKED))
    section = page.split("Checks of documented practices", 1)[1].split("</section>", 1)[0]
    bad, _, rest = section.partition("<details>")
    assert "CustomScript: script does not restart the machine" in bad
    assert f"/{SCRIPT}:3" in bad
    assert "Schedule the restart." in bad
    assert "The machine: clock right" in bad
    assert "1 kept, 1 can't be told, 1 not applicable" in rest
    assert "Checks of documented practices" not in render(REPORT)


def test_the_report_escapes_what_comes_from_the_disk():
    page = render(replace(REPORT, practices=(replace(REBOOT, detail="<script>alert(1)</script>"),)))
    assert "<script>" not in page
