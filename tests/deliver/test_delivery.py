"""A bundle leaves the spool only when the receipt names its hash, whatever the receiver does."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from collector.bundle.writer import write
from collector.deliver.backoff import Backoff
from collector.deliver.send import deliver, send
from collector.deliver.spool import Spool, bundle_info
from collector.deliver.targets import target_for
from collector.errors import ConfigError, DeliveryError, RefusedError
from tests.bundle.samples import REPORT, seal
from tests.collecting import vmext
from tests.deliver.receiver import receiver
from tests.waiting import until

ID = "0123456789abcdef"
TOKEN = "a-token-that-no-one-may-see"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    folder = tmp_path / "state" / "spool"
    folder.mkdir(parents=True)
    (folder / f"{ID}.zip").write_bytes(b"bundle" * 1000)
    return Spool(folder)


def quick(url: str, spool: Spool, *, deadline: float = 5.0):
    """One send without real waiting; what the delays would have been."""
    slept: list[float] = []
    delivery = send(
        spool.pending()[0],
        target_for(url, TOKEN),
        deadline_seconds=deadline,
        sleep=slept.append,
        chance=lambda: 0.01,
    )
    return delivery, slept


def names(spool: Spool) -> list[str]:
    return sorted(file.name for file in spool.folder.glob("*.zip"))


def test_delivered_and_taken_out_of_the_spool(spool: Spool):
    with receiver() as server:
        delivery = deliver(spool.pending()[0], spool, server.url, TOKEN)
    assert (delivery.state, delivery.target, delivery.error) == ("delivered", server.url, None)
    assert names(spool) == []
    assert len(server.stored[ID]) == 6000
    assert server.requests[0]["headers"]["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("fault", ["500", "503", "429 after 0", "408", "422", "close", "garbage", "wrong digest"])
def test_a_passing_fault_is_tried_again(spool: Spool, fault: str):
    with receiver(fault, fault, "store") as server:
        delivery, slept = quick(server.url, spool)
    assert delivery.state == "delivered"
    assert len(slept) == 2
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("500", "answered 500"),
        ("401", "refused the token"),
        ("redirect", "redirects"),
        ("garbage", "no receipt"),
        ("wrong digest", "another hash"),
        ("close", "broke"),
    ],
)
def test_a_lasting_fault_leaves_the_bundle_in_the_spool(spool: Spool, fault: str, says: str):
    with receiver(fault) as server:
        delivery = deliver(spool.pending()[0], spool, server.url, TOKEN, deadline_seconds=0.3)
    assert delivery.state == "spooled"
    assert says in (delivery.error or "")
    assert TOKEN not in (delivery.error or "")
    assert names(spool) == [f"{ID}.zip"]


@pytest.mark.parametrize("status", ["400", "409", "413"])
def test_what_is_refused_for_good_is_set_aside_with_the_reason(spool: Spool, status: str):
    with receiver(status) as server, pytest.raises(RefusedError):
        quick(server.url, spool)
    with receiver(status) as server:
        delivery = deliver(spool.pending()[0], spool, server.url, TOKEN, deadline_seconds=1)
    assert "set aside" in (delivery.error or "")
    assert names(spool) == []
    assert status in (spool.folder / "rejected" / f"{ID}.reason.txt").read_text()
    assert (spool.folder / "rejected" / f"{ID}.zip").stat().st_size == 6000


def test_an_endpoint_that_is_down(spool: Spool):
    with pytest.raises(DeliveryError, match="refused the connection"):
        quick("http://127.0.0.1:9", spool, deadline=0)


def test_a_name_that_no_one_knows(spool: Spool):
    with pytest.raises(DeliveryError, match="DNS"):
        quick("https://endpoint.invalid", spool, deadline=0)


def test_an_endpoint_that_does_not_answer_in_time(spool: Spool):
    with receiver("slow") as server, pytest.raises(DeliveryError, match="in time"):
        quick(server.url, spool, deadline=0.5)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_certificate_that_is_not_trusted(spool: Spool, tmp_path: Path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run(
        [*command, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        with pytest.raises(DeliveryError, match="TLS"):
            quick(f"https://localhost:{listener.getsockname()[1]}", spool, deadline=0)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.mark.parametrize("url", ["ftp://x", "x", "https://user:word@x", "http://endpoint.example"])
def test_an_address_that_can_not_be_used(url: str):
    with pytest.raises(ConfigError, match="--upload"):
        target_for(url, TOKEN)


def test_a_process_killed_while_it_sends_loses_nothing(spool: Spool):
    """The receiver is slow; the sender is killed in the middle; the next one delivers once."""
    script = (
        "import sys; from pathlib import Path; from collector.deliver.spool import Spool; from collector.deliver.send import deliver\n"
        "spool = Spool(Path(sys.argv[1])); deliver(spool.pending()[0], spool, sys.argv[2], 't')"
    )
    with receiver("slow", "store") as server:
        process = subprocess.Popen([sys.executable, "-c", script, str(spool.folder), server.url])
        until(lambda: server.requests, "the request")
        process.kill()
        process.wait()
        assert names(spool) == [f"{ID}.zip"]
        delivery = deliver(spool.pending()[0], spool, server.url, TOKEN)
    assert delivery.state == "delivered"
    assert list(server.stored) == [ID]


def test_only_one_process_sends_a_bundle(spool: Spool):
    bundle = spool.pending()[0]
    with spool.claim(bundle) as mine, Spool(spool.folder).claim(bundle) as others:
        assert (mine, others) == (True, False)
    with receiver() as server:
        with spool.claim(bundle):
            delivery = deliver(bundle, Spool(spool.folder), server.url, TOKEN, patience=0)
        assert (delivery.state, "another process" in (delivery.error or "")) == ("skipped", True)
        assert server.requests == []
        assert deliver(bundle, spool, server.url, TOKEN).state == "delivered"


def test_who_waited_for_another_sender_tells_its_receipt(spool: Spool):
    bundle = spool.pending()[0]
    with receiver() as server:
        first = deliver(bundle, spool, server.url, TOKEN)
        second = deliver(bundle, spool, server.url, TOKEN)
    assert second == first
    assert len(server.requests) == 1


def test_pending_lists_whole_bundles_oldest_first(spool: Spool):
    (spool.folder / "fedcba9876543210.zip").write_bytes(b"old")
    os.utime(spool.folder / "fedcba9876543210.zip", (1, 1))
    (spool.folder / "x.partial").write_bytes(b"half")
    assert [bundle.id for bundle in spool.pending()] == ["fedcba9876543210", ID]
    assert bundle_info(spool.folder / "fedcba9876543210.zip").bytes == 3


def test_the_quota_takes_the_oldest_and_never_the_newest(spool: Spool):
    for number in range(3):
        file = spool.folder / f"{number:016x}.zip"
        file.write_bytes(bytes(1000))
        os.utime(file, (number, number))
    small = Spool(spool.folder, quota_bytes=7000)
    assert small.keep_within_quota(f"{0:016x}") == (f"{1:016x}", f"{2:016x}")
    assert names(spool) == [f"{0:016x}.zip", f"{ID}.zip"]


def test_delays_grow_with_jitter_and_honour_what_is_asked():
    backoff = Backoff(base=1, cap=10)
    assert [backoff.delay(attempt, lambda: 1.0) for attempt in (1, 2, 3, 4, 50)] == [2, 4, 8, 10, 10]
    assert backoff.delay(3, lambda: 0.0) == 0
    assert backoff.delay(1, lambda: 0.0, retry_after=30) == 30
    assert backoff.delay(1, lambda: 0.9, retry_after=30) == pytest.approx(30.9)  # not all in the same instant


@pytest.mark.skipif(sys.platform == "win32", reason="makes links and pipes")
def test_what_is_no_plain_file_is_neither_sent_nor_in_the_way(spool: Spool, tmp_path: Path, caplog):
    """What a link leads to was never redacted, and a pipe has no end."""
    secret = tmp_path / "secret"
    secret.write_text("not redacted")
    (spool.folder / "00000000000000aa.zip").symlink_to(secret)
    (spool.folder / "00000000000000ab.zip").mkdir()
    os.mkfifo(spool.folder / "00000000000000ac.zip")
    assert [info.id for info in spool.pending()] == [ID]
    assert "3 of a bundle's name are no plain files" in caplog.text
    assert Spool(spool.folder, quota_bytes=1).keep_within_quota("") == (ID,)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="gives up root's rights")
def test_a_bundle_that_may_not_be_read_is_told_and_the_others_go(spool: Spool, tmp_path: Path):
    (spool.folder / "00000000000000aa.zip").write_bytes(b"PK")
    (spool.folder / "00000000000000aa.zip").chmod(0o000)
    for folder in (spool.folder, *spool.folder.parents):
        if folder != Path("/") and folder.stat().st_uid == 0:
            folder.chmod(folder.stat().st_mode | 0o011)
    os.chown(spool.folder, 65534, 65534)
    (spool.folder / f"{ID}.zip").unlink()
    whole = write(REPORT, seal=seal, audit=dict, folder=spool.folder)
    whole.path.chmod(0o644)
    with receiver() as server:
        through = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        told = vmext("upload", "--upload", server.url, "--state-dir", spool.folder.parent, through=through)
    assert (told.code, list(server.stored)) == (20, [whole.id]), told.err
    assert "00000000000000aa not delivered: " in told.out
    assert "can't be read: Permission denied" in told.out


def test_a_spool_that_is_no_folder_is_said(tmp_path: Path):
    (tmp_path / "spool").write_text("x")
    told = vmext("upload", "--upload", "http://127.0.0.1:9", "--state-dir", tmp_path)
    assert (told.code, "spool can't be read" in told.err.replace("\n", " ")) == (3, True)
    assert Spool(tmp_path / "spool").keep_within_quota("") == ()


def test_what_is_told_of_a_delivery_is_redacted_and_steers_no_terminal(tmp_path: Path):
    """The receiver's words, paths in warnings, and with --debug our own log."""
    state = tmp_path / "password=Hunter2Hunter2"
    (state / "spool" / "00000000000000ab.zip").mkdir(parents=True)
    write(REPORT, seal=seal, audit=dict, folder=state / "spool")
    config = tmp_path / "vmext.toml"
    config.write_text("deadline_seconds = 0.5\n")
    for debug in ([], ["--debug"]):
        with receiver(f"500 says \x1b[31mno: Authorization: Bearer {TOKEN}0123456789") as server:
            arguments = ("--upload", server.url, "--state-dir", state, "--config", config)
            told = vmext(*debug, "upload", *arguments, environ={"VMEXT_TOKEN": f"{TOKEN}0123456789"})
        assert (told.code, "answered 500: \\x1b[31mno: Authorization: " in told.out) == (20, True), told.out
        assert "no plain file" in told.err
        assert TOKEN not in told.out + told.err
        assert "Hunter2" not in told.out + told.err
        assert "\x1b" not in told.out
