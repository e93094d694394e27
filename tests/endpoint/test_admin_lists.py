"""Long lists of tokens and accounts are told page by page; who asks with a browser is told in a page what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from collector.endpoint.access.accounts import Accounts
from collector.endpoint.access.audit import now
from collector.endpoint.access.tokens import Token, Tokens, new_secret, token_row
from collector.endpoint.database.access_tables import ACCOUNTS, TOKENS
from collector.endpoint.database.engine import Database
from collector.endpoint.reading.paging import CursorError
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


def test_each_stands_on_one_page(database: Database):
    _fill(database)
    tokens, at = Tokens(database), now()
    for are_good, count in ((True, GOOD), (False, ENDED)):
        found: list[Token] = []
        after: str | None = None
        while True:
            page = tokens.page(are_good=are_good, limit=20, after=after)
            found += page.items
            assert all((one.state(at) == "good") is are_good for one in page.items)
            if (after := page.next) is None:
                break
        assert len({one.id for one in found}) == len(found) == count
        assert [one.created for one in found] == sorted((one.created for one in found), reverse=True)
    assert tokens.ended() == ENDED
    with pytest.raises(CursorError):
        tokens.page(are_good=True, limit=20, after="x")
    first, behind = Accounts(database).page(limit=PEOPLE - 1)
    assert behind == first[-1].name
    assert [one.name for one in Accounts(database).page(limit=10, after=behind)[0]] == [f"person-{PEOPLE - 1:03}"]
    assert Accounts(database).page(limit=PEOPLE)[1] is None


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
    at: str | None = path
    while at:
        answer = server.get(at)
        assert (answer.status_code, len(answer.content) < 100_000) == (200, True)
        shown = answer.text.split('<details id="ended"')[0]
        found += re.findall(mark, shown)
        told = re.search(r'rel="next" href="([^"]+)"', shown)
        at = told[1].replace("&amp;", "&") if told else None
    assert count <= len(set(found)) == len(found) <= count + 1  # the token of the first start is one more


def test_those_that_ended_have_pages_of_their_own(server: Endpoint):
    first = server.get("/admin/tokens").text
    assert f"{ENDED} tokens that ended" in first
    told = re.search(r'rel="next" href="(/admin/tokens\?ended=[^"#]+)', first)
    assert told
    second = server.get(told[1]).text.split('<details id="ended" open>')[1]
    ids = re.findall(r"<code>([0-9a-f]{16})</code>", second)
    assert ids
    assert not set(ids) & set(re.findall(r"<code>([0-9a-f]{16})</code>", first))


@pytest.mark.parametrize("query", ["after=x", "ended=x", "after=WzEsMl0"])
def test_a_page_that_no_list_has_is_refused(server: Endpoint, query: str):
    answer = server.get(f"/admin/tokens?{query}")
    assert (answer.status_code, "does not exist" in answer.text) == (400, True)


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
