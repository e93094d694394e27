"""Nothing that axe-core finds, in light, in dark, and in a narrow window."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.axe import violations
from tests.browser.chromium import browser
from tests.collecting import collect
from tests.endpoint.running import Endpoint, endpoint

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("accessible")
    with endpoint(folder / "data") as running:
        arguments = ("--upload", running.url, "--token-file", running.data / "admin.token")
        for kind in ("linux", "windows"):
            script = [sys.executable, str(ROOT / "scripts/make_incident.py"), kind, str(folder / kind)]
            subprocess.run([*script, "--now", "2026-11-23T10:02:11Z"], check=True)
            sent = collect(folder / kind, folder / "state", *arguments).json
            assert sent["delivery"]["state"] == "delivered"
        yield running


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_is_for_everyone(server: Endpoint, tmp_path: Path, dark: bool):
    listed = server.get("/v1/bundles").json()["bundles"]
    paths = ["/", "/?q=nothing-fits-this", "/nowhere", *(f"/bundles/{row['id']}" for row in listed)]
    with browser(tmp_path / "browser", dark=dark) as context:
        page = context.new_page()
        page.goto(server.url + "/")
        assert violations(page) == []
        page.get_by_label("Token").fill(server.token)
        page.get_by_role("button").click()
        for path in paths:
            page.goto(server.url + path)
            for width in (1280, 320):
                page.set_viewport_size({"width": width, "height": 800})
                assert violations(page) == [], f"{path} at {width} px"


def test_axe_finds_what_is_wrong(tmp_path: Path):
    """Else no page could fail."""
    with browser(tmp_path / "browser") as context:
        page = context.new_page()
        page.set_content('<html lang="en"><title>t</title><main><h1>a</h1><input><img src="x.png"></main></html>')
        found = "\n".join(violations(page))
    assert "label (critical)" in found
    assert "image-alt (critical)" in found
