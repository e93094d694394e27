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
    #: Address of the store of the bundles; None: `data`.
    store: str | None = None
    #: Addresses of places that are watched for bundles.
    watch: tuple[str, ...] = ()
    #: Seconds between two looks at them; None: as often as their kind bears.
    every: float | None = None
    #: File of a private key of age, for encrypted bundles in these places.
    identity: Path | None = None
    #: Whether senders may be told to put large bundles into the store themselves.
    grants: bool = False
    #: Bytes of the largest bundle.
    most_bytes: int = MOST_BYTES
    #: Processes that take requests; 0: none, on a host that only indexes.
    workers: int = 1
    #: Processes that index; 0: none, on a host that only takes requests; None: a thread of the one that serves.
    indexers: int | None = None
    #: Connections that the system keeps for a process that is at others; also how many it accepts in one go.
    backlog: int = 2_048
    #: Where findings go as logs, by OTLP over HTTP; None: nowhere.
    otlp_endpoint: str | None = None
    #: What is sent along, as OTEL_EXPORTER_OTLP_HEADERS tells it; it may hold a secret.
    otlp_headers: str = field(default="", repr=False)
    access: AccessSettings = field(default_factory=AccessSettings)

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data / 'index.sqlite'}"
