"""The administrator's pages: walked as an administrator does, with script and without; by axe-core's rules; and not
to be had by another site's form."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import BrowserContext, Page, expect

from collector.endpoint.access.accounts import Accounts
from collector.endpoint.access.audit import Act, now, record
from collector.endpoint.access.tokens import Tokens, new_secret, token_row
from collector.endpoint.database.access_tables import ACCOUNTS, TOKENS
from collector.endpoint.database.engine import Database
from tests.browser.axe import violations
from tests.browser.chromium import browser
from tests.browser.site import begin, keep, problems_of, signed_in
from tests.collecting import collect, failing_disk
from tests.endpoint.running import Endpoint, endpoint

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]

PASSWORD, OTHER = "four words that nobody joins", "other words, as many of them"
SECRET = re.compile(r"^vmext_[\w-]{43}$")
#: The row of the token that is made.
WEB = re.compile("^web [0-9a-f]{16} send bundles")


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Endpoint]:
    with endpoint(tmp_path / "data") as running:
        yield running


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """Accounts of whom one is closed, tokens of which some ended, a watched folder with a file that is no bundle."""
    folder = tmp_path_factory.mktemp("full")
    share = folder / "share"
    share.mkdir()
    bundle = Path(collect(failing_disk(folder / "disk"), folder / "state").json["bundle"]["path"])
    (share / bundle.name).write_bytes(bundle.read_bytes())
    broken = share / "0123456789abcdef.zip"
    broken.write_bytes(b"PK\x03\x04, and then it broke off")
    os.utime(broken, (time.time() - 3_600,) * 2)  # else it may still be being written, and is not judged yet
    with endpoint(folder / "data", "--watch-store", str(share)) as running:
        _fill(Database(f"sqlite:///{running.data / 'index.sqlite'}"))
        _until_watched(running)
        yield running


def _fill(database: Database) -> None:
    tokens, accounts = Tokens(database), Accounts(database)
    long = "00000000-aaaa-bbbb-cccc-0123456789ab/a-resource-group-with-a-long-name/vmss-of-the-west-europe-web-tier"
    name = "a token with a name that is as long as any may be which is 64 or"
    tokens.create(name, "upload", scale_set=long, days=90, by="boss")
    for name, scope in (("ann", "read"), ("boss", "admin"), ("an.account.with-a-long-name@some.example.org", "read")):
        accounts.add(name, PASSWORD, scope, by="boss")
    names, over = [f"old-{number}" for number in range(52)], {"expires": now(), "revoked": now()}
    with database.writing() as connection:
        old = [token_row(new_secret(), name, "read", now(), "boss") | over for name in names]
        connection.execute(sa.insert(TOKENS), old)
        record(
            connection, *(Act("boss", action, name) for name in names for action in ("token-create", "token-revoke"))
        )
        long_name = ACCOUNTS.c.name.startswith("an.")
        connection.execute(sa.update(ACCOUNTS).where(long_name).values(locked_until=now() + timedelta(hours=1)))
    database.close()


def _until_watched(running: Endpoint) -> None:
    until = time.monotonic() + 180
    while True:
        told = running.get("/v1/stores").json()["stores"]
        if told and (told[0]["bundles"], told[0]["damaged"]) == (1, 1):
            return
        assert time.monotonic() < until, told
        time.sleep(0.1)


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_the_walk_of_an_administrator(empty: Endpoint, tmp_path: Path, script: bool):
    """By labels alone; every step says what it did, and what is secret is shown once."""
    with signed_in(empty, tmp_path / "browser", script=script) as context:
        page = context.new_page()
        problems = problems_of(page)
        page.goto(empty.url + "/")
        page.get_by_role("link", name="Administration").click()
        _tokens(page, script)
        page.get_by_role("link", name="Accounts").click()
        _accounts(page)
        page.get_by_role("link", name="Who did what").click()
        _record(page)
        expect(page.get_by_role("link", name="Stores")).to_have_count(0)
        page.goto(empty.url + "/stores")
        expect(page.get_by_text("No store is watched.")).to_be_visible()
        _sign_out(page)
        _sign_in_again(page)
        refused = [re.findall(r"the server responded with a status of (\d+)", problem) for problem in problems]
        assert refused == [["400"], ["400"], ["400"], ["401"], ["403"]], (
            f"what was refused, and nothing else: {problems}"
        )


def _tokens(page: Page, script: bool) -> None:
    page.get_by_label("Name", exact=True).fill("web")
    page.get_by_label("For the scale set").fill("only-a-name")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_role("alert")).to_contain_text("names no scale set")
    expect(page.get_by_label("Name", exact=True)).to_have_value("web")
    page.get_by_label("For the scale set").fill("web-rg/vmss-web")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_role("status").first).to_contain_text("shown this once")
    secret = page.get_by_label("The token").inner_text()
    assert SECRET.match(secret), secret
    expect(page.get_by_role("button", name="Copy")).to_have_count(1 if script else 0)
    page.get_by_role("link", name="Tokens").click()
    expect(page.get_by_role("row", name=WEB)).to_contain_text("web-rg/vmss-web")
    assert secret not in page.content()
    expect(page.get_by_role("button", name="Revoke web")).to_be_hidden()
    page.get_by_text("Revoke web").first.click()
    page.get_by_role("button", name="Revoke web").click()
    expect(page.get_by_role("status").first).to_contain_text("The token web is revoked")
    expect(page.get_by_role("row", name=WEB)).to_have_count(0)
    page.get_by_text("1 token that ended").click()
    expect(page.get_by_role("row", name=WEB)).to_contain_text("revoked")


def _accounts(page: Page) -> None:
    expect(page.get_by_text("There is no account.")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("Ann")
    page.get_by_label("Password", exact=True).fill("annannannann")
    page.get_by_role("button", name="Add the account").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Ann")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Add the account").click()
    expect(page.get_by_role("status").first).to_contain_text("ann is added")
    page.get_by_text("New password of ann").click()
    page.get_by_label("New password of ann").fill(OTHER)
    page.get_by_role("button", name="Change the password of ann").click()
    expect(page.get_by_role("status").first).to_contain_text("The password of ann is changed")


def _record(page: Page) -> None:
    expect(page.get_by_role("table")).to_contain_text("changed a password")
    page.get_by_label("Action").select_option("revoked a token")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("row").last).to_contain_text("web")
    page.get_by_label("Who", exact=True).fill("nobody-at-all")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Nothing fits this filter.")).to_be_visible()
    page.get_by_label("Since").fill("yesterday")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("alert")).to_contain_text("is no time")
    page.get_by_role("link", name="Clear").click()
    expect(page.get_by_role("table")).to_contain_text("made a token")


def _sign_out(page: Page) -> None:
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("link", name="Administration")).to_have_count(0)


def _sign_in_again(page: Page) -> None:
    """As a reader, from a page that the reader may not see."""
    page.goto(page.url.replace("/login", "/admin/audit?who=ann"))
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Name or password is wrong")
    expect(page.get_by_label("Name")).to_have_value("ann")
    page.get_by_label("Password").fill(OTHER)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="This needs the scope admin")).to_be_visible()
    expect(page.get_by_role("link", name="Administration")).to_have_count(0)
    page.get_by_role("link", name="Incidents", exact=True).click()
    expect(page.get_by_role("heading", name="Incidents", exact=True)).to_be_visible()
    expect(page.locator(".account")).to_contain_text("ann")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_is_for_everyone(full: Endpoint, tmp_path: Path, dark: bool):
    """No violation of WCAG 2.2 AA, wide and at 320 pixels; nothing scrolls sideways there; each page is small."""
    with signed_in(full, tmp_path / "browser", dark=dark) as context:
        page = context.new_page()
        for path in ("/admin/tokens", "/admin/accounts", "/admin/audit", "/admin/audit?who=x", "/stores", "/logout"):
            answer = page.goto(full.url + path)
            assert answer is not None
            assert (answer.status, len(answer.body()) < 100_000) == (200, True), path
            _well(page, path, dark)
            summaries = page.locator("summary").all()
            for summary in summaries:
                summary.click()
            if summaries:
                _well(page, f"{path} opened", dark)
        _make_and_fail(page, full, dark)
        context.clear_cookies()
        page.goto(full.url + "/login")
        _well(page, "login", dark)
        page.get_by_label("Name").fill("ann")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        _well(page, "login wrong", dark)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".account")).to_contain_text("ann")
        page.goto(full.url + "/admin/tokens")
        expect(page.get_by_role("heading")).to_have_text("This needs the scope admin")
        _well(page, "refused", dark)


def _make_and_fail(page: Page, server: Endpoint, dark: bool) -> None:
    page.goto(server.url + "/admin/tokens")
    page.get_by_label("Name", exact=True).fill("dark" if dark else "light")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_label("The token")).to_be_visible()
    _well(page, "token made", dark)
    page.get_by_label("Name", exact=True).fill("dark" if dark else "light")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_role("alert")).to_be_visible()
    _well(page, "token wrong", dark)
    page.goto(server.url + "/admin/audit?since=yesterday")
    _well(page, "audit wrong", dark)


def _well(page: Page, what: str, dark: bool) -> None:
    name = re.sub(r"\W+", "-", what).strip("-")
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 900})
        keep(page, f"{name}-{width}-{'dark' if dark else 'light'}")
        assert violations(page) == [], f"{what} at {width} px"
    wide = "[...document.querySelectorAll('html, .top, .scroll, .card, .card form')]"
    out = page.evaluate(f"{wide}.filter(node => node.scrollWidth > node.clientWidth).map(node => node.outerHTML)")
    assert out == [], f"{what} at 320 px"
    page.set_viewport_size({"width": 1280, "height": 900})


def test_another_site_signs_nobody_in(full: Endpoint, tmp_path: Path):
    """Else whoever uses the endpoint would look at it in a session that somebody else chose."""
    form = (
        f'<html lang="en"><title>other</title><form method="post" action="{full.url}/login">'
        f'<input name="token" value="{full.token}"><button>Win</button></form></html>'
    )
    with _elsewhere(form) as port, browser(tmp_path / "browser") as context:
        for host in ("127.0.0.1", "localhost"):
            page = context.new_page()
            begin(page, f"http://{host}:{port}/")
            page.get_by_role("button", name="Win").click()
            expect(page.get_by_role("heading")).to_have_text("This form was sent from another site")
            assert _cookies(context) == [], f"from {host}"
            page.close()
        page = context.new_page()
        page.goto(full.url + "/login")
        page.get_by_label("Token").fill(full.token)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Incidents", exact=True)).to_be_visible()
        assert "vmext_session" in _cookies(context)


def _cookies(context: BrowserContext) -> list[str]:
    return [str(cookie.get("name")) for cookie in context.cookies()]


@contextmanager
def _elsewhere(text: str) -> Iterator[int]:
    """The port of a site that shows one page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            serving.join()
