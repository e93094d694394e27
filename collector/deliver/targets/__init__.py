"""Where bundles go, chosen by URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from collector.errors import ConfigError
from collector.model import BundleInfo, Delivery

if TYPE_CHECKING:
    from collector.deliver.targets.network import Network


class Target(Protocol):
    """A receiver of bundles. `name` is its address as people may see it."""

    name: str

    def put(self, bundle: BundleInfo, timeout: float) -> Delivery:
        """Sends one bundle; all of it ends within `timeout` seconds, and a single wait well before that.

        Raises DeliveryError, RefusedError where the receiver will never take this bundle.
        """


def target_for(url: str, token: str | None, *, ca_bundle: str | None = None, network: Network | None = None) -> Target:
    """The target of a URL. Raises ConfigError for one that can't be used."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"--upload: {url!r} is no address of an endpoint", "Give https://HOST[:PORT].")
    if parts.username or parts.password:
        raise ConfigError("--upload: the address must not hold a password", "Put the token into a file: --token-file.")
    if parts.scheme == "http" and token and not _is_loopback(parts.hostname):
        raise ConfigError(
            f"--upload: the token would cross the network unencrypted to {parts.hostname}",
            "Use https:// for another machine.",
        )
    from collector.deliver.targets.http import HttpTarget
    from collector.deliver.targets.network import Network

    network = network or Network(ca_bundle)
    network.check()
    return HttpTarget(url.rstrip("/"), token, network)


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host == "::1" or host.startswith("127.")
