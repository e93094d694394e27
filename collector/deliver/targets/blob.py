"""Azure Blob: whole or in blocks, never over what is there, delivered when the stored hash was read back."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable
from datetime import datetime, timezone
from email.utils import formatdate

from collector.deliver.targets.blob_address import BlobAddress, blob_address
from collector.deliver.targets.blob_blocks import Block, block_list, cut, known_blocks
from collector.deliver.targets.blob_faults import refusal
from collector.deliver.targets.identity import ManagedIdentity
from collector.deliver.targets.store import Answer, Direct, Network, ask, moment
from collector.errors import DeliveryError
from collector.model import BundleInfo, Delivery

#: Old enough for Azure Stack Hub, new enough for blobs of 5,000 MiB in one piece.
_VERSION = "2020-10-02"
#: Larger bundles go in blocks, so that a broken upload goes on where it broke.
WHOLE = 512 << 10
_MOST_LABEL = 256
#: What the service says of a blob that exists already, by the rights of who asks.
_EXISTS = frozenset({"BlobAlreadyExists", "ConditionNotMet", "UnauthorizedBlobOverwrite", "BlobImmutableDueToPolicy"})


class BlobTarget:
    def __init__(
        self,
        url: str,
        identity: ManagedIdentity | None = None,
        network: Network | None = None,
        *,
        whole: int = WHOLE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`identity` is asked where the address holds no SAS. Raises ConfigError for an address that can't be used."""
        self._address: BlobAddress = blob_address(url)
        self.name = self._address.place
        self._identity = None if self._address.sas else identity or ManagedIdentity()
        self._network = network or Direct()
        self._whole, self._clock = whole, clock

    def put(self, bundle: BundleInfo, timeout: float) -> Delivery:
        """In blocks, the whole of it takes about `timeout` seconds at most; the next call goes on from there."""
        blob = self._address.blob(bundle.id)
        if bundle.bytes > self._whole:
            found = self._found(bundle, blob, timeout)
            if found:
                return found
        answer, checked = self._store(bundle, blob, timeout, overwrite=False)
        if answer.code in _EXISTS:
            return self._found(bundle, blob, timeout) or self._again(bundle, blob, timeout)
        return self._found(bundle, blob, timeout) or self._by_answer(answer, checked)

    def _store(self, bundle: BundleInfo, blob: str, timeout: float, *, overwrite: bool) -> tuple[Answer, bool]:
        """The answer, and whether the service told the hash of all that arrived. Raises DeliveryError if refused."""
        try:
            if bundle.bytes > self._whole:
                answer, checked = self._in_blocks(bundle, blob, timeout, overwrite)
            else:
                answer, checked = self._in_one(bundle, blob, timeout, overwrite)
        except OSError as error:
            raise DeliveryError(f"{bundle.path} can't be read: {error.strerror}", retry=False) from None
        if answer.status == 201 or answer.code in _EXISTS:
            return answer, checked
        raise self._refused(answer)

    def _in_one(self, bundle: BundleInfo, blob: str, timeout: float, overwrite: bool) -> tuple[Answer, bool]:
        body = bundle.path.read_bytes()
        _same(bundle, hashlib.sha256(body).hexdigest())
        digest = _md5(body)
        headers = _lasting(bundle, digest, overwrite) | {"x-ms-blob-type": "BlockBlob", "Content-MD5": digest}
        answer = self._ask("PUT", blob, "", headers, body, timeout)
        return answer, answer.headers.get("Content-MD5") == digest

    def _in_blocks(self, bundle: BundleInfo, blob: str, timeout: float, overwrite: bool) -> tuple[Answer, bool]:
        end = self._clock() + timeout
        blocks, digest, sha256 = cut(bundle.path)
        _same(bundle, sha256)
        there = self._uncommitted(blob, timeout)
        missing = [block for block in blocks if there.get(block.id) != block.size]
        for number, block in enumerate(missing):
            if number and self._clock() >= end:  # one at least, so that each try gets on
                done = len(blocks) - len(missing) + number
                raise DeliveryError(f"the time was up after {done} of {len(blocks)} blocks; the next try goes on")
            self._put_block(blob, block, bundle, max(0.5, min(timeout, end - self._clock())))
        headers = _lasting(bundle, digest, overwrite) | {"x-ms-blob-content-md5": digest}
        answer = self._ask("PUT", blob, "comp=blocklist", headers, block_list(blocks), timeout)
        return answer, True

    def _put_block(self, blob: str, block: Block, bundle: BundleInfo, timeout: float) -> None:
        body = block.read(bundle.path)
        digest = _md5(body)
        answer = self._ask("PUT", blob, f"comp=block&blockid={block.query}", {"Content-MD5": digest}, body, timeout)
        if answer.status != 201:
            raise self._refused(answer)
        if answer.headers.get("Content-MD5", digest) != digest:
            raise DeliveryError("Azure Blob stored a block with another hash than was sent")

    def _uncommitted(self, blob: str, timeout: float) -> dict[str, int]:
        """Size by id of the blocks that an upload left that broke. Without the right to read, none are known."""
        answer = self._ask("GET", blob, "comp=blocklist&blocklisttype=uncommitted", {}, None, timeout)
        if answer.status == 200:
            return known_blocks(answer.body)
        if answer.status == 404 and answer.code != "ContainerNotFound":
            return {}
        if answer.status == 403 and answer.code == "AuthorizationPermissionMismatch" and self._address.sas:
            return {}
        raise self._refused(answer)

    def _found(self, bundle: BundleInfo, blob: str, timeout: float) -> Delivery | None:
        """The receipt, from what is stored; None if nothing is, or if it may not be read."""
        answer = self._ask("HEAD", blob, "", {}, None, timeout)
        if answer.status == 404 and answer.code != "ContainerNotFound":
            return None
        if answer.status == 403 and answer.code == "AuthorizationPermissionMismatch" and self._address.sas:
            return None
        if answer.status != 200:
            raise self._refused(answer)
        told = answer.headers.get("x-ms-meta-sha256")
        if told is None and bundle.bytes <= self._whole:  # stored by another tool: then the service's own hash counts
            same = answer.headers.get("Content-MD5") == _md5(bundle.path.read_bytes())
        else:
            same = told == bundle.sha256
        if not same or answer.headers.get("Content-Length") != str(bundle.bytes):
            raise DeliveryError(f"{blob} exists already and is not this bundle", self._other_name(), retry=False)
        return self._delivered(answer)

    def _again(self, bundle: BundleInfo, blob: str, timeout: float) -> Delivery:
        """The blob exists and may not be read. Its name is made of its content, so the same may be written again."""
        hint = "Make a SAS with sp=rcw, so that what is stored can be read back."
        if self._address.is_one_blob:
            raise DeliveryError(f"{blob} exists already, and the SAS does not let it be compared", hint, retry=False)
        answer, checked = self._store(bundle, blob, timeout, overwrite=True)
        if answer.status != 201:
            raise DeliveryError(
                f"{blob} exists already, and the SAS lets it neither be read nor written", hint, retry=False
            )
        return self._by_answer(answer, checked)

    def _by_answer(self, answer: Answer, checked: bool) -> Delivery:
        """The receipt of a SAS that may not read: the service's hash of what arrived."""
        if not checked or not answer.headers.get("ETag"):
            raise DeliveryError("Azure Blob's answer names another hash; the bundle does not count as delivered")
        return self._delivered(answer)

    def _delivered(self, answer: Answer) -> Delivery:
        received = moment(answer.headers.get("Last-Modified")) or answer.date
        return Delivery("delivered", self.name, received=received.astimezone(timezone.utc) if received else None)

    def _ask(
        self, method: str, blob: str, query: str, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Answer:
        """With a token that was kept and is refused, once more with a new one."""
        url = self._address.signed(blob, query)
        while True:
            sent = {"x-ms-version": _VERSION, "x-ms-date": formatdate(usegmt=True), **headers}
            kept = self._identity is not None and self._identity.is_kept
            if self._identity:
                sent["Authorization"] = f"Bearer {self._identity.token()}"
            answer = ask(method, url, sent, body, timeout=timeout, network=self._network)
            if not self._identity or (answer.status != 401 and answer.code != "AuthenticationFailed"):
                return answer
            self._identity.forget()
            if not kept:
                return answer

    def _refused(self, answer: Answer) -> DeliveryError:
        return refusal(self._address, answer, datetime.now(timezone.utc))

    def _other_name(self) -> str:
        return (
            "The SAS is for one blob: give one of a container." if self._address.is_one_blob else "Move that blob away."
        )


def _lasting(bundle: BundleInfo, digest: str, overwrite: bool) -> dict[str, str]:
    """What stays beside the blob, for whoever lists the container."""
    labels = {"id": bundle.id, **dict(bundle.labels), "sha256": bundle.sha256}
    headers = {f"x-ms-meta-{name}": _header(value) for name, value in labels.items() if _header(value)}
    headers["x-ms-blob-content-type"] = "application/zip"
    return headers if overwrite else headers | {"If-None-Match": "*"}


def _header(value: str) -> str:
    """What may stand in a header: printable ASCII."""
    return "".join(char if " " <= char <= "~" else "?" for char in value).strip()[:_MOST_LABEL]


def _md5(body: bytes) -> str:
    """The service's check of transport, no protection against anyone."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _same(bundle: BundleInfo, sha256: str) -> None:
    if sha256 != bundle.sha256:
        raise DeliveryError(f"{bundle.path} has changed since it was written", retry=False)
