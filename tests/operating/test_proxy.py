"""The endpoint behind nginx with TLS, as docs/operating.md sets it up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.endpoint.running import Endpoint, endpoint
from tests.fault.rig import assert_all_there_once, bundles, instance
from tests.operating.proxied import Proxied, free_port, proxied


@contextmanager
def behind_proxy(folder: Path) -> Iterator[tuple[Endpoint, Proxied]]:
    port = free_port()
    options = ("--public-url", f"https://localhost:{port}", "--trusted-proxy", "127.0.0.1")
    with endpoint(folder / "data", *options) as server, proxied(folder / "proxy", port, [server.url]) as proxy:
        yield server, proxy


def test_bundles_and_pages_go_through_the_proxy(tmp_path: Path):
    with behind_proxy(tmp_path) as (server, proxy):
        agent = instance(tmp_path / "agent", server)
        sent = [*bundles(agent.spool, 3), *bundles(agent.spool, kilobytes=700)]
        refused = agent.upload(proxy.url)
        assert refused.code == 20, "the certificate is not known yet"
        assert agent.upload(proxy.url, ca_bundle=proxy.certificate_authority).code == 0
        assert_all_there_once(server, sent, agent)

        with requests.Session() as person:
            person.trust_env, person.verify = False, str(proxy.certificate_authority)
            assert person.get(proxy.url, timeout=30).url.startswith(f"{proxy.url}/login")
            answer = person.post(f"{proxy.url}/login", data={"token": server.token, "next": "/"}, timeout=30)
            assert answer.status_code == 200
            assert answer.headers["Strict-Transport-Security"]
            assert "vmext_session" in person.cookies
            assert all(cookie.secure for cookie in person.cookies), "what was set under TLS stays under TLS"
            assert person.get(f"{proxy.url}/metrics", timeout=30).status_code == 404
        moved = requests.get(f"{proxy.plain}/bundles", allow_redirects=False, timeout=30)
        assert (moved.status_code, moved.headers["Location"]) == (301, "https://localhost/bundles")


def test_many_wrong_passwords_are_slowed_down(tmp_path: Path):
    with behind_proxy(tmp_path) as (_, proxy):
        trusted, wrong = str(proxy.certificate_authority), {"token": "x"}
        tried = (requests.post(f"{proxy.url}/login", data=wrong, verify=trusted, timeout=30) for _ in range(40))
        assert 503 in [answer.status_code for answer in tried]
        assert requests.get(f"{proxy.url}/healthz", verify=trusted, timeout=30).status_code == 200
