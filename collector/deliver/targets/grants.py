"""A bundle that goes past our endpoint, into its store, where the endpoint gives leave to; the endpoint then takes it
from there and gives the receipt."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from collector.deliver.targets.network import Network
from collector.deliver.targets.proof import ASKED, proven
from collector.deliver.targets.store import Until, ask
from collector.deliver.targets.wire import Answer, Wire
from collector.errors import DeliveryError
from collector.model import BundleInfo
from collector.platforms.azure import MetadataService

log = logging.getLogger(__name__)

_HEADER = re.compile(r"x-(ms|amz)-[a-z0-9-]{1,60}")
#: Statuses by which the endpoint says that what lies in the store is not the bundle, or is not there.
_NOT_THERE = (404, 409, 422)


class Grants:
    """Wishes for no more of them once one was of no use: a firewall may let through the endpoint alone."""

    def __init__(self, network: Network, service: MetadataService) -> None:
        self._network = network
        self._service = service
        self.are_wished = True

    def use(self, wire: Wire, bundle: BundleInfo, grant: object) -> Answer | None:
        """The endpoint's receipt; None where the bundle is to be sent to the endpoint itself.

        Raises DeliveryError where the file can't be read, the time is over, or the endpoint does not answer.
        """
        answer = self._used(wire, bundle, grant)
        self.are_wished = answer is not None
        return answer

    def _used(self, wire: Wire, bundle: BundleInfo, grant: object) -> Answer | None:
        if not isinstance(grant, Mapping):
            return None
        url, headers = grant.get("url"), grant.get("headers")
        if not isinstance(url, str) or not isinstance(headers, Mapping) or not self._may(url, wire):
            return None
        if grant.get("is_there") is not True and not self._put(wire, bundle, url, headers):
            return None
        path = f"/v1/grants/{bundle.sha256}/confirm"
        answer = proven(lambda more: wire.ask("POST", path, b"", more, also=(*_NOT_THERE, ASKED)), self._service)
        if answer.status in _NOT_THERE:
            log.info("the bundle %s did not get into the endpoint's store whole", bundle.id)
            return None
        return answer

    def _put(self, wire: Wire, bundle: BundleInfo, url: str, headers: Mapping[object, object]) -> bool:
        """Our token stays here; only what the store asks for goes with the bundle."""
        sent = {"Content-Type": "application/zip", "Content-Length": str(bundle.bytes)}
        sent |= {str(name): str(value) for name, value in headers.items() if _HEADER.fullmatch(str(name).lower())}
        try:
            with bundle.path.open("rb") as stream:
                until = Until(wire.end, wire.clock)
                answer = ask("PUT", url, sent, stream, until=until, network=self._network)
        except OSError as error:
            raise DeliveryError(f"{bundle.path} can't be read: {error.strerror}", retry=False) from None
        except DeliveryError as error:
            log.info("the bundle goes to the endpoint itself, since its store can't be reached: %s", error)
            return False
        if answer.status not in (200, 201):
            log.info("the bundle goes to the endpoint itself, since its store answered %s", answer.named)
            return False
        return True

    def _may(self, url: str, wire: Wire) -> bool:
        """Encrypted, or to this machine where the endpoint is on it too."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and wire.is_plain))
