"""What pages ask for is found by an index, whatever is asked: no query goes through a whole table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.migrate import migrate
from collector.endpoint.reading import bundles, incidents, instances, scale_sets, search
from collector.endpoint.reading.choice import Choice

ID = "0123456789abcdef"
NOW = datetime(2026, 6, 30, tzinfo=timezone.utc)
CHOICES = [
    *(Choice(), Choice(scale_set="web"), Choice(extension="script"), Choice(exit_code="127"), Choice(verdict="failed")),
    *(Choice(owner="script"), Choice(text="unable to locate"), Choice(since=NOW), Choice(instance=ID)),
    Choice(incident=ID, received_after=NOW, kind="failure"),
]
ASKED: list[Callable[[sa.Connection, Choice], Any]] = [
    lambda connection, choice: incidents.incidents(connection, None, choice),
    lambda connection, choice: incidents.incidents(connection, {1, 2}, choice),
    lambda connection, choice: bundles.bundles(connection, None, choice),
    lambda connection, choice: bundles.bundles(connection, {1, 2}, choice),
    lambda connection, choice: bundles.count(connection, None, choice),
    lambda connection, choice: instances.instances(connection, None, choice),
    lambda connection, choice: scale_sets.scale_sets(connection, None, choice),
    lambda connection, choice: search.search(connection, None, choice),
    lambda connection, choice: (
        incidents.incident(connection, None, ID),
        incidents.affected(connection, None, ID),
        incidents.new_incidents(connection, None, NOW),
        instances.instance(connection, None, ID),
        instances.outcomes(connection, None, ID),
        instances.incidents_of_instance(connection, None, ID),
        bundles.bundle(connection, None, ID),
        bundles.findings_of(connection, None, ID),
    ),
]
#: Those that grow with what comes in; a scale set or a list of `az` has a thousand rows at most.
LARGE = ("findings", "bundles", "incident_instances", "instances", "incidents", "states")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path_factory.mktemp('plans') / 'index.sqlite'}")
    migrate(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize("asked", range(len(ASKED)))
@pytest.mark.parametrize("choice", range(len(CHOICES)))
def test_no_table_is_gone_through_from_end_to_end(database: Database, asked: int, choice: int):
    told: list[tuple[str, Any]] = []

    def heard(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        told.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", heard)
    try:
        with database.reading() as connection:
            ASKED[asked](connection, CHOICES[choice])
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", heard)
    with database.reading() as connection:
        for statement, parameters in [one for one in told if one[0].lstrip().startswith(("SELECT", "WITH"))]:
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
                step = str(row[3])
                is_scan = step.startswith("SCAN ") and " USING " not in step and step.split()[1] in LARGE
                is_scan = is_scan and "ORDER BY rowid DESC" not in statement  # from the end, and not far
                assert not is_scan, f"{step}\n{statement}"


def test_a_scan_would_be_seen(database: Database):
    with database.reading() as connection:
        (row,) = connection.exec_driver_sql("EXPLAIN QUERY PLAN SELECT * FROM findings WHERE message = 'x'")
        assert str(row[3]) == "SCAN findings"


def test_the_newest_of_a_scale_set_are_found_by_its_index_alone(tmp_path: Path):
    """Nothing is put into order for it."""
    database = Database(f"sqlite:///{tmp_path / 'index.sqlite'}")
    migrate(database)
    with database.reading() as connection:
        plan = [
            str(row[3])
            for row in connection.exec_driver_sql(
                "EXPLAIN QUERY PLAN SELECT id FROM bundles WHERE scale_set = 1 ORDER BY received DESC, id DESC LIMIT 50"
            )
        ]
    database.close()
    assert plan == ["SEARCH bundles USING COVERING INDEX ix_bundles_scale_set (scale_set=?)"]
