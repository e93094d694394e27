"""The fuzz targets on their seeds and on every input that once broke one of them; the fuzzer isn't needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import CRASHES, NAMES, smaller, target

FOUND = [(name, file) for name in NAMES for file in target(name).crashes()]


@pytest.mark.parametrize("name", NAMES)
def test_the_seeds_break_nothing(name: str):
    chosen = target(name)
    seeds = chosen.seeds()
    assert len(seeds) > 20
    for seed in seeds:
        chosen.check(seed)


@pytest.mark.parametrize(("name", "file"), [pytest.param(*it, id=f"{it[0]}-{it[1].stem}") for it in FOUND])
def test_what_was_found_once_breaks_nothing_now(name: str, file: Path):
    target(name).check_all(file.read_bytes())


def test_every_crash_belongs_to_a_target():
    assert {path.name for path in CRASHES.iterdir()} <= {*NAMES, ".gitkeep"}


def test_a_crash_is_made_as_small_as_it_can_be():
    def check(data: bytes) -> None:
        assert b"ab" not in data

    assert smaller(check, b"\x07" + b"x" * 500 + b"ab" + b"y" * 300) == b"\x07ab"
