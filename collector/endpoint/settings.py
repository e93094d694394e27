"""How an endpoint is run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from collector.endpoint.access.settings import AccessSettings

#: A bundle is at most 5 MB by default; sites may raise that, so the endpoint takes more.
MOST_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    #: Folder for what is being received, and by default for the bundles, the index and the first token.
    data: Path
    #: Address of the index; None: SQLite in `data`.
    database: str | None = None
    #: Bytes of the largest bundle.
    most_bytes: int = MOST_BYTES
    access: AccessSettings = field(default_factory=AccessSettings)

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data / 'index.sqlite'}"
