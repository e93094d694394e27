"""Each story has a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.read.tail.driver import Tail


@pytest.fixture
def tail(tmp_path: Path) -> Iterator[Tail]:
    story = Tail(tmp_path)
    yield story
    story.close()
