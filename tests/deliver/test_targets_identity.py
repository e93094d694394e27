"""The token of a managed identity: asked as documented, kept, renewed, and every refusal in words."""

from __future__ import annotations

import logging
import socket
import time

import pytest

from collector.deliver.targets.identity import ManagedIdentity
from collector.errors import DeliveryError
from collector.platforms.azure import MetadataService
from tests.deliver.metadata import CLIENT, RESOURCE, Metadata, metadata


def identity(server: Metadata, client: str | None = None, resource: str | None = None, clock=time.monotonic):
    return ManagedIdentity(client, resource, service=MetadataService(server.url), clock=clock)


def test_the_machine_s_own_identity():
    with metadata("") as server:
        assert identity(server).token() == server.issued[0]
    assert server.requests == [{"api-version": "2018-02-01", "resource": "https://storage.azure.com/"}]


@pytest.mark.parametrize(
    ("given", "asked"), [((CLIENT, None), {"client_id": CLIENT}), ((None, RESOURCE), {"msi_res_id": RESOURCE})]
)
def test_one_of_several_identities(given, asked):
    with metadata(CLIENT, "other") as server:
        assert identity(server, *given).token() == server.issued[0]
    assert asked.items() <= server.requests[0].items()


@pytest.mark.parametrize("with_span", [True, False], ids=["expires_in", "expires_on alone"])
def test_a_token_is_kept_and_renewed_before_it_expires(with_span: bool):
    now = [0.0]
    with metadata("") as server:
        server.with_span = with_span
        one = identity(server, clock=lambda: now[0])
        first = one.token()
        for now[0] in (10.0, 3290.0):
            assert one.token() == first
        assert len(server.issued) == 1
        now[0] = 3301.0
        assert one.token() == server.issued[1] != first


def test_a_token_that_was_refused_is_forgotten():
    with metadata("") as server:
        one = identity(server)
        one.token()
        assert one.is_kept
        one.forget()
        assert not one.is_kept
        one.token()
    assert len(server.issued) == 2


@pytest.mark.parametrize(("status", "least"), [(404, 0.0), (410, 10.0), (429, 7.0), (500, 1.0), (503, 1.0), (504, 1.0)])
def test_what_passes_may_be_asked_again_after_the_documented_wait(status: int, least: float):
    with metadata("", script=(status,)) as server:
        one = identity(server)
        with pytest.raises(DeliveryError, match=f"{status}: told to answer {status}") as error:
            one.token()
        assert (error.value.retry, error.value.retry_after) == (True, least)
        assert one.token() == server.issued[0]


@pytest.mark.parametrize(
    ("identities", "given", "says", "hint"),
    [
        ((CLIENT, "other"), (None, None), "several managed identities", "identity_client_id or identity_resource_id"),
        ((), (None, None), "no managed identity", "az vmss identity assign"),
        ((CLIENT,), ("another", None), "no such managed identity", "Check identity_client_id"),
        ((CLIENT,), (None, "/subscriptions/x"), "no such managed identity", "Check identity_client_id"),
    ],
)
def test_what_does_not_pass_is_not_asked_again(identities, given, says, hint):
    with metadata(*identities) as server, pytest.raises(DeliveryError, match=says) as error:
        identity(server, *given).token()
    assert not error.value.retry
    assert hint in error.value.hint


def test_no_metadata_service():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    one = ManagedIdentity(service=MetadataService(f"http://127.0.0.1:{port}"))
    with pytest.raises(DeliveryError, match="does not answer") as error:
        one.token()
    assert "SAS URL" in error.value.hint


def test_no_token_is_shown_or_logged(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    with metadata("") as server:
        answer = MetadataService(server.url).token("https://storage.azure.com/", None, None)
        identity(server).token()
    assert "eyJ" not in caplog.text + repr(answer)


def test_the_service_is_never_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with metadata("") as server:
        assert identity(server).token() == server.issued[0]
