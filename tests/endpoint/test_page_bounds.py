"""However much is in the index: a page stays small, and asks as often as one of a small index."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from collector.endpoint.access.audit import Act, record
from collector.endpoint.access.tokens import token_row
from collector.endpoint.database.access_tables import ACCOUNTS, TOKENS
from collector.endpoint.database.engine import Database
from collector.endpoint.database.migrate import migrate
from collector.endpoint.database.tables import FINDINGS, INCIDENTS, SCALE_SETS
from collector.endpoint.pages.asked import asked
from collector.endpoint.pages.incident import incident_view
from collector.endpoint.pages.incidents import incidents_view
from collector.endpoint.pages.search import search_view
from collector.endpoint.reading import bundles, instances, scale_sets, search
from collector.endpoint.reading.asking import question
from collector.endpoint.reading.choice import Choice
from collector.endpoint.reading.matrix import whole
from collector.endpoint.reading.words import Words
from tests.endpoint.filling import fill
from tests.endpoint.running import Endpoint, endpoint

NOW = datetime.now(timezone.utc)
MOST = 100_000
#: As who may call himself who is not let in; escaped it is five times as long.
LONG = '"<' * 64


@dataclass(frozen=True)
class Ids:
    incident: str
    scale_set: str
    name: str


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """With more tokens, accounts and acts than a page can show, each as long as it may be."""
    data = tmp_path_factory.mktemp("full") / "data"
    with endpoint(data) as running:
        database = Database(f"sqlite:///{data / 'index.sqlite'}")
        fill(database, bundles=1_500)
        with database.writing() as connection:
            rows = [
                token_row(f"secret {number}", f"token {number:03}".ljust(64, "x"), "upload", NOW, "b" * 128)
                | {"scale_set": f"{number}/".ljust(300, "y"), "expires": NOW + timedelta(days=9), "revoked": revoked}
                for number in range(220)
                for revoked in [None if number % 2 else NOW]
            ]
            connection.execute(sa.insert(TOKENS), rows)
            of_person = {"password": "none", "scope": "read", "created": NOW, "created_by": "b" * 128}
            accounts = [of_person | {"name": f"person{number:03}".ljust(64, "x")} for number in range(130)]
            connection.execute(sa.insert(ACCOUNTS), accounts)
            act = Act(LONG, "login-refused", "o" * 128, "d" * 300, "a" * 64)
            record(connection, *([act] * 300))
        database.close()
        yield running


@pytest.fixture(scope="module", params=[60, 1_500])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('index') / 'index.sqlite'}")
    migrate(database)
    fill(database, bundles=request.param)
    yield database
    database.close()


def test_lists_of_the_administration_have_pages(full: Endpoint):
    for path, row, count in (("tokens", "/revoke", 111), ("accounts", "/remove", 130)):
        names: list[str] = []
        for page in range(5):
            answer = _get(full, f"/admin/{path}?page={page}")
            assert len(answer.content) < MOST, path
            names += re.findall(rf'action="/admin/{path}/([^/"]+){row}"', answer.text)
            if 'rel="next"' not in answer.text:
                break
        assert len(names) == len(set(names)) == count, "each once, with the first token, on as few pages as it says"
    found = _get(full, "/admin/tokens?q=TOKEN 101").text
    assert "token 101" in found
    assert "token 103" not in found
    assert "No good token here fits" in _get(full, "/admin/tokens?q=none such").text
    assert "No account here fits" in _get(full, "/admin/accounts?page=77").text


@pytest.mark.parametrize("path", ["/", "/scale-sets", "/bundles", "/search?q=nginx", "/admin/audit"])
def test_a_page_of_a_long_list_is_small(full: Endpoint, path: str):
    assert 3_000 < len(_get(full, path).content) < MOST


ASKED: dict[str, tuple[int, Callable[[sa.Connection, Ids], Any]]] = {
    "incidents": (3, lambda index, ids: incidents_view(index, None, asked({}), None, None, NOW)),
    "incident": (10, lambda index, ids: incident_view(index, None, ids.incident, None, NOW, address="http://e")),
    "scale sets": (4, lambda index, ids: scale_sets.scale_sets(index, None)),
    "scale set": (5, lambda index, ids: whole(index, None, ids.scale_set)),
    "bundles": (2, lambda index, ids: (bundles.bundles(index, None), bundles.count(index, None))),
    "of a scale set": (2, lambda index, ids: bundles.bundles(index, None, Choice(scale_set=ids.scale_set))),
    "instances": (1, lambda index, ids: instances.instances(index, None)),
    "search": (16, lambda index, ids: search_view(index, None, "nginx", None)),
}


@pytest.mark.parametrize("what", ASKED)
def test_a_page_asks_no_more_often_of_a_large_index(index: Database, what: str):
    most, ask = ASKED[what]
    with index.reading() as connection:
        busiest = sa.select(INCIDENTS.c.id, SCALE_SETS.c.id.label("scale_set"), SCALE_SETS.c.name)
        busiest = busiest.join(SCALE_SETS, INCIDENTS.c.scale_set == SCALE_SETS.c.number)
        ids = Ids(*connection.execute(busiest.order_by(INCIDENTS.c.instances.desc()).limit(1)).one())
    assert len(_statements(index, lambda connection: ask(connection, ids))) <= most


def test_one_answer_looks_for_words_once(index: Database):
    def found(connection: sa.Connection) -> None:
        words = Words(connection)
        nothing = question("nginx zzzyxw")
        assert [words.numbers(FINDINGS, nothing, most) for most in (1, 300, 26)] == [[], [], []]
        few = question("nginx")
        assert words.numbers(FINDINGS, few, 20)[:3] == words.numbers(FINDINGS, few, 3)
        assert words.numbers(FINDINGS, few, 30)[:20] == words.numbers(FINDINGS, few, 20)

    told = [one for one in _statements(index, found) if "MATCH" in one]
    assert len(told) == 3, "once for nothing, and for more than was looked for before"


def test_a_search_for_what_is_not_there_is_made_once(index: Database):
    told = _statements(index, lambda connection: search.search(connection, None, Choice(text="nginx zzzyxw")))
    assert len([one for one in told if "findings_words MATCH" in one]) == 2, "as it is, and as beginnings"


def test_a_scale_set_is_read_by_its_own_index(index: Database):
    """Nothing of another one is looked at, and nothing is put into order for a list of it."""
    with index.reading() as connection:
        one = connection.execute(sa.select(SCALE_SETS.c.id).limit(1)).scalar_one()
        sql = _statements(index, lambda reading: whole(reading, None, one))
        (cells,) = (statement for statement in sql if "FROM states" in statement)
        plan = _plan(connection, cells)
        assert plan[0] == "SEARCH states USING INDEX ix_states_scale_set (scale_set=?)"
        listed = _statements(index, lambda reading: bundles.bundles(reading, None, Choice(scale_set=one)))[-1]
        plan = _plan(connection, listed)
        assert plan[0] == "SEARCH bundles USING INDEX ix_bundles_scale_set (scale_set=?)"
        assert not [step for step in plan if "TEMP B-TREE" in step]


def _get(server: Endpoint, path: str) -> requests.Response:
    answer = server.get(path)
    assert answer.status_code == 200
    return answer


def _statements(database: Database, ask: Callable[[sa.Connection], Any]) -> list[str]:
    told: list[str] = []

    def heard(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        told.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", heard)
    try:
        with database.reading() as connection:
            ask(connection)
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", heard)
    return [one for one in told if one.lstrip().startswith(("SELECT", "WITH"))]


def _plan(connection: sa.Connection, statement: str) -> list[str]:
    values = (1,) * statement.count("?")
    return [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
