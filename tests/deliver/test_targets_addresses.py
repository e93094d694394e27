"""Which address means which target, and what is said of those that can't be used; no signature is ever in it."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from pathlib import PurePath, PurePosixPath, PureWindowsPath

import pytest

from collector.deliver.targets import kind_of, shown
from collector.deliver.targets.blob_address import blob_address
from collector.deliver.targets.blob_faults import refusal
from collector.deliver.targets.folder_address import folder_of
from collector.deliver.targets.store import Answer, validity
from collector.errors import ConfigError
from tests.collecting import vmext

ACCOUNT = "https://account.blob.core.windows.net"
SAS = "sv=2024-11-04&se=2026-11-26T09%3A00%3A00Z&sr=c&sp=rcw&sig=S3cr%2Bt%3D"
NOW = datetime(2026, 11, 26, 8, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://collector.example.com", "endpoint"),
        ("https://collector.example.com/site", "endpoint"),
        ("http://127.0.0.1:8080", "endpoint"),
        (f"{ACCOUNT}/bundles?{SAS}", "blob"),
        (f"{ACCOUNT}/bundles/site/web?{SAS}", "blob"),
        (f"{ACCOUNT}/bundles", "blob"),
        ("https://account.z01.blob.storage.azure.net/bundles", "blob"),
        ("https://account.blob.core.usgovcloudapi.net/bundles", "blob"),
        ("https://account.blob.core.chinacloudapi.cn/bundles", "blob"),
        ("https://account.privatelink.blob.core.windows.net/bundles", "blob"),
        (f"https://logs.example.com/bundles?{SAS}", "blob"),
        ("blob+https://logs.example.com/bundles", "blob"),
        (f"http://127.0.0.1:10000/devstoreaccount1/bundles?{SAS}", "blob"),
        ("https://b.s3.amazonaws.com/a.zip?X-Amz-Algorithm=x&X-Amz-Signature=1&X-Amz-SignedHeaders=host", "s3"),
        ("https://s3.example.com/b/a.zip?AWSAccessKeyId=A&Signature=B&Expires=1", "s3"),
    ],
)
def test_the_kind_of_an_address(url: str, kind: str):
    assert kind_of(url, None) == kind


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://x/y?sig=S3cr", "is no address"),
        ("x", "is no address"),
        ("https://", "is no address"),
        ("https://host:port/", "is no address"),
        ("https://[::1/", "is no address"),
        (f"{ACCOUNT}?{SAS}", "names no container"),
        (f"{ACCOUNT}/Big_Names?{SAS}", "can't be the name of a container"),
        (f"http://127.0.0.1:10000/devstoreaccount1?{SAS}", "names no container"),
        (f"{ACCOUNT}/bundles?sv=2024-11-04", "has no sig"),
        (f"{ACCOUNT}/bundles?{SAS.replace('sp=rcw', 'sp=rl')}", r"permits no writing \(sp=rl\)"),
        (f"{ACCOUNT}/bundles?{SAS.replace('sr=c', 'sr=b')}", "the address names none"),
        (f"http://account.blob.core.windows.net/bundles?{SAS}", "unencrypted"),
        ("http://b.s3.amazonaws.com/a?X-Amz-Signature=S3cr", "unencrypted"),
        ("https://b.s3.amazonaws.com/a?X-Amz-Signature=S3cr&X-Amz-SignedHeaders=host%3Bx-amz-acl", "header x-amz-acl"),
        ("https://collector.example.com/?sig=S3cr", "neither an endpoint"),
        ("https://user:S3cr@collector.example.com", "must not hold a password"),
        ("./folder", "not told in full"),
        ("file:folder", "no whole path"),
    ],
)
def test_an_address_that_can_not_be_used(url: str, says: str):
    with pytest.raises(ConfigError, match=says) as error:
        kind_of(url, None)
    assert "S3cr" not in f"{error.value} {error.value.hint}"


@pytest.mark.parametrize("command", [("collect", "--root", "."), ("upload",)], ids=["collect", "upload"])
def test_a_wrong_address_ends_a_command_before_it_begins(tmp_path, command):
    result = vmext(*command, "--state-dir", tmp_path / "state", "--upload", "ftp://host/x?sig=S3cr")
    assert (result.code, result.out) == (2, "")
    assert "'ftp://host/x' is no address that bundles can be sent to" in result.err
    assert "S3cr" not in result.err
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("url", "place", "blob"),
    [
        (f"{ACCOUNT}/bundles?{SAS}", f"{ACCOUNT}/bundles", f"{ACCOUNT}/bundles/ID.zip"),
        (f"{ACCOUNT}/bundles/?{SAS}", f"{ACCOUNT}/bundles", f"{ACCOUNT}/bundles/ID.zip"),
        (f"{ACCOUNT}/bundles/a b/%C3%A9?{SAS}", f"{ACCOUNT}/bundles/a%20b/%C3%A9", f"{ACCOUNT}/bundles/a%20b/%C3%A9/ID.zip"),
        (f"{ACCOUNT}/bundles/x.zip?{SAS.replace('sr=c', 'sr=b')}", f"{ACCOUNT}/bundles/x.zip", f"{ACCOUNT}/bundles/x.zip"),
    ],
)  # fmt: skip
def test_where_a_bundle_goes(url: str, place: str, blob: str):
    address = blob_address(url)
    assert (address.place, address.blob("ID")) == (place, blob)
    assert "S3cr" not in repr(address) + shown(url)
    assert "sig=S3cr%2Bt%3D" in address.signed(blob, "comp=block")


POSIX, WINDOWS = PurePosixPath, PureWindowsPath


@pytest.mark.parametrize(
    ("url", "flavour", "folder"),
    [
        ("file:///srv/bundles", POSIX, "/srv/bundles"),
        ("file://localhost/srv/a%20b", POSIX, "/srv/a b"),
        ("FILE:///srv/", POSIX, "/srv"),
        ("/srv/bundles", POSIX, "/srv/bundles"),
        ("https://host/", POSIX, None),
        ("file:///C:/bundles/a%20b", WINDOWS, "C:\\bundles\\a b"),
        ("file://server/share/bundles", WINDOWS, "\\\\server\\share\\bundles"),
        ("C:\\bundles", WINDOWS, "C:\\bundles"),
        ("c:/bundles", WINDOWS, "c:/bundles"),
        ("\\\\server\\share\\bundles", WINDOWS, "\\\\server\\share\\bundles"),
        ("https://host/", WINDOWS, None),
    ],
)
def test_addresses_of_folders(url: str, flavour: type[PurePath], folder: str | None):
    assert folder_of(url, flavour) == folder


@pytest.mark.parametrize(
    ("url", "flavour", "says"),
    [
        ("C:\\bundles", POSIX, "a folder of Windows"),
        ("\\\\server\\share\\x", POSIX, "a folder of Windows"),
        ("file://server/share", POSIX, "another machine"),
        ("../bundles", POSIX, "not told in full"),
        ("\\bundles", WINDOWS, "not told in full"),
        ("/bundles", WINDOWS, "not told in full"),
        ("file:///bundles", WINDOWS, "no whole path"),
        ("file:///srv?x=1", POSIX, "no whole path"),
    ],
)
def test_folders_that_can_not_be_meant(url: str, flavour: type[PurePath], says: str):
    with pytest.raises(ConfigError, match=says):
        folder_of(url, flavour)


def test_this_system_s_own_folders(tmp_path):
    assert folder_of(str(tmp_path)) == str(tmp_path)
    assert folder_of(tmp_path.as_uri()) == str(tmp_path)
    assert kind_of(tmp_path.as_uri(), None) == "folder"
    with pytest.raises(ConfigError, match="not told in full" if sys.platform == "win32" else "a folder of Windows"):
        kind_of("\\folder" if sys.platform == "win32" else "C:\\folder", None)


# ---- refusals of Azure Blob that Azurite never gives ---------------------------------------------------


def answer(status: int, code: str, **headers: str) -> Answer:
    return Answer(status, {"Date": "Thu, 26 Nov 2026 08:00:00 GMT", **headers}, code, b"")


WITH_SAS, WITH_IDENTITY = blob_address(f"{ACCOUNT}/bundles?{SAS}"), blob_address(f"{ACCOUNT}/bundles")


@pytest.mark.parametrize(
    ("address", "status", "code", "says", "hint", "retry"),
    [
        (WITH_IDENTITY, 403, "AuthorizationPermissionMismatch", "may not write there", "Storage Blob Data Contributor", False),
        (WITH_IDENTITY, 401, "InvalidAuthenticationInfo", "token is not accepted", "tenant", False),
        (WITH_IDENTITY, 403, "AuthorizationFailure", "most often by its firewall", "networking", False),
        (WITH_SAS, 403, "AuthenticationFailed", "signature does not match", "copied whole", False),
        (WITH_SAS, 403, "AuthorizationPermissionMismatch", "does not permit it", "sp=rcw", False),
        (WITH_SAS, 403, "AuthorizationSourceIPMismatch", "not for this machine's address", "SAS", False),
        (WITH_SAS, 403, "KeyBasedAuthenticationNotPermitted", "permits no SAS made with its key", "user delegation", False),
        (WITH_SAS, 404, "ContainerNotFound", "no such container", "Make it", False),
        (WITH_SAS, 409, "ContainerBeingDeleted", r"409 ContainerBeingDeleted", "", True),
        (WITH_SAS, 400, "Md5Mismatch", r"400 Md5Mismatch", "", True),
        (WITH_SAS, 500, "OperationTimedOut", "500 OperationTimedOut", "", True),
        (WITH_SAS, 503, "ServerBusy", "503 ServerBusy", "", True),
        (WITH_SAS, 301, "", "redirects", "own address", False),
        (WITH_SAS, 400, "InvalidHeaderValue", "400 InvalidHeaderValue", "", False),
    ],
)  # fmt: skip
def test_a_refusal_says_what_to_do(address, status, code, says, hint, retry):
    error = refusal(address, answer(status, code), NOW)
    assert says in str(error)
    assert hint in error.hint
    assert error.retry == retry
    assert "S3cr" not in str(error) + error.hint


@pytest.mark.parametrize(
    ("value", "seconds"), [("17", 17.0), ("Thu, 26 Nov 2026 08:00:30 GMT", 30.0), ("soon", None), ("", None)]
)
def test_the_store_says_how_long_to_wait_by_its_own_clock(value: str, seconds: float | None):
    assert refusal(WITH_SAS, answer(503, "ServerBusy", **{"Retry-After": value}), NOW).retry_after == seconds


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("start", "end", "theirs", "ours", "says"),
    [
        (None, None, NOW, NOW, ""),
        (NOW - HOUR, NOW + HOUR, NOW, NOW, ""),
        (NOW - HOUR, NOW + HOUR, NOW, NOW + 5 * HOUR, ""),  # the store's clock counts
        (None, NOW - HOUR, NOW, NOW, "it expired at 2026-11-26 07:00 UTC"),
        (NOW + HOUR, None, NOW, NOW, "it is valid only from 2026-11-26 09:00 UTC on"),
        (NOW + HOUR, None, NOW, NOW + HOUR,
            "it is valid only from 2026-11-26 09:00 UTC on, and this machine's clock is 60 minutes ahead of the store's"),
        (None, NOW - HOUR, NOW, NOW - 2 * HOUR,
            "it expired at 2026-11-26 07:00 UTC, and this machine's clock is 120 minutes behind the store's"),
        (None, NOW - HOUR, None, NOW, "it expired at 2026-11-26 07:00 UTC"),
    ],
)  # fmt: skip
def test_why_a_signed_address_is_not_valid(start, end, theirs, ours, says):
    assert validity(start, end, theirs, ours) == says
