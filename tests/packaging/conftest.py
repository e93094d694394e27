"""The packages that the tests of this folder are about. What builds them must be there: nothing is skipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endpoint.running import Endpoint, endpoint
from tests.packaging.building import ARCHITECTURES, Built, built
from tests.packaging.packaged import Packages, packaged


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all test processes of this run see."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def linux(shared: Path) -> Built:
    """The packages for x86_64."""
    return built(shared, "x86_64")


@pytest.fixture(scope="session", params=ARCHITECTURES)
def each_linux(shared: Path, request: pytest.FixtureRequest) -> Built:
    return built(shared, request.param)


@pytest.fixture(scope="session")
def aarch64(shared: Path) -> Built:
    return built(shared, "aarch64")


@pytest.fixture(scope="session")
def packages(shared: Path, linux: Built) -> Packages:
    """deb and rpm for x86_64, of this version and of an older one."""
    return packaged(shared, linux)


@pytest.fixture(scope="session")
def packages_aarch64(shared: Path, aarch64: Built) -> Packages:
    return packaged(shared, aarch64)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Endpoint]:
    """A running endpoint."""
    with endpoint(tmp_path / "endpoint") as one:
        yield one
