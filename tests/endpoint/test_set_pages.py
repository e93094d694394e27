"""The set pages over the index of the demo site, on both engines; lists of az; who may see and give what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from html import unescape
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from collector.endpoint.api.advice import incident_advice, scale_set_advice
from collector.endpoint.database.access_tables import ACCOUNTS
from collector.endpoint.pages.asked import asked
from collector.endpoint.pages.incident import answered as of_incident
from collector.endpoint.pages.incident import incident_view
from collector.endpoint.pages.incidents import incidents_view
from collector.endpoint.pages.scale_set import scale_set_view
from collector.endpoint.pages.search import exact, search_view
from collector.endpoint.pages.set_answer import answered
from collector.endpoint.pages.templates import Pages
from collector.endpoint.reading.choice import Choice
from collector.endpoint.reading.expected import expected, parsed, take
from collector.endpoint.reading.incidents import incidents
from collector.endpoint.reading.matrix import Whole, whole
from collector.endpoint.reading.members import matrix
from collector.endpoint.reading.scale_sets import scale_set, scale_sets
from collector.endpoint.reading.visits import first_told_after, visit
from collector.errors import ConfigError
from tests.collecting import collect, failing_disk, vmext
from tests.endpoint import demo_site
from tests.endpoint.postgres import postgres
from tests.endpoint.running import Endpoint, endpoint
from tests.endpoint.taking import Taking, taking_in

NOW = datetime(2026, 11, 26, 11, tzinfo=timezone.utc)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def taking(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taking]:
    with taking_in(tmp_path_factory.mktemp(request.param), request) as opened:
        for told in demo_site.instances(healthy=3):
            opened.take(**told)
        opened.index()
        yield opened


@pytest.fixture
def connection(taking: Taking) -> Iterator[sa.Connection]:
    with taking.database.reading() as opened:
        yield opened


def id_of(connection: sa.Connection, name: str | None) -> str:
    (found,) = [one for one in scale_sets(connection, None).items if one.name == name]
    return found.id


def found(connection: sa.Connection, name: str | None) -> Whole:
    one = whole(connection, None, id_of(connection, name))
    assert one is not None
    return one


def test_the_whole_of_a_scale_set(connection: sa.Connection):
    one = found(connection, "vmss-web")
    assert (one.resource_group, one.reported, len(one.members)) == ("rg-web", 40, 40)
    assert [member.outcome for member in one.members] == ["well"] * 3 + ["failed"] * 37
    cells = one.members[17].cells
    assert {name: (cell.outcome, cell.exit_code) for name, cell in cells.items()} == {
        demo_site.SCRIPT: ("failed", 127),
        demo_site.MONITOR: ("failed", 52),
        demo_site.HEALTH: ("well", None),
    }
    assert one.first is not None
    assert (one.first.instance, one.first.exit_code) == ("vmss-web_3", 127)
    assert one.first.time == datetime(2026, 11, 26, 10, 2, 3, tzinfo=timezone.utc)


def test_of_a_larger_group_those_that_reported_last_are_drawn(connection: sa.Connection):
    one = whole(connection, None, id_of(connection, "vmss-web"), most=10)
    assert one is not None
    assert (one.reported, len(one.members)) == (40, 10)
    assert [member.label for member in one.members] == [f"vmss-web_{number}" for number in range(30, 40)]
    assert all(member.cells for member in one.members)


def test_who_may_not_see_a_scale_set_sees_nothing_of_it(connection: sa.Connection):
    web, api = id_of(connection, "vmss-web"), id_of(connection, "vmss-api")
    number = found(connection, "vmss-web").number
    assert whole(connection, {number}, api) is None
    assert exact(connection, {number}, api) is None
    assert exact(connection, {number}, web) == f"/scale-sets/{web}"
    listed = incidents_view(connection, {number}, asked({}), None, None, NOW)["rows"]
    assert {row["incident"].scale_set.name for row in listed} == {"vmss-web"}
    (hang,) = [one for one in incidents(connection, None).items if one.kind == "hang"]
    assert incident_view(connection, {number}, hang.id, None, NOW, address="") is None
    assert search_view(connection, {number}, "EndpointGuard", None)["found"].findings.items == ()


def test_the_page_of_an_incident_tells_who_has_it_and_who_does_not(connection: sa.Connection):
    (one,) = [one for one in incidents(connection, None).items if one.exit_code == 127 and one.scale_set.name]
    values = incident_view(connection, None, one.id, None, NOW, address="https://e")
    assert values is not None
    assert (values["current"], len(values["instances"])) == (37, 37)
    assert [other.label for other in values["others"]] == ["vmss-web_0", "vmss-web_1", "vmss-web_2"]
    assert values["first"] == "vmss-web_3"
    assert values["ticket"].endswith(f": <https://e/incidents/{one.id}>\n")


def test_no_command_names_a_machine_whose_name_is_not_known(tmp_path: Path):
    bundle = Path(collect(failing_disk(tmp_path / "disk"), tmp_path / "state").json["bundle"]["path"])
    with Taking(f"sqlite:///{tmp_path / 'index.sqlite'}", tmp_path / "data", bundle) as taking:
        nothing = dict.fromkeys(("instance_name", "computer_name", "instance_id", "scale_set", "resource_group"))
        taking.take(**nothing, findings=[demo_site.MISSING])
        taking.index()
        with taking.database.reading() as connection:
            (one,) = incidents(connection, None).items
            values = incident_view(connection, None, one.id, None, NOW, address="https://e")
            listed = incidents_view(connection, None, asked({"scale_set": one.scale_set.id}), None, None, NOW)
    assert values is not None
    (step,) = values["advice"].do
    assert "--vm-name MACHINE " in step
    assert [chip.value for chip in listed["chips"]] == ["no scale set"]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 6),
        ({"scale_set": "vmss-api"}, 2),
        ({"kind": "hang"}, 1),
        ({"exit_code": "52"}, 2),
        ({"extension": "monitor"}, 2),
        ({"owner": "network"}, 2),
        ({"instance": "vmss-web_17"}, 2),
        ({"instance": "no-such"}, 0),
        ({"q": "jq"}, 2),
        ({"since": "2026-11-26T09:00"}, 3),
        ({"until": "2026-11-25T00:00"}, 1),
        ({"when": "24h"}, 5),
    ],
)
def test_filters(connection: sa.Connection, filters: dict[str, str], count: int):
    assert len(incidents_view(connection, None, asked(filters), None, None, NOW)["rows"]) == count


def test_programs_are_told_the_case_of_each_scale_set_and_none_of_lone_machines(connection: sa.Connection):
    told = {
        one.name: scale_set_advice(one, answered(one, matrix(one.members), ()))
        for one in (found(connection, known.name) for known in scale_sets(connection, None).items)
    }
    web, lone = told["vmss-web"], told[None]
    assert web.case is not None
    assert (web.case.case, bool(web.steps), bool(web.differences)) == ("some", True, True)
    assert web.first_failure is not None
    assert sum(lone.failing.values()) > 0
    assert (lone.case, lone.steps, lone.cautions) == (None, [], [])
    healthy = [one for one in told.values() if not one.failing]
    assert all((one.case, one.steps, one.differences) == (None, [], []) for one in healthy)
    (hang,) = [one for one in incidents(connection, None).items if one.kind == "hang"]
    answer = of_incident(connection, None, hang.id)
    assert answer is not None
    advice = incident_advice(answer)
    assert (advice.current, len(advice.without) > 0) == (hang.instances, True)
    assert advice.remedy


def test_which_filter_to_drop_is_said(connection: sa.Connection):
    values = incidents_view(connection, None, asked({"exit_code": "999", "scale_set": "vmss-web"}), None, None, NOW)
    assert [chip.name for chip in values["drops"]] == ["exit_code"]
    assert values["bundles"]


def test_words_and_numbers_and_ids_are_found(connection: sa.Connection):
    told = search_view(connection, None, "jq", None)
    assert {hit.exit_code for hit in told["found"].findings.items} == {127}
    assert [one.exit_code for one in search_view(connection, None, "0x34", None)["incidents"]] == [52, 52]
    one = search_view(connection, None, "vmss-web_17", None)["found"].instances
    assert [instance.name for instance in one] == ["vmss-web_17"]
    assert exact(connection, None, one[0].id.upper()) == f"/instances/{one[0].id}"
    assert exact(connection, None, "f" * 16) is None


def test_a_list_tells_who_is_silent_and_a_newer_one_takes_its_place(taking: Taking):
    with taking.database.reading() as connection:
        before = found(connection, "vmss-data")
        number = before.number
    assert before.silent == ()
    for count, silent in ((9, 3), (7, 1)):
        listed = parsed(demo_site.listing("vmss-data", count))
        taken = take(taking.database, listed, by="ann", now=NOW, within=None)
        assert taken is not None
        assert (taken.scale_set, taken.instances) == (before.id, count)
        with taking.database.reading() as connection:
            after = found(connection, "vmss-data")
            kept = expected(connection, number)
        assert [one.label for one in after.silent] == [f"vmss-data_{n}" for n in range(6, 6 + silent)]
        assert kept is not None
        assert (kept.by, kept.orchestration, len(kept.instances)) == ("ann", "uniform", count)
        assert kept.instances[0].extensions[0].name == "setup"
        _one_meaning(taking, after, count, silent)
    taken = take(taking.database, listed, by="ann", now=NOW, within={number + 1})
    assert taken is None


def test_a_list_of_a_flexible_set_is_that_of_az_vm_list(taking: Taking):
    """Its instances are machines with names, and `az` writes groups in letters of its own."""
    subscription = demo_site.SUBSCRIPTION
    taking.take(scale_set="vmss-flex", resource_group="rg-flex", subscription=subscription, instance_id=None,
                instance_name="vmss-flex_1a2b3c4d", computer_name="flexvm000001")  # fmt: skip
    taking.index()
    with taking.database.reading() as connection:
        before = found(connection, "vmss-flex")
    assert "az vm list -g rg-flex --vmss vmss-flex -o json" in _page_of(before), "its instances have no numbers"
    place = f"/subscriptions/{subscription}/resourceGroups/RG-FLEX/providers/Microsoft.Compute"
    machines = [
        {
            "id": f"{place}/virtualMachines/{name}",
            "name": name,
            "location": "westeurope",
            "osProfile": {"computerName": computer},
            "provisioningState": "Succeeded",
            "type": "Microsoft.Compute/virtualMachines",
            "virtualMachineScaleSet": {"id": f"{place}/virtualMachineScaleSets/vmss-flex", "resourceGroup": "RG-FLEX"},
            "vmId": f"00000000-0000-0000-0000-{number:012}",
            "zones": None,
        }
        for number, (name, computer) in enumerate(
            [("vmss-flex_1a2b3c4d", "flexvm000001"), ("vmss-flex_5e6f7a8b", "flexvm000002")]
        )
    ]
    taken = take(taking.database, parsed(json.dumps(machines)), by="ann", now=NOW, within=None)
    assert taken is not None
    with taking.database.reading() as connection:
        one = found(connection, "vmss-flex")
    assert (taken.scale_set, taken.instances) == (one.id, 2)
    assert one.listed is not None
    assert one.listed.orchestration == "flexible"
    assert [member.label for member in one.silent] == ["vmss-flex_5e6f7a8b"]


def _page_of(one: Whole) -> str:
    values = scale_set_view(one, (), 0, NOW, address="https://vmext.example")
    return unescape(Pages().render("scale_set.html", **values))


def _one_meaning(taking: Taking, one: Whole, listed: int, silent: int) -> None:
    """Every page counts "of N" by those that have reported; who is silent is told beside."""
    with taking.database.reading() as connection:
        known = scale_set(connection, None, one.id)
        found = incidents(connection, None, Choice(scale_set=one.id)).items
        view = scale_set_view(one, found, 0, NOW, address="https://vmext.example")
    assert known is not None
    assert (known.instances, known.expected, known.silent) == (one.reported, listed, silent)
    assert found
    assert {each.known_instances for each in found} == {one.reported}
    assert f" {one.reported} instances, {silent} silent" in view["headline"]


def test_a_list_makes_a_set_known_of_which_nothing_has_come(taking: Taking):
    listed = parsed(demo_site.listing("vmss-new", 2))
    assert take(taking.database, listed, by="ann", now=NOW, within=set()) is None
    taken = take(taking.database, listed, by="ann", now=NOW, within=None)
    assert taken is not None
    with taking.database.reading() as connection:
        one = whole(connection, None, taken.scale_set)
    assert one is not None
    assert (one.name, one.reported, len(one.silent)) == ("vmss-new", 0, 2)


def test_no_message_of_the_list_is_kept(taking: Taking):
    """Messages are what scripts printed."""
    rows = json.loads(demo_site.listing("vmss-data", 6))
    for row in rows:
        row["resources"][0]["instanceView"] = {
            "name": "setup",
            "statuses": [{"code": "ProvisioningState/failed/1", "message": "AccountKey=hidden1234567=="}],
        }
    assert "hidden1234567" in str(parsed(json.dumps(rows)))
    take(taking.database, parsed(json.dumps(rows)), by="ann", now=NOW, within=None)
    with taking.database.reading() as connection:
        kept = connection.execute(sa.text("SELECT * FROM expected")).all()
    assert kept
    assert "hidden1234567" not in str(kept)


@pytest.mark.parametrize("text", ["", "[]", "no json", '[{"id": "x"}]'])
def test_what_is_no_list_is_refused(text: str):
    with pytest.raises(ConfigError):
        parsed(text)


def test_visits_of_accounts_are_kept_and_what_is_new_since_is_known(taking: Taking):
    assert visit(taking.database, "nobody", NOW) is None
    account = {"name": "ann", "password": "x", "scope": "read", "created": NOW, "created_by": ""}
    with taking.database.writing() as connection:
        connection.execute(sa.insert(ACCOUNTS), account)
    times = [NOW + timedelta(minutes=minutes) for minutes in (0, 10, 60, 61)]
    seen = [visit(taking.database, "ann", time) for time in times]
    before = [one.before if one else "none" for one in seen]
    assert before == [None, None, times[1], times[1]]
    with taking.database.reading() as connection:
        ids = [one.id for one in incidents(connection, None).items]
        assert first_told_after(connection, ids, datetime(2020, 1, 1, tzinfo=timezone.utc)) == set(ids)
        assert first_told_after(connection, ids, datetime(2040, 1, 1, tzinfo=timezone.utc)) == set()
        assert first_told_after(connection, [], NOW) == set()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with endpoint(tmp_path_factory.mktemp("empty") / "data") as running:
        yield running


def test_an_empty_endpoint_says_how_to_begin(empty: Endpoint):
    page = empty.get("/").text
    assert "Nothing has been reported yet" in page
    assert f"vmext collect --upload {empty.url} --token-file TOKEN-FILE" in page
    assert "No scale set is known yet" in empty.get("/scale-sets").text
    assert "How to send the first bundle" in empty.get("/?exit_code=1").text
    for path in ("/incidents/ffffffffffffffff", "/scale-sets/ffffffffffffffff", "/?after=odd", "/search?q=a&after=%20"):
        answer = empty.get(path)
        assert answer.status_code in (400, 404), path
        assert "<h1>" in answer.text


def test_lists_are_given_by_administrators_only(empty: Endpoint, tmp_path: Path):
    listing = demo_site.listing("vmss-cold", 3)
    made = vmext("endpoint", "--data", str(empty.data), "token", "create", "--name", "reader", "--scope", "read")
    reader = {"Authorization": f"Bearer {made.out.split()[-1]}"}
    refused = requests.put(f"{empty.url}/v1/expected", data=listing, headers=reader, timeout=30)
    assert (refused.status_code, refused.json()["error"]) == (403, "this needs the scope admin")
    answer = requests.put(f"{empty.url}/v1/expected", data=listing, headers=empty.authorization, timeout=30)
    given = answer.json()
    assert (given["schema"], given["name"], given["instances"], given["problems"]) == (1, "vmss-cold", 3, [])
    path = f"/scale-sets/{answer.json()['scale_set']}"
    assert "vmss-cold: no instance has reported, 3 silent" in empty.get(path).text
    windows = listing.encode("utf-16")  # as PowerShell's > writes it
    assert (
        requests.put(f"{empty.url}/v1{path}/expected", data=windows, headers=empty.authorization, timeout=30).json()[
            "instances"
        ]
        == 3
    )
    again = requests.put(f"{empty.url}/v1{path}/expected", data="[]", headers=empty.authorization, timeout=30)
    assert again.status_code == 400
    assert again.json()["hint"]
    file = tmp_path / "instances.json"
    file.write_text(demo_site.listing("vmss-cold", 5))
    printed = vmext("endpoint", "--data", str(empty.data), "expected", "--scale-set", path[-16:], file).out
    assert printed == f"vmss-cold should have 5 instances: {path}\n"
    assert "5 silent" in empty.get(path).text
    assert "5 expected" in empty.get("/scale-sets").text
    asked_for = ("--instances", "0,1,2,3,4", "--upload", empty.url)
    assert f"vmext fleet collect instances.json {' '.join(asked_for)} --execute" in empty.get(path).text
    without = vmext("fleet", "collect", file, *asked_for)
    assert without.code == 0, without.err
    assert f"vmext collect --upload {empty.url}" in without.out


def test_a_form_without_its_token_is_refused(empty: Endpoint):
    session = requests.Session()
    session.post(f"{empty.url}/login", data={"token": empty.token}, timeout=30)
    files = [("list", ("instances.json", demo_site.listing())), ("csrf", (None, "wrong"))]
    answer = session.post(f"{empty.url}/scale-sets/{'f' * 16}/expected", files=files, timeout=30)
    assert answer.status_code == 403
    answer = session.post(f"{empty.url}/scale-sets/{'f' * 16}/expected", data={"list": "x"}, timeout=30)
    assert answer.status_code == 415


def test_an_index_that_does_not_answer_is_told_to_people(tmp_path: Path):
    with ExitStack() as stack, ExitStack() as database:
        url = database.enter_context(postgres()).new()
        running = stack.enter_context(endpoint(tmp_path / "data", "--database", url))
        assert running.get("/scale-sets").status_code == 200
        database.close()
        answer = requests.get(running.url + "/scale-sets", headers=running.authorization, timeout=60)
        assert answer.status_code == 503
        assert "does not answer" in answer.text
        assert answer.headers["retry-after"] == "5"
