"""Where bundles go, chosen by URL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import urlsplit

from collector.deliver.targets.blob_address import SCHEME as BLOB
from collector.deliver.targets.blob_address import blob_address, is_blob
from collector.deliver.targets.folder_address import folder_of
from collector.deliver.targets.s3_address import check_signed, is_presigned
from collector.errors import ConfigError
from collector.model import BundleInfo, Delivery

if TYPE_CHECKING:
    from collector.deliver.targets.network import Network

Kind = Literal["endpoint", "blob", "s3", "folder"]

_ADDRESSES = (
    "Give https://HOST[:PORT] of an endpoint, the SAS URL of a container of Azure Blob, its URL without SAS for the "
    "managed identity, a presigned PUT URL of S3, or file:///FOLDER."
)


class Target(Protocol):
    """A receiver of bundles. `name` is its address as people may see it."""

    name: str

    def put(self, bundle: BundleInfo, timeout: float) -> Delivery:
        """Sends one bundle within `timeout` seconds as far as that is in its hands: whoever sends waits no longer.

        Raises DeliveryError, RefusedError where the receiver will never take this bundle.
        """


def target_for(
    url: str,
    token: str | None,
    *,
    ca_bundle: str | None = None,
    network: Network | None = None,
    identity_client_id: str | None = None,
    identity_resource_id: str | None = None,
) -> Target:
    """The target of a URL. Raises ConfigError for one that can't be used; nothing is asked yet."""
    kind = kind_of(url, token)
    if kind == "folder":
        from collector.deliver.targets.folder import FolderTarget

        return FolderTarget(folder_of(url) or "")
    from collector.deliver.targets.network import Network

    network = network or Network(ca_bundle)
    network.check()
    if kind == "endpoint":
        from collector.deliver.targets.http import HttpTarget

        return HttpTarget(url.rstrip("/"), token, network)
    if kind == "s3":
        from collector.deliver.targets.s3 import S3Target

        return S3Target(url, network)
    from collector.deliver.targets.blob import BlobTarget
    from collector.deliver.targets.identity import ManagedIdentity

    return BlobTarget(url, ManagedIdentity(identity_client_id, identity_resource_id), network)


def kind_of(url: str, token: str | None) -> Kind:
    """What a URL is the address of. Raises ConfigError that never holds a signature or a password. Cheap."""
    try:
        if folder_of(url):
            return "folder"
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is none
    except ValueError:
        raise ConfigError(f"--upload: {shown(url)!r} is no address", _ADDRESSES) from None
    scheme = parts.scheme.removeprefix(BLOB)
    if scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"--upload: {shown(url)!r} is no address that bundles can be sent to", _ADDRESSES)
    if parts.username or parts.password:
        raise ConfigError("--upload: the address must not hold a password", "Put the token into a file: --token-file.")
    kind: Kind = "blob" if is_blob(parts) else "s3" if is_presigned(parts) else "endpoint"
    if scheme == "http" and (token or kind != "endpoint") and not is_loopback(parts.hostname):
        what = "token" if kind == "endpoint" else "signature or identity"
        raise ConfigError(
            f"--upload: the {what} would cross the network unencrypted to {parts.hostname}",
            "Use https:// for another machine.",
        )
    if kind == "blob":
        blob_address(url)
    elif kind == "s3":
        check_signed(parts)
    elif parts.query:
        raise ConfigError(
            f"--upload: {shown(url)} with a query is neither an endpoint, a SAS URL nor a presigned URL",
            "Quote the whole URL: an unquoted & ends it in most shells.",
        )
    return kind


def shown(url: str) -> str:
    """An address as people may see it: without query and password."""
    start = re.split(r"[?#]", url, maxsplit=1)[0]
    return re.sub(r"(?<=//)[^/]*@", "", start)


def is_loopback(host: str) -> bool:
    """Whether what is sent to this host stays on this machine."""
    return host == "localhost" or host == "::1" or host.startswith("127.")
