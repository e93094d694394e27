"""People who sign in: accounts, sessions, forms, and the record of what they did."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from collector.endpoint.access import accounts as module
from collector.endpoint.access.accounts import Accounts
from collector.endpoint.access.audit import acts, moment, now
from collector.endpoint.access.passwords import hashed, is_password
from collector.endpoint.access.sessions import COOKIE, IDLE, LONGEST, Person, Sessions, drop_ended
from collector.endpoint.access.tokens import Tokens
from collector.endpoint.database.access_tables import ACCOUNTS, SESSIONS
from collector.endpoint.database.engine import Database
from collector.errors import ConfigError
from tests.collecting import vmext
from tests.endpoint.made import varied
from tests.endpoint.running import Endpoint, endpoint
from tests.waiting import until

PASSWORD = "four words that nobody joins"
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """One that knows an administrator and a reader by name."""
    data = tmp_path_factory.mktemp("sessions") / "data"
    with endpoint(data) as running:
        database = Database(f"sqlite:///{data / 'index.sqlite'}")
        for name, scope in (("boss", "admin"), ("ann", "read")):
            Accounts(database).add(name, PASSWORD, scope, by="test")
        database.close()
        yield running


def sign_in(server: Endpoint, name: str = "boss", password: str = PASSWORD) -> requests.Session:
    browser = requests.Session()
    answer = browser.post(f"{server.url}/login", data={"name": name, "password": password}, timeout=30)
    assert answer.status_code == 200, answer.text
    return browser


def csrf(browser: requests.Session, server: Endpoint, path: str = "/admin/tokens") -> str:
    found = _CSRF.search(browser.get(server.url + path, timeout=30).text)
    assert found
    return found[1]


def test_an_account_signs_in_reads_and_signs_out(server: Endpoint):
    browser = sign_in(server, " Ann ")
    assert browser.get(f"{server.url}/", timeout=30).status_code == 200
    assert browser.get(f"{server.url}/admin/tokens", timeout=30).status_code == 403
    secret = browser.cookies["vmext_session"]
    stolen = {"vmext_session": secret}
    assert requests.get(f"{server.url}/", cookies=stolen, allow_redirects=False, timeout=30).status_code == 200
    sent = browser.post(f"{server.url}/logout", data={"csrf": csrf(browser, server, "/logout")}, timeout=30)
    assert sent.url == f"{server.url}/login"
    assert "vmext_session" not in browser.cookies
    after = requests.get(f"{server.url}/", cookies=stolen, allow_redirects=False, timeout=30)
    assert (after.status_code, after.headers["Location"]) == (303, "/login?next=%2F"), "it has ended in the index, too"


def test_wrong_names_and_passwords_are_told_alike(server: Endpoint):
    told = set()
    for name, password in (("ann", "wrong"), ("nobody", PASSWORD), ("", ""), ("ann\0", PASSWORD), ("\ud800", "\ud800")):
        form = {"name": name.encode("utf-8", "surrogatepass"), "password": password.encode("utf-8", "surrogatepass")}
        answer = requests.post(f"{server.url}/login", data=form, timeout=30)
        assert answer.status_code == 401
        found = re.search(r'role="alert"[^>]*>([^<]+)<', answer.text)
        assert found
        told.add(found[1])
    assert told == {"Name or password is wrong. After several wrong tries an account is closed for some minutes."}


def test_a_token_that_only_sends_signs_nobody_in(server: Endpoint):
    database = Database(f"sqlite:///{server.data / 'index.sqlite'}")
    _, secret = Tokens(database).create("sender", "upload", scale_set=None, days=1, by="test")
    database.close()
    answer = requests.post(f"{server.url}/login", data={"token": secret}, timeout=30)
    assert (answer.status_code, "can only send bundles" in answer.text) == (401, True)


@pytest.mark.parametrize(
    "path",
    [
        *("/admin/tokens", "/admin/tokens/0000000000000000/revoke", "/admin/accounts", "/admin/accounts/ann/remove"),
        *("/admin/accounts/ann/password", "/logout"),
    ],
)
def test_a_form_of_another_session_or_site_changes_nothing(server: Endpoint, path: str):
    browser, other = sign_in(server), sign_in(server)
    good = csrf(browser, server)
    form = {"name": "x", "scope": "admin", "days": "9", "password": PASSWORD}
    for told in ({}, {"csrf": ""}, {"csrf": "0" * 64}, {"csrf": csrf(other, server)}):
        answer = browser.post(server.url + path, data=form | told, allow_redirects=False, timeout=30)
        assert (answer.status_code, "not of your session" in answer.text) == (403, True), told
    for headers in (
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": server.url, "Sec-Fetch-Site": "cross-site"},
    ):
        answer = browser.post(
            server.url + path, data=form | {"csrf": good}, headers=headers, allow_redirects=False, timeout=30
        )
        assert (answer.status_code, "another site" in answer.text) == (403, True), headers
    assert browser.get(f"{server.url}/admin/accounts", timeout=30).text.count("/remove") == 2


def test_every_form_that_changes_something_is_among_those_tried():
    """Also one that somebody adds: what is posted to a page must be read by `posted`."""
    source = Path(module.__file__).parents[1]
    for file in source.rglob("*.py"):
        text = file.read_text()
        for found in re.finditer(r"@app\.post\((.+?)\)(.*?)(?=\n    @app\.|\ndef |\Z)", text, re.S):
            path = found[1].split(",")[0].strip("\"'f")
            if not path.startswith("/v1/") and path != "/login":
                assert "posted(request" in found[2] or "check_csrf(" in found[2], f"{file.name}: {path}"


def test_a_session_sends_no_bundles(server: Endpoint, bundle: Path):
    browser = sign_in(server)
    answer = browser.put(f"{server.url}/v1/bundles/{bundle.stem}", data=b"x", timeout=30)
    assert (answer.status_code, answer.json()["error"]) == (403, "a browser's session does not send")


def test_an_administrator_makes_shows_once_and_revokes_a_token(server: Endpoint, bundle: Path):
    browser = sign_in(server)
    form = {"csrf": csrf(browser, server), "name": "web page", "scope": "upload", "scale_set": "", "days": "30"}
    made = browser.post(f"{server.url}/admin/tokens", data=form, headers={"Origin": server.url}, timeout=30)
    found = re.search(r"(vmext_[\w-]{40,})", made.text)
    assert (made.status_code, bool(found)) == (200, True)
    assert found
    secret = found[1]
    assert server.put(bundle, token=secret).status_code in (200, 201)
    page = browser.get(f"{server.url}/admin/tokens", timeout=30).text
    assert secret not in page
    assert "by boss" in page
    again = browser.post(f"{server.url}/admin/tokens", data=form, timeout=30)
    assert (again.status_code, "There is a token" in again.text) == (400, True)
    wrong = browser.post(f"{server.url}/admin/tokens", data=form | {"name": "b", "days": "x"}, timeout=30)
    assert (wrong.status_code, 'value="b"' in wrong.text) == (400, True), "what was typed stays"
    ids = re.findall(r"/admin/tokens/([0-9a-f]{16})/revoke", page.split("web page", 1)[1])
    revoke = f"{server.url}/admin/tokens/{ids[0]}/revoke"
    assert "web page is revoked" in browser.post(revoke, data={"csrf": form["csrf"]}, timeout=30).text
    assert server.put(bundle, token=secret).status_code == 401, "at once in this process"
    assert browser.post(revoke, data={"csrf": form["csrf"]}, timeout=30).status_code == 404


def test_an_administrator_adds_changes_and_removes_an_account(server: Endpoint):
    boss = sign_in(server)
    token = {"csrf": csrf(boss, server)}
    short = boss.post(f"{server.url}/admin/accounts", data=token | {"name": "eve", "password": "x"}, timeout=30)
    assert short.status_code == 400
    form = token | {"name": "Eve", "password": PASSWORD, "scope": "read"}
    assert "eve is added" in boss.post(f"{server.url}/admin/accounts", data=form, timeout=30).text
    eve = sign_in(server, "eve")
    assert eve.get(f"{server.url}/", timeout=30).url.endswith("/")
    changed = token | {"password": PASSWORD + " more"}
    assert (
        "The password of eve is changed"
        in boss.post(f"{server.url}/admin/accounts/eve/password", data=changed, timeout=30).text
    )
    assert "/login" in eve.get(f"{server.url}/", timeout=30).url, "a new password ends the sessions"
    eve = sign_in(server, "eve", PASSWORD + " more")
    assert "eve is removed" in boss.post(f"{server.url}/admin/accounts/eve/remove", data=token, timeout=30).text
    assert "/login" in eve.get(f"{server.url}/", timeout=30).url


def test_what_shows_a_bundle_under_another_address_is_recorded_as_well(server: Endpoint, bundle: Path, tmp_path: Path):
    """The page of an instance shows its newest bundle, and a comparison shows both, by whatever ids it was asked."""
    one = varied(bundle, tmp_path, instance_id="76", instance_name="vmss-web_76")
    other = varied(bundle, tmp_path, instance_id="77", instance_name="vmss-web_77")
    for file in (one, other):
        server.put(file)
    server.settle()
    (instance,) = server.get("/v1/instances?q=vmss-web_77").json()["instances"]
    browser = sign_in(server, "ann")
    sides = f"left={instance['id']}&right={one.stem}"
    before = len(opened_by(server, "ann"))
    # a choice of what to compare with shows no more than a list does
    for path in (
        f"/compare?left={one.stem}",
        f"/instances/{instance['id']}",
        f"/compare?{sides}",
        f"/v1/compare?{sides}",
    ):
        assert browser.get(server.url + path, timeout=30).status_code == 200
    both = {other.stem, one.stem}
    until(lambda: len(opened_by(server, "ann")) >= before + 5, "what is recorded within moments")
    told = opened_by(server, "ann")[: -before or None]
    assert ({*told[:2]}, {*told[2:4]}, told[4:]) == (both, both, [other.stem])


def opened_by(server: Endpoint, who: str) -> list[str]:
    """The newest first."""
    run = vmext("endpoint", "--data", server.data, "audit", "--who", who, "--action", "open", "--json")
    return [json.loads(line)["object"] for line in run.out.splitlines() if line.startswith("{")]


def test_who_opened_and_downloaded_what_is_recorded(server: Endpoint, bundle: Path):
    server.put(bundle)
    server.settle()
    browser = sign_in(server, "ann")
    for path in (f"/bundles/{bundle.stem}", f"/v1/bundles/{bundle.stem}", f"/v1/bundles/{bundle.stem}/bundle"):
        assert browser.get(server.url + path, timeout=30).status_code == 200
    assert browser.get(f"{server.url}/bundles/0123456789abcdef", timeout=30).status_code == 404
    for name in ("ann", "A-Password-Of-Boss"):
        requests.post(f"{server.url}/login", data={"name": name, "password": "hunter-two-and-two"}, timeout=30)
    boss = sign_in(server)
    views = {"object": bundle.stem, "who": "ann"}
    until(
        lambda: boss.get(f"{server.url}/admin/audit", params=views, timeout=30).text.count(bundle.stem) > 3,
        "what is recorded within moments",
    )
    page = boss.get(f"{server.url}/admin/audit", params=views, timeout=30).text
    assert page.count(f"<code>{bundle.stem}</code>") == 3
    run = vmext("endpoint", "--data", server.data, "audit", "--since", "1h", "--json")
    rows = [json.loads(line) for line in run.out.splitlines()]
    of_ann = [row["action"] for row in rows if row["object"] == bundle.stem and row["who"] == "ann"]
    assert of_ann == ["download", "open", "open"]
    assert {row["who"] for row in rows if row["action"] == "login-refused"} >= {"ann", "somebody"}
    assert {row["address"] for row in rows if row["who"] == "ann" and row["action"] == "open"} == {"127.0.0.1"}
    assert "hunter-two-and-two" not in run.out
    assert "a-password-of-boss" not in run.out.lower(), "typed into the wrong field"
    assert boss.get(f"{server.url}/admin/audit?since=yesterday", timeout=30).status_code == 400
    assert "Nothing fits" in boss.get(f"{server.url}/admin/audit?who=nobody-at-all", timeout=30).text


def test_every_answer_says_what_browsers_may_do_with_it(server: Endpoint, bundle: Path):
    server.put(bundle)
    server.settle()
    for path in (
        "/login",
        "/",
        f"/bundles/{bundle.stem}",
        "/v1/bundles",
        "/static/style.css",
        "/no-such",
        "/v1/no-such",
    ):
        headers = server.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
    for page in (server.get("/login").text, server.get("/").text, server.get("/admin/tokens").text):
        assert not re.search(r"<script(?![^>]*\ssrc=)|\son[a-z]+=|\sstyle=|<style|javascript:", page), page
    download = server.get(f"/v1/bundles/{bundle.stem}/bundle")
    assert download.headers["Content-Type"] == "application/zip"
    assert download.headers["Content-Disposition"] == f'attachment; filename="{bundle.stem}.zip"'


def test_behind_a_proxy_with_tls_cookies_are_secure_and_the_address_is_the_callers(tmp_path: Path):
    options = ("--public-url", "https://vmext.example", "--trusted-proxy", "127.0.0.1")
    with endpoint(tmp_path / "data", *options) as server:
        headers = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "Origin": "https://vmext.example"}
        form = {"token": server.token}
        answer = requests.post(f"{server.url}/login", data=form, headers=headers, allow_redirects=False, timeout=30)
        assert (answer.status_code, "secure" in answer.headers["Set-Cookie"].lower()) == (303, True)
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        other = requests.post(f"{server.url}/login", data=form, headers={"Origin": server.url}, timeout=30)
        assert other.status_code == 403
        assert "203.0.113.7" in server.get("/admin/audit?action=login").text


def test_without_a_trusted_proxy_its_headers_are_nothing(server: Endpoint):
    requests.post(
        f"{server.url}/login",
        data={"name": "ann", "password": "x"},
        headers={"X-Forwarded-For": "203.0.113.9"},
        timeout=30,
    )
    told = "/admin/audit?who=ann&action=login-refused"
    until(lambda: "127.0.0.1" in server.get(told).text, "what is recorded within moments")
    page = server.get(told).text
    assert "203.0.113.9" not in page


def test_wrong_passwords_close_an_account_for_longer_and_longer(database: Database):
    """A right one does not help meanwhile; the first tries are free."""
    accounts = Accounts(database)
    accounts.add("ann", PASSWORD, "read", by="test")
    for _ in range(4):
        assert accounts.check("ann", "wrong") is None
    assert accounts.check("ann", PASSWORD) == Person("account ann", "ann", "read")
    waits = []
    for _ in range(12):
        with database.writing() as connection:
            connection.execute(sa.update(ACCOUNTS).values(locked_until=None))
        assert accounts.check("ann", "wrong") is None
        until = accounts.all()[0].locked_until
        waits.append(0 if until is None else round((until - now()).total_seconds() / 60))
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 15, 15, 15, 15]
    assert accounts.check("ann", PASSWORD) is None
    with database.writing() as connection:  # it was closed before the clock was set back
        connection.execute(sa.update(ACCOUNTS).values(locked_until=now() + timedelta(days=1)))
    assert accounts.check("ann", PASSWORD) is not None
    assert accounts.set_password("ann", PASSWORD + " more", by="test")
    assert accounts.check("ann", PASSWORD + " more") is not None


def test_passwords_are_kept_as_argon2id_and_guessable_ones_are_not_taken(database: Database):
    accounts = Accounts(database)
    for password in ("short", "x" * 257, "aaaaaaaaaaaaaaa", "annannannann", "abcabcabcabcabc"):
        with pytest.raises(ConfigError):
            accounts.add("ann", password, "read", by="test")
    for name in ("", "a/b", "a b", "-a", "a" * 65, "<b>"):
        with pytest.raises(ConfigError, match="an account's name"):
            accounts.add(name, PASSWORD, "read", by="test")
    with pytest.raises(ConfigError, match="none of an account"):
        accounts.add("ann", PASSWORD, "upload", by="test")
    accounts.add("ann", PASSWORD, "read", by="test")
    with pytest.raises(ConfigError, match="already"):
        accounts.add("ANN", PASSWORD, "read", by="test")
    with database.reading() as connection:
        kept = str(connection.execute(sa.select(ACCOUNTS.c.password)).scalar_one())
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert is_password(kept, PASSWORD)
    assert not is_password(hashed(PASSWORD + "x"), PASSWORD)
    assert not is_password(None, "nobody has this password")


def test_who_comes_with_a_session_that_is_over_is_told_so(server: Endpoint):
    told = "Your session has ended"
    answer = requests.get(f"{server.url}/bundles", cookies={COOKIE: "over" * 10}, timeout=30)
    assert answer.url.endswith("/login?next=%2Fbundles")
    assert told in answer.text
    assert told not in requests.get(f"{server.url}/bundles", timeout=30).text
    assert told not in sign_in(server).get(f"{server.url}/login", timeout=30).text


def test_a_session_ends_when_nobody_uses_it_and_in_any_case(database: Database):
    sessions = Sessions(database)
    with database.writing() as connection:
        secret = sessions.begin(connection, Person("account ann", "ann", "read"))
        assert secret not in str(connection.execute(sa.select(SESSIONS)).all())

    def age(seen: timedelta, made: timedelta) -> None:
        at = now()
        values = {"last_seen": at - seen, "created": at - made, "expires": at - made + LONGEST}
        with database.writing() as connection:
            connection.execute(sa.update(SESSIONS).values(values))

    minute = timedelta(minutes=1)
    assert sessions.find(secret) is not None
    assert sessions.find(secret + "x") is None
    age(IDLE - minute, IDLE)
    assert sessions.find(secret) is not None
    age(IDLE + minute, IDLE + minute)
    assert sessions.find(secret) is None
    age(minute, LONGEST - minute)
    assert sessions.find(secret) is not None
    age(minute, LONGEST + minute)
    assert sessions.find(secret) is None
    with database.writing() as connection:
        drop_ended(connection)
        assert connection.execute(sa.select(sa.func.count()).select_from(SESSIONS)).scalar_one() == 0


def test_with_a_token_or_an_account_end_its_sessions(database: Database):
    tokens, accounts, sessions = Tokens(database), Accounts(database), Sessions(database)
    token, _ = tokens.create("web", "read", scale_set="g/web", days=1, by="test")
    accounts.add("ann", PASSWORD, "read", by="test")
    with database.writing() as connection:
        of_token = sessions.begin(connection, Person(f"token {token.id}", "web", "read", token.scale_set))
        of_account = sessions.begin(connection, Person("account ann", "ann", "read"))
    found = sessions.find(of_token)
    assert found is not None
    assert found.scale_set == "g/web", "a session sees what its token sees"
    tokens.revoke("web", by="test")
    assert sessions.find(of_token) is None
    assert sessions.find(of_account) is not None
    accounts.remove("ann", by="test")
    assert sessions.find(of_account) is None
    with database.reading() as connection:
        done = [row.action for row in acts(connection, {})]
    assert done == ["account-remove", "token-revoke", "account-add", "token-create"]


@pytest.mark.parametrize(
    ("text", "ago"), [("30m", timedelta(minutes=30)), ("12h", timedelta(hours=12)), ("7d", timedelta(days=7))]
)
def test_a_time_ago(text: str, ago: timedelta):
    at = now()
    assert moment(text, at) == at - ago
    assert moment(None, at) is None
    for wrong in ("yesterday", "7", "9999999999d", "-1h"):
        with pytest.raises(ConfigError):
            moment(wrong, at)


def test_accounts_by_the_command(tmp_path: Path):
    import subprocess
    import sys

    run = [sys.executable, "-m", "collector", "endpoint", "--data", str(tmp_path / "data"), "account"]

    def account(*arguments: str, typed: str = "") -> Any:
        return subprocess.run([*run, *arguments], input=typed, capture_output=True, text=True, timeout=120, check=False)

    assert account("add", "Ann", "--scope", "admin", typed=PASSWORD + "\n").returncode == 0
    assert account("add", "bob").returncode == 2
    assert account("add", "bob", typed="short\n").returncode == 2
    listed = account("list", "--json").stdout
    assert (json.loads(listed)["name"], json.loads(listed)["scope"]) == ("ann", "admin")
    assert "argon2" not in listed
    assert account("password", "ann", typed=PASSWORD + " more\n").returncode == 0
    with endpoint(tmp_path / "data") as server:
        assert not (server.data / "admin.token").exists(), "there is an administrator already"
        sign_in(server, "ann", PASSWORD + " more")
    assert account("remove", "ann").returncode == 0
    assert account("remove", "ann").returncode == 2


@pytest.mark.parametrize("form", ["csrf=%E9&id=x", "csrf=&id=x"])
def test_a_form_with_an_odd_csrf_is_refused(server: Endpoint, form: str):
    browser = sign_in(server)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = browser.post(f"{server.url}/logout", data=form, headers=headers, timeout=30)
    assert answer.status_code == 403


def test_a_request_that_two_servers_part_differently_is_refused(server: Endpoint):
    """What a proxy took for its body is not taken for the next request."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    head = f"POST /v1/uploads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
    next_one = f"GET /v1/bundles HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        sent = f"{head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{next_one}"
        connection.sendall(sent.encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_log_does_not_hold_the_first_token(server: Endpoint):
    log = (server.data.parent / "endpoint.log").read_text()
    assert "first start" in log
    assert server.token not in log
