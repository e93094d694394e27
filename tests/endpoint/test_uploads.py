"""The range protocol as a sender sees it, against the real endpoint; and the bounds of what is open."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from collector.endpoint.database.engine import Database
from collector.endpoint.database.migrate import migrate
from collector.endpoint.intake.uploads import Bounds, FullError, OffsetError, OtherError, Uploads
from collector.endpoint.stores.incoming import Incoming
from collector.endpoint.stores.place import Place
from collector.model import BundleInfo
from tests.endpoint.clouds import Cloud
from tests.endpoint.running import Endpoint, endpoint
from tests.fault.rig import bundles

BLOCK = 256 << 10


@pytest.fixture(scope="module", params=["folder", "azure", "s3"])
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    options: tuple[str, ...] = ()
    environ: dict[str, str] = {}
    if request.param != "folder":
        cloud: Cloud = request.getfixturevalue("clouds")[request.param]
        options, environ = ("--store", cloud.new()), cloud.environ
    with endpoint(tmp_path_factory.mktemp("endpoint") / "data", *options, environ=environ) as running:
        yield running


@pytest.fixture
def bundle(tmp_path: Path) -> BundleInfo:
    return bundles(tmp_path, kilobytes=700)[0]


def ask(server: Endpoint, method: str, path: str, **options: Any) -> requests.Response:
    headers = server.authorization | options.pop("headers", {})
    return requests.request(method, f"{server.url}/v1/uploads{path}", headers=headers, timeout=30, **options)


def begin(server: Endpoint, bundle: BundleInfo, **changes: object) -> requests.Response:
    about = {"id": bundle.id, "bytes": bundle.bytes, "sha256": bundle.sha256}
    return ask(server, "POST", "", json=about | changes)


def block(server: Endpoint, bundle: BundleInfo, start: int, size: int = BLOCK, **headers: str) -> requests.Response:
    data = bundle.path.read_bytes()[start : start + size]
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    sent = {
        "Content-Range": f"bytes {start}-{start + len(data) - 1}/{bundle.bytes}",
        "Content-Digest": f"sha-256=:{digest}:",
    }
    return ask(server, "PUT", f"/{bundle.sha256}", data=data, headers=sent | headers)


def commit(server: Endpoint, bundle: BundleInfo) -> requests.Response:
    return ask(server, "POST", f"/{bundle.sha256}/commit")


def test_a_bundle_in_blocks_gets_the_receipt_of_one_that_came_whole(server: Endpoint, bundle: BundleInfo):
    state = begin(server, bundle)
    assert (state.status_code, state.json()["offset"]) == (201, 0)
    offset = 0
    while offset < bundle.bytes:
        offset = block(server, bundle, offset).json()["offset"]
        told = ask(server, "HEAD", f"/{bundle.sha256}")
        assert (told.status_code, told.headers["Upload-Offset"]) == (200, str(offset))
    receipt = commit(server, bundle)
    assert (receipt.status_code, receipt.json()["sha256"]) == (201, bundle.sha256)
    assert begin(server, bundle).json() == {"receipt": receipt.json()}
    assert server.put(bundle.path).json() == receipt.json()
    assert commit(server, bundle).status_code == 404  # nothing is open any more
    assert server.get(f"/v1/bundles/{bundle.id}/bundle").content == bundle.path.read_bytes()


def test_a_block_counts_once_and_in_its_turn(server: Endpoint, bundle: BundleInfo):
    begin(server, bundle)
    assert block(server, bundle, 0).json()["offset"] == BLOCK
    again = block(server, bundle, 0)
    assert (again.status_code, again.json()["offset"]) == (200, BLOCK)
    ahead = block(server, bundle, 2 * BLOCK - 1000)
    assert (ahead.status_code, ahead.json()["offset"]) == (409, BLOCK)
    early = commit(server, bundle)
    assert (early.status_code, early.json()["offset"]) == (409, BLOCK)
    assert begin(server, bundle).json()["offset"] == BLOCK


@pytest.mark.parametrize(
    ("start", "size", "headers", "status", "says"),
    [
        (0, BLOCK, {"Content-Digest": "sha-256=:" + "A" * 43 + "=:"}, 422, "digest"),
        (0, BLOCK, {"Content-Digest": "md5=:AAAA:"}, 400, "digest"),
        (0, BLOCK, {"Content-Range": "bytes 0-1/2"}, 400, "place"),
        (0, BLOCK, {"Content-Range": "bytes */2"}, 400, "place"),
        (0, 1000, {}, 400, "at least"),
    ],
)
def test_blocks_that_are_not_taken(
    server: Endpoint, bundle: BundleInfo, start: int, size: int, headers: dict[str, str], status: int, says: str
):
    begin(server, bundle)
    answer = block(server, bundle, start, size, **headers)
    assert (answer.status_code, says in answer.json()["error"]) == (status, True), answer.text
    assert begin(server, bundle).json()["offset"] == 0


def test_a_block_above_the_limit_or_of_another_length(server: Endpoint, tmp_path: Path):
    big = bundles(tmp_path, kilobytes=2_500)[0]
    begin(server, big)
    assert block(server, big, 0, (1 << 20) + 1).status_code == 413
    assert block(server, big, 0, BLOCK, **{"Content-Range": f"bytes 0-{BLOCK}/{big.bytes}"}).status_code == 411


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"id": "../../etc/passwd"}, 400),
        ({"sha256": "../x"}, 400),
        ({"sha256": "A" * 64}, 400),
        ({"bytes": 0}, 400),
        ({"bytes": "5"}, 400),
        ({"bytes": 10**12}, 413),
        ({"more": "x" * 5000}, 413),
    ],
)
def test_announcements_that_are_not_taken(
    server: Endpoint, bundle: BundleInfo, changes: dict[str, object], status: int
):
    answer = begin(server, bundle, **changes)
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)


def test_an_announcement_damaged_on_the_way_is_asked_for_again(server: Endpoint, bundle: BundleInfo):
    """Not refused as wrong: the sender would set a good bundle aside."""
    digest = {"Content-Digest": "sha-256=:" + "A" * 43 + "=:"}
    assert ask(server, "POST", "", data=b'{"id": "x|', headers=digest).status_code == 422


def test_nothing_without_a_token(server: Endpoint, bundle: BundleInfo):
    begin(server, bundle)
    for method, path in (("POST", ""), ("HEAD", f"/{bundle.sha256}"), ("PUT", f"/{bundle.sha256}"),
                         ("POST", f"/{bundle.sha256}/commit")):  # fmt: skip
        assert requests.request(method, f"{server.url}/v1/uploads{path}", timeout=10).status_code == 401


def test_blocks_that_make_no_bundle_are_refused_and_forgotten(server: Endpoint, tmp_path: Path):
    data = bytes(100_000)
    file = tmp_path / f"{'ab' * 8}.zip"
    file.write_bytes(data)
    fake = BundleInfo(file.stem, file, len(data), hashlib.sha256(data).hexdigest())
    lie = BundleInfo(file.stem, file, len(data), "0" * 64)
    for one, status in ((fake, 400), (lie, 422)):
        begin(server, one)
        block(server, one, 0)
        assert commit(server, one).status_code == status
        assert ask(server, "HEAD", f"/{one.sha256}").status_code == 404


def test_another_bundle_under_a_known_id(server: Endpoint, bundle: BundleInfo):
    server.put(bundle.path)
    assert begin(server, bundle, sha256="1" * 64).status_code == 409


# ---- what is open ---------------------------------------------------------------------------------------


def sha(number: int) -> str:
    return f"{number:064x}"


def arrived(folder: Path, size: int) -> Incoming:
    incoming = Incoming(folder)
    incoming.write(bytes(size))
    incoming.finish()
    return incoming


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'index.sqlite'}")
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def place(blank_place: Callable[[], Place]) -> Place:
    return blank_place()


def names(place: Place) -> list[str]:
    return [one.name for chunk in place.listing() for one in chunk]


def test_open_uploads_are_bounded_in_number_and_size(database: Database, place: Place):
    uploads = Uploads(database, place, Bounds(most_open=2, most_open_bytes=1000), now=lambda: 0.0)
    uploads.begin("a", sha(1), 600)
    with pytest.raises(FullError):
        uploads.begin("b", sha(2), 500)
    uploads.begin("b", sha(2), 100)
    with pytest.raises(FullError):
        uploads.begin("c", sha(3), 100)
    assert uploads.begin("a", sha(1), 600).offset == 0  # who is in stays in
    with pytest.raises(OtherError):
        uploads.begin("z", sha(1), 600)


def test_who_is_silent_makes_room_and_goes_in_the_end(tmp_path: Path, database: Database, place: Place):
    clock = [0.0]
    uploads = Uploads(database, place, Bounds(most_open=2, idle=60, oldest=600), now=lambda: clock[0])
    silent, busy = uploads.begin("a", sha(1), 600), uploads.begin("b", sha(2), 600)
    uploads.add(silent, 0, arrived(tmp_path, 100))
    clock[0] = 100.0
    uploads.add(busy, 0, arrived(tmp_path, 100))
    uploads.begin("c", sha(3), 100)
    found = uploads.find(busy.sha256)
    assert (uploads.find(silent.sha256), found and found.offset) == (None, 100)
    assert names(place) == [f"uploads/{sha(2)}/{0:012d}.{100:010d}.block"]
    clock[0] = 1000.0
    uploads.begin("d", sha(4), 100)
    assert [upload.sha256 for upload in uploads.all()] == [sha(4)]
    assert names(place) == []


def test_another_process_goes_on_where_one_was(tmp_path: Path, database: Database, place: Place):
    first, second = Uploads(database, place), Uploads(database, place)
    upload = first.begin("a", sha(1), 250)
    assert first.add(upload, 0, arrived(tmp_path, 100)) == 100
    found = second.find(sha(1))
    assert found is not None
    assert (found.bundle_id, found.bytes, found.offset) == ("a", 250, 100)
    assert second.add(found, 100, arrived(tmp_path, 100)) == 200
    assert first.add(upload, 0, arrived(tmp_path, 100)) == 200  # it is here already
    with pytest.raises(OffsetError) as wanted:
        first.add(upload, 300, arrived(tmp_path, 100))
    assert wanted.value.offset == 200
    assert first.add(upload, 200, arrived(tmp_path, 50)) == 250
    whole = Incoming(tmp_path)
    second.join(found, whole)
    assert (whole.size, whole.finish()) == (250, hashlib.sha256(bytes(250)).hexdigest())
    second.drop(found)
    assert (first.find(sha(1)), names(place)) == (None, [])


def test_a_block_that_a_kill_left_uncounted_is_sent_again(tmp_path: Path, database: Database, place: Place):
    """Killed between the store and the index, whoever cuts the blocks then, and however large."""
    uploads = Uploads(database, place)
    upload = uploads.begin("a", sha(1), 250)
    place.put(f"uploads/{sha(1)}/{0:012d}.{70:010d}.block", arrived(tmp_path, 70).path)
    assert uploads.add(upload, 0, arrived(tmp_path, 100)) == 100
    place.put(f"uploads/{sha(1)}/{100:012d}.{20:010d}.block", arrived(tmp_path, 20).path)
    assert uploads.add(upload, 100, arrived(tmp_path, 150)) == 250
    whole = Incoming(tmp_path)
    uploads.join(upload, whole)
    assert (whole.finish(), whole.size) == (hashlib.sha256(bytes(250)).hexdigest(), 250)


def test_blocks_of_no_open_upload_go_when_they_are_old(tmp_path: Path, database: Database, place: Place):
    later = time.time() + 2 * Bounds().oldest
    uploads = Uploads(database, place, now=lambda: later)
    for number in (1, 2):
        place.put(f"uploads/{sha(number)}/{0:012d}.{70:010d}.block", arrived(tmp_path, 70).path)
    uploads.begin("a", sha(1), 250)
    assert Uploads(database, place).sweep(lambda _: set()) == 0
    assert uploads.sweep(lambda _: set()) == 1
    assert names(place) == [f"uploads/{sha(1)}/{0:012d}.{70:010d}.block"]


def test_blocks_of_what_is_stored_go_however_new(tmp_path: Path, database: Database, place: Place):
    """A kill after the index forgot the upload and before its blocks were removed."""
    uploads = Uploads(database, place)
    for number in (1, 2, 3):
        place.put(f"uploads/{sha(number)}/{0:012d}.{70:010d}.block", arrived(tmp_path, 70).path)
    uploads.begin("a", sha(3), 250)
    asked: set[str] = set()

    def stored(hashes: Collection[str]) -> set[str]:
        asked.update(hashes)
        return {sha(2)}

    assert uploads.sweep(stored) == 1
    assert asked == {sha(1), sha(2)}
    assert names(place) == [f"uploads/{sha(number)}/{0:012d}.{70:010d}.block" for number in (1, 3)]


def test_a_start_removes_what_a_kill_left_of_a_stored_bundle(tmp_path: Path, bundle: BundleInfo):
    data = tmp_path / "data"
    left = data / "uploads" / bundle.sha256 / f"{0:012d}.{70:010d}.block"
    other = left.parent.with_name("f" * 64) / left.name
    with endpoint(data) as running:
        assert running.put(bundle.path).status_code == 201
    for file in (left, other):
        file.parent.mkdir(parents=True)
        file.write_bytes(bytes(70))
    with endpoint(data):
        assert (left.exists(), other.exists()) == (False, True)
