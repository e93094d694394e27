"""A bundle sent over real HTTP, read in a real browser. VMEXT_SCREENSHOTS=DIR keeps the pictures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.chromium import browser
from tests.collecting import collect
from tests.endpoint.made import varied
from tests.endpoint.running import Endpoint, endpoint
from tests.received import received

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]

ROOT = Path(__file__).parents[2]
TELLING = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1873 (unattended-upgr)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("pages")
    with endpoint(folder / "data") as running:
        for kind in ("linux", "windows"):
            script = [sys.executable, str(ROOT / "scripts/make_incident.py"), kind, str(folder / kind)]
            subprocess.run([*script, "--now", "2026-11-23T10:02:11Z"], check=True)
            arguments = ("--upload", running.url, "--token-file", running.data / "admin.token")
            noticed = ("--trigger", "CustomScript failed: exit status=100") if kind == "linux" else ()
            assert (
                collect(folder / kind, folder / "state", *arguments, *noticed).json["delivery"]["state"] == "delivered"
            )
        healthy = ROOT / "tests/scenarios/linux-healthy-with-look-alikes/disk"
        assert collect(healthy, folder / "state", *arguments).code == 0
        yield running


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory, server: Endpoint):
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        page = opened.new_page()
        page.goto(server.url + "/")
        page.get_by_label("Token").fill("wrong")
        page.get_by_role("button").click()
        expect(page.get_by_role("alert")).to_contain_text("not known")
        page.get_by_label("Token").fill(server.token)
        page.get_by_role("button").click()
        expect(page.get_by_role("heading", name="Incidents")).to_be_visible()
        page.close()
        yield opened


@pytest.fixture
def page(context: BrowserContext, server: Endpoint):
    opened = context.new_page()
    problems: list[str] = []
    opened.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.goto(server.url + "/bundles")
    yield opened
    opened.close()
    assert problems == []


def keep(page: Page, name: str, tmp_path: Path) -> None:
    folder = Path(os.environ.get("VMEXT_SCREENSHOTS", str(tmp_path)))
    page.screenshot(path=folder / f"{name}.png", full_page=True)
    assert (folder / f"{name}.png").stat().st_size > 10_000


def test_the_bundle_page_shows_the_exit_code_and_the_failing_line(page: Page):
    page.get_by_role("link", name="vmss-web_12").click()
    expect(page.locator("h1")).to_contain_text("CustomScript exit 100: package manager locked")
    expect(page.locator(".proof pre").first).to_contain_text(TELLING)
    failing = page.locator("tr.failing td", has_text=TELLING).first
    expect(failing).to_be_visible()
    background = failing.evaluate("node => getComputedStyle(node.parentElement).backgroundColor")
    assert background not in ("rgba(0, 0, 0, 0)", "rgb(255, 255, 255)")
    expect(page.get_by_text("your script").first).to_be_visible()
    expect(page.get_by_text("NotARealPassword1")).to_have_count(0)


def test_the_list_shows_all_and_filters(page: Page, tmp_path: Path):
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.get_by_text("reported by itself")).to_have_count(1)
    keep(page, "bundles", tmp_path)
    page.get_by_label("Exit code").fill("100")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="clear").click()
    page.get_by_label("Verdict").select_option("hanging")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label("Search", exact=True).fill("no such instance")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No bundle fits this filter.")).to_be_visible()


def test_a_healthy_bundle_says_so(page: Page):
    page.get_by_role("link", name="Healthy").click()
    expect(page.get_by_text("No failure and no hang was found")).to_be_visible()


def test_the_download_is_the_bundle(page: Page):
    page.get_by_role("link", name="vmss-web_12").click()
    link = page.get_by_role("link", name="Download the bundle").get_attribute("href") or ""
    answer = page.request.get(page.url.rsplit("/bundles/", 1)[0] + link)
    assert answer.body()[:2] == b"PK"
    assert "attachment" in answer.headers["content-disposition"]


def test_no_page_is_wider_than_a_narrow_window(page: Page):
    page.set_viewport_size({"width": 420, "height": 800})
    for path in ("/bundles", page.get_by_role("link", name="vmss-web_12").get_attribute("href") or ""):
        page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + path)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_report_opens_from_disk_without_network(context: BrowserContext, server: Endpoint, tmp_path: Path):
    import io
    import zipfile

    listed = server.get("/v1/bundles?exit_code=100").json()["bundles"][0]
    packed = io.BytesIO(server.get(f"/v1/bundles/{listed['id']}/bundle").content)
    report = tmp_path / "report.html"
    report.write_bytes(zipfile.ZipFile(packed).read("report.html"))
    report.chmod(0o644)
    for parent in report.parents:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    opened = context.new_page()
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(report.as_uri())
    expect(opened.locator("body")).to_contain_text(TELLING)
    assert asked == [report.as_uri()]
    keep(opened, "report", tmp_path)
    opened.close()


def test_there_is_no_such_page(page: Page, server: Endpoint):
    assert server.get("/bundles/ffffffffffffffff").status_code == 404
    assert server.get("/nowhere").status_code == 404


def test_an_encrypted_bundle_says_what_is_known_and_how_to_read_it(page: Page, server: Endpoint, tmp_path: Path):
    key = pyrage.x25519.Identity.generate().to_public()
    script = [sys.executable, str(ROOT / "scripts/make_incident.py"), "linux", str(tmp_path / "disk")]
    subprocess.run([*script, "--now", "2026-11-23T10:02:11Z"], check=True)
    arguments = ("--upload", server.url, "--token-file", server.data / "admin.token", "--encrypt-to", key)
    sent = collect(tmp_path / "disk", tmp_path / "state", *arguments, "--instance", "vmss-web_13").json
    assert sent["delivery"]["state"] == "delivered"
    received(server)
    page.reload()
    row = page.locator("tr", has_text="vmss-web_13")
    expect(row).to_contain_text("package manager locked encrypted")
    row.get_by_role("link", name="vmss-web_13").click()
    expect(page.locator("h1")).to_contain_text("CustomScript exit 100: package manager locked")
    expect(page.get_by_text("Wait for the lock in the script")).to_be_visible()
    expect(page.get_by_text(f"vmext show --identity KEY-FILE {sent['bundle']['id']}.zip")).to_be_visible()
    expect(page.get_by_text(str(key))).to_be_visible()
    expect(page.get_by_text("unknown")).to_have_count(0)
    expect(page.get_by_text("unattended-upgr")).to_have_count(0)
    keep(page, "encrypted", tmp_path)


def test_the_id_of_an_instance_without_a_name_stands_on_one_line(page: Page, server: Endpoint, tmp_path: Path):
    first = server.get("/v1/bundles?verdict=hanging").json()["bundles"][0]["id"]
    (sent := tmp_path / "sent.zip").write_bytes(server.get(f"/v1/bundles/{first}/bundle").content)
    nameless = varied(sent, tmp_path, instance_name=None, computer_name=None, scale_set="vmss-" + "long-" * 12 + "name")
    assert server.put(nameless).status_code == 201
    received(server)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.reload()
    link = page.get_by_role("link", name=nameless.stem)
    assert link.evaluate("node => node.getClientRects().length") == 1
