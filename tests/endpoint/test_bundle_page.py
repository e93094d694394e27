"""The review page of one bundle, as the endpoint renders it."""

from __future__ import annotations

from pathlib import Path

from collector.bundle.reader import open_bundle
from collector.endpoint.pages import Pages
from tests.collecting import Result, collect, failing_disk


def page_of(result: Result) -> str:
    bundle = open_bundle(Path(result.json["bundle"]["path"]))
    return bytes(Pages().bundle(bundle, {"received": "2026-05-04T03:20:00Z"}).body).decode()


def test_it_says_that_nobody_asked(tmp_path: Path):
    noticed = "CustomScript failed: AccountKey=hidden1234567=="
    page = page_of(collect(failing_disk(tmp_path / "disk"), tmp_path / "state", "--trigger", noticed))
    assert "<dt>Reported by itself</dt><dd>noticed by the resident agent: CustomScript failed:" in page
    assert "hidden1234567" not in page


def test_a_window_without_an_end(tmp_path: Path):
    page = page_of(collect(failing_disk(tmp_path / "disk"), tmp_path / "state", "--since", "2026-01-01T00:00:00Z"))
    assert "<dt>Why</dt><dd>vmext collect was run</dd>" in page
    assert "<dt>Window</dt><dd>2026-01-01 00:00:00Z until it was collected<br>" in page
