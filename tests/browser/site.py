"""The endpoint with the demo site in it, and browsers that are signed in to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from playwright.sync_api import BrowserContext, Error, FloatRect, Page, expect

from tests.browser.chromium import browser
from tests.endpoint import demo_site
from tests.endpoint.running import Endpoint, endpoint

#: Each page of the set pages, by how one gets there from the list of incidents.
PATHS = (
    "/",
    "/?exit_code=127",
    "/search?q=jq",
    "/search?q=nowhere",
    "/?exit_code=999&scale_set=vmss-web",
    "/scale-sets",
    "/scale-sets?q=nowhere",
    "/bundles?q=vmss-data",
    "/nowhere",
)


@contextmanager
def site(folder: Path, *, listed: bool = True) -> Iterator[Endpoint]:
    """`listed`: the list of vmss-web's instances is given, of which three are silent."""
    (folder / "bundles").mkdir()
    with endpoint(folder / "data") as running:
        for bundle in demo_site.bundles(folder / "bundles"):
            assert running.put(bundle).status_code == 201
        running.settle()
        if listed:
            list_of(running)
        yield running


def list_of(running: Endpoint) -> None:
    answer = requests.put(
        f"{running.url}/v1/expected", data=demo_site.listing(), headers=running.authorization, timeout=30
    )
    assert answer.status_code == 200, answer.text


@contextmanager
def signed_in(
    running: Endpoint, folder: Path, *, dark: bool = False, width: int = 1280, script: bool = True
) -> Iterator[BrowserContext]:
    with browser(folder, dark=dark, width=width, script=script) as context:
        page = context.new_page()
        begin(page, running.url + "/login")
        page.get_by_label("Token").fill(running.token)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Incidents", exact=True)).to_be_visible()
        page.close()
        yield context


def begin(page: Page, url: str) -> None:
    """The first page that a browser opens; on a busy machine Chromium drops it while it is still starting."""
    for _ in range(5):
        try:
            page.goto(url)
        except Error as error:
            if "ERR_ABORTED" not in str(error):
                raise
        else:
            return
    page.goto(url)


def problems_of(page: Page) -> list[str]:
    """Fills up with what goes wrong on the page: errors of the script, and what the policy forbids."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def keep(page: Page, name: str, height: int | None = None) -> None:
    """A picture of the page, or of so many pixels from its top; only where VMEXT_SCREENSHOTS says where to."""
    if folder := os.environ.get("VMEXT_SCREENSHOTS"):
        size = page.viewport_size or {"width": 1280, "height": 900}
        clip: FloatRect | None = None
        if height is not None:
            clip = {"x": 0, "y": 0, "width": size["width"], "height": height}
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True, clip=clip)


def pages(page: Page, server: Endpoint) -> list[str]:
    """The paths of all set pages of the demo site, those of single things too."""
    page.goto(server.url + "/?exit_code=127&scale_set=vmss-web")
    incident = page.locator(".incident h2 a").first.get_attribute("href") or ""
    page.goto(server.url + "/scale-sets")
    sets = [link.get_attribute("href") or "" for link in page.locator("table.sets th a").all()]
    page.goto(server.url + sets[0])
    row = page.get_by_role("link", name="23 more").get_attribute("href") or ""
    assert len(sets) == 5
    return [*PATHS, incident, *sets, row]
