"""Findings as logs at a collector: a real HTTP server with the official classes, on both engines of the index."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceResponse,
)

from collector.bundle.reader import Limits
from collector.endpoint.database.exports_tables import EXPORTS
from collector.endpoint.database.tables import BUNDLES, FINDINGS
from collector.endpoint.exporting.exporter import Exporter
from collector.endpoint.exporting.outbox import Outbox
from collector.endpoint.exporting.sending import Sender, told_headers
from collector.endpoint.indexing.indexer import Indexer
from collector.errors import ConfigError
from tests.endpoint.log_collector import LogCollector, log_collector
from tests.endpoint.made import varied
from tests.endpoint.running import endpoint
from tests.endpoint.taking import Taking
from tests.waiting import until


@pytest.fixture
def taking(tmp_path: Path, database_options: tuple[str, ...], bundle: Path) -> Iterator[Taking]:
    url = database_options[1] if database_options else f"sqlite:///{tmp_path / 'index.sqlite'}"
    with Taking(url, tmp_path / "data", bundle) as opened:
        yield opened


@pytest.fixture
def collector() -> Iterator[LogCollector]:
    with log_collector() as running:
        yield running


def indexed(taking: Taking, count: int, **differs: Any) -> list[str]:
    ids = [taking.take(scale_set="web", instance_id=str(number), **differs) for number in range(count)]
    while Indexer(taking.database, taking.store, Limits(), exports=True).turn():
        pass
    return sorted(ids)


def exporter(taking: Taking, url: str) -> Exporter:
    return Exporter(taking.database, Sender(url, {}))


def waiting(taking: Taking) -> int:
    return Outbox(taking.database).waiting()


def attributes(told: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in told}


def test_a_finding_is_one_log_record_with_the_names_that_backends_know(taking: Taking, collector: LogCollector):
    about = {"resource_group": "rg", "subscription": "0" * 36, "location": "westeurope", "computer_name": "web000001"}
    (bundle,) = indexed(taking, 1, exit_code=127, **about)
    assert exporter(taking, collector.url).turn() == 1
    (resource,) = collector.taken[0].resource_logs
    assert (
        attributes(resource.resource.attributes).items()
        >= {
            "service.name": "vmext",
            "cloud.provider": "azure",
            "cloud.account.id": "0" * 36,
            "cloud.region": "westeurope",
            "host.name": "web000001",
            "os.type": "linux",
            "vmext.scale_set.name": "web",
            "vmext.resource_group": "rg",
        }.items()
    )
    (record,) = resource.scope_logs[0].log_records
    told = attributes(record.attributes)
    assert (told["log.record.uid"], told["vmext.bundle.id"]) == (f"{bundle}-0", bundle)
    assert (told["process.exit.code"], told["vmext.finding.kind"]) == (127, "failure")
    assert told["vmext.extension.name"] == "Microsoft.Azure.Extensions.CustomScript"
    assert (record.severity_text, record.severity_number, record.event_name) == ("ERROR", 17, "vmext.finding")
    assert "Unable to locate" in record.body.string_value
    assert 0 < record.time_unix_nano < record.observed_time_unix_nano


def test_what_is_sent_is_not_sent_again_and_what_is_not_exported_does_not_wait(taking: Taking, collector: LogCollector):
    ids = indexed(taking, 5)
    assert waiting(taking) == 5
    one = exporter(taking, collector.url)
    assert (one.turn(), one.turn(), waiting(taking)) == (5, 0, 0)
    assert sorted(collector.uids()) == [f"{bundle}-0" for bundle in ids]
    taking.take(scale_set="other")
    taking.index()
    assert waiting(taking) == 0


@pytest.mark.parametrize("status", [429, 502, 503, 504, 401, 404])
def test_what_is_refused_for_now_is_sent_later_with_the_same_id(taking: Taking, collector: LogCollector, status: int):
    collector.answers = [(status, {"Retry-After": "0"} if status == 429 else {})]
    (bundle,) = indexed(taking, 1)
    one = exporter(taking, collector.url)
    one._wait = 0.0
    assert (one.turn(), waiting(taking)) == (0, 1)
    until(lambda: one.turn() == 1)
    assert (collector.uids(), collector.tries) == ([f"{bundle}-0"], 2)


def test_a_collector_says_when_to_come_again(taking: Taking, collector: LogCollector):
    collector.answers = [(503, {"Retry-After": "3000"})]
    indexed(taking, 1)
    one = exporter(taking, collector.url)
    threading.Timer(0.3, one._stopped.set).start()  # a stop does not wait for the collector
    assert one.turn() == 0
    with taking.database.reading() as connection:
        due = connection.execute(sa.select(EXPORTS.c.due)).scalar_one()
    assert due.timestamp() - time.time() > 2_900
    assert exporter(taking, collector.url).turn() == 0
    assert collector.tries == 1


@pytest.mark.parametrize("status", [400, 302])
def test_what_a_collector_never_takes_holds_nothing_up(taking: Taking, collector: LogCollector, status: int):
    collector.answers = [(status, {"Location": "http://192.0.2.1/"})]
    indexed(taking, 1)
    assert exporter(taking, collector.url).turn() == 1
    assert waiting(taking) == 0


def test_records_that_are_refused_one_by_one_are_told(
    taking: Taking, collector: LogCollector, caplog: pytest.LogCaptureFixture
):
    collector.response = ExportLogsServiceResponse(
        partial_success=ExportLogsPartialSuccess(rejected_log_records=1, error_message="too old")
    )
    indexed(taking, 1)
    assert exporter(taking, collector.url).turn() == 1
    assert "1 records were refused: too old" in caplog.text


def test_exporters_side_by_side_send_each_bundle_once(taking: Taking, collector: LogCollector):
    ids = indexed(taking, 120)

    def work() -> None:
        one = exporter(taking, collector.url)
        while waiting(taking):
            one.turn()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(collector.uids()) == [f"{bundle}-0" for bundle in ids]


def test_a_backend_that_is_gone_for_good_does_not_fill_the_disk(taking: Taking):
    indexed(taking, 6)
    assert Outbox(taking.database).trim(most=4) == 2
    assert waiting(taking) == 4


def test_a_bundle_that_is_deleted_is_not_sent(taking: Taking, collector: LogCollector):
    indexed(taking, 1)
    with taking.database.writing() as connection:
        connection.execute(sa.delete(FINDINGS))
        connection.execute(sa.delete(BUNDLES))
    assert exporter(taking, collector.url).turn() == 0
    assert waiting(taking) == 0


def test_an_endpoint_that_is_killed_and_a_collector_that_is_away_lose_nothing(
    tmp_path: Path, database_options: tuple[str, ...], bundle: Path
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = (*database_options, "--otlp-endpoint", f"http://127.0.0.1:{port}/")
    files = [varied(bundle, tmp_path, scale_set="web", instance_id=str(number)) for number in range(8)]
    with endpoint(tmp_path / "data", *options) as first:
        assert {first.put(file).status_code for file in files} == {201}
        first.settle()
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
    with log_collector(port) as collector, endpoint(tmp_path / "data", *options):
        until(lambda: len(set(collector.uids())) == 8, "eight records", 200)
    assert set(collector.uids()) == {f"{file.stem}-0" for file in files}


@pytest.mark.parametrize("url", ["collector:4318", "ftp://collector", "http://", "http://c/?x=1"])
def test_what_is_no_address_is_refused(url: str):
    with pytest.raises(ConfigError, match="--otlp-endpoint"):
        Sender(url, {})


def test_an_address_may_have_the_path_or_not():
    assert Sender("http://c:4318", {}).address == "http://c:4318/v1/logs"
    assert Sender("http://c:4318/otlp/", {}).address == "http://c:4318/otlp/v1/logs"
    assert Sender("http://c:4318/v1/logs", {}).address == "http://c:4318/v1/logs"


def test_headers_are_sent_along(taking: Taking, collector: LogCollector):
    indexed(taking, 1)
    told = told_headers("api-key=a%20b%2Cc, x-other = 1,, =2,nothing")
    assert told == {"api-key": "a b,c", "x-other": "1"}
    Exporter(taking.database, Sender(collector.url, told)).turn()
    assert collector.headers[0]["api-key"] == "a b,c"
