"""Azure Blob by SAS: against Azurite, read with Microsoft's SDK."""

from __future__ import annotations

import base64
import hashlib
import logging
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from collector.deliver.send import deliver, send
from collector.deliver.spool import Spool, bundle_info
from collector.deliver.targets import shown, target_for
from collector.deliver.targets.blob import WHOLE
from collector.errors import DeliveryError
from collector.model import BundleInfo
from tests.collecting import failing_disk, vmext
from tests.deliver.azurite import Container, azurite, container
from tests.deliver.cutting import cutting

if sys.platform == "win32":
    pytest.skip("Azurite runs on the system of the checkout", allow_module_level=True)

ID = "0123456789abcdef"
BLOCK = 256 << 10
BIG = 5 * BLOCK + 1000
SIZES = pytest.mark.parametrize("size", [6000, BIG], ids=["whole", "in blocks"])


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with azurite() as base:
        yield base


@pytest.fixture
def store(service: str) -> Iterator[Container]:
    with container(service) as one:
        yield one


def bundle(folder: Path, size: int = 6000, seed: int = 1, name: str = ID) -> BundleInfo:
    file = folder / "spool" / f"{name}.zip"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(random.Random(seed).randbytes(size))
    return bundle_info(file)


def quick(one: BundleInfo, url: str, deadline: float = 20.0):
    return send(one, target_for(url, None), deadline_seconds=deadline, sleep=lambda _: None, chance=lambda: 0.0)


# ---- what arrives --------------------------------------------------------------------------------------


@SIZES
def test_the_sdk_reads_what_was_sent(store: Container, tmp_path: Path, size: int):
    one = bundle(tmp_path, size)
    delivery = quick(one, store.signed(folder="/vmss web/2026"))
    name = f"vmss web/2026/{ID}.zip"
    assert delivery.state == "delivered"
    assert delivery.received is not None
    assert delivery.target == f"{store.url}/vmss%20web/2026"
    assert store.read(name) == one.path.read_bytes()
    stored = store.client.get_blob_client(name).get_blob_properties()
    assert stored.metadata == {"id": ID, "sha256": one.sha256}
    assert stored.content_settings.content_type == "application/zip"
    assert stored.content_settings.content_md5 == bytearray(hashlib.md5(one.path.read_bytes()).digest())


def test_a_large_bundle_is_made_of_blocks_that_were_each_checked(store: Container, tmp_path: Path):
    one = bundle(tmp_path, BIG)
    assert one.bytes > WHOLE
    with cutting(store.base) as proxy:
        quick(one, store.signed(base=proxy.url))
        assert proxy.blocks() == 6
    committed, waiting = store.client.get_blob_client(f"{ID}.zip").get_block_list("all")
    assert [block.size for block in committed] == [BLOCK] * 5 + [1000]
    assert waiting == []


def test_labels_stand_beside_the_blob(store: Container, tmp_path: Path):
    one = bundle(tmp_path)
    labels = (("instance", "vmss-wéb_12\r\nx: y"), ("verdict", "failed"), ("empty", ""))
    labelled = BundleInfo(one.id, one.path, one.bytes, one.sha256, labels=labels)
    quick(labelled, store.signed())
    metadata = store.client.get_blob_client(f"{ID}.zip").get_blob_properties().metadata
    assert metadata == {"id": ID, "instance": "vmss-w?b_12??x: y", "verdict": "failed", "sha256": one.sha256}


# ---- twice ---------------------------------------------------------------------------------------------


@SIZES
@pytest.mark.parametrize("permission", ["rcw", "cw"], ids=["may read", "may not read"])
def test_sent_twice_is_stored_once(store: Container, tmp_path: Path, size: int, permission: str):
    one = bundle(tmp_path, size)
    url = store.signed(permission)
    first, second = quick(one, url), quick(one, url)
    assert (first.state, second.state) == ("delivered", "delivered")
    assert store.names() == [f"{ID}.zip"]
    assert store.read(f"{ID}.zip") == one.path.read_bytes()
    assert store.uncommitted(f"{ID}.zip") == 0


@SIZES
def test_what_is_there_already_is_not_sent_again(store: Container, tmp_path: Path, size: int):
    one = bundle(tmp_path, size)
    quick(one, store.signed())
    before = store.client.get_blob_client(f"{ID}.zip").get_blob_properties()
    with cutting(store.base) as proxy:
        again = quick(one, store.signed(base=proxy.url))
        assert proxy.sent < 3 * 6000
    after = store.client.get_blob_client(f"{ID}.zip").get_blob_properties()
    assert (after.etag, after.last_modified) == (before.etag, before.last_modified)
    assert again.received == before.last_modified


@SIZES
def test_another_blob_of_that_name_is_never_overwritten(store: Container, tmp_path: Path, size: int):
    one = bundle(tmp_path, size)
    store.client.upload_blob(f"{ID}.zip", b"something else")
    with pytest.raises(DeliveryError, match="exists already and is not this bundle") as error:
        quick(one, store.signed())
    assert not error.value.retry
    assert store.read(f"{ID}.zip") == b"something else"


def test_the_same_bundle_put_there_by_another_tool_counts(store: Container, tmp_path: Path):
    one = bundle(tmp_path)
    store.client.upload_blob(f"{ID}.zip", one.path.read_bytes())
    assert quick(one, store.signed()).state == "delivered"


def test_a_sas_of_one_blob_takes_one_bundle(store: Container, tmp_path: Path):
    url = f"{store.url}/only.zip?{store.sas(blob='only.zip')}"
    one, other = bundle(tmp_path), bundle(tmp_path, seed=2, name="f" * 16)
    assert quick(one, url).state == quick(one, url).state == "delivered"
    assert store.names() == ["only.zip"]
    with pytest.raises(DeliveryError, match=r"only\.zip exists already") as error:
        quick(other, url)
    assert "one of a container" in error.value.hint
    assert store.read("only.zip") == one.path.read_bytes()


def test_what_can_neither_be_read_nor_written_again_is_not_called_delivered(store: Container, tmp_path: Path):
    one = bundle(tmp_path)
    assert quick(one, store.signed("c")).state == "delivered"
    with pytest.raises(DeliveryError, match=r"exists already|does not permit it") as error:
        quick(one, store.signed("c"))
    assert "sp=rcw" in error.value.hint
    blind = f"{store.url}/{ID}.zip?{store.sas('cw', blob=f'{ID}.zip')}"
    with pytest.raises(DeliveryError, match="does not let it be compared"):
        quick(one, blind)


# ---- broken links --------------------------------------------------------------------------------------


def test_a_broken_upload_goes_on_where_it_broke(store: Container, tmp_path: Path):
    one = bundle(tmp_path, BIG)
    with cutting(store.base) as proxy:
        target = target_for(store.signed(base=proxy.url), None)
        proxy.cut_after = 3 * BLOCK + BLOCK // 2
        with pytest.raises(DeliveryError, match="broke") as error:
            target.put(one, 10)
        assert error.value.retry
        assert store.uncommitted(f"{ID}.zip") == 3
        assert store.names() == []
        proxy.cut_after, proxy.sent = None, 0
        assert target.put(one, 10).state == "delivered"
        assert proxy.sent < one.bytes - 3 * BLOCK + 20_000
    assert store.read(f"{ID}.zip") == one.path.read_bytes()


def test_a_lost_answer_is_no_second_blob(store: Container, tmp_path: Path):
    one = bundle(tmp_path)
    with cutting(store.base) as proxy:
        proxy.cut_answers = True
        assert quick(one, store.signed(base=proxy.url)).state == "delivered"
        assert sum(line.startswith(b"PUT") for line in proxy.lines) == 2
    assert store.names() == [f"{ID}.zip"]


@SIZES
def test_a_body_damaged_on_the_way_is_refused_and_sent_again(store: Container, tmp_path: Path, size: int):
    one = bundle(tmp_path, size)
    with cutting(store.base) as proxy:
        proxy.damage = one.path.read_bytes()[1000:1032]
        assert quick(one, store.signed(base=proxy.url)).state == "delivered"
        assert proxy.damage == b""
    assert store.read(f"{ID}.zip") == one.path.read_bytes()


def test_a_process_killed_between_blocks_loses_nothing(store: Container, tmp_path: Path):
    one = bundle(tmp_path, BIG)
    script = (
        "import sys; from pathlib import Path; from collector.deliver.spool import Spool; "
        "from collector.deliver.send import deliver\n"
        "spool = Spool(Path(sys.argv[1])); deliver(spool.pending()[0], spool, sys.stdin.readline().strip(), None)"
    )
    with cutting(store.base) as proxy:
        proxy.stall_after = 4 * BLOCK + BLOCK // 2
        process = subprocess.Popen([sys.executable, "-c", script, one.path.parent], stdin=subprocess.PIPE, text=True)
        assert process.stdin
        process.stdin.write(store.signed(base=proxy.url) + "\n")
        process.stdin.close()
        assert proxy.stalled.wait(30)
        process.kill()
        process.wait()
        assert one.path.exists()
        assert (store.uncommitted(f"{ID}.zip"), store.names()) == (4, [])
        proxy.stall_after, proxy.lines = None, []
        spool = Spool(one.path.parent)
        assert deliver(one, spool, store.signed(base=proxy.url), None).state == "delivered"
        assert proxy.blocks() == 2
    assert spool.pending() == ()
    assert store.names() == [f"{ID}.zip"]


def test_a_link_too_weak_for_the_deadline_gets_on_at_each_try(store: Container, tmp_path: Path):
    one = bundle(tmp_path, BIG)
    with cutting(store.base) as proxy:
        target = target_for(store.signed(base=proxy.url), None)
        for count in (2, 4):
            proxy.stall_after, proxy.sent = 2 * BLOCK + BLOCK // 2, 0
            with pytest.raises(
                DeliveryError, match=f"in time, after {count} of 6 blocks; the next try goes on"
            ) as error:
                target.put(one, 1.5)
            assert error.value.retry
            assert store.uncommitted(f"{ID}.zip") == count
        proxy.stall_after = None
        assert target.put(one, 20).state == "delivered"
    assert store.read(f"{ID}.zip") == one.path.read_bytes()


def test_blocks_of_another_content_are_not_taken_for_ours(store: Container, tmp_path: Path):
    quick_blocks = bundle(tmp_path, BIG, seed=2)
    with cutting(store.base) as proxy:
        proxy.cut_after = 3 * BLOCK
        with pytest.raises(DeliveryError):
            target_for(store.signed(base=proxy.url), None).put(quick_blocks, 10)
    assert store.uncommitted(f"{ID}.zip") > 0
    one = bundle(tmp_path, BIG, seed=3)
    assert quick(one, store.signed()).state == "delivered"
    assert store.read(f"{ID}.zip") == one.path.read_bytes()


@SIZES
def test_a_bundle_that_changed_on_the_disk_is_not_sent(store: Container, tmp_path: Path, size: int):
    one = bundle(tmp_path, size)
    one.path.write_bytes(bytes(size))
    with pytest.raises(DeliveryError, match="has changed"):
        quick(one, store.signed())
    assert store.names() == []


# ---- refusals, and what people are told ----------------------------------------------------------------

REFUSALS = [
    ("expired", {"start": -3, "hours": -2}, "it expired at 20", "Make a new SAS"),
    ("not yet", {"start": 1, "hours": 2}, "it is valid only from 20", "Make a new SAS"),
]


@SIZES
@pytest.mark.parametrize(("name", "times", "says", "hint"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_a_sas_whose_time_is_wrong(store: Container, tmp_path: Path, size, name, times, says, hint):
    with pytest.raises(DeliveryError, match=says) as error:
        quick(bundle(tmp_path, size), store.signed(**times))
    assert not error.value.retry
    assert hint in error.value.hint


@SIZES
def test_no_such_container(store: Container, tmp_path: Path, size: int):
    store.client.delete_container()
    with pytest.raises(DeliveryError, match="no such container") as error:
        quick(bundle(tmp_path, size), store.signed())
    assert not error.value.retry


def test_a_sas_that_may_only_make_blobs_takes_no_blocks(store: Container, tmp_path: Path):
    with pytest.raises(DeliveryError, match="does not permit it") as error:
        quick(bundle(tmp_path, BIG), store.signed("c"))
    assert "sp=rcw" in error.value.hint


@pytest.mark.parametrize("fault", ["", "signature", "expired", "container", "refused"])
def test_the_signature_is_in_no_message_and_no_log(
    store: Container, tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: str
):
    caplog.set_level(logging.DEBUG)
    one = bundle(tmp_path)
    url = store.signed(hours=-0.5 if fault == "expired" else 1)
    signature = parse_qs(urlsplit(url).query)["sig"][0]
    if fault == "signature":
        signature = base64.b64encode(bytes(range(32))).decode()
        url = url.split("&sig=")[0] + "&sig=" + signature.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    if fault == "container":
        store.client.delete_container()
    if fault == "refused":
        url = url.replace(store.base, "http://127.0.0.1:9/devstoreaccount1")
    delivery = deliver(one, Spool(one.path.parent), url, None, deadline_seconds=0.1)
    assert (delivery.state == "delivered") == (fault == "")
    assert delivery.target == shown(url) == url.partition("?")[0]
    told = f"{delivery}\n{caplog.text}"
    assert "127.0.0.1" in caplog.text
    core = signature[:12]
    assert core not in told
    assert core.replace("+", "%2B").replace("/", "%2F") not in told
    assert "sig=" not in told


def test_a_signature_that_does_not_match(store: Container, tmp_path: Path):
    url = store.signed()
    with pytest.raises(DeliveryError, match="403 Auth") as error:
        quick(bundle(tmp_path), url[: url.index("sig=")] + "sig=AAAA")
    assert not error.value.retry


# ---- the whole way -------------------------------------------------------------------------------------


def test_collect_delivers_to_a_container(store: Container, tmp_path: Path):
    disk, state = failing_disk(tmp_path / "disk"), tmp_path / "state"
    options = ("--root", disk, "--state-dir", state, "--format", "json")
    result = vmext("collect", *options, "--upload", store.signed(folder="/site"), "--instance", "web_12")
    assert result.code == 10, result.err
    delivery = result.json["delivery"]
    assert (delivery["state"], delivery["target"]) == ("delivered", f"{store.url}/site")
    assert "sig=" not in result.out + result.err
    (name,) = store.names()
    assert name == f"site/{result.json['bundle']['id']}.zip"
    stored = store.client.get_blob_client(name).get_blob_properties()
    assert (stored.metadata["instance"], stored.metadata["verdict"]) == ("web_12", "failed")
    assert hashlib.sha256(store.read(name)).hexdigest() == stored.metadata["sha256"] == result.json["bundle"]["sha256"]


def test_upload_sends_the_spool_to_a_container(store: Container, tmp_path: Path):
    disk, state = failing_disk(tmp_path / "disk"), tmp_path / "state"
    assert vmext("collect", "--root", disk, "--state-dir", state, "--no-upload").code == 10
    result = vmext("upload", "--state-dir", state, "--upload", store.signed())
    assert result.code == 0, result.out
    assert f"delivered to {store.url}\n" in result.out
    assert len(store.names()) == 1
    again = vmext("upload", "--state-dir", state, "--upload", store.signed("rcw", hours=-0.5))
    assert (again.code, "nothing waits" in again.out) == (0, True)
