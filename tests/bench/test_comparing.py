"""The comparison that is measured, on a small scale set: it tells rightly what was put into the bundles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.comparing import HEALTHY, KINDS, QUICK_BUNDLES, make, rows, wrong_in
from tests.bench.measuring import measure, vmext


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    folder = tmp_path_factory.mktemp("bundles")
    return folder, make(folder, QUICK_BUNDLES)


def test_all_that_was_put_in_is_found_and_nothing_else(bundles: tuple[Path, int]):
    document: Any = json.loads(measure(vmext("compare", "--format", "json", bundles[0]), expect=(10,)).out)
    assert wrong_in(document, QUICK_BUNDLES) == ""
    assert len(document["failures"]) == len(KINDS)
    assert document["instances"]["healthy"] == QUICK_BUNDLES // HEALTHY
    first = document["failures"][0]["differences"]
    assert {one["what"] for one in first["values"]} >= {"guest agent", "CustomScript settings hash"}
    assert [one["what"] for one in first["ranges"]] == ["free on /"]
    assert wrong_in({**document, "failures": document["failures"][1:]}, QUICK_BUNDLES)
    assert wrong_in({**document, "problems": ["x"]}, QUICK_BUNDLES)


def test_the_bounds_hold_on_a_small_scale_set(bundles: tuple[Path, int]):
    told = rows(bundles[0], QUICK_BUNDLES, bundles[1])
    assert [row.met for row in told] == [True, True], told
