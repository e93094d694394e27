"""Bundles in a folder, reviewed in a real browser by the link that `vmext review` prints."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.axe import violations
from tests.browser.chromium import browser
from tests.collecting import collect, failing_disk
from tests.endpoint.reviewing import review

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]

_LONG_AGO = 1_700_000_000


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_from_the_link_to_the_reason(tmp_path: Path, dark: bool):
    share = tmp_path / "share"
    share.mkdir()
    (share / "half.zip").write_bytes(b"PK\x03\x04 and no more")
    os.utime(share / "half.zip", (_LONG_AGO, _LONG_AGO))
    with (
        review(share, tmp_path / "cache", signs_in=False) as running,
        browser(tmp_path / "browser", dark=dark) as context,
    ):
        page = context.new_page()
        page.goto(running.link)
        assert page.url == f"{running.url}/"  # and the secret is in no history
        done = collect(failing_disk(tmp_path / "disk"), tmp_path / "state", "--upload", share)
        assert done.json["delivery"]["state"] == "delivered"
        for _ in range(200):
            page.goto(f"{running.url}/")
            if page.get_by_text("CustomScript").count():
                break
            page.wait_for_timeout(200)
        page.goto(f"{running.url}/bundles/{done.json['bundle']['id']}")
        assert page.get_by_text("Unable to locate package nginx-plus").count()
        page.get_by_role("link", name="Stores").click()
        assert page.get_by_role("heading", name=str(share)).count() == 1
        assert page.get_by_role("rowheader", name="half.zip").count() == 1
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 800})
            assert violations(page) == [], f"{width} px"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert running.session.get(running.link, timeout=30).status_code == 403  # anybody else comes too late
