"""Bundles in a folder or a container, reviewed without any endpoint."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.collecting import collect, failing_disk, vmext
from tests.endpoint.clouds import Cloud
from tests.endpoint.made import varied
from tests.endpoint.reviewing import Review, review


@pytest.fixture
def many(bundle: Path, tmp_path: Path) -> Callable[[int], list[Path]]:
    """Bundles of as many instances, not where anybody looks."""
    folder = tmp_path / "made"
    folder.mkdir()
    return lambda number: [varied(bundle, folder, instance_name=f"web_{one}") for one in range(number)]


@dataclass
class Kept:
    """A place as those who put something there see it."""

    url: str
    environ: dict[str, str]
    put: Callable[[str, bytes], None]
    remove: Callable[[str], None]
    names: Callable[[], list[str]]


@pytest.fixture(params=["folder", "azure", "s3"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    if request.param != "folder":
        cloud: Cloud = request.getfixturevalue("clouds")[request.param]
        url = cloud.new()
        return Kept(
            url,
            cloud.environ,
            lambda name, content: cloud.put(url, name, content),
            lambda name: cloud.remove(url, name),
            lambda: cloud.names(url),
        )
    folder = tmp_path / "share"
    folder.mkdir()

    def put(name: str, content: bytes) -> None:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(content)

    def names() -> list[str]:
        return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())

    return Kept(str(folder), {}, put, lambda name: (folder / name).unlink(), names)


def test_what_is_there_and_what_comes_is_shown_and_nothing_is_written_there(
    kept: Kept, many: Callable[[int], list[Path]], tmp_path: Path
):
    first, second, third = many(3)
    kept.put(first.name, first.read_bytes())
    kept.put(f"site/{second.name}", second.read_bytes())
    with review(kept.url, tmp_path / "cache", environ=kept.environ) as running:
        running.until_indexed(2)
        kept.put("web 12", third.read_bytes())  # a presigned URL fixes any name
        running.until_indexed(3)
        assert running.get(f"/v1/bundles/{third.stem}/bundle").content == third.read_bytes()
        assert running.get(f"/v1/bundles/{second.stem}").json()["findings"][0]["exit_code"] == 100
        assert "nginx-plus" in running.get(f"/bundles/{first.stem}").text
        store = running.store()
        assert (store["bundles"], store["others"], store["damaged"], store["problem"]) == (3, 0, 0, "")
    assert kept.names() == sorted([first.name, f"site/{second.name}", "web 12"])


def test_what_was_removed_is_told_as_gone_and_comes_back(kept: Kept, many: Callable[[int], list[Path]], tmp_path: Path):
    one, other = many(2)
    for file in (one, other):
        kept.put(file.name, file.read_bytes())
    with review(kept.url, tmp_path / "cache", environ=kept.environ) as running:
        running.until_indexed(2)
        kept.remove(one.name)
        running.until(lambda: running.bundles()[one.stem]["state"] == "gone")
        assert running.bundles()[other.stem]["state"] == "indexed"
        assert "removed from" in running.bundles()[one.stem]["problem"]
        if "://" not in kept.url:  # of the others a copy may still be at hand
            page = running.get(f"/bundles/{one.stem}")
            assert (page.status_code, f"removed from {kept.url}" in page.text) == (410, True)
            for path in ("", "/bundle"):
                assert running.get(f"/v1/bundles/{one.stem}{path}").status_code == 410
        kept.put(one.name, one.read_bytes())
        running.until_indexed(2)


def test_damaged_and_foreign_files_are_counted_and_named(kept: Kept, bundle: Path, tmp_path: Path):
    content = bundle.read_bytes()
    long_ago = 1_700_000_000
    for name, data in (("half.zip", content[:5000]), ("text.zip", b"no zip"), ("notes.txt", b"hello"), ("a.bin", b"")):
        kept.put(name, data)
        with suppress(OSError):
            os.utime(Path(kept.url) / name, (long_ago, long_ago))
    kept.put(".hidden.partial", content)
    kept.put(bundle.name, content)
    is_folder = "://" not in kept.url
    with review(kept.url, tmp_path / "cache", environ=kept.environ) as running:
        running.until_indexed(1)
        running.until(lambda: running.store()["listed"] is not None)
        if not is_folder:  # these are too young to be judged
            assert running.store()["others"] == 1
            return
        running.until(lambda: running.store()["damaged"] == 2)
        told = {one["name"]: one["problem"] for one in running.store()["problems"]}
        assert set(told) == {"half.zip", "text.zip"}
        assert all(told.values())
        page = running.get("/stores").text
        assert "half.zip" in page
        assert "2 damaged files" in page
    assert "half.zip" in (tmp_path / "review.log").read_text()


def test_a_file_that_is_half_written_is_taken_when_it_is_whole(bundle: Path, tmp_path: Path):
    share = tmp_path / "share"
    share.mkdir()
    content = bundle.read_bytes()
    with review(share, tmp_path / "cache") as running, (share / bundle.name).open("wb", buffering=0) as slow:
        slow.write(content[: len(content) // 2])
        listed = running.store()["listed"]
        running.until(lambda: running.store()["listed"] not in (None, listed))
        assert (running.bundles(), running.store()["damaged"]) == ({}, 0)
        slow.write(content[len(content) // 2 :])
        running.until_indexed(1)


def test_real_deliveries_appear_while_it_runs(tmp_path: Path):
    share = tmp_path / "share"
    share.mkdir()
    disk = failing_disk(tmp_path / "disk")
    with review(share, tmp_path / "cache") as running:
        for number in (1, 2):
            done = collect(disk, tmp_path / f"state-{number}", "--upload", share)
            assert done.json["delivery"]["state"] == "delivered"
            running.until_indexed(number)
        again = vmext("upload", "--state-dir", tmp_path / "state-1", "--upload", share)
        assert again.code == 0
        assert len(running.bundles()) == 2


@pytest.mark.parametrize("after", [3, 40])
def test_killed_in_the_middle_it_goes_on_and_takes_nothing_twice(
    many: Callable[[int], list[Path]], tmp_path: Path, after: int
):
    share = tmp_path / "share"
    share.mkdir()
    files = many(150)
    for file in files:
        file.rename(share / file.name)
    with review(share, tmp_path / "cache") as first:
        first.until(lambda: len(first.bundles()) >= after)
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
    with review(share, tmp_path / "cache") as second:
        second.until_indexed(150)
        assert second.get("/v1/bundles").json()["total"] == 150
        assert second.store()["bundles"] == 150


def test_the_link_signs_in_one_browser_and_no_other(bundle: Path, tmp_path: Path):
    share = tmp_path / "share"
    share.mkdir()
    with review(share, tmp_path / "cache") as running:
        other = requests.get(running.link, timeout=30)
        assert (other.status_code, other.cookies.get_dict()) == (403, {})
        assert running.get(running.link.removeprefix(running.url)).status_code == 200  # the same one may reload
        for path, status in (("/v1/bundles", 401), ("/v1/stores", 401), ("/open/wrong", 404)):
            assert requests.get(running.url + path, timeout=30).status_code == status
        assert requests.get(running.url + "/stores", timeout=30).url.endswith("/login?next=%2Fstores")
        assert running.link.rpartition("/")[2] not in running.get("/").text


def test_two_at_once_share_the_index(many: Callable[[int], list[Path]], tmp_path: Path):
    share = tmp_path / "share"
    share.mkdir()
    with review(share, tmp_path / "cache") as one, review(share, tmp_path / "cache") as other:
        for file in many(5):
            file.rename(share / file.name)
        one.until_indexed(5)
        other.until_indexed(5)


def test_encrypted_bundles_show_their_envelope_and_all_with_a_key(tmp_path: Path):
    pyrage = pytest.importorskip("pyrage")
    key = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(f"{key}\n")
    share = tmp_path / "share"
    share.mkdir()
    disk = failing_disk(tmp_path / "disk")
    done = collect(disk, tmp_path / "state", "--upload", share, "--encrypt-to", str(key.to_public()))
    assert done.json["delivery"]["state"] == "delivered", done.err
    name = next(share.glob("*.zip")).stem
    with review(share, tmp_path / "cache") as closed:
        closed.until_indexed(1)
        assert closed.bundles()[name]["encrypted"]
        assert "nginx-plus" not in closed.get(f"/bundles/{name}").text
    with review(share, tmp_path / "cache", "--identity", tmp_path / "key") as opened:
        opened.until_indexed(1)
        assert "nginx-plus" in opened.get(f"/bundles/{name}").text
        assert opened.get(f"/v1/bundles/{name}/bundle").content == (share / f"{name}.zip").read_bytes()
    with review(share, tmp_path / "cache") as closed:  # what the key opened is in an index of its own
        closed.until_indexed(1)
        assert "nginx-plus" not in closed.get(f"/bundles/{name}").text
        assert closed.bundles()[name]["encrypted"]


def test_each_place_has_an_index_of_its_own(many: Callable[[int], list[Path]], tmp_path: Path):
    for name, file in zip(("one", "other"), many(2), strict=True):
        (tmp_path / name).mkdir()
        file.rename(tmp_path / name / file.name)
    for name in ("one", "other"):
        with review(tmp_path / name, tmp_path / "cache") as running:
            running.until_indexed(1)
            assert {*running.bundles()} == {file.stem for file in (tmp_path / name).iterdir()}


def test_it_is_for_one_person_on_this_machine(tmp_path: Path):
    done = vmext("review", tmp_path, "--no-browser", "--cache", tmp_path / "cache", "--listen", "0.0.0.0:0")
    assert (done.code, "--listen" in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("/no/such/folder", "no folder"),
        ("ftp://x/y", "no address"),
        ("https://support.example/bundles", "no address"),
        ("s3://", "no address"),
    ],
)
def test_places_that_can_not_be_reviewed(place: str, says: str, tmp_path: Path):
    done = vmext("review", place, "--no-browser", "--cache", tmp_path / "cache")
    assert (done.code, says in done.err, "Traceback" in done.err) == (2, True, False), done.err


def test_a_container_that_is_not_there(clouds: dict[str, Cloud], tmp_path: Path):
    for cloud, scheme in ((clouds["azure"], "az"), (clouds["s3"], "s3")):
        done = vmext(
            "review", f"{scheme}://nothing-here", "--no-browser", "--cache", tmp_path / scheme, environ=cloud.environ
        )
        assert (done.code, "nothing-here" in done.err, "Traceback" in done.err) == (2, True, False), done.err


def test_a_sas_url_that_instances_deliver_to(clouds: dict[str, Cloud], bundle: Path, tmp_path: Path):
    from azure.storage.blob import generate_container_sas

    from tests.deliver.azurite import ACCOUNT, KEY

    cloud = clouds["azure"]
    url = cloud.new()
    cloud.put(url, bundle.name, bundle.read_bytes())
    container = url.split("/")[2]
    from datetime import datetime, timedelta, timezone

    until = datetime.now(timezone.utc) + timedelta(hours=1)
    sas = generate_container_sas(ACCOUNT, container, KEY, permission="rl", expiry=until)
    with review(f"{cloud.address}/{container}/of?{sas}", tmp_path / "cache") as running:
        running.until_indexed(1)
        assert running.store()["name"] == f"{cloud.address}/{container}/of"
        signature = sas.partition("sig=")[2].partition("&")[0]
        for file in (tmp_path / "cache").rglob("*"):
            assert not file.is_file() or signature.encode() not in file.read_bytes(), file
    assert signature not in (tmp_path / "review.log").read_text()


def _reads_all_the_time(running: Review, stop: threading.Event, statuses: list[int]) -> None:
    while not stop.is_set():
        statuses.append(running.get("/").status_code)


def test_pages_answer_while_it_indexes(many: Callable[[int], list[Path]], tmp_path: Path):
    share = tmp_path / "share"
    share.mkdir()
    for file in many(200):
        file.rename(share / file.name)
    with review(share, tmp_path / "cache") as running:
        stop, statuses = threading.Event(), list[int]()
        reading = threading.Thread(target=_reads_all_the_time, args=(running, stop, statuses))
        reading.start()
        try:
            running.until_indexed(200)
        finally:
            stop.set()
            reading.join()
    assert len(statuses) > 3
    assert set(statuses) == {200}
