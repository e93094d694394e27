"""Thousands of files in a folder: the newest are read, and the others are counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from collector.discover.crowds import LEAST_ALIKE, MOST_ALIKE, MOST_SOURCES, Crowds
from collector.discover.scan import scan
from collector.model import Source
from tests.collecting import put


def statuses(folder: str, count: int) -> list[Source]:
    return [
        Source(f"{folder}/{number}.status", Path(), "status", sequence=number, size=10, modified=-number)
        for number in range(count)
    ]


def test_a_folder_with_few_files_is_read_whole():
    crowds = Crowds()
    sources = statuses("a/status", MOST_ALIKE)
    assert crowds.within_bounds(crowds.thinned(sources)) == sources
    assert list(crowds.entries()) == []


def test_of_a_crowded_folder_the_newest_are_read_and_the_others_counted():
    crowds = Crowds()
    sources = statuses("a/status", MOST_ALIKE + 7)
    assert crowds.thinned(sources) == sources[7:]
    assert len(crowds.thinned(sources, MOST_ALIKE + 4)) == MOST_ALIKE + 4
    (entry,) = crowds.entries()
    assert (entry.path, entry.outcome, entry.bytes_total) == ("a/status/* (status)", "truncated", 100)
    assert entry.note == "10 older files were not read, only the newest of the folder"


def test_a_name_with_many_runs_does_not_push_out_one_with_few():
    long_running = [
        replace(source, name="nightly", path=f"a/nightly.{source.sequence}.status") for source in statuses("a", 150)
    ]
    failed = Source("a/deploy.0.status", Path(), "status", sequence=0, name="deploy")
    assert failed in Crowds().thinned([failed, *long_running])


def test_a_new_name_is_kept_beside_many_old_ones_and_numbers_in_names_count():
    old = [Source(f"a/old{n}.5.status", Path(), "status", sequence=5, name=f"old{n}", modified=1) for n in range(150)]
    new = Source("a/new.0.status", Path(), "status", sequence=0, name="new", modified=2)
    assert new in Crowds().thinned([new, *old])
    logs = [Source(f"a/run-{n}.log", Path(), "log") for n in range(1, 1_001)]
    assert Crowds().thinned(logs) == logs[900:]


def test_of_very_many_folders_fewer_are_read_each():
    crowds = Crowds()
    sources = [source for folder in range(100) for source in statuses(f"{folder}/status", MOST_ALIKE)]
    kept = crowds.within_bounds(sources)
    assert LEAST_ALIKE * 100 <= len(kept) <= MOST_SOURCES
    assert len(list(crowds.entries())) == 100


def test_the_scan_of_a_disk_says_what_it_left_out(tmp_path: Path):
    folder = "var/lib/waagent/Contoso.Agents.Probe-1.0.2/status"
    for number in range(MOST_ALIKE + 50):
        put(tmp_path, f"{folder}/{number}.status", "[]")
    found = scan(tmp_path, "linux")
    assert [source.sequence for source in found.sources if source.kind == "status"].count(None) == 0
    assert sum(source.kind == "status" for source in found.sources) == MOST_ALIKE
    assert any(entry.note.startswith("50 older files") for entry in found.unfound)
