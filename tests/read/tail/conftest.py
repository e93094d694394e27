"""Closes the files of the agents that a test started."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.read.tail.disk import Folder


@pytest.fixture(autouse=True)
def closed_agents() -> Iterator[None]:
    yield
    for folder in Folder.made:
        folder.drop()
    Folder.made.clear()
