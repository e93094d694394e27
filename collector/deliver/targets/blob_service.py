"""Requests to one blob, as Azure Blob's protocol wants them; all of them end by one time."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import formatdate

from collector.deliver.targets.blob_address import BlobAddress
from collector.deliver.targets.blob_blocks import Block, block_list, known_blocks
from collector.deliver.targets.blob_faults import refusal
from collector.deliver.targets.identity import ManagedIdentity
from collector.deliver.targets.network import Network
from collector.deliver.targets.store import Answer, Until, ask
from collector.errors import DeliveryError
from collector.model import BundleInfo

#: Old enough for Azure Stack Hub, new enough for blobs of 5,000 MiB in one piece.
_VERSION = "2020-10-02"
_MOST_LABEL = 256
#: What the service says of a blob that exists already, by the rights of who asks.
_EXISTS = frozenset({"BlobAlreadyExists", "ConditionNotMet", "UnauthorizedBlobOverwrite", "BlobImmutableDueToPolicy"})


class BlobService:
    """One blob. Every method raises DeliveryError for answers that it does not name."""

    def __init__(
        self, address: BlobAddress, blob: str, identity: ManagedIdentity | None, network: Network, until: Until
    ) -> None:
        self._address, self._blob, self._identity = address, blob, identity
        self._network, self._until = network, until

    def properties(self) -> Answer | None:
        """None if there is no such blob, or if it may not be read."""
        return self._readable(self._ask("HEAD"))

    def waiting_blocks(self) -> dict[str, int]:
        """Size by id of the blocks that an upload left that broke. Without the right to read, none are known."""
        answer = self._readable(self._ask("GET", "comp=blocklist&blocklisttype=uncommitted"))
        return known_blocks(answer.body) if answer else {}

    def put_whole(self, bundle: BundleInfo, body: bytes, overwrite: bool) -> Answer | None:
        """None if there is a blob of that name already."""
        digest = md5(body)
        headers = _lasting(bundle, overwrite) | {"x-ms-blob-type": "BlockBlob", "Content-MD5": digest}
        answer = self._stored(self._ask("PUT", "", headers, body))
        if answer and answer.headers.get("Content-MD5") != digest:
            raise DeliveryError("Azure Blob's answer names another hash; the bundle does not count as delivered")
        return answer

    def put_block(self, block: Block, body: bytes) -> None:
        """The service refuses it unless it has the hash that is sent with it."""
        answer = self._ask("PUT", f"comp=block&blockid={block.query}", {"Content-MD5": md5(body)}, body)
        if answer.status != 201:
            raise self._refused(answer)

    def put_list(self, bundle: BundleInfo, blocks: tuple[Block, ...], digest: str, overwrite: bool) -> Answer | None:
        """Makes the blob of its blocks. None if there is one of that name already."""
        headers = _lasting(bundle, overwrite) | {"x-ms-blob-content-md5": digest}
        return self._stored(self._ask("PUT", "comp=blocklist", headers, block_list(blocks)))

    def _readable(self, answer: Answer) -> Answer | None:
        if answer.status == 200:
            return answer
        if answer.status == 404 and answer.code != "ContainerNotFound":
            return None
        if answer.code == "AuthorizationPermissionMismatch" and self._address.sas:
            return None
        raise self._refused(answer)

    def _stored(self, answer: Answer) -> Answer | None:
        if answer.code in _EXISTS:
            return None
        if answer.status != 201:
            raise self._refused(answer)
        if not answer.headers.get("ETag"):
            raise DeliveryError("Azure Blob's answer has no ETag; the bundle does not count as delivered")
        return answer

    def _ask(
        self, method: str, query: str = "", headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """With a token that was kept and is refused, once more with a new one."""
        url = self._address.signed(self._blob, query)
        while True:
            sent = {"x-ms-version": _VERSION, "x-ms-date": formatdate(usegmt=True), **(headers or {})}
            kept = self._identity is not None and self._identity.is_kept
            if self._identity:
                sent["Authorization"] = f"Bearer {self._identity.token()}"
            answer = ask(method, url, sent, body, until=self._until, network=self._network)
            if not self._identity or (answer.status != 401 and answer.code != "AuthenticationFailed"):
                return answer
            self._identity.forget()
            if not kept:
                return answer

    def _refused(self, answer: Answer) -> DeliveryError:
        return refusal(self._address, answer, datetime.now(timezone.utc))


def md5(body: bytes) -> str:
    """The service's check of transport, no protection against anyone."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _lasting(bundle: BundleInfo, overwrite: bool) -> dict[str, str]:
    """What stays beside the blob, for whoever lists the container."""
    labels = {"id": bundle.id, **dict(bundle.labels), "sha256": bundle.sha256}
    headers = {f"x-ms-meta-{name}": _header(value) for name, value in labels.items() if _header(value)}
    headers["x-ms-blob-content-type"] = "application/zip"
    return headers if overwrite else headers | {"If-None-Match": "*"}


def _header(value: str) -> str:
    """What may stand in a header: printable ASCII."""
    return "".join(char if " " <= char <= "~" else "?" for char in value).strip()[:_MOST_LABEL]
