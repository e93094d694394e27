"""Azure Blob: whole or in blocks, never over what is there, delivered when the stored hash was read back."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import timezone

from collector.deliver.targets.blob_address import blob_address
from collector.deliver.targets.blob_blocks import cut
from collector.deliver.targets.blob_service import BlobService, md5
from collector.deliver.targets.identity import ManagedIdentity
from collector.deliver.targets.network import Network
from collector.deliver.targets.store import Answer, Until, moment
from collector.errors import DeliveryError
from collector.model import BundleInfo, Delivery

#: Larger bundles go in blocks, so that a broken upload goes on where it broke.
WHOLE = 512 << 10


class BlobTarget:
    def __init__(
        self,
        url: str,
        identity: ManagedIdentity | None = None,
        network: Network | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`identity` is asked where the address holds no SAS. Raises ConfigError for an address that can't be used."""
        self._address = blob_address(url)
        self.name = self._address.place
        self._identity = None if self._address.sas else identity or ManagedIdentity()
        self._network = network or Network()
        self._clock = clock

    def put(self, bundle: BundleInfo, timeout: float) -> Delivery:
        """All of it ends within `timeout` seconds; of a large bundle the next call goes on from there."""
        blob = self._address.blob(bundle.id)
        until = Until(self._clock() + timeout, self._clock)
        service = BlobService(self._address, blob, self._identity, self._network, until)
        try:
            found = self._found(service, bundle, blob) if bundle.bytes > WHOLE else None
            return found or self._sent(service, bundle, blob)
        except OSError as error:
            raise DeliveryError(f"{bundle.path} can't be read: {error.strerror}", retry=False) from None

    def _sent(self, service: BlobService, bundle: BundleInfo, blob: str) -> Delivery:
        """The receipt: what is stored, or, where that may not be read, that the service took what it checked."""
        answer = _store(service, bundle, overwrite=False)
        found = self._found(service, bundle, blob)
        if found:
            return found
        if answer is None:
            answer = self._again(service, bundle, blob)
        return self._delivered(answer)

    def _again(self, service: BlobService, bundle: BundleInfo, blob: str) -> Answer:
        """The blob exists and may not be read. Its name is made of its content, so the same may be written again."""
        hint = "Make a SAS with sp=rcw, so that what is stored can be read back."
        if self._address.is_one_blob:
            raise DeliveryError(f"{blob} exists already, and the SAS does not let it be compared", hint, retry=False)
        answer = _store(service, bundle, overwrite=True)
        if answer is None:
            what = "exists already, and the SAS lets it neither be read nor written"
            raise DeliveryError(f"{blob} {what}", hint, retry=False)
        return answer

    def _found(self, service: BlobService, bundle: BundleInfo, blob: str) -> Delivery | None:
        """The receipt, from what is stored; None if nothing is, or if it may not be read."""
        answer = service.properties()
        if answer is None:
            return None
        told = answer.headers.get("x-ms-meta-sha256")
        if told is None and bundle.bytes <= WHOLE:  # stored by another tool: then the service's own hash counts
            same = answer.headers.get("Content-MD5") == md5(bundle.path.read_bytes())
        else:
            same = told == bundle.sha256
        if not same or answer.headers.get("Content-Length") != str(bundle.bytes):
            hint = "Move that blob away, then send again."
            if self._address.is_one_blob:
                hint = "The SAS is for one blob: give one of a container."
            raise DeliveryError(f"{blob} exists already and is not this bundle", hint, retry=False)
        return self._delivered(answer)

    def _delivered(self, answer: Answer) -> Delivery:
        received = moment(answer.headers.get("Last-Modified")) or answer.date
        return Delivery("delivered", self.name, received=received.astimezone(timezone.utc) if received else None)


def _store(service: BlobService, bundle: BundleInfo, overwrite: bool) -> Answer | None:
    """None if there is a blob of that name already. Raises DeliveryError, OSError."""
    if bundle.bytes > WHOLE:
        return _in_blocks(service, bundle, overwrite)
    body = bundle.path.read_bytes()
    _same(bundle, hashlib.sha256(body).hexdigest())
    return service.put_whole(bundle, body, overwrite)


def _in_blocks(service: BlobService, bundle: BundleInfo, overwrite: bool) -> Answer | None:
    """Only the blocks that are not there yet; what has arrived stays for the next try."""
    blocks, digest, sha256 = cut(bundle.path)
    _same(bundle, sha256)
    there = service.waiting_blocks()
    missing = [block for block in blocks if there.get(block.id) != block.size]
    done = len(blocks) - len(missing)
    try:
        for block in missing:
            service.put_block(block, block.read(bundle.path))
            done += 1
        return service.put_list(bundle, blocks, digest, overwrite)
    except DeliveryError as error:
        if error.retry and done:
            error.args = (f"{error}, after {done} of {len(blocks)} blocks; the next try goes on",)
        raise


def _same(bundle: BundleInfo, sha256: str) -> None:
    if sha256 != bundle.sha256:
        raise DeliveryError(f"{bundle.path} has changed since it was written", retry=False)
