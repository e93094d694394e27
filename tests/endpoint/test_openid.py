"""People of an OpenID provider, which runs here as a real server with keys of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.collecting import vmext
from tests.endpoint.provider import CLIENT, SECRET, Provider, provider
from tests.endpoint.running import Endpoint, endpoint

INVALID = "The provider&#39;s ID token is not valid."


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Endpoint, Provider]]:
    folder = tmp_path_factory.mktemp("openid")
    (folder / "secret").write_text(SECRET + "\n")
    with provider() as known:
        options = (
            "--oidc-issuer",
            known.url,
            "--oidc-client-id",
            CLIENT,
            "--oidc-client-secret-file",
            folder / "secret",
        )
        who = ("--oidc-read", "groups=support", "--oidc-admin", "groups=operators")
        with endpoint(folder / "data", *map(str, options), *who) as server:
            yield server, known


@pytest.fixture
def server(both: tuple[Endpoint, Provider]) -> Endpoint:
    return both[0]


@pytest.fixture
def known(both: tuple[Endpoint, Provider]) -> Provider:
    known = both[1]
    known.claims, known.groups, known.signs, known.refuses = {}, ["support"], ("RS256", known.key), ""
    return known


def sign_in(server: Endpoint, target: str = "/bundles?verdict=failed") -> tuple[requests.Session, requests.Response]:
    """As a browser does it; the last answer is that of our own address after the provider's."""
    browser = requests.Session()
    there = browser.get(f"{server.url}/login/openid", params={"next": target}, allow_redirects=False, timeout=30)
    assert there.status_code == 303, there.text
    back = browser.get(there.headers["Location"], allow_redirects=False, timeout=30)
    return browser, browser.get(back.headers["Location"], allow_redirects=False, timeout=30)


def test_a_person_of_the_provider_reads(server: Endpoint, known: Provider):
    assert f"Sign in with 127.0.0.1:{known.server_port}" in requests.get(f"{server.url}/login", timeout=30).text
    browser, answer = sign_in(server)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/bundles?verdict=failed")
    cookie = answer.headers["Set-Cookie"].lower()
    assert "vmext_session=" in cookie
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert browser.get(f"{server.url}/", timeout=30).status_code == 200
    assert browser.get(f"{server.url}/admin/tokens", timeout=30).status_code == 403
    assert len(known.tokens[-1]["code_verifier"]) >= 43
    assert "ann@example.org" in server.get("/admin/audit?action=login").text


def test_a_group_makes_an_administrator_and_without_one_nobody_gets_in(server: Endpoint, known: Provider):
    known.groups = ["support", "operators"]
    browser, _ = sign_in(server)
    assert browser.get(f"{server.url}/admin/tokens", timeout=30).status_code == 200
    for claims in ({"groups": ["others"]}, {"groups": None}, {"groups": "not support"}, {"groups": {"support": 1}}):
        known.claims = claims
        browser, answer = sign_in(server)
        assert answer.status_code == 401
        assert "may not use this endpoint" in answer.text
        assert "vmext_session" not in browser.cookies


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": None},
        {"iss": "https://elsewhere.example"},
        {"exp": int(time.time()) - 3_600},
        {"exp": None},
        {"iat": None},
        {"iat": int(time.time()) + 3_600 * 24},
        {"sub": None},
        {"nbf": int(time.time()) + 3_600 * 24},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_a_token_that_says_something_wrong_is_refused(server: Endpoint, known: Provider, claims: dict[str, Any]):
    known.claims = claims
    browser, answer = sign_in(server)
    assert (answer.status_code, INVALID in answer.text) == (401, True)
    assert "vmext_session" not in browser.cookies


def test_a_token_for_several_clients_must_be_ours(server: Endpoint, known: Provider):
    known.claims = {"aud": [CLIENT, "other"], "azp": "other"}
    assert "for another client" in sign_in(server)[1].text
    known.claims = {"aud": [CLIENT, "other"], "azp": CLIENT}
    assert sign_in(server)[1].status_code == 303


@pytest.mark.parametrize(
    "signs",
    [
        lambda known: ("RS256", known.other_key()),
        lambda known: ("RS256", known.other_key("unknown")),
        lambda known: ("HS256", None),
        lambda known: ("none", None),
    ],
    ids=["another key", "an unknown key", "the public key as a secret", "none"],
)
def test_a_token_that_is_signed_wrongly_is_refused(
    server: Endpoint, known: Provider, signs: Callable[[Provider], tuple[str, Any]]
):
    known.signs = signs(known)
    _, answer = sign_in(server)
    assert (answer.status_code, INVALID in answer.text) == (401, True)


def test_a_state_is_good_once_and_in_its_own_browser(server: Endpoint, known: Provider):
    browser = requests.Session()
    there = browser.get(f"{server.url}/login/openid", allow_redirects=False, timeout=30)
    back = browser.get(there.headers["Location"], allow_redirects=False, timeout=30).headers["Location"]
    cookies = browser.cookies.get_dict()
    stranger = requests.get(back, allow_redirects=False, timeout=30)
    assert (stranger.status_code, "not begun in this browser" in stranger.text) == (401, True)
    assert browser.get(back, allow_redirects=False, timeout=30).status_code == 303
    again = requests.get(back, cookies=cookies, allow_redirects=False, timeout=30)
    assert (again.status_code, "may have been used already" in again.text) == (401, True)
    state = parse_qs(urlsplit(back).query)["state"][0]
    for query in ("", f"?state={state}x&code=1", "?code=1", "?state=&code=1"):
        made_up = requests.get(f"{server.url}/login/openid/return{query}", cookies=cookies, timeout=30)
        assert made_up.status_code == 401, query


def test_what_the_provider_refuses_is_told(server: Endpoint, known: Provider):
    known.refuses = "access_denied"
    _, answer = sign_in(server)
    assert "The provider did not sign you in: access_denied." in answer.text


def test_nobody_is_sent_to_another_site_afterwards(server: Endpoint, known: Provider):
    for target in ("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)"):
        assert sign_in(server, target)[1].headers["Location"] == "/"


def test_a_provider_that_does_not_answer_is_told_and_tokens_still_work(tmp_path: Path):
    with provider() as known:
        address = known.url
    options = ("--oidc-issuer", address, "--oidc-client-id", CLIENT, "--oidc-read", "groups=support")
    with endpoint(tmp_path / "data", *options) as server:
        answer = requests.get(f"{server.url}/login/openid", allow_redirects=False, timeout=60)
        assert (answer.status_code, "can&#39;t be reached" in answer.text) == (401, True)
        assert requests.post(f"{server.url}/login", data={"token": server.token}, timeout=30).status_code == 200


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--oidc-issuer", "http://p.example", "--oidc-client-id", "x", "--oidc-read", "a=b"), "is not encrypted"),
        (("--oidc-issuer", "https://provider.example"), "--oidc-client-id is missing"),
        (("--oidc-client-id", "x"), "--oidc-issuer is missing"),
        (("--oidc-issuer", "https://p.example", "--oidc-client-id", "x"), "nobody of the OpenID provider"),
        (("--oidc-issuer", "https://p.example", "--oidc-client-id", "x", "--oidc-read", "support"), "no CLAIM=VALUE"),
        (("--public-url", "https://vmext.example/path"), "is no such address"),
        (("--trusted-proxy", "proxy"), "is no address"),
        (("--attested", "require"), "--attested-roots"),
    ],
)
def test_settings_that_can_t_be_right_are_told(tmp_path: Path, options: tuple[str, ...], told: str):
    run = vmext("endpoint", "--data", tmp_path / "data", *options)
    assert run.code == 2
    assert told in run.err
