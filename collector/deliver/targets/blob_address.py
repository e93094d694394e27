"""Addresses of Azure Blob Storage: which they are, and where in them a bundle goes. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

from collector.errors import ConfigError

#: Says that an address is one of Azure Blob although its host does not show it (a name of one's own, Azurite).
SCHEME = "blob+"
#: ACCOUNT.blob.core.windows.net, its other clouds, and ACCOUNT.z01.blob.storage.azure.net.
_HOST = re.compile(r"^[a-z0-9-]+(\.z\d+)?\.(privatelink\.)?blob\.([a-z0-9-]+\.)+[a-z]+$")
_IP = re.compile(r"^[\d.]+$|:")
_CONTAINER = re.compile(r"^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$|^\$root$")
_TIMES = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, slots=True)
class BlobAddress:
    """Of a container, a folder in it, or, by a SAS for one blob, of that blob alone."""

    place: str  # without query, no slash at its end; may be shown
    sas: str = field(repr=False)  # the query; "" for a managed identity
    is_one_blob: bool

    def blob(self, name: str) -> str:
        """The address of a bundle, without the query."""
        return self.place if self.is_one_blob else f"{self.place}/{name}.zip"

    def signed(self, blob: str, query: str = "") -> str:
        """To be asked and never to be shown."""
        both = "&".join(part for part in (query, self.sas) if part)
        return f"{blob}?{both}" if both else blob

    @property
    def start(self) -> datetime | None:
        return self._time("st")

    @property
    def end(self) -> datetime | None:
        return self._time("se")

    def _time(self, key: str) -> datetime | None:
        text = parse_qs(self.sas).get(key, [""])[0]
        for form in _TIMES:
            try:
                return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
            except ValueError:
                continue
        return None


def is_blob(parts: SplitResult) -> bool:
    """Whether this is Azure Blob: by its scheme, by a SAS, or by its host."""
    if parts.scheme.startswith(SCHEME):
        return True
    keys = parse_qs(parts.query).keys()
    return ("sig" in keys and "sv" in keys) or bool(_HOST.match(parts.hostname or ""))


def blob_address(url: str) -> BlobAddress:
    """Raises ConfigError that names what is wrong and never the signature."""
    parts = urlsplit(url.removeprefix(SCHEME) if url.startswith(SCHEME) else url)
    host = parts.hostname or ""
    names = [quote(unquote(part), safe="-_.~!$'()*,;=:@+") for part in parts.path.split("/") if part]
    leading = (
        1 if host == "localhost" or _IP.search(host) else 0
    )  # of a host without a name, the account is in the path
    if len(names) <= leading:
        raise ConfigError(
            "--upload: the address of Azure Blob names no container",
            "Give https://ACCOUNT.blob.core.windows.net/CONTAINER[/FOLDER]?SAS.",
        )
    if not _CONTAINER.match(unquote(names[leading])):
        raise ConfigError(f"--upload: {unquote(names[leading])!r} can't be the name of a container of Azure Blob")
    query = parse_qs(parts.query)
    if parts.query and "sig" not in query:
        raise ConfigError(
            "--upload: the SAS of the address has no sig",
            "Quote the whole URL: an unquoted & ends it in most shells.",
        )
    of_one = query.get("sr", [""])[0] == "b"
    if of_one and len(names) <= leading + 1:
        raise ConfigError("--upload: the SAS is for one blob (sr=b), and the address names none")
    permitted = query.get("sp", [""])[0]
    if permitted and not set(permitted) & {"c", "w"}:
        raise ConfigError(
            f"--upload: the SAS permits no writing (sp={permitted})", "Make one with sp=rcw, or sp=cw without reading."
        )
    return BlobAddress(f"{parts.scheme}://{parts.netloc}/{'/'.join(names)}", parts.query, of_one)
