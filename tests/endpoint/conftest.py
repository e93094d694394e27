"""Both engines of the index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector.endpoint.database.engine import Database
from collector.endpoint.database.migrate import migrate
from collector.endpoint.stores.addresses import place_of
from collector.endpoint.stores.folder_place import FolderPlace
from collector.endpoint.stores.place import Place
from tests.collecting import collect, failing_disk
from tests.endpoint.clouds import Cloud, azure, s3
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


@pytest.fixture
def database(tmp_path: Path, database_options: tuple[str, ...]) -> Iterator[Database]:
    """An index with the schema of now."""
    opened = Database(database_options[1] if database_options else f"sqlite:///{tmp_path / 'index.sqlite'}")
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real one that tells of a failure. All tests of a process share it, and none may change it."""
    folder = tmp_path_factory.mktemp("bundle")
    return Path(collect(failing_disk(folder / "disk"), folder / "state").json["bundle"]["path"])


@pytest.fixture(scope="session")
def clouds() -> Iterator[dict[str, Cloud]]:
    with azure() as one, s3() as other:
        yield {"azure": one, "s3": other}


@pytest.fixture(params=["folder", "azure", "s3"])
def blank_place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Place]:
    """Makes an empty place of each kind."""
    if request.param == "folder":

        def folder() -> Place:
            made = tmp_path / "place"
            made.mkdir()
            return FolderPlace(made)

        return folder
    cloud: Cloud = request.getfixturevalue("clouds")[request.param]
    for name, value in cloud.environ.items():
        monkeypatch.setenv(name, value)
    return lambda: place_of(cloud.new(), "--store")
