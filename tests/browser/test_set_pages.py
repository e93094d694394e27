"""Support staff find out what is wrong with a scale set: each page walked in a real browser, as they would.

VMEXT_SCREENSHOTS=DIR keeps the pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from tests.browser.site import keep, pages, problems_of, signed_in, site
from tests.endpoint import demo_site
from tests.endpoint.running import Endpoint

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory, server: Endpoint) -> Iterator[BrowserContext]:
    with signed_in(server, tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def page(context: BrowserContext, server: Endpoint) -> Iterator[Page]:
    opened = context.new_page()
    problems = problems_of(opened)
    opened.goto(server.url + "/")
    yield opened
    opened.close()
    assert problems == []


def test_from_the_list_to_the_remedy_in_three_steps(page: Page):
    first = page.locator(".incident", has_text="CustomScript exit 127 on 37 of 40 instances")
    expect(first).to_contain_text(re.compile(r"of vmss-web since (2026-11-26 )?10:02 UTC"))
    expect(first).to_contain_text("A command is missing. A command that the script or the handler calls")
    expect(first).to_contain_text("Whose it is: this instance")
    expect(first.get_by_text("Failed", exact=True)).to_be_visible()
    keep(page, "incidents")
    first.get_by_role("link", name="CustomScript exit 127").click()
    expect(page.locator("h1")).to_have_text("CustomScript exit 127 on 37 of 40 instances of vmss-web")
    expect(page.get_by_text("jq: command not found").first).to_be_visible()
    expect(page.get_by_text("Install it first, or call it with its full path.").first).to_be_visible()
    expect(page.locator("#rows tbody tr")).to_have_count(37)
    expect(page.locator("section", has_text="without it").last).to_contain_text("vmss-web_0, vmss-web_1, vmss-web_2")
    expect(page.get_by_text("Image 22.04.202611180: all 37 failed ones, none of 3 healthy ones")).to_be_visible()
    ids = " ".join(str(number) for number in range(3, 40))
    expect(page.get_by_text(f"--instance-ids {ids}  # only if the upgrade policy is Manual")).to_be_visible()
    page.get_by_role("link", name="What this means for the scale set").click()
    expect(page.locator("h1")).to_have_text("vmss-web: 37 failed of 40 instances, 3 silent")
    expect(page.get_by_text("az vmss delete-instances -g rg-web -n vmss-web --instance-ids 3 4 5")).to_be_visible()


def test_the_matrix_puts_alike_instances_into_a_row(page: Page, server: Endpoint):
    page.goto(server.url + "/scale-sets")
    page.get_by_role("link", name="vmss-web").click()
    rows = page.locator("#rows tbody tr")
    expect(rows.nth(0)).to_contain_text("35 failed")
    expect(rows.nth(0).locator("td").nth(0)).to_have_text(re.compile(r"Failed\s+exit 127"))
    expect(rows.nth(0).locator("td").nth(1)).to_have_text("Healthy")
    expect(rows.nth(1)).to_contain_text("vmss-web_17, vmss-web_31")
    expect(rows.last).to_contain_text("3 healthy")
    expect(page.locator("#rows")).to_contain_text("has not reported; the list says: in-progress")
    expect(page.get_by_text("First failure").locator("..")).to_contain_text("10:02 UTC on vmss-web_3")
    expect(page.get_by_text("Before you scale out")).to_be_visible()
    keep(page, "scale-set", 1450)
    page.get_by_role("link", name="23 more").click()
    expect(page.locator("h1")).to_have_text("35 instances: CustomScript failed with exit 127")
    expect(page.locator("#rows tbody tr")).to_have_count(35)


def test_a_name_of_128_characters_leaves_the_columns_in_sight(page: Page, server: Endpoint):
    fits = "(node => node.scrollWidth <= node.clientWidth)(document.querySelector('#rows').parentElement)"
    for path, name in (("/scale-sets", ".sets th a"), ("/bundles", "td.named a")):
        page.goto(server.url + path)
        page.locator(name).first.evaluate("node => node.textContent = 'x'.repeat(128)")
        assert page.evaluate("(node => node.scrollWidth <= node.clientWidth)(document.querySelector('.scroll'))"), path
    page.goto(server.url + "/scale-sets")
    page.get_by_role("link", name="vmss-web").click()
    page.locator(".names a").first.evaluate("node => node.textContent = 'a-long-name-'.repeat(11)")
    assert page.evaluate(fits)


def test_a_scale_set_that_fails_everywhere_says_that_there_is_nothing_to_compare_with(page: Page, server: Endpoint):
    page.goto(server.url + "/scale-sets")
    page.get_by_role("link", name="vmss-data").click()
    expect(page.get_by_text("Nothing to compare with: none that has reported is healthy")).to_be_visible()
    expect(page.get_by_text("do not scale out").first).to_be_visible()


def test_a_healthy_one_and_lone_machines_have_words_of_their_own(page: Page, server: Endpoint):
    page.goto(server.url + "/scale-sets")
    page.get_by_role("link", name="vmss-batch").click()
    expect(page.locator("h1")).to_have_text("vmss-batch: no failure on 60 instances")
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    expect(page.get_by_role("heading", name="What to do")).to_have_count(0)
    page.goto(server.url + "/scale-sets")
    page.get_by_role("link", name="Machines of rg-tools without a scale set").click()
    expect(page.locator("h1")).to_contain_text("1 failed of 2 machines")
    expect(page.get_by_text("scaling out does not apply")).to_be_visible()
    expect(page.get_by_role("heading", name="Silent instances")).to_have_count(0)


def test_filters_are_removed_one_by_one(page: Page):
    page.get_by_label("Exit code").fill("52")
    page.get_by_label("Kind").select_option("failure")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".incident")).to_have_count(2)
    page.get_by_role("link", name="Remove the filter kind: failed").click()
    expect(page).to_have_url(re.compile(r"/\?exit_code=52$"))
    page.get_by_label("Instance", exact=True).fill("vmss-web_17")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".incident")).to_have_count(1)
    page.get_by_label("Scale set").fill("vmss-api")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="No incident matches these filters")).to_be_visible()
    page.locator("main section").get_by_role("link", name="scale set: vmss-api").click()
    expect(page.locator(".incident")).to_have_count(1)


def test_the_list_of_az_is_given_by_a_form(server: Endpoint, context: BrowserContext):
    page = context.new_page()
    page.goto(server.url + "/scale-sets")
    page.get_by_role("link", name="vmss-api").click()
    expect(page.get_by_text("Which instances should be there is not known yet")).to_be_visible()
    page.get_by_label("2. The file").set_input_files(_file(demo_site.listing("vmss-api", 14)))
    page.get_by_role("button", name="Give the list").click()
    expect(page.locator("h1")).to_have_text("vmss-api: 1 failed and 4 hanging of 12 instances, 2 silent")
    expect(page.get_by_text("vmss-api_12").first).to_be_visible()
    page.get_by_text("Give a newer list").click()
    page.get_by_label("2. The file").set_input_files(_file("no json"))
    with page.expect_response(lambda answer: answer.request.method == "POST") as answer:
        page.get_by_role("button", name="Give the list").click()
    assert answer.value.status == 400
    expect(page.get_by_role("heading")).to_contain_text("The list was not taken: it is no JSON")
    page.close()


def _file(text: str) -> FilePayload:
    return {"name": "instances.json", "mimeType": "application/json", "buffer": text.encode()}


def test_the_keyboard_is_enough(page: Page):
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("j")
    first, second = page.locator(".incident h2 > a").nth(0), page.locator(".incident h2 > a").nth(1)
    expect(first).to_be_focused()
    page.keyboard.press("j")
    expect(second).to_be_focused()
    page.keyboard.press("k")
    expect(first).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Search everything")).to_be_focused()
    page.keyboard.type("j/")
    expect(page.get_by_label("Search everything")).to_have_value("j/")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    name = first.inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(name)
    page.get_by_role("button", name="Turn the keys off").click()
    page.reload()
    page.keyboard.press("/")
    expect(page.get_by_role("button", name="Turn the keys on")).to_be_visible()
    expect(page.locator("input:focus")).to_have_count(0)
    page.get_by_role("button", name="Turn the keys on").click()
    page.keyboard.press("/")
    expect(page.locator("input:focus")).to_have_count(1)


def test_the_script_copies_filters_and_tells_the_time_of_here(context: BrowserContext, page: Page, server: Endpoint):
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    page.locator(".incident h2 > a", has_text="exit 127 on 37").click()
    page.get_by_label("Filter", exact=True).fill("web_1")
    expect(page.locator("#rows tbody tr:visible")).to_have_count(10)
    expect(page.get_by_role("status")).to_have_text("10 of 37 shown")
    page.locator("#copy").locator("..").get_by_role("button", name="Copy").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("## CustomScript exit 127 on 37 of 40 instances: a command is missing\n")
    assert f": <{server.url}/incidents/" in copied
    time = page.locator("dl time").first
    time.hover()
    expect(time).to_have_attribute("title", re.compile(r"your time"))


def test_a_page_asks_no_other_host(server: Endpoint, context: BrowserContext):
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in pages(page, server):
        page.goto(server.url + path)
    page.close()
    assert asked
    assert {url.split("/", 3)[2] for url in asked} == {server.url.split("/")[2]}
