"""A database that is out of reach for a while, or takes no writes: nothing dies of it, and all goes on afterwards."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest
import requests

from collector.endpoint.database.engine import Database
from tests.collecting import collect, failing_disk
from tests.endpoint.made import varied
from tests.endpoint.postgres import Postgres
from tests.endpoint.running import endpoint
from tests.received import received


def altered(url: str, *changes: str) -> None:
    """Of a database, which all its users then have to open anew."""
    server, _, name = url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        for change in changes:
            connection.execute(f'ALTER DATABASE "{name}" {change}')
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


@pytest.mark.parametrize(
    ("away", "back", "reads"),
    [
        ("ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true", False),
        ("SET default_transaction_read_only = on", "RESET default_transaction_read_only", True),
        ("SET search_path = nowhere", "RESET search_path", False),
        ("SET role = pg_monitor", "RESET role", False),
    ],
    ids=["out of reach", "a standby", "not restored yet", "restored by another user"],
)
def test_a_bundle_is_taken_as_soon_as_the_database_is_back(
    tmp_path: Path, postgresql: Postgres, away: str, back: str, reads: bool
):
    first = Path(collect(failing_disk(tmp_path / "disk"), tmp_path / "state").json["bundle"]["path"])
    second = varied(first, tmp_path, instance_name="web_2")
    url = postgresql.new()
    with endpoint(tmp_path / "data", "--database", url) as server:
        assert server.put(first).status_code == 201
        server.settle()
        altered(url, away)
        answer = server.put(second)
        assert answer.status_code == 503, answer.text
        assert requests.get(f"{server.url}/healthz", timeout=30).status_code == 200
        assert requests.get(f"{server.url}/readyz", timeout=30).status_code == (200 if reads else 503)
        page = requests.get(server.url, headers=server.authorization | {"Accept": "text/html"}, timeout=30)
        assert page.status_code == (200 if reads else 503)
        altered(url, back)
        until = time.monotonic() + 60
        while server.put(second).status_code not in (200, 201):
            assert time.monotonic() < until, (tmp_path / "endpoint.log").read_text()
        assert {row["id"] for row in received(server)} == {first.stem, second.stem}
    assert "Traceback" not in (tmp_path / "endpoint.log").read_text()


def test_a_host_that_is_gone_without_a_word_is_given_up(postgresql: Postgres):
    for url, seconds in ((postgresql.new(), "10"), (f"{postgresql.new()}?connect_timeout=3", "3")):
        database = Database(url)
        with database.reading() as connection:
            told = connection.connection.dbapi_connection.info.get_parameters()  # type: ignore[union-attr]
        database.close()
        assert (told["connect_timeout"], told["tcp_user_timeout"]) == (seconds, "30000")
