"""Long lists of tokens and accounts are told page by page; who asks with a browser is told in a page what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from collector.endpoint.access.audit import now
from collector.endpoint.access.tokens import new_secret, token_row
from collector.endpoint.database.access_tables import ACCOUNTS, TOKENS
from collector.endpoint.database.engine import Database
from collector.endpoint.stores.folder import FolderStore
from tests.collecting import collect, failing_disk
from tests.endpoint.running import Endpoint, endpoint

GOOD, ENDED, PEOPLE = 95, 45, 70


def _fill(database: Database) -> None:
    at = now()
    rows = []
    for number in range(GOOD + ENDED):
        made = at - timedelta(minutes=number // 2)  # two at a time: the cursor must tell them apart
        row = token_row(new_secret(), f"token-{number:03}", "upload", made, "ann") | {"expires": at + timedelta(days=9)}
        revoked = at if number >= GOOD and number % 2 else None
        if number >= GOOD and not number % 2:
            row["expires"] = at - timedelta(seconds=1)
        rows.append(row | {"revoked": revoked, "scale_set": f"a-resource-group/a-scale-set-{number:03}"})
    people = [
        {"name": f"person-{number:03}", "password": "x", "scope": "read", "created": at, "created_by": "ann"}
        for number in range(PEOPLE)
    ]
    with database.writing() as connection:
        connection.execute(sa.insert(TOKENS), rows)
        connection.execute(sa.insert(ACCOUNTS), people)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    data = tmp_path_factory.mktemp("lists") / "data"
    with endpoint(data) as running:
        database = Database(f"sqlite:///{data / 'index.sqlite'}")
        _fill(database)
        database.close()
        yield running


@pytest.mark.parametrize(
    ("path", "mark", "count"),
    [
        ("/admin/tokens", r"<code>([0-9a-f]{16})</code>", GOOD),
        ("/admin/accounts", r"/admin/accounts/(person-\d+)/remove", PEOPLE),
    ],
)
def test_links_lead_through_all_of_them(server: Endpoint, path: str, mark: str, count: int):
    found: list[str] = []
    pages = -(-(count + 1) // 40)
    for number in range(pages):
        answer = server.get(f"{path}?page={number}")
        assert (answer.status_code, len(answer.content) < 100_000) == (200, True)
        shown = answer.text.split("that ended</summary>")[0]
        found += re.findall(mark, shown)
        assert ('rel="next"' in shown) is (number + 1 < pages)
    assert count <= len(set(found)) == len(found) <= count + 1  # the token of the first start is one more


def test_those_that_ended_are_counted_and_the_newest_shown(server: Endpoint):
    page, shown = server.get("/admin/tokens").text.split(" that ended</summary>")
    assert page.endswith(f"{ENDED} tokens")
    assert 0 < len(re.findall(r"<code>[0-9a-f]{16}</code>", shown)) < ENDED
    assert "vmext endpoint token list" in shown


@pytest.mark.parametrize("query", ["page=x", "page=99", "page=-1", "q=nobody-has-this"])
def test_a_page_that_no_list_has_is_empty(server: Endpoint, query: str):
    for path in ("/admin/tokens", "/admin/accounts"):
        assert server.get(f"{path}?{query}").status_code == 200


def test_of_a_bundle_that_is_gone_a_browser_gets_a_page(server: Endpoint, tmp_path: Path):
    made = Path(collect(failing_disk(tmp_path / "disk"), tmp_path / "state").json["bundle"]["path"])
    receipt = server.put(made).json()
    server.settle()
    FolderStore(server.data).remove([receipt["sha256"]])
    url = f"{server.url}/v1/bundles/{made.stem}/bundle"
    browser = server.authorization | {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    page = requests.get(url, headers=browser, timeout=30)
    assert (page.status_code, page.headers["content-type"]) == (410, "text/html; charset=utf-8")
    assert "no longer in the store" in page.text
    program = requests.get(url, headers=server.authorization, timeout=30)
    assert (program.status_code, "no longer" in program.json()["error"]) == (410, True)
    told = requests.get(f"{server.url}/v1/bundles/{made.stem}/ledger", headers=browser, timeout=30)
    assert (told.status_code, told.headers["content-type"]) == (410, "application/json")
