"""The tailer against a model of what was written."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests.read.tail.model import LogAndAgent

_EXAMPLES = int(os.environ.get("VMEXT_TAIL_EXAMPLES", "200"))


@pytest.mark.skipif(os.name != "posix", reason="what is open can't be replaced there")
class TestModel(LogAndAgent.TestCase):  # type: ignore[misc,valid-type]
    settings = settings(report_multiple_bugs=False, database=None, max_examples=_EXAMPLES, stateful_step_count=30)
