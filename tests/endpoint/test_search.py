"""The search finds what a person types, on both engines, as long as it is there, and no question is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.endpoint.database.tables import BUNDLES, FINDINGS, INCIDENT_INSTANCES, INCIDENTS, INSTANCES
from collector.endpoint.reading import bundles, incidents, instances, scale_sets
from collector.endpoint.reading.asking import for_fts5, for_tsquery, question, spans
from collector.endpoint.reading.choice import Choice
from collector.endpoint.reading.matrix import whole
from collector.endpoint.reading.search import Hit, findings, search
from collector.endpoint.reading.words import with_words
from tests.collecting import collect, failing_disk
from tests.endpoint.taking import Taking

_MESSAGES = {
    "a": "E: Unable to locate package nginx-1.2",
    "b": "Access is denied. HRESULT 0x80070005 at /var/lib/waagent/Microsoft.X/run.sh: line 7",
    "c": 'unable "to" allocate; 100 % of C:\\WindowsAzure\\Logs\\Plugins is used; naïve Übung',
}


def made(message: str, code: int | None) -> list[dict[str, object]]:
    return [
        {
            "id": "script-failed",
            "kind": "failure",
            "title": "the script ended with an error",
            "extension": "Microsoft.Azure.Extensions.CustomScript",
            "version": "2.1",
            "operation": "Enable",
            "exit_code": code,
            "owner": "script",
            "message": message,
            "first_time": "2026-03-01T00:00:00Z",
        }
    ]


def filled(url: str, folder: Path) -> Taking:
    bundle = Path(collect(failing_disk(folder / "disk"), folder / "state").json["bundle"]["path"])
    taking = Taking(url, folder / "data", bundle)
    for number, (name, message) in enumerate(_MESSAGES.items()):
        code = -2147024891 if name == "b" else 100 + number
        told: dict[str, Any] = {
            "scale_set": f"set-{name}",
            "instance_id": str(number),
            "instance_name": f"host-{name}_{number:06}",
        }
        taking.take(**told, findings=made(message, code))
        taking.index()
    return taking


def address(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql").new())
    return f"sqlite:///{folder / 'index.sqlite'}"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def taking(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taking]:
    folder = tmp_path_factory.mktemp(request.param)
    with filled(address(request, folder), folder) as opened:
        yield opened


@pytest.fixture
def connection(taking: Taking) -> Iterator[sa.Connection]:
    with taking.database.reading() as opened:
        yield opened


def sets(hits: tuple[Hit, ...]) -> str:
    return "".join(sorted(str(one.scale_set.name)[-1] for one in hits))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("E: Unable to locate", "a"),
        ("unable to", "ac"),
        ('"unable to locate"', "a"),
        ('"locate to unable"', ""),
        ("locate unable", "a"),
        ("unab", "ac"),
        ("unab*", "ac"),
        ("unable loc", "a"),
        ("used*", "c"),
        ('"unab"', ""),
        ("ab", ""),
        ("0x80070005", "b"),
        ("2147942405", "b"),
        ("-2147024891", "b"),
        ("/var/lib/waagent", "b"),
        ("var/waagent", ""),
        ("waagent/Microsoft.X", "b"),
        ("C:\\WindowsAzure\\Logs", "c"),
        ("nginx-1.2", "a"),
        ("nginx-1.3", ""),
        ("customscript", "abc"),
        ("CustomScript denied", "b"),
        ("script-failed", "abc"),
        ("100", "ac"),
        ("101", ""),
        ("ÜBUNG", "c"),
        ("naive", ""),
        ('"to" allocate', "c"),
        ('"unable to', "ac"),
        ("no such words", ""),
        ("!!! ()", ""),
        ("'", ""),
        ("\0", ""),
        (" \0 ", ""),
        ("to\0allocate", "c"),
    ],
)
def test_findings_are_found_by_their_words(connection: sa.Connection, text: str, wanted: str):
    assert sets(findings(connection, None, Choice(text=text)).items) == wanted
    found = incidents.incidents(connection, None, Choice(text=text)).items
    assert "".join(sorted(str(one.scale_set.name)[-1] for one in found)) == wanted


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        (Choice(text="unable", scale_set="set-c"), "c"),
        (Choice(text="unable", scale_set="no such"), ""),
        (Choice(exit_code="0x80070005"), "b"),
        (Choice(exit_code="102"), "c"),
        (Choice(exit_code="10"), ""),
        (Choice(extension="SCRIPT"), "abc"),
        (Choice(extension="\0"), ""),
        (Choice(exit_code="\0"), ""),
        (Choice(text="unable", extension="dsc"), ""),
        (Choice(text="unable", owner="script", kind="failure", verdict="failed"), "ac"),
        (Choice(text="unable", owner="network"), ""),
        (Choice(until=datetime(2026, 2, 1, tzinfo=timezone.utc)), ""),
        (
            Choice(since=datetime(2026, 2, 1, tzinfo=timezone.utc), until=datetime(2026, 3, 2, tzinfo=timezone.utc)),
            "abc",
        ),
        (Choice(), "abc"),
    ],
)
def test_what_is_found_can_be_narrowed(connection: sa.Connection, choice: Choice, wanted: str):
    assert sets(findings(connection, None, choice).items) == wanted


def test_one_page_after_another_tells_each_finding_once(connection: sa.Connection):
    for choice in (Choice(text="customscript"), Choice(text="customscript", owner="script")):
        found, cursor = [], None
        for _ in range(9):
            page = findings(connection, None, choice, limit=1, after=cursor)
            found += [one.bundle for one in page.items]
            if (cursor := page.next) is None:
                break
        assert len(found) == len(set(found)) == 3


def test_a_search_tells_incidents_instances_scale_sets_and_bundles_too(connection: sa.Connection):
    (one,) = instances.instances(connection, None, Choice(scale_set="set-b")).items
    found = search(connection, None, Choice(text="denied"))
    assert [(hit.instance_id, hit.bundle) for hit in found.findings.items] == [(one.id, one.last_bundle)]
    assert [each.exit_code for each in found.incidents] == [-2147024891]
    assert search(connection, None, Choice(text="host-b")).instances == (one,)
    assert search(connection, None, Choice(text="host-b_0000")).instances == (one,)
    assert [each.name for each in search(connection, None, Choice(text="set-")).scale_sets] == [
        "set-c",
        "set-b",
        "set-a",
    ]
    assert one.last_bundle is not None
    assert [each.id for each in search(connection, None, Choice(text=one.last_bundle[:8])).bundles] == [one.last_bundle]


def test_nobody_finds_what_he_may_not_see(connection: sa.Connection):
    (hidden,) = scale_sets.scale_sets(connection, None, Choice(text="set-b")).items
    known = whole(connection, None, hidden.id)
    assert known is not None
    within = {one for one in range(1, 9) if one != known.number}
    for allowed in (within, {*within, *range(1_000, 1_500)}, set()):
        for text in ("denied", "host-b", "set-b", "customscript"):
            found = search(connection, allowed, Choice(text=text))
            places = [one.scale_set.name for one in found.findings.items]
            places += [one.scale_set.name for one in found.incidents]
            places += [one.scale_set.name for one in found.instances]
            assert "set-b" not in places
            assert found.scale_sets == ()
    assert sets(findings(connection, within, Choice(text="customscript")).items) == "ac"
    assert findings(connection, set(), Choice()).items == ()


@given(text=st.text(max_size=60) | st.text(alphabet="\"*():^-+{}\\'&|!<>~ abANDORNEAR0x", max_size=40))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
def test_no_question_is_wrong(taking: Taking, text: str):
    with taking.database.reading() as connection:
        search(connection, None, Choice(text=text))
        search(connection, {1, 2}, Choice(text=text, exit_code=text, extension=text, scale_set=text, instance=text))
        assert incidents.incident(connection, None, text) is None
        assert instances.instance(connection, None, text) is None
        assert scale_sets.scale_set(connection, None, text) is None
        assert bundles.bundle(connection, None, text) is None
        assert instances.instances(connection, None, Choice(text=text, scale_set=text, verdict=text)).next is None
        assert (
            bundles.bundles(connection, None, Choice(text=text, owner=text, extension=text, incident=text)).next is None
        )


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_what_is_removed_is_not_found_any_more(engine: str, tmp_path: Path, request: pytest.FixtureRequest):
    url = (
        request.getfixturevalue("postgresql").new() if engine == "postgresql" else f"sqlite:///{tmp_path / 'i.sqlite'}"
    )
    with filled(url, tmp_path) as taking:
        with taking.database.writing() as connection:
            connection.execute(sa.delete(INCIDENT_INSTANCES))
            connection.execute(sa.delete(BUNDLES))
            connection.execute(sa.delete(INCIDENTS))
            connection.execute(sa.delete(INSTANCES))
        with taking.database.reading() as connection:
            for table in (FINDINGS, INCIDENTS, INSTANCES):
                for word in ("unable", "customscript", "host", "denied"):
                    assert with_words(connection, table, question(word)) == []
            if engine == "sqlite":
                for name in ("findings", "incidents", "instances"):
                    connection.exec_driver_sql(f"INSERT INTO {name}_words({name}_words) VALUES ('integrity-check')")


def test_an_instance_that_got_another_name_is_found_by_it_alone(taking: Taking):
    with taking.database.writing() as connection:
        renamed = sa.update(INSTANCES).where(INSTANCES.c.name == "host-a_000000").values(name="other-z")
        connection.execute(renamed)
        assert len(instances.instances(connection, None, Choice(text="other-z")).items) == 1
        assert instances.instances(connection, None, Choice(text="host-a")).items == ()
        connection.execute(sa.update(INSTANCES).where(INSTANCES.c.name == "other-z").values(name="host-a_000000"))


@pytest.mark.parametrize(
    ("asked", "text", "wanted"),
    [
        ("unable", "Unable to; unable", ["Unable", "unable"]),
        ("unab* loc*", "Unable to locate", ["Unable", "locate"]),
        ("unab", "Unable to locate", []),
        ("/var/lib", "in /var/lib/waagent: var", ["var/lib"]),
        ('"to locate"', "to, locate to", ["to, locate"]),
        ("to locate locate/package", "locate package", ["locate package"]),
        ("nothing", "else", []),
        ("", "else", []),
    ],
)
def test_what_was_sought_is_marked_in_the_text(asked: str, text: str, wanted: list[str]):
    assert [text[start:end] for start, end in spans(text, question(asked))] == wanted


def test_a_question_is_told_to_each_engine_in_its_own_words():
    asked = question('unable "to locate" 0x7f', ["s1", "s2"])
    assert for_fts5(asked) == (
        '(said : "unable") AND (said : "to locate") AND (said : "0x7f" OR marks : "c127") AND '
        '(marks : "s1" OR marks : "s2")'
    )
    assert for_tsquery(asked) == ("(('unable')) & (('to' <-> 'locate')) & (('0x7f') | 'c:127') & ('s:1' | 's:2')")
