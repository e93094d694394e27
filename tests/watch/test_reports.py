"""Incidents to bundles: one collect at a time, tries again, sends what waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest

from collector.watch.children import Child, Ended
from collector.watch.incident import Incident, Incidents, Notice
from collector.watch.reports import Reports

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=timezone.utc)
DELIVERED = {"verdict": "failed", "bundle": {"id": "ab"}, "delivery": {"received": "2026-05-04T10:00:09Z"}}
SPOOLED = {"verdict": "failed", "bundle": {"id": "ab"}, "delivery": {"error": "no answer"}}


class Started:
    """A child that ends when it is told to."""

    def __init__(self, name: str, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        self.name, self.arguments, self.environ = name, list(arguments), environ
        self.result: Ended | None = None
        self.stopped = False

    def ended(self) -> Ended | None:
        return self.result

    def stop(self) -> None:
        self.stopped = True

    def end(self, code: int, document: Mapping[str, object] | None = None, error: str = "") -> None:
        self.result = Ended(self.name, code, 1.0, document or {}, error)


class Bench:
    def __init__(self, spool: Path, *, sends: bool = True) -> None:
        self.started: list[Started] = []
        self.spool = spool
        spool.mkdir(exist_ok=True)
        self.reports = Reports(
            spool, ["--root", "/x"], [], {"A": "b"}, sends=sends, chance=lambda: 1.0, start=self._start
        )

    def _start(self, name: str, arguments: Sequence[str], environ: Mapping[str, str]) -> Child:
        self.started.append(Started(name, arguments, environ))
        return self.started[-1]  # type: ignore[return-value]

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.started]


@pytest.fixture()
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "spool")


def incident(name: str = "A", minutes: int = 0) -> Incident:
    time = NOW + timedelta(minutes=minutes)
    notice = Notice("failure", (name,), f"{name} failed", time, extension=name)
    return Incident(time - timedelta(minutes=15), time, f"{name} failed", (notice,))


def test_an_incident_is_collected_from_its_beginning_on(bench: Bench):
    bench.reports.add(incident())
    bench.reports.poll(0.0)
    child = bench.started[0]
    assert child.arguments[:3] == ["collect", "--root", "/x"]
    assert child.arguments[child.arguments.index("--since") + 1] == "2026-05-04T09:45:00Z"
    assert child.arguments[child.arguments.index("--trigger") + 1] == "A failed"
    assert child.environ == {"A": "b"}
    assert "--incident" not in child.arguments, "it has no mark"
    child.end(10, DELIVERED)
    ((done, reported),) = bench.reports.poll(1.0)
    assert done.title == "A failed"
    assert (reported.bundle, reported.verdict, reported.error) == ("ab", "failed", "")
    assert reported.delivered == datetime(2026, 5, 4, 10, 0, 9, tzinfo=timezone.utc)
    assert not bench.reports.waiting


def test_one_at_a_time_in_their_order(bench: Bench):
    for name in "ABC":
        bench.reports.add(incident(name))
    for number in range(3):
        bench.reports.poll(float(number))
        assert len(bench.started) == number + 1
        bench.reports.poll(number + 0.5)
        assert len(bench.started) == number + 1
        bench.started[-1].end(10, DELIVERED)
    assert [one.arguments[-3] for one in bench.started] == ["A failed", "B failed", "C failed"]


def test_a_run_without_a_verdict_is_tried_again_and_then_told(bench: Bench):
    bench.reports.add(incident())
    at = 0.0
    for _ in range(3):
        bench.reports.poll(at)
        bench.started[-1].end(-9, error="killed")
        done = bench.reports.poll(at + 1)
        at += 60.0
    assert len(bench.started) == 3
    assert [reported.error for _, reported in done] == ["killed"]


def test_a_bundle_that_the_spool_has_no_room_for_is_made_again(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stray = tmp_path / "vmext-abc" / "spool" / "ab.zip"
    stray.parent.mkdir(parents=True)
    stray.touch()
    bench.reports.add(incident())
    bench.reports.poll(0.0)
    told = {**SPOOLED, "bundle": {"id": "ab", "path": str(stray)}}
    bench.started[0].end(20, told)
    assert bench.reports.poll(1.0) == ()
    assert not stray.parent.parent.exists()
    assert bench.reports.waiting
    bench.reports.poll(290.0)
    assert len(bench.started) == 1
    bench.reports.poll(400.0)
    bench.started[1].end(10, DELIVERED)
    assert [reported.bundle for _, reported in bench.reports.poll(401.0)] == ["ab"]


def test_one_that_waits_for_its_next_try_holds_up_no_other(bench: Bench):
    bench.reports.add(incident("A"))
    bench.reports.poll(0.0)
    bench.started[0].end(-9, error="killed")
    bench.reports.poll(1.0)
    bench.reports.add(incident("B"))
    bench.reports.poll(2.0)
    assert "B failed" in bench.started[1].arguments
    bench.started[1].end(10, DELIVERED)
    bench.reports.poll(3.0)
    assert len(bench.started) == 2
    bench.reports.send_now(4.0)
    bench.reports.poll(4.0)
    assert "A failed" in bench.started[2].arguments


def test_a_wrong_setting_is_not_tried_again(bench: Bench):
    bench.reports.add(incident())
    bench.reports.poll(0.0)
    bench.started[0].end(2, error="no such zone")
    ((_, reported),) = bench.reports.poll(1.0)
    assert (reported.bundle, reported.error) == (None, "no such zone")


def test_what_was_not_delivered_is_sent_later_and_later(bench: Bench):
    bench.reports.add(incident())
    bench.reports.poll(0.0)
    (bench.spool / "ab.zip").touch()
    bench.started[0].end(20, SPOOLED)
    bench.reports.poll(1.0)
    assert bench.reports.send_error == "no answer"
    starts = []
    for second in range(1, 4_000):
        bench.reports.poll(float(second))
        if bench.started[-1].result is None:
            starts.append(second)
            bench.started[-1].end(20, error="no answer")
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert starts[0] > 30
    assert gaps == sorted(gaps)
    assert max(gaps) <= 1_820
    bench.reports.send_now(4_000.0)
    bench.reports.poll(4_000.0)
    bench.started[-1].end(0)
    (bench.spool / "ab.zip").unlink()
    bench.reports.poll(4_001.0)
    assert not bench.reports.send_error


def test_nothing_is_sent_where_there_is_no_receiver(tmp_path: Path):
    bench = Bench(tmp_path / "spool", sends=False)
    (bench.spool / "ab.zip").touch()
    for second in range(100):
        bench.reports.poll(float(second))
    assert not bench.started


def test_where_the_instance_is_taken_away_sending_waits_for_nothing(bench: Bench):
    (bench.spool / "old.zip").touch()
    bench.reports.add(incident())
    bench.reports.poll(0.0, may_start=False)
    assert not bench.started
    bench.reports.send_now(1.0)
    bench.reports.poll(1.0, may_start=False)
    assert bench.names == ["collect", "upload"]


def test_what_comes_into_the_spool_just_before_is_sent_at_once_as_well(bench: Bench):
    bench.reports.poll(0.0)  # there is nothing yet, and it would look again after a while
    (bench.spool / "old.zip").touch()
    bench.reports.send_now(1.0)
    bench.reports.poll(1.0)
    assert bench.names == ["upload"]


def test_after_a_collect_the_spool_is_looked_into(bench: Bench):
    bench.reports.add(incident())
    bench.reports.poll(0.0)
    (bench.spool / "older.zip").touch()
    bench.started[0].end(10, DELIVERED)
    bench.reports.poll(1.0)
    assert bench.names == ["collect", "upload"]


def test_of_too_many_incidents_the_last_reaches_back_to_the_first(bench: Bench):
    for number in range(25):
        bench.reports.add(incident(f"E{number}", number))
    assert len(bench.reports.waiting) == 20
    assert min(one.start for one in bench.reports.waiting) == incident().start
    assert {key for one in bench.reports.waiting for key in one.keys} == {(f"E{number}",) for number in range(25)}


def test_what_went_into_another_incident_is_done_with_its_bundle(bench: Bench):
    """Else each restart would collect it once more."""
    incidents = Incidents()
    for number in range(25):
        incidents.add(incident(f"E{number}").notices[0], 100.0 * number)
        for due in incidents.due(100.0 * number + 50):
            bench.reports.add(due)
    for second in range(20):
        bench.reports.poll(float(second))
        bench.started[-1].end(10, DELIVERED)
        for done, _ in bench.reports.poll(second + 0.5):
            incidents.finished(done)
    assert not bench.reports.waiting
    assert incidents.dump()["open"] == []


def test_what_runs_is_stopped_with_the_agent(bench: Bench):
    bench.reports.add(incident())
    bench.reports.poll(0.0)
    bench.reports.stop()
    assert bench.started[0].stopped
    assert not bench.reports.is_busy


def test_a_collect_is_told_the_mark_of_its_incident(bench: Bench):
    bench.reports.add(replace(incident(), mark="0123456789abcdef"))
    bench.reports.poll(0.0)
    arguments = bench.started[0].arguments
    assert arguments[arguments.index("--incident") + 1] == "0123456789abcdef"
