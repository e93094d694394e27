"""Our own endpoint: small bundles in one PUT, others in blocks; both are answered with a receipt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from collector.deliver.targets.blocks import Blocks, NoBlocksError
from collector.deliver.targets.grants import Grants
from collector.deliver.targets.network import Network
from collector.deliver.targets.proof import ASKED, proven
from collector.deliver.targets.wire import Answer, Body, Wire, digest
from collector.errors import DeliveryError
from collector.model import BundleInfo, Delivery
from collector.platforms.azure import MetadataService

#: Above this a bundle goes in blocks.
ONE_PUT_BYTES = 512 << 10


class HttpTarget:
    """Speaks the protocol of docs/delivery.md."""

    def __init__(
        self, url: str, token: str | None, network: Network, *, service: MetadataService | None = None
    ) -> None:
        self.name = url
        self._token = token
        self._network = network
        self._service = service or MetadataService(timeout=5.0)
        self._blocks = Blocks(Grants(network, self._service), self._service)

    def put(self, bundle: BundleInfo, timeout: float) -> Delivery:
        with Wire(self.name, self._token, self._network, timeout) as wire:
            answer = self._in_blocks(wire, bundle) if bundle.bytes > ONE_PUT_BYTES else self._whole(wire, bundle)
        return self._delivery(bundle, answer)

    def _whole(self, wire: Wire, bundle: BundleInfo) -> Answer:
        headers = {"Content-Type": "application/zip", "Repr-Digest": digest(bytes.fromhex(bundle.sha256))}

        def ask(more: Mapping[str, str]) -> Answer:
            try:
                body = Body(bundle.path, 0, bundle.bytes, wire)
            except OSError as error:
                raise DeliveryError(f"{bundle.path} can't be read: {error.strerror}", retry=False) from None
            return wire.ask("PUT", f"/v1/bundles/{bundle.id}", body, {**headers, **more}, also=(ASKED,))

        return proven(ask, self._service)

    def _in_blocks(self, wire: Wire, bundle: BundleInfo) -> Answer:
        try:
            return self._blocks.send(wire, bundle)
        except NoBlocksError:  # an endpoint of before
            return self._whole(wire, bundle)

    def _delivery(self, bundle: BundleInfo, answer: Answer) -> Delivery:
        try:
            receipt = answer.document or {}
            received = datetime.fromisoformat(str(receipt["received"]).replace("Z", "+00:00"))
            named = (receipt["id"], receipt["sha256"])
        except (ValueError, KeyError):
            raise DeliveryError("the endpoint's answer is no receipt; the bundle does not count as delivered") from None
        if named != (bundle.id, bundle.sha256):
            raise DeliveryError("the endpoint's receipt names another hash; the bundle does not count as delivered")
        return Delivery("delivered", self.name, received=received.astimezone(timezone.utc))
