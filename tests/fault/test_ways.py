"""Certificates and proxies on the way to the real endpoint, and a clock that jumps."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone, tzinfo
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from collector.deliver import send as sending
from collector.deliver.targets import network, target_for
from collector.errors import DeliveryError
from tests.endpoint.running import Endpoint, endpoint
from tests.fault.authority import Authority, authority
from tests.fault.forward import forward_proxy
from tests.fault.proxy import fault_proxy
from tests.fault.rig import Instance, assert_all_there_once, bundles, instance

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with endpoint(tmp_path_factory.mktemp("endpoint") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority") / "files")


@pytest.fixture
def agent(tmp_path: Path, server: Endpoint) -> Instance:
    return instance(tmp_path / "agent", server)


@needs_openssl
def test_a_certificate_that_is_not_trusted(server: Endpoint, agent: Instance, ca: Authority):
    sent = bundles(agent.spool)
    with fault_proxy(server.url, tls=ca.server()) as proxy:
        failed = agent.upload(proxy.url, deadline_seconds=20)
        assert (failed.code, "not trusted (TLS)" in failed.out, proxy.connections) == (20, True, 1)
        strange = agent.upload(proxy.url.replace("localhost", "127.0.0.1"), ca_bundle=ca.file("ca.pem"))
        assert (strange.code, "not trusted (TLS)" in strange.out) == (20, True)  # it is not of that name
        assert agent.upload(proxy.url, ca_bundle=ca.file("ca.pem")).code == 0
    assert_all_there_once(server, sent, agent)


@needs_openssl
def test_a_tls_connection_that_breaks_is_tried_again(server: Endpoint, agent: Instance, ca: Authority):
    sent = bundles(agent.spool)
    with fault_proxy(server.url, "close", "status 503", "lost", "pass", tls=ca.server()) as proxy:
        assert agent.upload(proxy.url, deadline_seconds=30, ca_bundle=ca.file("ca.pem")).code == 0
    assert_all_there_once(server, sent, agent)


@needs_openssl
def test_an_endpoint_that_wants_our_certificate(server: Endpoint, agent: Instance, ca: Authority):
    sent = bundles(agent.spool)
    with fault_proxy(server.url, tls=ca.server(wants_client=True)) as proxy:
        settings: dict[str, Any] = {"ca_bundle": ca.file("ca.pem"), "deadline_seconds": 1.0}
        assert agent.upload(proxy.url, **settings).code == 20
        ours: dict[str, Any] = {"client_cert": ca.file("agent.pem"), "client_key": ca.file("agent.key")}
        assert agent.upload(proxy.url, **settings, **ours).code == 0
    assert_all_there_once(server, sent, agent)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"ca_bundle": "/nowhere.pem"}, "ca_bundle: there is no file /nowhere.pem"),
        ({"client_cert": "/nowhere.pem"}, "client_cert: there is no file"),
        ({"client_key": __file__}, "client_key is given without client_cert"),
        ({"proxy": "nonsense"}, "proxy is no address of a proxy"),
    ],
)
def test_settings_that_can_not_be_right(server: Endpoint, agent: Instance, settings: dict[str, Any], says: str):
    sent = bundles(agent.spool)
    failed = agent.upload(server.url, **settings)
    assert (failed.code, says in failed.out, agent.waiting()) == (20, True, [sent[0].id]), failed.out
    assert agent.upload(server.url).code == 0
    assert_all_there_once(server, sent, agent)


@needs_openssl
def test_through_a_proxy_of_the_configuration_and_of_the_environment(server: Endpoint, agent: Instance, ca: Authority):
    with fault_proxy(server.url, tls=ca.server()) as front, forward_proxy() as way:
        trusted: dict[str, Any] = {"ca_bundle": ca.file("ca.pem")}
        sent = bundles(agent.spool)
        assert agent.upload(front.url, proxy=f"http://{way.address}", **trusted).code == 0
        assert way.asked == [f"CONNECT {front.url.removeprefix('https://')}"]
        sent += bundles(agent.spool)
        assert agent.upload(front.url, environ={"HTTPS_PROXY": f"http://{way.address}"}, **trusted).code == 0
        assert len(way.asked) == 2
        sent += bundles(agent.spool)
        apart = {"HTTPS_PROXY": f"http://{way.address}", "NO_PROXY": "localhost"}
        assert agent.upload(front.url, environ=apart, **trusted).code == 0
        assert len(way.asked) == 2
        sent += bundles(agent.spool)
        assert agent.upload(server.url, environ={"VMEXT_PROXY": f"http://{way.address}"}).code == 0
        assert way.asked[-1].startswith(f"PUT {server.url}/v1/bundles/")
    assert_all_there_once(server, sent, agent)


def test_a_proxy_that_is_down_and_its_password(server: Endpoint, agent: Instance):
    sent = bundles(agent.spool)
    failed = agent.upload(server.url, proxy="http://someone:Sesame-1234@127.0.0.1:9", deadline_seconds=0.5)
    assert failed.code == 20
    assert "Sesame-1234" not in agent.said
    assert agent.upload(server.url).code == 0
    assert_all_there_once(server, sent, agent)


def test_a_password_of_netrc_does_not_replace_the_token(server: Endpoint, agent: Instance):
    sent = bundles(agent.spool)
    netrc = agent.folder / ".netrc"
    netrc.write_text("default login someone password else\n")
    netrc.chmod(0o600)
    assert agent.upload(server.url, environ={"HOME": str(agent.folder), "NETRC": str(netrc)}).code == 0
    assert_all_there_once(server, sent, agent)


def test_a_random_delay_before_the_first_one(server: Endpoint, agent: Instance):
    sent = bundles(agent.spool, 2)
    result = agent.upload(server.url, "--spread", "0.2")
    assert (result.code, result.err.count("sending starts in 0.")) == (0, 1)
    assert_all_there_once(server, sent, agent)
    slept: list[float] = []
    assert sending.wait_spread(100.0, lambda: 0.25, slept.append) == 25.0
    assert sending.wait_spread(0.0, lambda: 0.25, slept.append) == 0.0
    assert slept == [25.0]


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-400)], ids=["ahead", "back"])
def test_a_clock_that_jumps_while_it_waits(
    server: Endpoint, agent: Instance, monkeypatch: pytest.MonkeyPatch, jump: timedelta
):
    """The receiver asks to wait for a moment of its own clock; ours jumps meanwhile, and the deadline stays."""
    sent = bundles(agent.spool)
    shift = timedelta()

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Jumping:
            return datetime.now(tz) + shift  # type: ignore[return-value]

    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + shift.total_seconds())
    monkeypatch.setattr(network, "datetime", Jumping)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal shift
        shift = shift + jump
        slept.append(seconds)

    at = datetime(2030, 1, 1, tzinfo=timezone.utc)
    told = f"Date: {format_datetime(at, True)}\r\nRetry-After: {format_datetime(at + timedelta(seconds=7), True)}"
    with fault_proxy(server.url, f"status 429 {told}", f"status 503 {told}", "pass") as proxy:
        delivery = sending.send(sent[0], target_for(proxy.url, agent.token), deadline_seconds=60, sleep=sleep)
    assert (delivery.state, [int(one) for one in slept]) == ("delivered", [7, 7]), slept
    sent[0].path.unlink()
    assert_all_there_once(server, sent, agent)


def test_a_wait_beyond_the_deadline_is_not_begun(server: Endpoint, agent: Instance):
    sent = bundles(agent.spool)
    with (
        fault_proxy(server.url, "status 503 Retry-After: 61") as proxy,
        pytest.raises(DeliveryError, match="asks to wait 61 s"),
    ):
        sending.send(
            sent[0], target_for(proxy.url, agent.token), deadline_seconds=60, sleep=lambda _: pytest.fail("slept")
        )
    assert agent.upload(server.url).code == 0
    assert_all_there_once(server, sent, agent)
