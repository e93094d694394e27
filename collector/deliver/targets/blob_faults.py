"""What Azure Blob's refusals mean for people. Pure."""

from __future__ import annotations

from datetime import datetime

from collector.deliver.targets.blob_address import BlobAddress
from collector.deliver.targets.store import Answer, validity
from collector.errors import DeliveryError

#: Statuses after which the same request may be sent again. Source: Microsoft documentation, Blob service error codes.
_RETRY = frozenset({408, 429, 500, 502, 503, 504})
#: Codes that pass although their status does not say so; InvalidOperation is Azurite's word for Md5Mismatch.
_PASSING = frozenset({"ContainerBeingDeleted", "Md5Mismatch", "InvalidOperation", "AccountBeingCreated"})

_ROLE = "Give it the role Storage Blob Data Contributor on the container; that takes up to 10 minutes to count."
_NEW_SAS = "Make a new SAS with sp=rcw for the container, and give its URL."
#: Code -> what it means with a SAS, and what to do; "" stands for every other code of the status 403.
_WITH_SAS = {
    "AuthorizationPermissionMismatch": ("the SAS does not permit it", _NEW_SAS),
    "AuthorizationResourceTypeMismatch": ("the SAS is not for this kind of resource (sr, srt)", _NEW_SAS),
    "AuthorizationServiceMismatch": ("the SAS is not for the Blob service (ss)", _NEW_SAS),
    "AuthorizationProtocolMismatch": ("the SAS permits only https (spr)", "Give the address with https://."),
    "AuthorizationSourceIPMismatch": ("the SAS is not for this machine's address (sip)", _NEW_SAS),
    "KeyBasedAuthenticationNotPermitted": (
        "the account permits no SAS made with its key",
        "Make a user delegation SAS, or use the managed identity: the same URL without the query.",
    ),
}
_WITH_IDENTITY = {
    "AuthorizationPermissionMismatch": ("the managed identity may not write there", _ROLE),
    "InsufficientAccountPermissions": ("the managed identity may not write there", _ROLE),
}
_OTHERS = {
    "AuthorizationFailure": (
        "the account does not let this machine in, most often by its firewall",
        "Permit its subnet in the account's networking settings, or use a private endpoint.",
    ),
    "ContainerNotFound": ("there is no such container", "Make it, or correct the address."),
    "ContainerDisabled": ("the container is disabled", ""),
    "ResourceNotFound": ("there is no such container", "Make it, or correct the address."),
    "AccountIsDisabled": ("the account is disabled", ""),
    "PublicAccessNotPermitted": ("the account demands a SAS or an identity", _NEW_SAS),
}
_INVALID = (
    "the SAS is not valid: its signature does not match",
    "Was it copied whole, is the account's key still the same, does its stored access policy still exist?",
)
_NOT_ACCEPTED = (
    "the managed identity's token is not accepted",
    "Is the account in the tenant of that identity?",
)


def refusal(address: BlobAddress, answer: Answer, now: datetime) -> DeliveryError:
    """What people are told of an answer that is no success; nothing of the address but what `place` shows."""
    meanings = (_WITH_SAS if address.sas else _WITH_IDENTITY) | _OTHERS
    meaning, hint = meanings.get(answer.code, ("", ""))
    if answer.status in (401, 403):
        wrong = validity(address.start, address.end, answer.date, now)
        if wrong and (not meaning or answer.code == "AuthorizationFailure"):
            meaning, hint = f"the SAS is not valid: {wrong}", _NEW_SAS
        elif not meaning:
            meaning, hint = _INVALID if address.sas else _NOT_ACCEPTED
    if answer.status == 404 and not meaning:
        meaning, hint = "there is no such container or blob", "Correct the address."
    if 300 <= answer.status < 400:
        meaning, hint = "it redirects", "Give the store's own address."
    what = f": {meaning}" if meaning else ""
    retry = answer.status in _RETRY or answer.code in _PASSING
    return DeliveryError(
        f"Azure Blob refused ({answer.named}){what}", hint, retry=retry, retry_after=answer.retry_after
    )
