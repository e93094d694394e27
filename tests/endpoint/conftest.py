"""Both engines of the index."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.endpoint.postgres import Postgres, postgres


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def database_options(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What to give `vmext endpoint` for an empty index, in each of the engines."""
    if request.param == "sqlite":
        return ()
    running: Postgres = request.getfixturevalue("postgresql")
    return ("--database", running.new())
