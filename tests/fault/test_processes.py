"""The endpoint or the agent dies, two agents share a spool, a disk is full: nothing is lost, nothing stands twice."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.collecting import failing_disk, vmext
from tests.endpoint.running import Endpoint, endpoint
from tests.fault.proxy import fault_proxy
from tests.fault.rig import Instance, assert_all_there_once, bundles, instance
from tests.received import received
from tests.waiting import until

needs_mount = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0, reason="mounts a small file system"
)


def kill(server: Endpoint) -> None:
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()


@contextmanager
def uploading(agent: Instance, url: str) -> Iterator[None]:
    """`vmext upload` runs meanwhile."""
    thread = threading.Thread(target=lambda: agent.upload(url, deadline_seconds=4))
    thread.start()
    try:
        yield
    finally:
        thread.join()


@pytest.mark.parametrize("kilobytes", [0, 2_000], ids=["whole", "blocks"])
def test_an_endpoint_killed_before_it_stored(tmp_path: Path, kilobytes: int):
    with endpoint(tmp_path / "data") as first:
        agent = instance(tmp_path / "agent", first)
        sent = bundles(agent.spool, kilobytes=kilobytes)
        with (
            fault_proxy(first.url, "slow" if kilobytes else "stuck 5000") as proxy,
            uploading(agent, proxy.url),
        ):
            if kilobytes:  # the second block is sent when the first one counts
                until(lambda: len(list(first.data.glob("uploads/*/*.block"))) > 1)
            else:  # half of it is in the endpoint's memory
                until(lambda: proxy.sent_up >= 5000)
            kill(first)
            proxy.script = ["close"]
    assert agent.waiting() == [sent[0].id]
    with endpoint(tmp_path / "data") as second:
        result = agent.upload(second.url)
        assert (result.code, "goes on at" in result.err) == (0, bool(kilobytes))
        assert_all_there_once(second, sent, agent)


@pytest.mark.parametrize("kilobytes", [0, 700], ids=["whole", "blocks"])
def test_an_endpoint_killed_after_it_stored_and_before_it_answered(tmp_path: Path, kilobytes: int):
    with endpoint(tmp_path / "data") as first:
        agent = instance(tmp_path / "agent", first)
        sent = bundles(agent.spool, kilobytes=kilobytes)
        with fault_proxy(first.url, "mute" if not kilobytes else "keep commit") as proxy, uploading(agent, proxy.url):
            until(lambda: any((first.data / "objects").rglob("*.zip")))
            kill(first)
            proxy.script = ["close"]
    assert agent.waiting() == [sent[0].id]
    with endpoint(tmp_path / "data") as second:
        assert agent.upload(second.url).code == 0
        assert_all_there_once(second, sent, agent)


def test_an_agent_killed_while_it_sends(tmp_path: Path):
    with endpoint(tmp_path / "data") as server:
        agent = instance(tmp_path / "agent", server)
        sent = bundles(agent.spool, kilobytes=2_000)
        with fault_proxy(server.url, "slow") as proxy:
            command = [
                sys.executable,
                "-m",
                "collector",
                "upload",
                "--upload",
                proxy.url,
                "--state-dir",
                str(agent.state),
            ]
            process = subprocess.Popen(
                command, env=os.environ | {"VMEXT_TOKEN": agent.token}, stdout=subprocess.DEVNULL
            )
            until(lambda: any(server.data.glob("uploads/*/*.block")))
            process.kill()
            process.wait()
        result = agent.upload(server.url)
        assert (result.code, "goes on at" in result.err) == (0, True)
        assert_all_there_once(server, sent, agent)


def test_two_agents_with_one_spool_share_the_work(tmp_path: Path):
    with endpoint(tmp_path / "data") as server:
        agents = [instance(tmp_path / "agent", server) for _ in range(2)]
        sent = bundles(agents[0].spool, 12)
        with fault_proxy(server.url) as proxy:
            threads = [threading.Thread(target=agent.upload, args=(proxy.url,)) for agent in agents]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert proxy.connections == len(sent)
        said = agents[0].said + agents[1].said
        for one in sent:  # the one that did not send it may tell the other's receipt
            assert f"{one.id} delivered to " in said
        assert_all_there_once(server, sent, agents[0])


@contextmanager
def small_disk(place: Path) -> Iterator[Callable[[], Path]]:
    """A disk of 6 MB; what is given fills it up to the last block and tells the file that does."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)], check=True)

    def fill() -> Path:
        filler = place / "filler"
        with filler.open("wb", buffering=0) as stream, pytest.raises(OSError, match="No space"):
            while True:
                stream.write(bytes(4096))
        return filler

    try:
        yield fill
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@needs_mount
@pytest.mark.parametrize("kilobytes", [0, 700], ids=["whole", "blocks"])
def test_the_disk_of_the_endpoint_is_full(tmp_path: Path, kilobytes: int):
    with small_disk(tmp_path / "small") as fill, endpoint(tmp_path / "small/data") as server:
        agent = instance(tmp_path / "agent", server)
        sent = bundles(agent.spool, kilobytes=kilobytes)
        filler = fill()
        failed = agent.upload(server.url, deadline_seconds=1)
        assert (failed.code, "answered 507" in failed.out, agent.waiting()) == (20, True, [sent[0].id])
        filler.unlink()
        until(lambda: agent.upload(server.url, deadline_seconds=5).code == 0)  # it looks at its disk each second
        assert_all_there_once(server, sent, agent)


@needs_mount
def test_the_disk_of_the_instance_is_full_and_what_waits_is_sent(tmp_path: Path):
    with endpoint(tmp_path / "data") as server, small_disk(tmp_path / "small") as fill:
        agent = instance(tmp_path / "agent", server)
        agent.folder = tmp_path / "agent"
        spool = tmp_path / "small/state/spool"
        sent = bundles(spool)
        fill()
        state = tmp_path / "small/state"
        arguments = ("--state-dir", state, "--upload", server.url)
        result = vmext("upload", *arguments, environ={"VMEXT_TOKEN": agent.token})
        agent.said += result.out + result.err
        assert (result.code, list(spool.glob("*.zip"))) == (0, []), result.out
        assert_all_there_once(server, sent, agent)


@needs_mount
def test_a_collect_on_a_full_disk_still_hands_over(tmp_path: Path):
    """The bundle goes to a temporary folder, and from there to the endpoint."""
    disk = failing_disk(tmp_path / "disk")
    with endpoint(tmp_path / "data") as server, small_disk(tmp_path / "small") as fill:
        state = tmp_path / "small/state"
        state.mkdir()
        fill()
        arguments = ("--root", disk, "--state-dir", state, "--upload", server.url)
        result = vmext("collect", *arguments, environ={"VMEXT_TOKEN": server.token})
        assert (result.code, result.out.strip().endswith(" delivered")) == (10, True), result.out
        assert len(received(server)) == 1
        assert [(file.name, file.stat().st_size) for file in state.iterdir()] == [("collect.lock", 0)]


@needs_mount
def test_the_disk_gets_full_at_any_step_of_storing(tmp_path: Path):
    """Block by block more room, so that it ends while the body, the bundle or the index is written."""
    with small_disk(tmp_path / "small") as fill, endpoint(tmp_path / "small/data") as server:
        agent = instance(tmp_path / "agent", server)
        sent = bundles(agent.spool)
        filler = fill()
        told: list[tuple[int, bool]] = []
        while not told or told[-1][0] == 507:
            os.truncate(filler, filler.stat().st_size - 4096)
            answer = server.put(sent[0].path)
            told.append((answer.status_code, any((server.data / "objects").rglob("*.zip"))))
            assert list((server.data / "incoming").iterdir()) == []  # what is left would fill it for good
        assert {(507, False), (507, True)} < set(told)  # the last: stored, and no room in the index
        assert told[-1] == (201, True)
        sent[0].path.unlink()
        filler.unlink()  # what the bundle says is indexed when there is room for it
        assert_all_there_once(server, sent, agent)


@needs_mount
def test_a_disk_with_room_for_less_than_a_bundle_still_hands_over(tmp_path: Path):
    disk = failing_disk(tmp_path / "disk")
    with endpoint(tmp_path / "data") as server, small_disk(tmp_path / "small") as fill:
        state = tmp_path / "small/state"
        state.mkdir()
        os.truncate(filler := fill(), filler.stat().st_size - 3 * 4096)
        arguments = ("--root", disk, "--state-dir", state, "--upload", server.url)
        result = vmext("collect", *arguments, environ={"VMEXT_TOKEN": server.token})
        assert (result.code, result.out.strip().endswith(" delivered")) == (10, True), result.out
        assert len(received(server)) == 1
        assert list(state.rglob("*.zip")) + list(state.rglob("*.partial")) == []
        kept = vmext("collect", "--root", disk, "--state-dir", state, "--no-upload", "--format", "json")
        told = kept.json
        assert Path(told["bundle"]["path"]).is_file()
        assert "No space left on device" in told["delivery"]["error"]
        shutil.rmtree(Path(told["bundle"]["path"]).parents[1])


@pytest.mark.parametrize("path", ["/v1/uploads", "/login"])
def test_a_sender_that_goes_in_the_middle_is_no_fault_of_the_endpoint(tmp_path: Path, path: str):
    with endpoint(tmp_path / "data") as server:
        host, port = server.url.removeprefix("http://").split(":")
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\nContent-Length: 99\r\n\r\n"
        for _ in range(3):
            with socket.create_connection((host, int(port))) as connection:
                connection.sendall(head.encode() + b"half")
                time.sleep(0.2)
        assert server.get("/healthz").status_code == 200
        time.sleep(0.5)
    assert "Traceback" not in (tmp_path / "endpoint.log").read_text()
