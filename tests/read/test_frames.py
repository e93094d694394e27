"""Against a naive reader: the records of any time frame of any log, with their numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.read import models


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data(), models.logs(), models.EFFORTS, models.BLOCKS, models.LINE_LIMITS)
def test_a_frame_is_found_as_if_everything_had_been_read(folder: Path, data, log, effort, block, line_limit):
    models.check_frame(folder, log, data.draw(models.frames(log)), effort, block, line_limit)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(models.logs(), models.BLOCKS, models.WORTH_IT)
def test_records_with_a_word_are_found_as_if_everything_had_been_read(folder: Path, log, block, worth_it):
    models.check_words(folder, log, block, worth_it)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data(), models.logs(), models.EFFORTS, models.BLOCKS)
def test_records_with_a_word_in_a_frame_are_found_whole(folder: Path, data, log, effort, block):
    models.check_framed_words(folder, log, data.draw(models.frames(log)), effort, block)
