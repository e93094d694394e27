"""Tokens: who may send and read what, for how long, and who is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyrage
import pytest
import requests
import sqlalchemy as sa

from collector.endpoint.access.audit import now
from collector.endpoint.database.access_tables import TOKENS
from collector.endpoint.database.engine import Database
from collector.endpoint.settings import Settings
from tests.collecting import Result, collect, failing_disk, vmext
from tests.endpoint.made import varied
from tests.endpoint.running import Endpoint, endpoint
from tests.waiting import until

WEB = {"scale_set": "vmss-web", "resource_group": "Web-RG", "subscription": "sub-1", "instance_name": "vmss-web_3"}
DATABASE = {"scale_set": "vmss-db", "resource_group": "Web-RG", "subscription": "sub-1", "instance_name": "vmss-db_1"}


@pytest.fixture
def server(tmp_path: Path, database_options: tuple[str, ...]):
    with endpoint(tmp_path / "data", *database_options) as running:
        yield running


def command(server: Endpoint, *arguments: object, **options: Any) -> Result:
    return vmext("endpoint", "--data", server.data, *server.arguments, *arguments, **options)


def token(server: Endpoint, name: str, scope: str, scale_set: str | None = None, days: object = 90) -> str:
    more = ("--scale-set", scale_set) if scale_set else ()
    made = command(server, "token", "create", "--name", name, "--scope", scope, "--days", days, *more)
    assert made.code == 0, made.err
    return str(made.out.strip())


def end_now(server: Endpoint, name: str) -> None:
    database = Database(Settings(server.data, server.arguments[1] if server.arguments else None).database_url)
    with database.writing() as connection:
        connection.execute(sa.update(TOKENS).where(TOKENS.c.name == name).values(expires=now()))
    database.close()


def ask(server: Endpoint, path: str, secret: str, method: str = "GET", **options: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {secret}"}
    return requests.request(method, server.url + path, headers=headers, timeout=30, allow_redirects=False, **options)


def test_a_token_sends_for_its_scale_set_alone(server: Endpoint, bundle: Path, tmp_path: Path):
    """Made before the scale set has ever reported."""
    secret = token(server, "web", "upload", "web-rg/VMSS-Web")
    own, other = varied(bundle, tmp_path, **WEB), varied(bundle, tmp_path, **DATABASE)
    assert server.put(own, token=secret).status_code == 201
    refused = server.put(other, token=secret)
    assert refused.status_code == 403
    told = "the token is for the scale set web-rg/vmss-web, and the bundle says that it is of sub-1/Web-RG/vmss-db"
    assert refused.json()["error"] == told
    assert server.put(varied(bundle, tmp_path, instance_name="lone"), token=secret).status_code == 403
    assert server.get("/v1/bundles").json()["total"] == 1
    assert server.put(other).status_code == 201, "the administrator sends for every one"


def test_a_token_with_a_subscription_sends_for_that_one(server: Endpoint, bundle: Path, tmp_path: Path):
    secret = token(server, "web", "upload", "SUB-1/web-rg/vmss-web")
    assert server.put(varied(bundle, tmp_path, **WEB), token=secret).status_code == 201
    twin = varied(bundle, tmp_path, **WEB | {"subscription": "sub-2"})
    assert server.put(twin, token=secret).status_code == 403
    assert server.put(varied(bundle, tmp_path, **WEB | {"subscription": None}), token=secret).status_code == 403


def test_in_blocks_it_is_the_same(server: Endpoint, bundle: Path, tmp_path: Path):
    import base64
    import hashlib

    secret = token(server, "web", "upload", "web-rg/vmss-web")
    for identity, status in ((DATABASE, 403), (WEB, 201)):
        file = varied(bundle, tmp_path, **identity)
        data = file.read_bytes()
        sha256 = hashlib.sha256(data)
        about = {"id": file.stem, "bytes": len(data), "sha256": sha256.hexdigest()}
        assert ask(server, "/v1/uploads", secret, "POST", json=about).status_code == 201
        headers = {
            "Authorization": f"Bearer {secret}",
            "Content-Range": f"bytes 0-{len(data) - 1}/{len(data)}",
            "Content-Digest": f"sha-256=:{base64.b64encode(sha256.digest()).decode()}:",
        }
        path = f"{server.url}/v1/uploads/{sha256.hexdigest()}"
        assert requests.put(path, data=data, headers=headers, timeout=30).status_code == 200
        assert ask(server, f"/v1/uploads/{sha256.hexdigest()}/commit", secret, "POST").status_code == status


def test_of_an_encrypted_bundle_the_envelope_counts(server: Endpoint, tmp_path: Path):
    """Its sender keeps it, with what the endpoint said."""
    key = str(pyrage.x25519.Identity.generate().to_public())
    disk = failing_disk(tmp_path / "disk")
    to = ("--encrypt-to", key, "--instance", "vmss-db_1", "--upload", server.url)
    environ = {"VMEXT_TOKEN": token(server, "web", "upload", "web-rg/vmss-web")}
    sent = collect(disk, tmp_path / "state", *to, environ=environ)
    assert (sent.code, sent.json["delivery"]["state"]) == (20, "spooled")
    assert "the token is for the scale set web-rg/vmss-web" in sent.json["delivery"]["error"]
    assert server.get("/v1/bundles").json()["total"] == 0


def test_an_uploader_sees_nothing_and_a_reader_sends_nothing(server: Endpoint, bundle: Path):
    sender, reader = token(server, "sender", "upload"), token(server, "reader", "read")
    assert server.put(bundle, token=sender).status_code == 201
    for path in ("/", "/v1/bundles", f"/v1/bundles/{bundle.stem}", f"/bundles/{bundle.stem}", "/admin/tokens"):
        assert ask(server, path, sender).status_code == 403, path
    assert ask(server, f"/v1/uploads/{'0' * 64}", sender).status_code == 404
    assert server.put(bundle, token=reader).status_code == 403
    assert ask(server, "/v1/bundles", reader).json()["total"] == 1
    for path in ("/admin", "/admin/tokens", "/admin/accounts", "/admin/audit"):
        assert ask(server, path, reader).status_code == 403, path
        assert ask(server, path, server.token).status_code in (200, 303), path


def test_a_token_ends_by_itself_and_when_it_is_revoked(server: Endpoint, bundle: Path):
    short = token(server, "short", "upload")
    assert server.put(bundle, token=short).status_code == 201
    secret = token(server, "long", "upload")
    assert server.put(bundle, token=secret).status_code == 200
    assert command(server, "token", "revoke", "long").code == 0
    until(lambda: server.put(bundle, token=secret).status_code == 401)
    end_now(server, "short")
    until(lambda: server.put(bundle, token=short).status_code == 401)
    states = {row["name"]: row["state"] for row in tokens(server)}
    assert states == {"short": "expired", "long": "revoked", "administrator": "good"}
    assert command(server, "token", "revoke", "long").code == 2
    assert token(server, "long", "upload") != secret, "its name is free again"
    refused = command(server, "token", "create", "--name", "long", "--scope", "upload")
    assert (refused.code, "there is a token 'long' already" in refused.err) == (2, True)


def tokens(server: Endpoint) -> list[dict[str, Any]]:
    return [json.loads(line) for line in command(server, "token", "list", "--json").out.splitlines()]


def test_lists_tell_the_last_use_and_no_secret(server: Endpoint, bundle: Path):
    secret = token(server, "web", "upload", "web-rg/vmss-web", 30)
    assert tokens(server)[0]["last_used"] is None
    server.put(bundle, token=secret)
    server.put(bundle, token=secret)
    listed = command(server, "token", "list")
    page = server.get("/admin/tokens")
    for text in (listed.out, json.dumps(tokens(server)), page.text):
        assert "web-rg/vmss-web" in text
        assert secret not in text
        assert server.token not in text
    assert tokens(server)[0]["last_used"] is not None
    for file in server.data.rglob("*"):
        if file.is_file() and file.name != "admin.token":
            content = file.read_bytes()
            assert secret.encode() not in content, file
            assert server.token.encode() not in content, file


def test_what_makes_no_token(server: Endpoint):
    for arguments, told in (
        (("--name", "a", "--scope", "root"), "root"),
        (("--name", " ", "--scope", "read"), "a token's name"),
        (("--name", "a", "--scope", "read", "--days", "0"), "lasts up to"),
        (("--name", "a", "--scope", "read", "--days", "nan"), "lasts up to"),
        (("--name", "a", "--scope", "read", "--scale-set", "vmss-web"), "names no scale set"),
        (("--name", "a", "--scope", "read", "--scale-set", "a//b"), "names no scale set"),
        (("--name", "a", "--scope", "admin", "--scale-set", "a/b"), "every scale set"),
    ):
        made = command(server, "token", "create", *arguments)
        assert made.code == 2, arguments
        assert told in made.err
        assert made.out == ""
    assert len(tokens(server)) == 1


def test_of_processes_that_start_at_once_one_makes_the_first_token(tmp_path: Path, postgresql: Any):
    """Each with a folder of its own, on one index."""
    address = postgresql.new()
    code = (
        "import sys; from pathlib import Path; from collector.endpoint.access.first import first_token;"
        "from collector.endpoint.database.engine import Database; from collector.endpoint.database.migrate import migrate;"
        "database = Database(sys.argv[2]); migrate(database); print(first_token(Path(sys.argv[1]), database))"
    )
    running = []
    for number in range(4):
        (tmp_path / str(number)).mkdir()
        arguments = [sys.executable, "-c", code, str(tmp_path / str(number) / "admin.token"), address]
        running.append(subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True))
    told = sorted(process.communicate(timeout=120)[0].strip() for process in running)
    assert told == ["False", "False", "False", "True"]
    assert len(list(tmp_path.glob("*/admin.token"))) == 1


def test_a_host_that_has_no_token_tells_of_none(tmp_path: Path):
    index = f"sqlite:///{tmp_path / 'index.sqlite'}"
    with endpoint(tmp_path / "one", "--database", index) as first:
        assert first.told.endswith(f" (data in {first.data}, token in {first.data / 'admin.token'})\n")
    with endpoint(tmp_path / "two", "--database", index) as second:
        assert second.told.endswith(f" (data in {second.data})\n")


def test_without_an_administrator_the_next_start_makes_one(tmp_path: Path):
    with endpoint(tmp_path / "data") as first:
        lost = first.token
    assert vmext("endpoint", "--data", tmp_path / "data", "token", "revoke", "administrator").code == 0
    with endpoint(tmp_path / "data") as second:
        assert second.token != lost
        assert ask(second, "/v1/bundles", second.token).status_code == 200
        assert ask(second, "/v1/bundles", lost).status_code == 401


def test_a_reader_of_a_scale_set_counts_nothing_of_the_others(server: Endpoint):
    assert ask(server, "/metrics", token(server, "one-set", "read", "web-rg/vmss-web")).status_code == 403
    assert ask(server, "/metrics", token(server, "all-sets", "read")).status_code == 200


def test_a_reader_of_a_scale_set_sees_it_alone(server: Endpoint, bundle: Path, tmp_path: Path):
    """In every list, and of every page and document of something else that it is not there."""
    reader = token(server, "web reader", "read", "sub-1/web-rg/vmss-web")
    assert ask(server, "/v1/bundles", reader).json()["bundles"] == [], "before the scale set has reported"
    own, other = varied(bundle, tmp_path, **WEB), varied(bundle, tmp_path, **DATABASE)
    for file in (own, other):
        assert server.put(file).status_code == 201
    server.settle()
    known = {area: server.get(f"/v1/{area}").json()[area.replace("-", "_")] for area in ("scale-sets", "instances")}
    known["incidents"] = server.get("/v1/incidents").json()["incidents"]
    for area, rows in known.items():
        assert len(rows) == 2, area
        seen = ask(server, f"/v1/{area}", reader).json()[area.replace("-", "_")]
        assert len(seen) == 1, area
        hidden = next(row["id"] for row in rows if row["id"] != seen[0]["id"])
        for path in (f"/v1/{area}/{hidden}", f"/{area}/{hidden}"):
            assert ask(server, path, server.token).status_code == 200, path
            assert ask(server, path, reader).status_code == 404, path
        assert ask(server, f"/{area}/{seen[0]['id']}", reader).status_code == 200, area
    for path in (
        f"/v1/bundles/{other.stem}",
        f"/v1/bundles/{other.stem}/bundle",
        *(f"/bundles/{other.stem}{end}" for end in ("", "/ticket.md")),
    ):
        assert ask(server, path, server.token).status_code == 200, path
        assert ask(server, path, reader).status_code == 404, path
        assert ask(server, path.replace(other.stem, own.stem), reader).status_code == 200, path
    assert ask(server, f"/compare?left={own.stem}&right={other.stem}", reader).status_code == 404
    for path in ("/", "/bundles", "/scale-sets", "/search?q=vmss", "/v1/search?q=vmss"):
        assert "vmss-db" not in ask(server, path, reader).text, path
        assert "vmss-db" in ask(server, path, server.token).text, path
