"""The tailer against a model of what was written."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests.read.tail.model import LogAndAgent

#: Random ones, to look for faults; without it always the same, so that a failure has to do with what was changed.
_RANDOM = int(os.environ.get("VMEXT_TAIL_EXAMPLES", "0"))
_EXAMPLES = 600


@pytest.mark.skipif(os.name != "posix", reason="what is open can't be replaced there")
class TestModel(LogAndAgent.TestCase):  # type: ignore[misc,valid-type]
    settings = settings(
        report_multiple_bugs=False, database=None, max_examples=_RANDOM or _EXAMPLES, derandomize=not _RANDOM,
        stateful_step_count=30,
    )  # fmt: skip
