"""Azurite, Microsoft's own emulator of Azure Blob, as a process of these tests."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

ACCOUNT = "devstoreaccount1"
#: Documented by Microsoft; every Azurite has it.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
REPO = Path(__file__).parents[2]


@dataclass(frozen=True)
class Container:
    """A container of its own for a test; `client` is Microsoft's SDK, which reads what we wrote."""

    base: str
    name: str
    client: Any

    @property
    def url(self) -> str:
        return f"{self.base}/{self.name}"

    def sas(self, permission: str = "rcw", *, blob: str = "", start: float = -1, hours: float = 1) -> str:
        """Valid from so many hours before now, until `hours` after it."""
        from azure.storage.blob import generate_blob_sas, generate_container_sas

        now = datetime.now(timezone.utc)
        times: dict[str, Any] = {"start": now + timedelta(hours=start), "expiry": now + timedelta(hours=hours)}
        if blob:
            return generate_blob_sas(ACCOUNT, self.name, blob, account_key=KEY, permission=permission, **times)
        return generate_container_sas(ACCOUNT, self.name, KEY, permission=permission, **times)

    def signed(self, permission: str = "rcw", *, base: str = "", folder: str = "", **times: Any) -> str:
        return f"{base or self.base}/{self.name}{folder}?{self.sas(permission, **times)}"

    def names(self) -> list[str]:
        return sorted(self.client.list_blob_names())

    def read(self, name: str) -> bytes:
        content: bytes = self.client.download_blob(name).readall()
        return content

    def uncommitted(self, name: str) -> int:
        """How many blocks wait to become a blob."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return len(self.client.get_blob_client(name).get_block_list("uncommitted")[1])
        except ResourceNotFoundError:
            return 0


@contextmanager
def azurite(*arguments: str) -> Iterator[str]:
    """Its address with the account's name, as in a SAS URL."""
    program = subprocess.run([REPO / "scripts" / "azurite"], check=True, capture_output=True, text=True).stdout.strip()
    common = (
        "--inMemoryPersistence",
        "--extentMemoryLimit",
        "300",
        "--silent",
        "--disableTelemetry",
        "--skipApiVersionCheck",
        "--blobPort",
        "0",
    )
    process = subprocess.Popen([program, *common, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        told = ""
        for line in process.stdout:
            told += line
            if "successfully listens on " in line:
                yield f"{line.split('listens on ')[1].strip()}/{ACCOUNT}"
                return
        raise AssertionError(f"Azurite did not start: {told}")
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@contextmanager
def container(base: str, **options: Any) -> Iterator[Container]:
    from azure.storage.blob import BlobServiceClient

    name = f"bundles-{uuid.uuid4().hex[:12]}"
    with BlobServiceClient(base, credential=KEY, **options) as service, service.create_container(name) as client:
        yield Container(base, name, client)
