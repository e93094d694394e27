"""Each story has a folder of its own; the files of the agents that a test started are closed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.read.tail.disk import Folder
from tests.read.tail.driver import Tail


@pytest.fixture(autouse=True)
def closed_agents() -> Iterator[None]:
    yield
    for folder in Folder.made:
        folder.drop()
    Folder.made.clear()


@pytest.fixture
def tail(tmp_path: Path) -> Iterator[Tail]:
    story = Tail(tmp_path)
    yield story
    story.close()
