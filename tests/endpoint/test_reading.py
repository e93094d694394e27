"""What the tables tell of real bundles, on both engines: incidents, scale sets, instances, and who may see them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.reading import bundles, incidents, instances, scale_sets
from collector.endpoint.reading.choice import Choice, codes, extensions
from collector.endpoint.reading.matrix import whole
from collector.endpoint.reading.paging import CursorError
from tests.endpoint.taking import Taking, taking_in


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def taking(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taking]:
    """Two scale sets: `web` with five instances, four of them failed with 100 and one with 127, and `jobs`."""
    with taking_in(tmp_path_factory.mktemp(request.param), request) as opened:
        for number in range(5):
            for day in (1, 2):
                code = 127 if number == 4 else None
                created = f"2026-03-{day:02}T00:0{number}:00Z"
                opened.take(
                    scale_set="web",
                    instance_id=f"{number}",
                    instance_name=f"web_{number}",
                    created=created,
                    exit_code=code,
                )
        opened.take(scale_set="jobs", instance_id="9", created="2026-03-09T00:00:00Z")
        opened.index()
        yield opened


@pytest.fixture
def connection(taking: Taking) -> Iterator[sa.Connection]:
    with taking.database.reading() as opened:
        yield opened


def web(connection: sa.Connection) -> int:
    (found,) = [one for one in scale_sets.scale_sets(connection, None).items if one.name == "web"]
    known = whole(connection, None, found.id)
    assert known is not None
    return known.number


def test_incidents_are_told_with_how_many_instances_have_them(connection: sa.Connection):
    page = incidents.incidents(connection, None)
    told = {(one.scale_set.name, one.exit_code, one.instances, one.known_instances, one.bundles) for one in page.items}
    assert told == {("jobs", 100, 1, 1, 1), ("web", 127, 1, 5, 2), ("web", 100, 4, 5, 8)}
    assert page.next is None
    (most,) = [one for one in page.items if one.instances == 4]
    one = incidents.incident(connection, None, most.id)
    assert one == most
    assert one.title and one.message and one.kind == "failure"
    found = incidents.affected(connection, None, one.id).items
    assert {(each.instance_id, each.bundles, each.is_current) for each in found} == {
        (str(number), 2, True) for number in range(4)
    }


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        (Choice(scale_set="web"), [127, 100]),
        (Choice(scale_set="nothing"), []),
        (Choice(exit_code="0x7f"), [127]),
        (Choice(exit_code=" 127 "), [127]),
        (Choice(exit_code="seven"), []),
        (Choice(exit_code=str(1 << 70)), []),
        (Choice(extension="customscript", exit_code="100"), [100, 100]),
        (Choice(extension="no such"), []),
        (Choice(extension="100%_"), []),
        (Choice(kind="failure"), [100, 127, 100]),
        (Choice(kind="hang"), []),
        (Choice(verdict="failed", scale_set="jobs"), [100]),
        (Choice(verdict="healthy"), []),
        (Choice(text="locate PACKAGE"), [100, 127, 100]),
        (Choice(text="' OR 1=1 --"), []),
        (Choice(owner="platform"), []),
        (Choice(received_after=datetime(2020, 1, 1, tzinfo=timezone.utc)), [100, 127, 100]),
        (Choice(received_after=datetime(2100, 1, 1, tzinfo=timezone.utc)), []),
        (Choice(since=datetime(2100, 1, 1, tzinfo=timezone.utc)), []),
        (Choice(until=datetime(2000, 1, 1, tzinfo=timezone.utc)), []),
    ],
)
def test_incidents_are_chosen(connection: sa.Connection, choice: Choice, wanted: list[int]):
    found = incidents.incidents(connection, None, choice).items
    assert sorted(one.exit_code or 0 for one in found) == sorted(wanted)


def test_a_list_goes_on_where_its_page_ended(connection: sa.Connection):
    whole = [one.id for one in incidents.incidents(connection, None).items]
    told, cursor = list[str](), None
    for _ in whole:
        page = incidents.incidents(connection, None, limit=1, after=cursor)
        told, cursor = [*told, *(one.id for one in page.items)], page.next
    assert (told, cursor) == (whole, None)


@pytest.mark.parametrize(
    "cursor", ["", "x", "WzFd", "W10", "e30", "WyJhIiwxXQ", "WzEsMl0x", "ü", "WzFlOTk5LDFd", "A" * 999]
)
def test_a_cursor_of_no_list_is_refused(connection: sa.Connection, cursor: str):
    with pytest.raises(CursorError):
        incidents.incidents(connection, None, after=cursor)
    with pytest.raises(CursorError):
        bundles.bundles(connection, None, after=cursor)


def test_scale_sets_count_their_instances(connection: sa.Connection):
    page = scale_sets.scale_sets(connection, None)
    told = [(one.name, one.instances, one.failed, one.healthy, one.incidents) for one in page.items]
    assert told == [("jobs", 1, 1, 0, 1), ("web", 5, 5, 0, 2)]
    assert scale_sets.scale_set(connection, None, page.items[1].id) == page.items[1]
    assert [one.name for one in scale_sets.scale_sets(connection, None, Choice(text="WE")).items] == ["web"]
    assert scale_sets.scale_sets(connection, None, Choice(verdict="hanging")).items == ()
    assert len(scale_sets.scale_sets(connection, None, Choice(verdict="failed")).items) == 2


def test_an_instance_tells_what_it_has_and_how_many_others_have_it(connection: sa.Connection):
    page = instances.instances(connection, None, Choice(scale_set="web"))
    assert [one.instance_id for one in page.items] == ["4", "3", "2", "1", "0"]
    one = page.items[1]
    assert instances.instance(connection, None, one.id) == one
    (had,) = instances.incidents_of_instance(connection, None, one.id)
    assert (had.incident.exit_code, had.others, had.is_current, had.bundles) == (100, 3, True, 2)
    assert had.bundle == one.last_bundle
    assert {(each.outcome, each.bundle) for each in instances.outcomes(connection, None, one.id)} >= {
        ("failed", one.last_bundle)
    }
    found = bundles.bundles(connection, None, Choice(instance=one.id)).items
    assert len(found) == 2
    assert {each.instance_id for each in found} == {one.id}


def test_bundles_are_listed_and_chosen(connection: sa.Connection):
    page = bundles.bundles(connection, None, limit=3)
    assert (len(page.items), bundles.count(connection, None), bundles.count(connection, None, most=4)) == (3, 11, 4)
    rest = bundles.bundles(connection, None, limit=50, after=page.next)
    assert len({one.id for one in (*page.items, *rest.items)}) == 11
    first = page.items[0]
    assert first.first is not None
    assert bundles.bundle(connection, None, first.id) == first
    assert [one.id for one in bundles.bundles(connection, None, Choice(text=first.id[:9].upper())).items] == [first.id]
    assert bundles.bundles(connection, None, Choice(text="%")).items == ()
    (incident,) = incidents.incidents(connection, None, Choice(exit_code="127")).items
    by_code = bundles.bundles(connection, None, Choice(exit_code="127")).items
    assert by_code == bundles.bundles(connection, None, Choice(incident=incident.id)).items
    assert len(by_code) == 2
    assert [one.incident for one in bundles.findings_of(connection, None, by_code[0].id)] == [incident]


def test_bundles_of_an_incident_that_has_very_many_are_the_same(
    connection: sa.Connection, monkeypatch: pytest.MonkeyPatch
):
    found = [one for one in incidents.incidents(connection, None).items if one.bundles == 8]
    few = bundles.bundles(connection, None, Choice(incident=found[0].id))
    monkeypatch.setattr(bundles, "_FEW", 0)
    assert bundles.bundles(connection, None, Choice(incident=found[0].id)) == few
    assert len(few.items) == 8


def test_who_may_see_one_scale_set_sees_nothing_of_others(connection: sa.Connection):
    within = {web(connection)}
    hidden_set = next(one for one in scale_sets.scale_sets(connection, None).items if one.name == "jobs")
    hidden = next(one for one in incidents.incidents(connection, None).items if one.scale_set.name == "jobs")
    (other,) = instances.instances(connection, None, Choice(scale_set="jobs")).items
    assert other.last_bundle is not None
    assert {one.scale_set.name for one in incidents.incidents(connection, within).items} == {"web"}
    assert [one.name for one in scale_sets.scale_sets(connection, within).items] == ["web"]
    assert len(instances.instances(connection, within).items) == 5
    assert (len(bundles.bundles(connection, within).items), bundles.count(connection, within)) == (10, 10)
    assert scale_sets.scale_set(connection, within, hidden_set.id) is None
    assert incidents.incident(connection, within, hidden.id) is None
    assert incidents.affected(connection, within, hidden.id).items == ()
    assert instances.instance(connection, within, other.id) is None
    assert instances.outcomes(connection, within, other.id) == ()
    assert instances.incidents_of_instance(connection, within, other.id) == ()
    assert bundles.bundle(connection, within, other.last_bundle) is None
    assert bundles.findings_of(connection, within, other.last_bundle) == ()
    assert bundles.bundles(connection, within, Choice(incident=hidden.id)).items == ()
    assert incidents.incidents(connection, set()).items == ()
    assert incidents.new_incidents(connection, within, datetime(2020, 1, 1, tzinfo=timezone.utc)) == 2


def test_extensions_are_named_once(connection: sa.Connection):
    names = extensions(connection)
    assert len(names) == len(set(names)) == 1


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("127", {127}),
        ("0x80070005", {2147942405, -2147024891}),
        ("-2147024891", {2147942405, -2147024891}),
        ("-1", {-1, 0xFFFFFFFF}),
        ("1e3", set()),
        ("", set()),
        ("9" * 5000, set()),
    ],
)
def test_an_exit_code_is_the_same_however_it_is_written(text: str, wanted: set[int]):
    assert set(codes(text)) == wanted


def test_a_database_that_is_gone_is_a_fault_of_the_disk(tmp_path: Path):
    with (
        pytest.raises(OSError, match="the index"),
        Database(f"sqlite:///{tmp_path / 'no/file'}").reading() as connection,
    ):
        incidents.incidents(connection, None)
