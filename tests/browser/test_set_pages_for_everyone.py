"""The set pages without script, in the dark, at 320 pixels, and by axe-core's rules: each in a browser of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.site import keep, pages, signed_in, site
from tests.endpoint.running import Endpoint

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with site(tmp_path_factory.mktemp("site")) as running:
        yield running


def test_without_script_all_is_there(server: Endpoint, tmp_path: Path):
    with signed_in(server, tmp_path / "browser", script=False) as context:
        page = context.new_page()
        page.goto(server.url + "/")
        expect(page.locator(".incident")).to_have_count(6)
        page.get_by_label("Extension", exact=True).fill("guard")
        page.get_by_role("button", name="Show").click()
        page.get_by_role("link", name="EndpointGuard install hangs on 4 of 12 instances").click()
        expect(page.locator("h1")).to_contain_text("EndpointGuard install hangs")
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)
        page.get_by_role("link", name="What this means for the scale set").click()
        expect(page.locator("h1")).to_contain_text("4 hanging")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_is_for_everyone(server: Endpoint, tmp_path: Path, dark: bool):
    """No violation of WCAG 2.2 AA, wide and at 320 pixels; nothing scrolls sideways there; each page is small."""
    with signed_in(server, tmp_path / "browser", dark=dark) as context:
        page = context.new_page()
        for path in pages(page, server):
            answer = page.goto(server.url + path)
            assert answer is not None
            assert len(answer.body()) < 100_000, path
            for width in (1280, 320):
                page.set_viewport_size({"width": width, "height": 800})
                assert violations(page) == [], f"{path} at {width} px"
            wide = "[document.documentElement, ...document.querySelectorAll('.scroll')]"
            assert page.evaluate(f"{wide}.every(node => node.scrollWidth <= node.clientWidth)"), path
            if path == "/" and dark:
                keep(page, "incidents-narrow-dark", 900)
