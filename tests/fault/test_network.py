"""Every fault of the network on the way to the real endpoint: the bundle stays, and goes when the fault is over."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endpoint.running import Endpoint, endpoint
from tests.fault.proxy import FaultProxy, fault_proxy
from tests.fault.rig import Instance, assert_all_there_once, bundles, instance

BIG = 700  # kilobytes: goes in blocks


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with endpoint(tmp_path_factory.mktemp("endpoint") / "data") as running:
        yield running


@pytest.fixture
def agent(tmp_path: Path, server: Endpoint) -> Instance:
    return instance(tmp_path / "agent", server)


@pytest.fixture
def proxy(server: Endpoint) -> Iterator[FaultProxy]:
    with fault_proxy(server.url) as running:
        yield running


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("close", "broke"),
        ("deaf", "in time"),  # the send and the wait for an answer time out
        ("mute", "in time"),  # stored, and nobody is told
        ("half", "in time"),  # the answer's read times out
        ("drip", "in time"),  # no single read does, all of them together do
        ("trickle", "in time"),  # the same while the library reads the head
        ("lost", "broke"),
        ("reset 3000", "broke"),
        ("status 408", "answered 408"),
        ("status 413", "answered 413"),  # of a machine on the way: it knows nothing of the bundle
        ("status 429", "answered 429"),
        ("status 429 ours Retry-After: 120", "asks to wait 120 s"),
        ("status 500", "answered 500"),
        ("status 503 ours", "answered 503: told to answer 503"),
        ("status 200", "no receipt"),
        ("status 301", "redirects"),
        ("forge", "another hash"),
        ("corrupt", "answered 422"),
    ],
)
@pytest.mark.parametrize("kilobytes", [0, BIG], ids=["whole", "blocks"])
def test_a_lasting_fault_keeps_the_bundle_and_its_end_delivers_it(
    server: Endpoint, agent: Instance, proxy: FaultProxy, fault: str, says: str, kilobytes: int
):
    sent = bundles(agent.spool, kilobytes=kilobytes)
    proxy.script = [fault]
    failed = agent.upload(proxy.url, deadline_seconds=2)
    assert (failed.code, agent.waiting()) == (20, [sent[0].id]), failed.out
    assert (says if not kilobytes else "not delivered: ") in failed.out + failed.err  # where each try is told
    proxy.script = ["pass"]
    assert agent.upload(proxy.url).code == 0
    assert_all_there_once(server, sent, agent)


@pytest.mark.parametrize("fault", ["close", "lost", "reset 3000", "status 503", "status 429 Retry-After: 0", "forge"])
def test_a_passing_fault_is_survived_in_one_run(server: Endpoint, agent: Instance, proxy: FaultProxy, fault: str):
    sent = bundles(agent.spool)
    proxy.script = [fault, "pass"]
    assert agent.upload(proxy.url, deadline_seconds=20).code == 0
    assert proxy.connections == 2
    assert_all_there_once(server, sent, agent)


def test_what_the_endpoint_refuses_for_good_is_set_aside(server: Endpoint, agent: Instance, proxy: FaultProxy):
    poison, good = bundles(agent.spool, 2)
    os.utime(poison.path, (1_000_000_000, 1_000_000_000))
    proxy.script = ["status 400 ours", "pass"]
    result = agent.upload(proxy.url)
    assert (result.code, result.out.count("refused the bundle for good (400"), agent.waiting()) == (20, 1, [])
    assert "told to answer 400" in (agent.spool / "rejected" / f"{poison.id}.reason.txt").read_text()
    assert (agent.spool / "rejected" / poison.path.name).is_file()
    assert_all_there_once(server, [good], agent)
    assert agent.upload(proxy.url).out.startswith("nothing waits")


def test_a_broken_upload_goes_on_where_it_broke_off(server: Endpoint, agent: Instance, proxy: FaultProxy):
    """Each connection carries a good half of it: the endpoint gets each block once, and half a block twice."""
    sent = bundles(agent.spool, kilobytes=2_000)
    assert sent[0].bytes > 900_000
    proxy.script = ["reset 600000", "close", "close"]
    failed = agent.upload(proxy.url, deadline_seconds=1.5)
    assert (failed.code, len(list((server.data / "uploads").rglob("*.block")))) == (20, 2)
    before = proxy.sent_up
    proxy.script = ["pass"]
    delivered = agent.upload(proxy.url)
    assert delivered.code == 0
    assert f"goes on at {2 * 262_144} of" in delivered.err
    assert proxy.sent_up - before < sent[0].bytes - 2 * 262_144 + 10_000
    assert_all_there_once(server, sent, agent)


def test_an_upload_gets_through_though_no_connection_lasts(server: Endpoint, agent: Instance, proxy: FaultProxy):
    sent = bundles(agent.spool, kilobytes=2_000)
    proxy.script = ["reset 400000"]
    assert agent.upload(proxy.url, deadline_seconds=30).code == 0
    assert proxy.sent_up < 2 * sent[0].bytes
    assert_all_there_once(server, sent, agent)


def test_a_slow_reader_is_waited_for(server: Endpoint, agent: Instance, proxy: FaultProxy):
    sent = bundles(agent.spool, kilobytes=BIG)
    proxy.script = ["slow"]
    assert agent.upload(proxy.url, deadline_seconds=60).code == 0
    assert_all_there_once(server, sent, agent)


def test_an_endpoint_that_is_down(server: Endpoint, agent: Instance):
    sent = bundles(agent.spool)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port
        failed = agent.upload(f"http://127.0.0.1:{taken.getsockname()[1]}", deadline_seconds=0.5)
    assert (failed.code, "refused the connection" in failed.out) == (20, True)
    assert agent.upload(server.url).code == 0
    assert_all_there_once(server, sent, agent)


def test_a_connection_that_nobody_accepts(server: Endpoint, agent: Instance):
    sent = bundles(agent.spool)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for connection in waiting:
            connection.setblocking(False)
            connection.connect_ex(full.getsockname())
        failed = agent.upload(f"http://127.0.0.1:{full.getsockname()[1]}", deadline_seconds=1)
        for connection in waiting:
            connection.close()
    assert (failed.code, "no connection to the endpoint in time" in failed.out) == (20, True), failed.out
    assert agent.upload(server.url).code == 0
    assert_all_there_once(server, sent, agent)


def test_a_name_that_no_one_knows(server: Endpoint, agent: Instance):
    sent = bundles(agent.spool)
    failed = agent.upload("https://endpoint.invalid", deadline_seconds=0.5)
    assert (failed.code, "can't be resolved (DNS)" in failed.out) == (20, True)
    assert agent.upload(server.url).code == 0
    assert_all_there_once(server, sent, agent)


def test_after_three_failures_in_a_row_the_others_wait(server: Endpoint, agent: Instance, proxy: FaultProxy):
    sent = bundles(agent.spool, 5)
    proxy.script = ["status 500"]
    failed = agent.upload(proxy.url, deadline_seconds=0.5)
    assert (failed.code, failed.out.count("answered 500"), failed.out.count("not tried")) == (20, 3, 2)
    assert agent.upload(server.url).code == 0
    assert_all_there_once(server, sent, agent)
