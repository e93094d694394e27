"""Object stores of other vendors, as their emulators: Azurite, and moto's S3 server in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

from tests.deliver.azurite import ACCOUNT, KEY, azurite

_S3 = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}


@dataclass(frozen=True)
class Cloud:
    """`environ`: what a process needs to get in."""

    scheme: str
    address: str
    environ: dict[str, str]

    def new(self) -> str:
        """The address of a folder in a new, empty container."""
        name = f"bundles-{uuid.uuid4().hex[:12]}"
        if self.scheme == "az":
            with self._azure() as service:
                service.create_container(name)
        else:
            self._s3().create_bucket(Bucket=name)
        return f"{self.scheme}://{name}/of/us"

    def names(self, url: str) -> list[str]:
        """What is there, as the vendor's own library tells it; in the folder, and without its name."""
        container, _, folder = url.partition("://")[2].partition("/")
        if self.scheme == "az":
            with self._azure() as service, service.get_container_client(container) as client:
                found = list(client.list_blob_names())
        else:
            found = [one["Key"] for one in self._s3().list_objects_v2(Bucket=container).get("Contents", [])]
        return sorted(name.removeprefix(f"{folder}/") for name in found)

    def put(self, url: str, name: str, content: bytes) -> None:
        container, _, folder = url.partition("://")[2].partition("/")
        key = f"{folder}/{name}"
        if self.scheme == "az":
            with self._azure() as service:
                service.get_blob_client(container, key).upload_blob(content, overwrite=True)
        else:
            self._s3().put_object(Bucket=container, Key=key, Body=content)

    def remove(self, url: str, name: str) -> None:
        container, _, folder = url.partition("://")[2].partition("/")
        if self.scheme == "az":
            with self._azure() as service:
                service.get_blob_client(container, f"{folder}/{name}").delete_blob()
        else:
            self._s3().delete_object(Bucket=container, Key=f"{folder}/{name}")

    def _azure(self) -> Any:
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient(self.address, credential=KEY)

    def _s3(self) -> Any:
        import boto3

        return boto3.client("s3", endpoint_url=self.address, **_S3)


@contextmanager
def azure() -> Iterator[Cloud]:
    with azurite() as address:
        environ = {
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": KEY,
            "AZURE_STORAGE_ENDPOINT": address,
        }
        yield Cloud("az", address, environ)


@contextmanager
def s3() -> Iterator[Cloud]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 120
        while not _answers(address):
            assert process.poll() is None, "moto's server did not start"
            assert time.monotonic() < until, "moto's server does not answer"
            time.sleep(0.1)
        environ = {
            "AWS_ACCESS_KEY_ID": _S3["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": _S3["aws_secret_access_key"],
            "AWS_REGION": _S3["region_name"],
            "AWS_ENDPOINT_URL": address,
        }
        yield Cloud("s3", address, environ)
    finally:
        process.kill()
        process.wait()


def _answers(address: str) -> bool:
    try:
        with urlopen(f"{address}/moto-api/", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
