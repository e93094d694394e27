"""Which place or store an address names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from collector.deliver.targets.blob_address import SCHEME as BLOB
from collector.deliver.targets.blob_address import is_blob
from collector.deliver.targets.folder_address import folder_of
from collector.endpoint.stores.cache import Cache
from collector.endpoint.stores.folder import FolderStore
from collector.endpoint.stores.folder_place import FolderPlace
from collector.endpoint.stores.place import Place
from collector.endpoint.stores.store import Store
from collector.errors import ConfigError

if TYPE_CHECKING:
    from obstore.store import AzureStore, S3Store

    from collector.endpoint.stores.bucket import Bucket

_FORMS = "Give az://CONTAINER[/FOLDER], s3://BUCKET[/FOLDER], a container's SAS URL, or a folder."
_CREDENTIALS = "Credentials come from the environment: AZURE_STORAGE_..., AWS_..., or the machine's own identity."
#: The schemes of an address, and the variables by which the environment may name another service.
_AZURE, _S3 = ("az", "azure", "abfs", "abfss"), ("s3", "s3a")
_ENDPOINTS = {
    **dict.fromkeys(_AZURE, ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")),
    **dict.fromkeys(_S3, ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")),
}


def store_of(url: str | None, data: Path, cache: Cache) -> Store:
    """The store that an endpoint keeps its bundles in; None: its data folder. Raises ConfigError, OSError."""
    if url is None:
        return FolderStore(data)
    folder = folder_of(url, option="--store")
    if folder:
        return FolderStore(Path(folder).absolute(), is_shared=True)
    from collector.endpoint.stores.objects import ObjectStore

    return ObjectStore(_bucket(url, "--store"), data, cache)


def place_of(url: str, option: str) -> Place:
    """What to read bundles from. Raises ConfigError that names `option` and never holds a signature."""
    folder = url if "://" not in url and not url.startswith("file:") else folder_of(url, option=option)
    if folder is None:
        return _bucket(url, option)
    path = Path(folder).absolute()
    if not path.is_dir():
        raise ConfigError(f"{option}: there is no folder {path}", _FORMS)
    return FolderPlace(path)


def _bucket(url: str, option: str) -> Bucket:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is none
    except ValueError:
        raise ConfigError(f"{option}: this is no address", _FORMS) from None
    try:
        from obstore.exceptions import BaseError

        from collector.endpoint.stores.bucket import Bucket
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{option} needs {error.name}", "Install it, in a checkout: pip install '.[endpoint]'."
        ) from error
    of_azure, parts = is_blob(parts), parts._replace(scheme=parts.scheme.removeprefix(BLOB))
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    try:
        if parts.scheme in _ENDPOINTS and parts.netloc:
            return Bucket(shown, _named(url, parts.scheme, option))
        if parts.scheme in ("http", "https") and of_azure:
            return Bucket(shown, _signed(parts, option))
    except BaseError as error:
        reason = str(error).splitlines()[0][:200]
        raise ConfigError(f"{option}: {shown} can't be used: {reason}", _CREDENTIALS) from None
    raise ConfigError(f"{option}: {shown} is no address of a store", _FORMS)


def _named(url: str, scheme: str, option: str) -> AzureStore | S3Store:
    """A container or bucket by its name; who may is told by the environment."""
    from obstore.store import AzureStore, S3Store, from_url

    service = next((os.environ[name] for name in _ENDPOINTS[scheme] if os.environ.get(name)), "")
    options: dict[str, Any] = {"client_options": _client(service, option)}
    if service and scheme in _S3:
        options["endpoint"] = service
    store = from_url(url.replace("azure://", "az://", 1), **options)
    assert isinstance(store, (AzureStore, S3Store))
    return store


def _signed(parts: SplitResult, option: str) -> AzureStore:
    """A container by the address that instances send to as well, with a SAS or by the machine's identity."""
    from obstore.store import AzureStore

    query = parts.query.strip()
    if query and "sig" not in parse_qs(query):
        hint = "Quote the whole URL: an unquoted & ends it in most shells."
        raise ConfigError(f"{option}: the SAS of the address has no sig", hint)
    host = parts.hostname or ""
    names = [unquote(part) for part in parts.path.split("/") if part]
    account, service = host.split(".", 1)[0], f"{parts.scheme}://{parts.netloc}"
    if names and ("." not in host or host.replace(".", "").isdigit()):  # the account is in the path, as in Azurite
        account, service = names[0], f"{service}/{names[0]}"
        names = names[1:]
    if not names:
        raise ConfigError(f"{option}: the address names no container", _FORMS)
    options: dict[str, Any] = {"sas_key": query} if query else {}
    return AzureStore(
        names[0],
        prefix="/".join(names[1:]) or None,
        account_name=account,
        endpoint=service,
        client_options=_client(service, option),
        **options,
    )


def _client(service: str, option: str) -> Any:
    """Bounds of each request. Plain HTTP goes to this machine only: what is read and sent tells of the customer."""
    is_plain = service.startswith("http://")
    host = urlsplit(service).hostname or ""
    if is_plain and not (host in ("localhost", "::1") or host.startswith("127.")):
        raise ConfigError(f"{option}: {host} would be spoken to unencrypted", "Use https:// for another machine.")
    return {"allow_http": is_plain, "connect_timeout": "5s", "timeout": "60s"}
