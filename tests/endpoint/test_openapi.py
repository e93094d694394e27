"""The OpenAPI document is true: what it says is asked of a real endpoint, rightly and wrongly, and answers are compared."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.collecting import collect, failing_disk
from tests.endpoint.made import varied
from tests.endpoint.postgres import Postgres
from tests.endpoint.running import Endpoint, endpoint

#: A valid cursor is one that a list gave, which no schema can say.
_NOT_CHECKED = "positive_data_acceptance"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp(request.param)
    bundle = Path(collect(failing_disk(folder / "disk"), folder / "state").json["bundle"]["path"])
    options: tuple[str, ...] = ()
    if request.param == "postgresql":
        postgresql: Postgres = request.getfixturevalue("postgresql")
        options = ("--database", postgresql.new())
    with endpoint(folder / "data", *options) as running:
        for number in range(3):
            running.put(varied(bundle, folder, scale_set="web", instance_id=str(number)))
        running.settle()
        yield running


def document(server: Endpoint) -> dict[str, Any]:
    answer = server.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.slow
def test_every_answer_is_as_the_document_says(server: Endpoint, tmp_path: Path):
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"),
        *("--header", f"Authorization: Bearer {server.token}"),
        *("--phases", "examples,coverage,fuzzing,stateful", "--mode", "all"),
        *("--max-examples", "15", "--seed", "1", "--generation-deterministic"),
        *("--checks", "all", "--exclude-checks", _NOT_CHECKED, "--no-color", "--continue-on-failure"),
    ]
    environ = os.environ | {"SCHEMATHESIS_HOOKS": "tests.endpoint.sending_zips", "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert "Stateful" in done.stdout
    assert requests.get(f"{server.url}/healthz", timeout=30).status_code == 200


def test_every_path_of_the_api_is_told_with_its_errors(server: Endpoint):
    told = document(server)
    assert {path for path in told["paths"] if path.startswith("/v1/")} >= {
        *("/v1/incidents", "/v1/incidents/{incident_id}", "/v1/incidents/{incident_id}/instances"),
        *("/v1/scale-sets", "/v1/scale-sets/{scale_set_id}", "/v1/instances", "/v1/instances/{instance_id}"),
        *("/v1/bundles", "/v1/bundles/{bundle_id}", "/v1/bundles/{bundle_id}/bundle", "/v1/search"),
        *(f"/v1/bundles/{{bundle_id}}/{name}" for name in ("excerpts", "events", "ledger", "findings")),
        *("/v1/bundles/{bundle_id}/timeline", "/v1/bundles/{bundle_id}/machine"),
        *("/v1/scale-sets/{scale_set_id}/matrix", "/v1/scale-sets/{scale_set_id}/expected"),
        *("/v1/incidents/{incident_id}/advice", "/v1/scale-sets/{scale_set_id}/advice", "/v1/compare"),
        *("/v1/uploads", "/v1/uploads/{sha256}", "/v1/uploads/{sha256}/commit"),
    }
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/v1/"):
                assert operation["security"] == [{"token": []}], (path, method)
                assert {"401", "403", "503"} <= operation["responses"].keys(), (path, method)
    sent = told["paths"]["/v1/bundles/{bundle_id}"]["put"]["requestBody"]["content"]
    assert sent == {"application/zip": {"schema": {"type": "string", "format": "binary"}}}


@pytest.mark.parametrize(
    "address",
    [
        *(
            "/v1/incidents?limit=0",
            "/v1/incidents?limit=501",
            "/v1/incidents?owner=nobody",
            "/v1/incidents?extention=x",
        ),
        *("/v1/incidents?after=x", "/v1/incidents?since=yesterday", "/v1/incidents?since=2026-01-01T00:00:00"),
        *("/v1/incidents?exit_code=seven", "/v1/search?after=WyJhIl0", "/v1/bundles?incident=1", "/v1/instances/ABC"),
        *("/v1/incidents/0123456789abcdeg", "/v1/bundles?limit=1e3", "/v1/incidents?q=", "/v1/incidents?since=0"),
    ],
)
def test_what_is_asked_wrongly_is_refused_in_the_endpoints_own_words(server: Endpoint, address: str):
    answer = server.get(address)
    assert answer.status_code == 422
    assert set(answer.json()) == {"error", "hint"}


def test_what_is_not_there_is_told(server: Endpoint):
    for kind in ("incidents", "scale-sets", "instances", "bundles"):
        answer = server.get(f"/v1/{kind}/0123456789abcdef")
        assert (answer.status_code, set(answer.json())) == (404, {"error", "hint"})


def test_without_a_token_nothing_is_told(server: Endpoint):
    for path in document(server)["paths"]:
        if path.startswith("/v1/"):
            assert requests.get(server.url + path.replace("{", "").replace("}", ""), timeout=30).status_code == 401


def test_a_program_finds_its_way_from_an_incident_to_the_failing_line(server: Endpoint):
    (incident,) = server.get("/v1/incidents?exit_code=100&q=locate").json()["incidents"]
    assert (incident["instances"], incident["known_instances"], incident["scale_set"]["name"]) == (3, 3, "web")
    assert server.get(f"/v1/incidents/{incident['id']}").json()["incident"] == incident
    first = server.get(f"/v1/incidents/{incident['id']}/instances?limit=2").json()
    rest = server.get(f"/v1/incidents/{incident['id']}/instances?limit=2&after={first['next']}").json()
    assert len({one["id"] for one in first["instances"] + rest["instances"]}) == 3
    assert rest["next"] is None
    instance = server.get(f"/v1/instances/{first['instances'][0]['id']}").json()
    assert instance["incidents"][0]["others"] == 2
    assert instance["outcomes"][0]["outcome"] == "failed"
    newest = instance["instance"]["last_bundle"]
    listed = server.get(f"/v1/bundles?instance={instance['instance']['id']}").json()
    assert ([one["id"] for one in listed["bundles"]], listed["total"]) == ([newest], 1)
    assert server.get(f"/v1/bundles/{newest}/findings").json()["findings"][0]["incident"] == incident
    lines = [
        line
        for part in server.get(f"/v1/bundles/{newest}/excerpts?limit=500").json()["excerpts"]
        for line in part["lines"]
    ]
    assert any(line["failing"] and "Unable to locate" in line["text"] for line in lines)
    steps = server.get(f"/v1/bundles/{newest}/timeline").json()
    assert "failed" in {row["outcome"] for lane in steps["lanes"] for row in lane["rows"]}
    matrix = server.get(f"/v1/scale-sets/{incident['scale_set']['id']}/matrix").json()
    (row,) = matrix["rows"]
    assert (len(row["instances"]), row["cells"][0]["exit_code"], matrix["silent"]) == (3, 100, [])
    found = server.get('/v1/search?q="Unable to locate"').json()
    assert found["incidents"] == [incident]
    hit = found["findings"][0]
    start, end = hit["in_message"][0]
    assert hit["message"][start:end] == "Unable to locate"


def test_what_to_do_is_told_to_programs_as_the_pages_tell_it(server: Endpoint):
    (incident,) = server.get("/v1/incidents?exit_code=100&q=locate").json()["incidents"]
    told = server.get(f"/v1/incidents/{incident['id']}/advice").json()
    page = unescape(server.get(f"/incidents/{incident['id']}").text)
    assert told["current"] == 3
    assert (told["without"], told["silent"]) == ([], [])
    for text in (told["meaning"], told["remedy"], told["source"], *told["do"], told["differences"]["summary"]):
        assert text
        assert text in page
    scale_set = incident["scale_set"]["id"]
    told = server.get(f"/v1/scale-sets/{scale_set}/advice").json()
    page = unescape(server.get(f"/scale-sets/{scale_set}").text)
    assert told["case"]["case"] == "all"
    assert list(told["failing"].values()) == [3]
    assert told["first_failure"]["incident"] == incident["id"]
    assert told["expected"] is None
    commands = [block["text"] for step in told["steps"] for block in step["blocks"]]
    assert commands
    for text in (told["case"]["sentence"], *commands, *(one["summary"] for one in told["differences"])):
        assert text in page


def test_the_machine_of_a_bundle_is_told_to_programs(server: Endpoint):
    bundle = server.get("/v1/bundles?limit=1").json()["bundles"][0]["id"]
    told = server.get(f"/v1/bundles/{bundle}/machine").json()
    page = unescape(server.get(f"/bundles/{bundle}").text)
    assert told["summary"] in page
    assert told["system"]["facts"]["live"] is False
    assert {practice["state"] for practice in told["practices"]}
    for pattern, count in told["redactions"].items():
        assert f"{pattern} ({count})" in page


def test_two_instances_are_compared_for_programs(server: Endpoint):
    one, other, _ = server.get("/v1/instances").json()["instances"]
    told = server.get(f"/v1/compare?left={one['id']}&right={other['last_bundle']}").json()
    assert (told["left"]["bundle"], told["right"]["bundle"]) == (one["last_bundle"], other["last_bundle"])
    assert [failure["exit_code"] for failure in told["both"]] == [100]
    assert (told["only_left"], told["only_right"]) == ([], [])
    assert {"what", "left", "right"} == set(told["alike"][0])
    assert server.get(f"/v1/compare?left={one['id']}").status_code == 422
    assert server.get(f"/v1/compare?left={one['id']}&right=0123456789abcdef").status_code == 404


@pytest.mark.parametrize("part", ["excerpts", "events", "ledger"])
def test_what_is_in_a_bundle_is_told_page_by_page(server: Endpoint, part: str):
    newest = server.get("/v1/bundles?limit=1").json()["bundles"][0]["id"]

    def rows(document: dict[str, Any]) -> list[Any]:
        if part == "excerpts":
            return [(one["path"], line["number"]) for one in document["excerpts"] for line in one["lines"]]
        return list(document["entries" if part == "ledger" else part])

    whole = rows(server.get(f"/v1/bundles/{newest}/{part}?limit=500").json())
    told, cursor = list[Any](), ""
    for _ in whole:
        page = server.get(f"/v1/bundles/{newest}/{part}?limit=2{cursor}").json()
        told += rows(page)
        if page["next"] is None:
            break
        cursor = f"&after={page['next']}"
    assert told == whole
    assert len(whole) > 2


def test_what_does_not_change_is_sent_once(server: Endpoint):
    newest = server.get("/v1/bundles?limit=1").json()["bundles"][0]["id"]
    parts = ("", "/excerpts", "/events", "/ledger", "/timeline", "/machine")
    for path in (f"/v1/bundles/{newest}{part}" for part in parts):
        first = server.get(path)
        headers = server.authorization | {"If-None-Match": first.headers["ETag"]}
        again = requests.get(server.url + path, headers=headers, timeout=30)
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
