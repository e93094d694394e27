"""A bundle in blocks. The endpoint keeps what has arrived; we ask where it stands and go on from there."""

from __future__ import annotations

import hashlib
import json
import logging

from collector.deliver.targets.grants import Grants
from collector.deliver.targets.proof import ASKED, proven
from collector.deliver.targets.wire import Answer, Body, Wire, digest
from collector.errors import DeliveryError
from collector.model import BundleInfo
from collector.platforms.azure import MetadataService

log = logging.getLogger(__name__)

_FIRST_BLOCK, _LEAST_BLOCK = 256 << 10, 64 << 10
#: Times that the endpoint may send us back without anything new before that counts as a fault.
_MOST_TURNS = 3


class NoBlocksError(Exception):
    """The endpoint does not take blocks."""


class Blocks:
    """Remembers the size of blocks that this link carries; it shrinks where one fails."""

    def __init__(self, grants: Grants, service: MetadataService) -> None:
        self._size = _FIRST_BLOCK
        self._grants = grants
        self._service = service

    def send(self, wire: Wire, bundle: BundleInfo) -> Answer:
        """Sends what is missing, then commits. Raises DeliveryError, NoBlocksError."""
        turns = 0
        furthest = -1
        while True:
            state = self._begin(wire, bundle)
            if "grant" in state and self._grants.are_wished:
                answer = self._grants.use(wire, bundle, state["grant"])
                if answer is not None:
                    return answer
                continue  # the next announcement wishes for none
            if "receipt" in state:
                return Answer(200, state["receipt"] if isinstance(state["receipt"], dict) else None)
            offset = _offset(state, bundle)
            turns = turns + 1 if offset <= furthest else 0
            furthest = max(furthest, offset)
            if offset:
                log.info("%s goes on at %s of %s bytes", bundle.id, offset, bundle.bytes)
            try:
                self._rest(wire, bundle, offset)
                answer = self._commit(wire, bundle)
            except DeliveryError as error:
                self._size = max(_LEAST_BLOCK, self._size // 2)
                if not error.retry or error.retry_after is not None or turns:
                    raise
                furthest = max(furthest, offset)
                continue  # something new may have arrived before it broke: ask, and go on at once
            if answer.status in (200, 201):
                return answer
            if turns >= _MOST_TURNS:
                raise DeliveryError("the endpoint sends the upload back again and again")

    def _commit(self, wire: Wire, bundle: BundleInfo) -> Answer:
        path = f"/v1/uploads/{bundle.sha256}/commit"
        return proven(lambda more: wire.ask("POST", path, b"", more, also=(404, 409, ASKED)), self._service)

    def _begin(self, wire: Wire, bundle: BundleInfo) -> dict[str, object]:
        announced: dict[str, object] = {"id": bundle.id, "bytes": bundle.bytes, "sha256": bundle.sha256}
        if self._grants.are_wished:
            announced["grant"] = True
        about = json.dumps(announced).encode()
        headers = {"Content-Type": "application/json", "Content-Digest": digest(hashlib.sha256(about).digest())}
        answer = wire.ask("POST", "/v1/uploads", about, headers, also=(404, 405))
        if answer.status in (404, 405):
            raise NoBlocksError
        return answer.document or {}

    def _rest(self, wire: Wire, bundle: BundleInfo, offset: int) -> None:
        """Every block from `offset` on. Ends early where the endpoint knows of no upload any more."""
        while offset < bundle.bytes:
            size = min(self._size, bundle.bytes - offset)
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Range": f"bytes {offset}-{offset + size - 1}/{bundle.bytes}",
            }
            try:
                with bundle.path.open("rb") as stream:
                    stream.seek(offset)
                    headers["Content-Digest"] = digest(hashlib.sha256(stream.read(size)).digest())
                body = Body(bundle.path, offset, size, wire)
            except OSError as error:
                raise DeliveryError(f"{bundle.path} can't be read: {error.strerror}", retry=False) from None
            answer = wire.ask("PUT", f"/v1/uploads/{bundle.sha256}", body, headers, also=(404, 409))
            told = _offset(answer.document or {}, bundle) if answer.status != 404 else 0
            if answer.status == 404 or told <= offset:
                return
            offset = told


def _offset(document: dict[str, object], bundle: BundleInfo) -> int:
    offset = document.get("offset")
    if not isinstance(offset, int) or not 0 <= offset <= bundle.bytes:
        raise DeliveryError("the endpoint does not say where the upload stands")
    return offset
