"""A support engineer's way from a bundle to its cause, in a real browser. VMEXT_SCREENSHOTS=DIR keeps the pictures."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pyrage
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.axe import violations
from tests.browser.chromium import browser
from tests.collecting import collect
from tests.endpoint.made import varied
from tests.endpoint.running import Endpoint, endpoint

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]

ROOT = Path(__file__).parents[2]
TELLING = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1873 (unattended-upgr)"
#: Bytes of a page.
MOST = 100_000


@dataclass(frozen=True)
class Site:
    server: Endpoint
    #: ids of bundles, by what they tell
    failed: str
    hanging: str
    healthy: str
    earlier: str
    encrypted: str
    gone: str

    def path(self, name: str) -> str:
        return f"/bundles/{getattr(self, name)}"

    def instance(self) -> str:
        """Where the page of the failed bundle's instance is."""
        found = re.search(r'href="(/instances/[0-9a-f]{16})"', self.server.get(self.path("failed")).text)
        assert found is not None
        return found[1]

    def pages(self) -> list[str]:
        """Every page of this area, and what is said where there is none."""
        return [
            *(self.path(name) for name in ("failed", "hanging", "healthy", "encrypted", "gone")),
            *(self.path("failed") + more for more in ("?context=40", "/excerpts/0", "/sources")),
            *(self.instance(), f"/compare?left={self.failed}&right={self.healthy}", f"/compare?left={self.failed}"),
            *("/compare", "/compare?find=nobody-has-this", "/bundles/ffffffffffffffff", "/instances/ffffffffffffffff"),
        ]


def numbered(number: int) -> dict[str, str]:
    """The identity of an instance of vmss-web."""
    group = "/subscriptions/00000000-1111-2222-3333-444444444444/resourceGroups/rg-web"
    return {
        "instance_name": f"vmss-web_{number}",
        "instance_id": str(number),
        "computer_name": f"vmssweb{number:06}",
        "vm_id": f"5f9d2c1e-7a42-4a53-9a0b-2f1f0c6d7e{number:02}",
        "resource_id": f"{group}/providers/Microsoft.Compute/virtualMachineScaleSets/vmss-web/virtualMachines/{number}",
        "scale_set": "vmss-web",
        "resource_group": "rg-web",
        "subscription": "00000000-1111-2222-3333-444444444444",
    }


def stored(server: Endpoint, bundle: Path) -> Path:
    """Where the endpoint keeps it."""
    return next(server.data.rglob(f"{hashlib.sha256(bundle.read_bytes()).hexdigest()}*"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("bundles")
    kept: dict[str, Path] = {}
    for kind in ("linux", "windows"):
        script = [sys.executable, str(ROOT / "scripts/make_incident.py"), kind, str(folder / kind)]
        subprocess.run([*script, "--now", "2026-11-23T10:02:11Z"], check=True)
        kept[kind] = Path(collect(folder / kind, folder / f"state-{kind}").json["bundle"]["path"])
    disk = ROOT / "tests/scenarios/linux-healthy-with-look-alikes/disk"
    well = Path(collect(disk, folder / "state-well").json["bundle"]["path"])
    key = pyrage.x25519.Identity.generate().to_public()
    to = ("--encrypt-to", key, "--instance", "vmss-web_14")
    sealed = Path(collect(folder / "linux", folder / "state-sealed", *to).json["bundle"]["path"])
    made = {
        "failed": varied(kept["linux"], folder, **numbered(12), created="2026-11-23T10:20:00Z"),
        "earlier": varied(well, folder, **numbered(12), created="2026-11-22T10:20:00Z"),
        "hanging": varied(kept["windows"], folder, **numbered(13), created="2026-11-23T10:21:00Z"),
        "healthy": varied(well, folder, **numbered(15), created="2026-11-23T10:22:00Z"),
        "gone": varied(well, folder, **numbered(16), created="2026-11-23T10:23:00Z"),
        "encrypted": sealed,
    }
    with endpoint(folder / "data") as running:
        for number in range(20, 26):
            assert running.put(varied(kept["linux"], folder, **numbered(number))).status_code == 201
        for file in made.values():
            assert running.put(file).status_code == 201
        running.settle()
        stored(running, made["gone"]).unlink()
        yield Site(running, **{name: file.stem for name, file in made.items()})


def signed_in(context: BrowserContext, site: Site) -> Page:
    page = context.new_page()
    page.goto(site.server.url + "/login")
    page.get_by_label("Token").fill(site.server.token)
    page.get_by_role("button", name="Sign in").click()
    return page


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory, site: Site):
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        signed_in(opened, site).close()
        yield opened


@pytest.fixture
def page(context: BrowserContext):
    opened = context.new_page()
    problems: list[str] = []
    opened.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: problems.append(str(error)))
    yield opened
    opened.close()
    assert problems == []


def keep(page: Page, name: str, tmp_path: Path, *, whole: bool = True) -> None:
    folder = Path(os.environ.get("VMEXT_SCREENSHOTS", str(tmp_path)))
    page.screenshot(path=folder / f"{name}.png", full_page=whole)
    assert (folder / f"{name}.png").stat().st_size > 10_000


def walk(page: Page, site: Site) -> None:
    """From the answer to the line that proves it, and on to the others that have it."""
    page.goto(site.server.url + site.path("failed"))
    answer = page.locator("section.answer")
    expect(answer.get_by_role("heading", level=1)).to_contain_text("CustomScript exit 100: package manager locked")
    expect(answer).to_contain_text("your script")
    expect(answer).to_contain_text(TELLING)
    expect(answer).to_contain_text("az vmss extension set -g rg-web --vmss-name vmss-web")
    expect(
        answer.get_by_role("link", name=re.compile("^[78] of 1[01] instances of vmss-web have had it$"))
    ).to_be_visible()
    answer.get_by_role("link", name="/var/lib/waagent/custom-script/download/3/stderr:1").click()
    line = page.locator("tr:target")
    expect(line).to_contain_text(TELLING)
    expect(line).to_be_in_viewport()
    picture = page.locator("svg.steps-picture.is-wide")
    expect(picture).to_be_visible()
    expect(picture).to_contain_text("exit 100 after 11 s")
    drawn = "bars => bars.map(bar => Math.abs(bar.getBBox().width - Number(bar.getAttribute('width'))))"
    assert max(picture.locator("rect").evaluate_all(drawn)) < 1, "a stylesheet draws it otherwise"
    page.get_by_text("The same as a table").click()
    row = page.get_by_role("row", name="CustomScript Enable")
    expect(row).to_contain_text("failed: exit 100 after 11 s")
    page.get_by_role("link", name="All 23 lines of /var/log/waagent.log").click()
    expect(page.locator("tr.failing")).to_have_count(2)
    page.get_by_role("link", name="21", exact=False).first.click()
    expect(page.locator("tr:target")).to_contain_text("Extension status")
    page.get_by_role("link", name="Back to the bundle").first.click()
    page.get_by_role("link", name="vmss-web_12", exact=True).click()
    expect(page.get_by_role("heading", name="This instance")).to_be_visible()
    expect(page.get_by_text("shown here")).to_have_count(1)
    page.locator("section.answer").get_by_role("link", name="Compare").click()
    page.get_by_role("link", name="vmss-web_15").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("vmss-web_12 beside vmss-web_15")
    expect(page.get_by_role("heading", name="Only on vmss-web_12")).to_be_visible()
    expect(page.locator("svg.steps-picture.is-wide")).to_have_count(2)


def test_from_the_answer_to_the_line_to_the_others(page: Page, site: Site):
    walk(page, site)


def test_all_of_it_works_without_script(site: Site, tmp_path: Path):
    with browser(tmp_path / "browser", script=False) as context:
        page = signed_in(context, site)
        walk(page, site)
        page.goto(site.server.url + site.path("failed"))
        expect(page.locator("button[data-copy]").first).to_be_hidden()
        expect(page.get_by_label("Summary in Markdown")).to_have_value(ticket(site))


def ticket(site: Site) -> str:
    return site.server.get(f"{site.path('failed')}/ticket.md").text.rstrip("\n") + "\n"


def test_the_ticket_is_copied_by_keys_alone(page: Page, site: Site):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.server.url)
    page.goto(site.server.url + site.path("failed"))
    page.get_by_role("link", name="Copy for a ticket").focus()
    page.keyboard.press("Enter")
    button = page.locator(".copy", has=page.get_by_label("Summary in Markdown")).get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == ticket(site)


def test_every_page_is_small_and_asks_no_one_else(page: Page, context: BrowserContext, site: Site):
    opened = context.new_page()
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    for path in site.pages():
        answer = opened.goto(site.server.url + path)
        assert answer is not None
        assert len(answer.body()) < MOST, path
    opened.close()
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(site.server.url).netloc}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_is_for_everyone(site: Site, tmp_path: Path, dark: bool):
    with browser(tmp_path / "browser", dark=dark) as context:
        page = signed_in(context, site)
        for path in site.pages():
            page.goto(site.server.url + path)
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            for width in (1280, 320):
                page.set_viewport_size({"width": width, "height": 800})
                assert violations(page) == [], f"{path} at {width} px"
                is_wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
                assert not page.evaluate(is_wider), f"{path} is wider than {width} px"


def test_in_a_narrow_window_the_picture_has_its_own_form(page: Page, site: Site, tmp_path: Path):
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(site.server.url + site.path("hanging"))
    expect(page.locator("svg.steps-picture.is-wide")).to_be_hidden()
    narrow = page.locator("svg.steps-picture.is-narrow")
    expect(narrow).to_be_visible()
    expect(narrow).to_contain_text("no end, given up after 15 min")
    keep(page, "bundle-narrow", tmp_path, whole=False)
    assert page.locator(".lines th").first.evaluate("node => node.offsetWidth") < 60, "numbers leave room for the lines"


def test_what_can_not_be_shown_says_why_and_what_to_do(page: Page, site: Site):
    get = site.server.get
    assert get("/bundles/ffffffffffffffff").status_code == 404
    assert get("/instances/ffffffffffffffff").status_code == 404
    gone = get(site.path("gone"))
    assert gone.status_code == 410
    assert "no longer in the store" in gone.text and "vmss-web_16" in gone.text
    assert get(f"{site.path('failed')}/excerpts/99").status_code == 404
    assert get(f"{site.path('failed')}/excerpts/x").status_code == 404
    sealed = get(f"{site.path('encrypted')}/excerpts/0")
    assert sealed.status_code == 409
    assert "was encrypted on the instance" in sealed.text
    assert get(f"/compare?left={site.encrypted}&right={site.failed}").status_code == 409


def test_a_damaged_bundle_says_so_and_is_still_there_to_download(page: Page, site: Site, tmp_path: Path):
    (tmp_path / "whole.zip").write_bytes(site.server.get(f"/v1/bundles/{site.failed}/bundle").content)
    bundle = varied(tmp_path / "whole.zip", tmp_path, instance_name="vmss-web_77")
    assert site.server.put(bundle).status_code == 201
    site.server.settle()
    file = stored(site.server, bundle)
    file.write_bytes(file.read_bytes()[:-200])
    page.goto(site.server.url + site.path("failed"))
    answer = site.server.get(f"/bundles/{bundle.stem}")
    assert answer.status_code == 500
    assert "This bundle is damaged" in answer.text
    assert f"/v1/bundles/{bundle.stem}/bundle" in answer.text


def test_the_pictures_of_the_documentation(page: Page, site: Site, tmp_path: Path):
    page.set_viewport_size({"width": 1200, "height": 1330})
    for name, path in (
        ("bundle", site.path("failed")),
        ("instance", site.instance()),
        ("compare", f"/compare?left={site.failed}&right={site.healthy}"),
        ("hang", site.path("hanging")),
    ):
        page.goto(site.server.url + path)
        keep(page, name, tmp_path, whole=False)
