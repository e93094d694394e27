"""Big logs are searched for words instead of read: that must find the same signals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from collector.discover.scan import scan, system_of
from collector.extract.rules import signal_rules
from collector.extract.signals import Signal, of_record
from collector.model import Source
from collector.pipeline.log import Log, Wanted

HERE = Path(__file__).parents[1]
DISKS = sorted([*HERE.glob("cases/*/disk"), *HERE.glob("scenarios/*/disk")])
SAMPLES = sorted(HERE.glob("logs/*"))


def logs_of(disk: Path) -> list[Source]:
    found = scan(disk, system_of(disk)).sources
    return [source for source in found if source.kind == "log" and source.problem is None]


def signals(source: Source, wanted: Wanted) -> list[Signal]:
    log = Log(source, None, wanted, 150_000_000)
    found = [signal for record in log for signal in of_record(record)]
    real = log.real_number()
    return [replace(signal, line=real(signal.line)) for signal in found] if real else found


@pytest.mark.parametrize("disk", DISKS, ids=lambda disk: disk.parent.name)
def test_a_search_for_words_finds_all_that_a_reading_finds(disk: Path):
    for source in logs_of(disk):
        assert signals(source, Wanted(whole_bytes=0)) == signals(source, Wanted())


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.name)
def test_and_so_in_every_format(file: Path):
    source = Source(f"var/log/{file.name}", file, "log", extension="Contoso.Agents.Probe", size=file.stat().st_size)
    assert signals(source, Wanted(whole_bytes=0)) == signals(source, Wanted())


@pytest.mark.parametrize("rule", signal_rules(), ids=lambda rule: rule.id)
def test_the_words_of_a_rule_stand_in_its_example(rule):
    assert any(word in rule.example.lower() for word in rule.words)
    assert all(word == word.lower() and len(word) >= 4 for word in rule.words)
