"""The schema of the index by command, on both engines."""

from __future__ import annotations

from pathlib import Path

from collector.endpoint.database import migrations
from tests.collecting import vmext
from tests.endpoint.running import endpoint

VERSIONS = Path(migrations.__file__).parent / "versions"


def test_the_schema_is_made_and_brought_up_by_command_too(tmp_path: Path, database_options: tuple[str, ...]):
    """As an operator does before an upgrade, so that no start waits for it."""
    command = ("endpoint", "--data", tmp_path / "data", *database_options, "migrate")
    newest = max(path.name for path in VERSIONS.glob("[0-9]*.py")).partition("_")[0]
    assert vmext(*command).out == f"The index has schema {newest} now.\n"
    assert vmext(*command).out == f"The index has schema {newest}.\n"
    with endpoint(tmp_path / "data", *database_options) as server:
        assert server.get("/readyz").status_code == 200
