"""What OWASP's File Upload Cheat Sheet asks for, at the endpoint's door. `tests/bundle/test_hostile.py` has the rest:
names, links, bombs, sizes, and archives that lie."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.endpoint.running import Endpoint, endpoint


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with endpoint(tmp_path_factory.mktemp("uploads") / "data") as running:
        yield running


def archive(*members: tuple[str, bytes], comment: bytes = b"") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members:
            made.writestr(name, content)
        made.comment = comment
    return packed.getvalue()


def hostile(good: bytes) -> dict[str, bytes]:
    page = b"<html><script>alert(1)</script></html>"
    return {
        "a page": page,
        "a page before the bundle": page + good,
        "a page after the bundle": good + page,
        "a picture's head before it": b"GIF89a" + good,
        "a program": b"MZ" + bytes(4_096),
        "a page as the archive's comment": archive(("manifest.json", b"{}"), comment=page),
        "another kind of archive": archive(("word/document.xml", b"<x/>"), ("[Content_Types].xml", b"<x/>")),
        "an archive in an archive": archive(("bundle.zip", good)),
        "a bomb": archive(("manifest.json", bytes(50_000_000))),
        "many members": archive(*((f"excerpts/{number}", b"") for number in range(3_000))),
        "deep JSON": archive(("manifest.json", b"[" * 100_000)),
        "an envelope that is none": archive(("envelope.json", b"{}"), ("payload.age", b"x")),
    }


def test_what_it_is_told_by_its_content_alone(server: Endpoint, bundle: Path, tmp_path: Path):
    """Neither the name nor the type that a sender tells makes anything a bundle."""
    for what, content in hostile(bundle.read_bytes()).items():
        file = tmp_path / "0123456789abcdef.zip"
        file.write_bytes(content)
        answer = server.put(file, name=bundle.stem, **{"Content-Type": "application/zip"})
        assert (what, answer.status_code) == (what, 400)
        assert answer.headers["Content-Type"] == "application/json"
    assert list(server.data.rglob("*.zip")) == []
    assert list(server.data.rglob("*.partial")) == []


@pytest.mark.parametrize("told", ["text/html", "image/svg+xml", "application/x-msdownload", ""])
def test_a_senders_type_and_name_are_never_given_on(server: Endpoint, bundle: Path, told: str):
    named = {"Content-Type": told, "Content-Disposition": 'attachment; filename="../../evil.html"'}
    assert server.put(bundle, **named).status_code in (200, 201)
    answer = server.get(f"/v1/bundles/{bundle.stem}/bundle")
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{bundle.stem}.zip"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    stored = [file.relative_to(server.data) for file in server.data.rglob("*.zip")]
    assert [len(file.parts) for file in stored] == [3], "kept by its hash, below objects"
    assert stored[0].stem != bundle.stem
    assert not stored[0].is_absolute()


@pytest.mark.parametrize("name", ["..%2f..%2fetc", "%2e%2e", "x" * 300, "0123456789ABCDEF", "0123456789abcde%00"])
def test_a_name_that_is_no_id_is_no_place(server: Endpoint, bundle: Path, name: str):
    assert server.put(bundle, name=name).status_code in (400, 404, 405)
    headers = server.authorization
    for path in (f"/v1/bundles/{name}/bundle", f"/bundles/{name}"):
        assert requests.get(server.url + path, headers=headers, timeout=30).status_code in (400, 404, 422), path
