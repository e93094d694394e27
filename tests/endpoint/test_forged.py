"""Bundles whose id and hashes are right, and whose content is not what any version of vmext writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collector.bundle.reader import Limits, glance_received
from collector.endpoint.answers import RefusalError
from collector.endpoint.database.engine import Database
from collector.endpoint.database.tables import BUNDLES
from collector.endpoint.indexing.indexer import Indexer
from collector.endpoint.indexing.rows import bundle_row
from collector.endpoint.intake.committing import Commits
from collector.endpoint.reading.bundles import now
from collector.endpoint.stores.folder import FolderStore
from tests.collecting import collect, failing_disk
from tests.endpoint.forging import Members, forged
from tests.endpoint.running import Endpoint, endpoint
from tests.received import received


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    return Path(collect(failing_disk(folder / "disk"), folder / "state").json["bundle"]["path"])


@pytest.fixture
def server(tmp_path: Path, database_options: tuple[str, ...]) -> Iterator[Endpoint]:
    with endpoint(tmp_path / "data", *database_options) as running:
        yield running


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("created", "2026-11-23Z"),
        ("created", "0001-01-01T00:00:00Z"),
        ("created", "9999-12-31T23:59:59.999999Z"),
        ("created", "0001-01-01T00:00:00+00:00Z"),
        ("incident", "0123456789abcdef\n"),
    ],
)
def test_after_it_the_next_one_is_taken(server: Endpoint, bundle: Path, tmp_path: Path, name: str, value: str):
    def change(members: Members) -> None:
        members["manifest.json"][name] = value

    assert server.put(forged(bundle, tmp_path, change)).status_code in (201, 400)
    assert server.put(bundle).status_code == 201
    assert bundle.stem in {row["id"] for row in received(server) if row["state"] == "indexed"}


def test_a_row_that_the_tables_can_not_hold_keeps_no_other_out(database: Database, bundle: Path, tmp_path: Path):
    row = bundle_row(glance_received(bundle), "a" * 64, 1, now())
    rows = [row | {"id": f"{number:016x}", "sha256": f"{number:064x}"} for number in range(5)]
    rows[2] |= {"created": now().replace(tzinfo=None)}
    commits = Commits(database)
    futures = [commits.add(one) for one in rows]
    with pytest.raises(RefusalError):
        futures[2].result(30)
    assert [futures[number].result(30)["id"] for number in (0, 1, 3, 4)] == [rows[n]["id"] for n in (0, 1, 3, 4)]
    assert commits.add(row).result(30) is row
    commits.close()


def test_a_bundle_that_the_tables_can_not_hold_keeps_no_other_from_being_indexed(
    database: Database, bundle: Path, tmp_path: Path
):
    store = FolderStore(tmp_path / "data")
    rows = []
    for number in range(3):

        def change(members: Members, number: int = number) -> None:
            members["manifest.json"]["incident"] = f"{number:016x}"

        file = forged(bundle, tmp_path, change)
        incoming = store.receive()
        incoming.write(file.read_bytes())
        sha256 = incoming.finish()
        store.keep(incoming, sha256)
        rows.append(bundle_row(glance_received(file), sha256, file.stat().st_size, now()))
    commits = Commits(database)
    for row in rows:
        commits.add(row).result(30)
    commits.close()
    with database.writing() as connection:  # stands for any row that the engine refuses
        trigger = (
            "UPDATE OF state ON bundles FOR EACH ROW WHEN (NEW.state = 'indexed' AND substr(NEW.incident, 16) = '1')"
        )
        if database.is_postgresql:
            body = "BEGIN RAISE SQLSTATE '22001'; END"
            connection.exec_driver_sql(f"CREATE FUNCTION refuse() RETURNS trigger AS $$ {body} $$ LANGUAGE plpgsql")
            connection.exec_driver_sql(f"CREATE TRIGGER refuse BEFORE {trigger} EXECUTE FUNCTION refuse()")
        else:
            connection.exec_driver_sql(f"CREATE TRIGGER refuse BEFORE {trigger} BEGIN SELECT RAISE(ABORT, 'no'); END")
    indexer = Indexer(database, store, Limits())
    while indexer.turn():
        pass
    with database.reading() as connection:
        states = connection.execute(sa.select(BUNDLES.c.state).order_by(BUNDLES.c.incident)).scalars().all()
    assert states == ["indexed", "damaged", "indexed"]


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}\x1b[31m\x00\u202eevil\ud800"
#: A reader looks for these; what stands in them is one of a few words, or a time.
_KEPT = {"kind", "owner", "confidence", "outcome", "system", "verdict", "schema", "role", "state"}


def filled(value: Any, text: str, key: str = "") -> Any:
    """Every text of a member replaced, but for those that have to be of a certain form."""
    if isinstance(value, dict):
        return {name: filled(item, text, name) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, text, key) for item in value]
    is_time = isinstance(value, str) and value[:2] == "20" and value[4:5] == "-"
    return text if isinstance(value, str) and key not in _KEPT and not is_time else value


def hostile(members: Members) -> None:
    manifest = members["manifest.json"]
    manifest["identity"] = filled(manifest["identity"], HOSTILE)
    for name in ("findings.json", "failures.json", "ledger.json", "system.json"):
        members[name] = filled(members[name], HOSTILE)
    members["failures.json"]["states"] = [{"extension": HOSTILE, "name": HOSTILE, "version": HOSTILE, "state": HOSTILE}]
    members["summary.txt"] = HOSTILE * 30_000
    for name in [name for name in members if name.startswith("excerpts/")]:
        members[name] = f"# {HOSTILE}\n# 1 lines, 2 of the window left out\n>    14  {HOSTILE}\n".replace("\ud800", "")


def huge(members: Members) -> None:
    members["failures.json"]["failures"][0]["limit_seconds"] = 10**400
    for finding in members["findings.json"]["findings"]:
        finding |= {"exit_code": 10**400, "sequence": -(10**18), "count": 10**400}


def no_number(members: Members) -> None:
    members["ledger.json"]["totals"] = {"read": float("nan")}


def facts(members: Members) -> None:
    members["system.json"]["facts"]["load"] = [10**400, 1.0, 1.0]
    members["system.json"]["facts"]["uptime_seconds"] = 10**400


@pytest.mark.parametrize("change", [hostile, huge, no_number, facts])
def test_every_page_of_it_is_whole_and_runs_nothing(
    server: Endpoint, bundle: Path, tmp_path: Path, change: Callable[[Members], None]
):
    file = forged(bundle, tmp_path, change)
    assert server.put(bundle).status_code == 201
    assert server.put(file).status_code == 201
    assert bundle.stem in {row["id"] for row in received(server) if row["state"] == "indexed"}
    paths = ["/", "/scale-sets", "/bundles", "/search?q=alert", "/search?q=%00", "/login?next=//[", "/v1/bundles"]
    paths += [
        f"/bundles/{file.stem}",
        f"/bundles/{file.stem}/ticket.md",
        f"/compare?left={bundle.stem}&right={file.stem}",
    ]
    paths += [
        f"/v1/bundles/{file.stem}{part}" for part in ("", "/findings", "/excerpts", "/events", "/ledger", "/timeline")
    ]
    for kind in ("incidents", "scale-sets", "instances"):
        rows = server.get(f"/v1/{kind}?limit=200").json()[kind.replace("-", "_")]
        paths += [f"{way}/{kind}/{row['id']}" for row in rows for way in ("", "/v1")]
    for path in paths:
        answer = server.get(path)
        assert answer.status_code < 500 or "damaged" in answer.text, (path, answer.text)
        if "html" in answer.headers["Content-Type"]:
            assert len(answer.content) < 100_000, path
            assert not {"\x1b", "\x00", "\u202e"} & {*answer.text}, path
            assert "<script>alert" not in answer.text and "<img src=x" not in answer.text, path
    assert "Traceback" not in (tmp_path / "endpoint.log").read_text()
